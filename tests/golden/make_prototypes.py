"""prototypes.safetensors: initial class prototypes and their moving average."""

import numpy as np
import torch

from common import float64, int64, normal, put, scalar, unit_rows

import bpt_plr


def make():
    rng, out = np.random.default_rng(606), {}
    for name, (n, d, c) in {"c10": (60, 128, 10), "c100": (300, 20, 100), "odd": (13, 7, 3)}.items():
        # Every class at least once, in random order.
        labels = int64(rng.permutation(np.concatenate([np.arange(c), rng.integers(0, c, n - c)])))
        q = unit_rows(rng, n, d)
        put(out, f"init/{name}", q=q, labels=labels,
            prototypes=bpt_plr.initial_prototypes(float64(q), torch.from_numpy(labels), c))

    labels = int64(rng.permutation(np.repeat([0, 1, 2, 4], 5)))
    put(out, "init_missing/class3_of_5", q=unit_rows(rng, 20, 8), labels=labels, missing=int64([3]))

    # name: (N, D, C, logit scale, classes that z and s may favour). A small scale leaves every
    # sample below the threshold, a large one puts most above it.
    cases = {"c10": (80, 128, 10, 3.0, 10), "c100": (150, 16, 100, 4.0, 100), "batch1": (1, 8, 4, 5.0, 4),
             "all_below_threshold": (30, 16, 10, 0.5, 10), "mostly_above": (40, 16, 5, 12.0, 5),
             "classes_without_samples": (25, 16, 10, 3.0, 6)}
    for name, (n, d, c, scale, used) in cases.items():
        prototypes, q = unit_rows(rng, c, d), unit_rows(rng, n, d)
        z = normal(rng, n, c, scale=scale)
        s = np.clip(z + normal(rng, n, c, scale=scale), -10, 10)  # |q.p| / 0.1 is at most 10
        s[:, used:], z[:, used:] = -10, -10
        pseudo = bpt_plr.pseudo_labels(float64(s), float64(z), 0.8)
        put(out, f"update/{name}", prototypes=prototypes, q=q, s=s, z=z, momentum=scalar(0.99),
            threshold=scalar(0.8), pseudo=int64(pseudo.numpy()),
            prototypes_after=bpt_plr.update_prototypes(float64(prototypes), float64(q), pseudo, 0.99))
    return out
