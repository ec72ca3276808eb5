"""What golden files of whole iterations share: views, networks with momentum, two precisions."""

import torch

from common import nchw, normal, put, relu_margin, require_relu_margin

from preact_resnet import initialise

# How far a float32 run may be from the float64 run whose results are stored.
LARGEST_DEVIATION = 2e-5


def tracked(state):
    """A state dict without num_batches_tracked."""
    return {n: v for n, v in state.items() if not n.endswith("num_batches_tracked")}


def similar_views(rng, shape, noises):
    """name -> images: views of one sample resemble each other, as augmentations do."""
    base = normal(rng, *shape)
    return {name: base + normal(rng, *shape, scale=noise) for name, noise in noises.items()}


def settle_statistics(net, rng, *shape):
    """Running statistics as after some training, so that eval mode has sensible activations."""
    net.train()
    with torch.no_grad():
        for _ in range(20):
            net(nchw(torch.from_numpy(normal(rng, *shape))))


def two_networks(rng, make_network, side):
    """The entries `k/...`, `j/...` and `k_momentum/...` of networks for images of side x side."""
    out = {}
    networks = {name: initialise(make_network(), rng) for name in "kj"}
    for name, net in networks.items():
        settle_statistics(net, rng, 16, side, side, 3)
        put(out, name, **tracked(net.state_dict()))
    put(out, "k_momentum", **{n: normal(rng, *p.shape, scale=0.02)
                              for n, p in networks["k"].named_parameters()})
    return out


def run(inputs, make_network, hyper, dtype, iterate):
    """Loads networks `k` and `j` and the momentum of k from `inputs`, then runs
    iterate(net_k, net_j, optimiser, tensor); returns (terms, weights, momentum) after it."""
    def tensor(name):
        return torch.from_numpy(inputs[name]).to(dtype, copy=True)

    nets = {}
    for prefix in ("k", "j"):
        net = make_network().to(dtype)
        net.load_state_dict({n: tensor(f"{prefix}/{n}") for n in tracked(net.state_dict())}, strict=False)
        nets[prefix] = net
    optimiser = torch.optim.SGD(nets["k"].parameters(), **hyper)
    for name, p in nets["k"].named_parameters():
        optimiser.state[p]["momentum_buffer"] = tensor(f"k_momentum/{name}")
    terms = iterate(nets["k"], nets["j"], optimiser, tensor)
    momentum = {n: optimiser.state[p]["momentum_buffer"] for n, p in nets["k"].named_parameters()}
    return terms, tracked(nets["k"].state_dict()), momentum


def _deviation(single, double):
    """Largest |difference| / (1 + |value|) between the float32 and the float64 run."""
    worst = 0.0
    for part32, part64 in zip(single, double):
        for name, value in part64.items():
            difference = (part32[name].double() - value).abs() / (1 + value.abs())
            worst = max(worst, difference.max().item())
    return worst


def run_checked(inputs, make_network, hyper, iterate, what):
    """The float64 run, refused where a float32 run could rightly come to something else."""
    with relu_margin() as margins:
        double = run(inputs, make_network, hyper, torch.float64, iterate)
    require_relu_margin(margins, what)
    deviation = _deviation(run(inputs, make_network, hyper, torch.float32, iterate), double)
    print(f"  {what}: float32 run within {deviation:.1e} of the float64 run")
    if deviation > LARGEST_DEVIATION:
        raise RuntimeError(f"{what}: float32 and float64 disagree by {deviation:.1e}")
    return double
