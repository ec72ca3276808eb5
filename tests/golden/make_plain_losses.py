"""plain_losses.safetensors: generalised cross-entropy, and cross-entropy with mixed labels."""

import numpy as np
import torch

from common import evaluate, int64, normal, put, scalar

import plain_losses


def make():
    rng, out = np.random.default_rng(913), {}
    shapes = {"c10": (8, 10, 2), "c100": (6, 100, 3), "batch1": (1, 10, 2), "confident": (5, 10, 12)}
    for name, (n, c, scale) in shapes.items():
        logits, labels = normal(rng, n, c, scale=scale), int64(rng.integers(0, c, n))
        y = torch.from_numpy(labels)
        q, l, perm = scalar(0.7), scalar(0.3), int64(rng.permutation(n))
        value, (grad,) = evaluate(lambda z: plain_losses.gce(z, y, float(q[0])), [logits], None)
        put(out, f"gce/{name}", logits=logits, labels=labels, q=q, value=value, dlogits=grad)
        value, (grad,) = evaluate(
            lambda z: plain_losses.mixup_ce(z, y, torch.from_numpy(perm), float(l[0])), [logits], None)
        put(out, f"mixup_ce/{name}", logits=logits, labels=labels, perm=perm, l=l, value=value, dlogits=grad)
    return out
