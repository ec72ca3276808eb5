"""Predictions and wrong labels as a network of a given accuracy would make them, with their truth."""

import numpy as np

#: Classes of a group resemble each other, and no other.
GROUP = 5
#: By how much the network is too sure of itself: its logits are those of the posterior times this.
BOLDNESS = 1.5
#: Samples made at a time, and by which a set's difficulty is chosen.
CHUNK, PILOT = 10_000, 4_000


def _logits(truth, classes, apart, rng):
    """Logits of classes whose means are `apart` on their own coordinate of a normal distribution,
    and half of that on those of the other classes of their group."""
    u = rng.standard_normal((len(truth), classes), dtype=np.float32)
    groups = u.reshape(len(truth), classes // GROUP, GROUP)
    groups[np.arange(len(truth)), truth // GROUP] += np.float32(apart / 2)
    u[np.arange(len(truth)), truth] += np.float32(apart / 2)
    groups += groups.sum(axis=2, keepdims=True)
    return np.float32(BOLDNESS * apart / 2) * u


def _apart(classes, accuracy):
    low, high = 0.1, 30.0
    for _ in range(20):
        apart = (low + high) / 2
        rng = np.random.default_rng(0)
        truth = rng.integers(classes, size=PILOT)
        right = np.mean(_logits(truth, classes, apart, rng).argmax(axis=1) == truth)
        low, high = (apart, high) if right < accuracy else (low, apart)
    return apart


def make(samples, classes, accuracy, noise=0.2, seed=1):
    """Returns logits [N, C] of a network, given labels [N] and true ones [N]. Of the wrong labels,
    a share of `noise`, half are those of the next class of the group, the others of any."""
    rng = np.random.default_rng(seed)
    apart = _apart(classes, accuracy)
    truth = rng.integers(classes, size=samples)
    logits = np.empty((samples, classes), np.float32)
    for begin in range(0, samples, CHUNK):
        part = slice(begin, begin + CHUNK)
        logits[part] = _logits(truth[part], classes, apart, rng)
    following = truth // GROUP * GROUP + (truth + 1) % GROUP
    anywhere = (truth + rng.integers(1, classes, size=samples)) % classes
    wrong = np.where(rng.random(samples) < 0.5, following, anywhere)
    return logits, np.where(rng.random(samples) < noise, wrong, truth), truth
