"""Inputs of one training iteration of another method, and the writing of its results."""

import numpy as np
import torch

from common import float32, int64, nchw, normal, put, scalar, uniform

from iterations import run_checked, similar_views, two_networks
from preact_resnet import PreActResNet

# X and U of different sizes, as the last batch of a pass or UNICON's batches of U have them.
SIZE_X, SIZE_U, CLASSES, SIDE, LOW_DIM, KAPPA = 4, 5, 6, 8, 8, 2
HYPER = dict(lr=0.02, momentum=0.9, weight_decay=5e-4)
SETTINGS = {"lambda": 12.5, "temperature": 0.5, "l": 0.6875}  # exact in float32


def make_network():
    return PreActResNet(width=2, blocks=(1, 1, 1, 1), num_classes=CLASSES, low_dim=LOW_DIM)


def inputs(seed, numbers="1234", class_sets=False):
    """All inputs, as they are stored: both networks, the momentum of k, views `numbers` of X and U;
    with `class_sets` what makes the negatives of the PLR loss."""
    out = two_networks(np.random.default_rng(808), make_network, SIDE)
    rng = np.random.default_rng(seed)
    for side, count in (("x", SIZE_X), ("u", SIZE_U)):
        noises = {f"views/{side}{n}": 0.2 if n in "12" else 0.6 for n in numbers}
        out.update(similar_views(rng, (count, SIDE, SIDE, 3), noises))
    out["y"], out["w"] = int64(rng.integers(0, CLASSES, SIZE_X)), uniform(rng, 0.5, 1, SIZE_X)
    out["perm"] = int64(rng.permutation(2 * (SIZE_X + SIZE_U)))
    if class_sets:
        out["y_u"], out["kappa"] = int64(rng.integers(0, CLASSES, SIZE_U)), int64([KAPPA])
        out["z_x"], out["z_u"] = (normal(rng, n, CLASSES, scale=3) for n in (SIZE_X, SIZE_U))
    for name, value in {**HYPER, **SETTINGS}.items():
        out[name] = scalar(value)
    return out


def mixmatch(training_iteration):
    """`training_iteration` of a method without a contrastive term, as put_results calls it."""
    def iterate(net_k, net_j, optimiser, tensor, views, labels):
        return training_iteration(net_k, net_j, optimiser, views, labels["y"], tensor("w"), SETTINGS["l"],
                                  labels["perm"], SETTINGS["lambda"], SETTINGS["temperature"])
    return iterate


def put_results(out, stored, variants):
    """Runs iterate(net_k, net_j, optimiser, tensor, views, labels) of every variant and adds to
    `out` its inputs, once, and its results under "iteration/"."""
    put(out, "iteration", **stored)
    for name, iterate in variants.items():
        def of_stored(net_k, net_j, optimiser, tensor):
            views = {key.removeprefix("views/"): nchw(tensor(key)) for key in stored if "views/" in key}
            labels = {key: torch.from_numpy(stored[key]) for key in ("y", "y_u", "perm") if key in stored}
            return iterate(net_k, net_j, optimiser, tensor, views, labels)

        terms, weights, momentum = run_checked(stored, make_network, HYPER, of_stored, name)
        for key, value in terms.items():
            shared = key in ("p_u", "t_u", "p_x", "t_x")
            out[f"iteration/{key}" if shared else f"iteration/{name}/{key}"] = float32(value)
        # Weights would add size but no test: weight - lr * momentum after. Nor would the momentum of
        # a second loss, whose gradients have golden files of their own.
        if name != next(iter(variants)):
            continue
        put(out, f"iteration/{name}/k_after", **{n: v for n, v in weights.items() if "running" in n})
        put(out, f"iteration/{name}/k_momentum_after", **momentum)
