"""Which labels of a training set are wrong, and what to put instead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Float64, Int64

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike


@dataclass(frozen=True)
class Audit:
    """What is to be thought of N labels of C classes."""

    labels: Int64  #: [N] that were judged
    wrong_probability: Float64  #: [N] that the label is wrong
    suggested: Int64  #: [N] the most probable class but for the label
    ranking: Int64  #: [N] samples, the most surely wrong label first
    joint: Float64  #: [C, C] expected samples labelled y (row) of true class c (column)
    transition: Float64  #: [C, C] probability that true class c (row) is labelled y (column)
    #: Whether predictions were judged. If not, the clean probability was taken: see `audit_run`.
    by_predictions: bool

    def corrected_labels(self, threshold: float = 0.5) -> Int64:
        """[N] the labels, with the suggested ones where wrong_probability exceeds `threshold`."""
        return np.where(self.wrong_probability > threshold, self.suggested, self.labels)


def _audit(core: _core.Audit) -> Audit:
    joint, transition = core.joint, core.transition
    classes = round(joint.size**0.5)
    return Audit(
        labels=core.labels,
        wrong_probability=core.wrong_probability,
        suggested=core.suggested,
        ranking=core.ranking,
        joint=joint.reshape(classes, classes),
        transition=transition.reshape(classes, classes),
        by_predictions=core.by_predictions,
    )


def audit_run(
    run: str | os.PathLike[str],
    *,
    data_path: str | os.PathLike[str] = "",
    device: str = "auto",
) -> Audit:
    """Judges the labels that a run of `bptplr train` was given, as `bptplr audit` does.

    Networks that were trained on partitions judge by their predictions, as in `audit_labels`. Those
    that learnt the labels as they are (after the warm-up alone, or with `--method` ce, mixup or
    gce) repeat them; there a label is wrong with probability 1 - clean_probability of the mixture.

    Args:
        run: The folder of the run; its data set is read again.
        data_path: Where the data set has moved since; empty: nowhere.
        device: "auto", "cpu" or "cuda".

    Raises:
        bptplr.Error: A file is missing or does not fit, or the device cannot be had.
    """
    return _audit(_core.audit_run(os.fspath(run), os.fspath(data_path), device))


def audit_labels(logits: ArrayLike, labels: ArrayLike) -> Audit:
    """Judges labels by what a network predicts that has not simply learnt them.

    The label model is that of `bptplr audit` (docs/audit.md): calibrated predictions p(x) and the
    noise transition T, both found without true labels, say by Bayes' rule which class is the true
    one: P(c | x, y) = p_c(x) T[c, y] / sum_k p_k(x) T[k, y].

    Args:
        logits: [N, C], N >= 1, C >= 2, float32 or float64 (rounded to float32), finite: of a network
            that is robust to wrong labels or was trained without these samples; the mean of several.
        labels: [N], integers in [0, C).

    Raises:
        ValueError: A shape or type does not fit, or a logit is not finite.
        bptplr.Error: A label is out of range, or there are too few samples or classes.
    """
    z = _arrays.finite(logits, "logits", ["N", "C"])
    given = _arrays.labels(labels)
    _arrays.check_shape("labels", given, [len(z)])
    return _audit(_core.audit_logits(z.astype(np.float32), given))
