"""Inputs of selection passes, and what makes their results safe to compare."""

import numpy as np

from common import int64, normal

CLASSES = 6
# How near a value may be to where a decision turns, so that float32 decides alike.
DECISION_MARGIN = 1e-5


def logits_of(rng, labels, wrong, scale=3.0):
    """Logits [N,C] of a network that has learnt the classes, some better than others; `wrong`
    booleans [N]: the label is not what it sees."""
    classes = int(labels.max()) + 1
    seen = np.where(wrong, (labels + 1 + rng.integers(0, classes - 1, len(labels))) % classes, labels)
    z = normal(rng, len(labels), classes)
    sureness = (scale * (1 - 0.5 * seen / classes) * rng.uniform(0.3, 1.2, len(labels))).astype(np.float32)
    z[np.arange(len(labels)), seen] += sureness
    return z


def labels_of(rng, samples, wrong_share):
    """Noisy labels, classes of different sizes, and which of them are wrong."""
    shares = np.linspace(1, 2, CLASSES)
    labels = int64(rng.choice(CLASSES, samples, p=shares / shares.sum()))
    return labels, rng.random(samples) < wrong_share


def require_decided(values, limit, what):
    nearest = np.abs(values - limit).min()
    if nearest < DECISION_MARGIN:
        raise RuntimeError(f"{what}: a value is within {nearest:.1e} of {limit}; take another seed")


def require_ranked(score, labels, labelled, what):
    """Between what a class gives to the labelled set and what it keeps there must be a gap."""
    taken = np.isin(np.arange(len(labels)), labelled)
    for c in range(CLASSES):
        inside, outside = score[(labels == c) & taken], score[(labels == c) & ~taken]
        if len(inside) and len(outside) and outside.min() - inside.max() < DECISION_MARGIN:
            raise RuntimeError(f"{what}: two samples of class {c} are too near; take another seed")
