"""iteration.safetensors: whole training and warm-up iterations of a very small network."""

import numpy as np
import torch

from common import float32, int64, nchw, normal, put, scalar, uniform

import bpt_plr
from iterations import run_checked, similar_views, two_networks
from preact_resnet import DEFAULT_IDENTITY_SHORTCUT, PreActResNet

BATCH, CLASSES, SIZE = 8, 10, 16
HYPER = dict(lr=0.02, momentum=0.9, weight_decay=5e-4)
SETTINGS = {"lambda": 12.5, "temperature": 0.5, "tau": 1.0, "l": 0.6875}  # exact in float32
KAPPA = 2
# Seeds of the training and the warm-up views, found by search for the ReLU margin, which
# depends on the network's form.
SEEDS = {"raw": (1208, 2038), "activated": (1011, 2068)}


def _make_network():
    return PreActResNet(width=8, blocks=(1, 1, 1, 1), num_classes=CLASSES)


def _views(rng, count, noises):
    return similar_views(rng, (count, SIZE, SIZE, 3), noises)


def _inputs(training_seed, warmup_seed):
    """All inputs, as they are stored."""
    out = two_networks(np.random.default_rng(707), _make_network, SIZE)
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


def make():
    inputs = _inputs(*SEEDS[DEFAULT_IDENTITY_SHORTCUT])
    out = dict(inputs)
    variants = {"plr": _training(inputs, "plr"), "flat_plr": _training(inputs, "flat_plr"),
                "warmup": _warmup(inputs)}
    for variant, iterate in variants.items():
        terms, weights, momentum = run_checked(inputs, _make_network, HYPER, iterate, variant)
        for name, value in terms.items():
            key = name if name in ("p_u", "t_u", "p_x", "t_x") else f"{variant}/{name}"
            out[key] = float32(value)
        # The other variants' weights would add size but no test: weight - lr * momentum after.
        put(out, f"{variant}/k_after", **{n: v for n, v in weights.items()
                                          if "running" in n or (variant == "plr" and n != "prototypes")})
        put(out, f"{variant}/k_momentum_after", **momentum)
    return out
