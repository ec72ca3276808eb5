"""iteration.safetensors: whole training and warm-up iterations of a very small network."""

import numpy as np
import torch

from common import (float32, int64, nchw, normal, put, relu_margin, require_relu_margin, scalar,
                    uniform)
import bpt_plr
from preact_resnet import DEFAULT_IDENTITY_SHORTCUT, PreActResNet, initialise

BATCH, CLASSES, SIZE = 8, 10, 16
HYPER = dict(lr=0.02, momentum=0.9, weight_decay=5e-4)
SETTINGS = {"lambda": 12.5, "temperature": 0.5, "tau": 1.0, "l": 0.6875}  # exact in float32
KAPPA = 2
# Seeds of the training and the warm-up views, found by search for the ReLU margin, which
# depends on the network's form.
SEEDS = {"raw": (1208, 2038), "activated": (1011, 2068)}


def _network(rng):
    return initialise(PreActResNet(width=8, blocks=(1, 1, 1, 1), num_classes=CLASSES), rng)


def _tracked(state):
    return {n: v for n, v in state.items() if not n.endswith("num_batches_tracked")}


def _views(rng, count, noises):
    """name -> images: views of one sample resemble each other, as augmentations do."""
    base = normal(rng, count, SIZE, SIZE, 3)
    return {name: base + normal(rng, count, SIZE, SIZE, 3, scale=noise) for name, noise in noises.items()}


def _inputs(training_seed, warmup_seed):
    """All inputs, as they are stored."""
    out, rng = {}, np.random.default_rng(707)
    networks = {"k": _network(rng), "j": _network(rng)}
    for prefix, net in networks.items():
        # Running statistics as after some training, so that eval mode has sensible activations.
        net.train()
        with torch.no_grad():
            for _ in range(20):
                net(nchw(torch.from_numpy(normal(rng, 16, SIZE, SIZE, 3))))
        put(out, prefix, **_tracked(net.state_dict()))
    put(out, "k_momentum", **{n: normal(rng, *p.shape, scale=0.02)
                              for n, p in networks["k"].named_parameters()})

    rng = np.random.default_rng(training_seed)
    for side in "xu":
        noises = {f"views/{side}1": 0.2, f"views/{side}2": 0.2, f"views/{side}3": 0.6, f"views/{side}4": 0.6}
        out.update(_views(rng, BATCH, noises))
    out["y"], out["y_u"] = (int64(rng.integers(0, CLASSES, BATCH)) for _ in range(2))
    out["w"] = uniform(rng, 0.5, 1, BATCH)
    out["z_x"], out["z_u"] = normal(rng, BATCH, CLASSES, scale=3), normal(rng, BATCH, CLASSES, scale=3)
    out["perm"], out["kappa"] = int64(rng.permutation(4 * BATCH)), int64([KAPPA])
    for name, value in {**HYPER, **SETTINGS}.items():
        out[name] = scalar(value)

    rng = np.random.default_rng(warmup_seed)
    out.update(_views(rng, 2 * BATCH, {"warmup/weak": 0.2, "warmup/strong1": 0.6, "warmup/strong2": 0.6}))
    out["warmup/labels"] = int64(rng.integers(0, CLASSES, 2 * BATCH))
    return out


def _run(inputs, dtype, iterate):
    """Loads networks and momentum, runs `iterate`, returns (terms, weights, momentum) after."""
    def tensor(name):
        return torch.from_numpy(inputs[name]).to(dtype, copy=True)

    nets = {}
    for prefix in ("k", "j"):
        net = PreActResNet(width=8, blocks=(1, 1, 1, 1), num_classes=CLASSES).to(dtype)
        net.load_state_dict({n: tensor(f"{prefix}/{n}") for n in _tracked(net.state_dict())}, strict=False)
        nets[prefix] = net
    optimiser = torch.optim.SGD(nets["k"].parameters(), **HYPER)
    for name, p in nets["k"].named_parameters():
        optimiser.state[p]["momentum_buffer"] = tensor(f"k_momentum/{name}")
    terms = iterate(nets["k"], nets["j"], optimiser, tensor)
    momentum = {n: optimiser.state[p]["momentum_buffer"] for n, p in nets["k"].named_parameters()}
    return terms, _tracked(nets["k"].state_dict()), momentum


def _training(inputs, contrastive):
    def iterate(net_k, net_j, optimiser, tensor):
        views = {v: nchw(tensor(f"views/{v}")) for v in ("x1", "x2", "x3", "x4", "u1", "u2", "u3", "u4")}
        return bpt_plr.training_iteration(
            net_k, net_j, optimiser, views, torch.from_numpy(inputs["y"]), torch.from_numpy(inputs["y_u"]),
            tensor("w"), tensor("z_x"), tensor("z_u"), KAPPA, SETTINGS["l"], torch.from_numpy(inputs["perm"]),
            SETTINGS["lambda"], SETTINGS["temperature"], SETTINGS["tau"], contrastive)
    return iterate


def _warmup(inputs):
    def iterate(net_k, net_j, optimiser, tensor):
        weak, strong1, strong2 = (nchw(tensor(f"warmup/{v}")) for v in ("weak", "strong1", "strong2"))
        return bpt_plr.warmup_iteration(
            net_k, optimiser, weak, strong1, strong2, torch.from_numpy(inputs["warmup/labels"]))
    return iterate


def _deviation(single, double):
    """Largest |difference| / (1 + |value|) between the float32 and the float64 run."""
    worst = 0.0
    for part32, part64 in zip(single, double):
        for name, value in part64.items():
            difference = (part32[name].double() - value).abs() / (1 + value.abs())
            worst = max(worst, difference.max().item())
    return worst


def make():
    inputs = _inputs(*SEEDS[DEFAULT_IDENTITY_SHORTCUT])
    out = dict(inputs)
    variants = {"plr": _training(inputs, "plr"), "flat_plr": _training(inputs, "flat_plr"),
                "warmup": _warmup(inputs)}
    for variant, iterate in variants.items():
        with relu_margin() as margins:
            double = _run(inputs, torch.float64, iterate)
        require_relu_margin(margins, variant)
        deviation = _deviation(_run(inputs, torch.float32, iterate), double)
        print(f"  {variant}: float32 run within {deviation:.1e} of the float64 run")
        if deviation > 2e-5:
            raise RuntimeError(f"{variant}: float32 and float64 disagree by {deviation:.1e}")
        terms, weights, momentum = double
        for name, value in terms.items():
            key = name if name in ("p_u", "t_u", "p_x", "t_x") else f"{variant}/{name}"
            out[key] = float32(value)
        # The other variants' weights would add size but no test: weight - lr * momentum after.
        put(out, f"{variant}/k_after", **{n: v for n, v in weights.items()
                                          if "running" in n or (variant == "plr" and n != "prototypes")})
        put(out, f"{variant}/k_momentum_after", **momentum)
    return out
