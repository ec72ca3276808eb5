"""Wrong labels of known kinds for data sets of ten classes, and the folds of out-of-sample predictions."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def uniform(true, rate, rng):
    """`rate` of all labels, in expectation, become one of the nine other classes."""
    labels = true.copy()
    moved = rng.random(len(true)) < rate
    labels[moved] = (true[moved] + rng.integers(1, 10, moved.sum())) % 10
    return labels


def next_class(true, rate, rng):
    """`rate` of the even classes have the label of the next class."""
    labels = true.copy()
    for digit in range(0, 10, 2):
        of_digit = rng.permutation(np.flatnonzero(true == digit))
        labels[of_digit[: round(rate * len(of_digit))]] = digit + 1
    return labels
