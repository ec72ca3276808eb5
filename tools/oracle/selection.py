"""What the methods share when they choose which labels to trust.

Arrays are NumPy, float64: logits [N,C], labels [N], losses, distances and probabilities [N].
"""

import numpy as np


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(logits):
    return np.exp(log_softmax(logits))


def cross_entropy(logits, labels):
    """-log softmax(z_i)[y_i] of every sample."""
    return -log_softmax(logits)[np.arange(len(labels)), labels]


def min_max(losses):
    """Scaled to [0, 1] over the training set."""
    return (losses - losses.min()) / (losses.max() - losses.min())


def mean_of_last(history, epochs):
    """Mean over the last `epochs` arrays of `history`, which ends with the epoch under way; over
    all of them while there are fewer."""
    return np.mean(history[-epochs:], axis=0)


def divide(is_labelled):
    """(X, U): indices of the labelled and of the unlabelled samples, ascending."""
    return np.flatnonzero(is_labelled), np.flatnonzero(~is_labelled)


def smallest_per_class(score, labels, num_classes, budget):
    """Booleans [N]: of every label the min(class size, budget) samples with the smallest score,
    of equal ones those with the lower index."""
    chosen = np.zeros(len(labels), dtype=bool)
    for c in range(num_classes):
        members = np.flatnonzero(labels == c)
        by_score = members[np.argsort(score[members], kind="stable")]
        chosen[by_score[:budget]] = True
    return chosen


def batches(size_x, size_u, batch_x, batch_u, keep_incomplete, iterations=None):
    """The iterations of an epoch as (b, n_x, n_u): b counts within the pass over X, n_x and n_u
    are how many samples of X and U come next.

    One pass over X, or as many as `iterations` need; U is gone through again and again beside it.
    `keep_incomplete`: whether what is left at the end of a pass is a batch, too. Where a set has
    no batch at all, there are no iterations.
    """
    def sizes_of_pass(size, batch):
        rest = size % batch
        return [batch] * (size // batch) + ([rest] if rest and keep_incomplete else [])

    of_x, of_u = sizes_of_pass(size_x, batch_x), sizes_of_pass(size_u, batch_u)
    if not of_x or not of_u:
        return []
    count = len(of_x) if iterations is None else iterations
    return [(i % len(of_x), of_x[i % len(of_x)], of_u[i % len(of_u)]) for i in range(count)]
