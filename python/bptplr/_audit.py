"""Which labels of a training set are wrong, and what to put instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Float64, Int64

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike, PathLike

#: How far the sum of a row of probabilities may be from 1; 16 bits come as far as 0.004.
_SUM_TOLERANCE = 0.01
#: What smaller probabilities are taken for: where the softmax of float32 begins to give zeros. Shares
#: of a few votes are judged alike up to 1e-4, as the temperature makes up for it.
_LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
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
        """[N] the labels, with the suggested ones where wrong_probability exceeds `threshold`.

        Raises:
            ValueError: threshold is not in [0, 1].
        """
        above = _arrays.share(threshold, "threshold")
        return np.where(self.wrong_probability > above, self.suggested, self.labels)


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
    run: PathLike,
    *,
    data_path: PathLike = "",
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
        ValueError: A path or the device is not text.
        bptplr.Error: A file is missing or does not fit, or the device cannot be had.
    """
    folders = (_arrays.path(run, "run"), _arrays.path(data_path, "data_path"))
    return _audit(_core.audit_run(*folders, _arrays.text(device, "device")))


def _logits_of(probabilities: ArrayLike) -> Float64:
    """[N, C] whose softmax is `probabilities`, up to zeros and what is missing to a sum of 1."""
    p = _arrays.finite(probabilities, "probabilities", ["N", "C"]).astype(np.float64)
    if (p < 0).any():
        row, column = np.argwhere(p < 0)[0].tolist()
        raise ValueError(
            f"probabilities must not be negative, but probabilities[{row}, {column}] is "
            f"{p[row, column]}"
        )
    sums = p.sum(axis=1)
    off = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
    if off.size > 0:
        raise ValueError(
            f"the rows of probabilities must sum to 1, but row {off[0]} sums to {sums[off[0]]:.6g}"
        )
    logits: Float64 = np.log(np.maximum(p, _LEAST_PROBABILITY))
    return logits


@overload
def audit_labels(logits: ArrayLike, labels: ArrayLike) -> Audit: ...
@overload
def audit_labels(*, labels: ArrayLike, probabilities: ArrayLike) -> Audit: ...
def audit_labels(
    logits: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    probabilities: ArrayLike | None = None,
) -> Audit:
    """Judges labels by what a network predicts that has not simply learnt them.

    The label model is that of `bptplr audit` (docs/audit.md): calibrated predictions p(x) and the
    noise transition T, both found without true labels, say by Bayes' rule which class is the true
    one: P(c | x, y) = p_c(x) T[c, y] / sum_k p_k(x) T[k, y].

    Args:
        logits: [N, C], N >= 1, C >= 2, floating-point (float64 is rounded to float32), finite: of a
            network that is robust to wrong labels or was trained without these samples; the mean
            of several.
        labels: [N], integers in [0, C).
        probabilities: [N, C], in place of logits: what such a network, or any other classifier,
            predicts (cleanlab's pred_probs), floating-point. Zeros are allowed; rows sum to 1
            within 0.01.

    Raises:
        ValueError: A shape or type does not fit, a logit is not finite in float32, probabilities are
            negative or do not sum to 1, or both or neither of logits and probabilities are given.
        bptplr.Error: A label is out of range, or there are too few samples or classes.
    """
    if labels is None:
        raise ValueError("labels must be integers, one a sample, not None")
    if logits is None and probabilities is not None:
        logits = _logits_of(probabilities)
    elif logits is None or probabilities is not None:
        raise ValueError("audit_labels takes either logits or probabilities; pass one of them")
    z = _arrays.finite(logits, "logits", ["N", "C"], np.float32)
    given = _arrays.labels(labels)
    _arrays.check_shape("labels", given, [len(z)])
    return _audit(_core.audit_logits(z, given))
