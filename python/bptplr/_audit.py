"""Finds wrong labels in a training set and suggests corrections."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from bptplr import _arrays, _audit_exports, _core
from bptplr._arrays import Float32, Float64, Int64

if TYPE_CHECKING:
    from collections.abc import Callable

    from bptplr._arrays import ArrayLike, PathLike

#: Tolerance of the sum of a row of probabilities; 16-bit types deviate by up to 0.004.
_SUM_TOLERANCE = 0.01
#: Lower bound of probabilities, where the softmax of float32 starts to return zeros. All bounds up
#: to 1e-4 judge shares of a few votes the same, as the temperature compensates for them.
_LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
#: Rows of probabilities that are converted at a time.
_ROWS = 4096


@dataclass(frozen=True, eq=False, repr=False)  # arrays have no one answer to ==
class Audit:
    """Judgement of N labels of C classes."""

    labels: Int64  #: [N] the judged labels
    wrong_probability: Float64  #: [N] probability that the label is wrong
    suggested: Int64  #: [N] the most probable class other than the label
    ranking: Int64  #: [N] samples, the most certainly wrong label first
    joint: Float64  #: [C, C] expected samples labelled y (row) of true class c (column)
    transition: Float64  #: [C, C] probability that true class c (row) is labelled y (column)
    #: Whether predictions were judged; if not, the clean probability was used: see `audit_run`.
    by_predictions: bool
    expected_wrong: float  #: expected number of wrong labels
    wrong_interval: tuple[float, float]  #: the number of wrong labels lies in it with 95 %
    #: Weight, 0 to 1, of the explanation that the predictions follow wrong labels that the network
    #: has learnt; the more, the more of them is undone.
    learnt_noise: float
    not_to_be_used: str  #: why no label should be changed by this audit; empty if it is usable
    class_names: list[str] = field(default_factory=list)  #: of a run; else empty
    paths: list[str] = field(default_factory=list)  #: [N] files of a run's samples; else empty
    _core: _core.Audit | None = field(default=None, repr=False)

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against the audit: see `not_to_be_used`."""
        return not self.not_to_be_used

    def corrected_labels(self, threshold: float = 0.5) -> Int64:
        """Returns labels [N], the suggested ones where wrong_probability exceeds `threshold`.

        Raises:
            ValueError: threshold is not in [0, 1].
        """
        above = _arrays.share(threshold, "threshold")
        return np.where(self.wrong_probability > above, self.suggested, self.labels)

    def to_dataframe(self) -> Any:
        """Returns a pandas.DataFrame with a row a sample and cleanlab's names: is_label_issue,
        label_quality, given_label, predicted_label, and path where samples have files."""
        return _audit_exports.to_dataframe(self)

    def to_csv(self, path: PathLike) -> None:
        """Writes the same as CSV, the most suspicious label first, with the sample's index."""
        _audit_exports.to_csv(self, Path(_arrays.path(path, "path")))

    def to_json(self, path: PathLike) -> None:
        """Writes the numbers of the audit and a record a sample."""
        _audit_exports.to_json(self, Path(_arrays.path(path, "path")))

    def to_fiftyone(self) -> list[dict[str, Any]]:
        """Returns a record a sample as FiftyOne reads them (fo.Sample.from_dict)."""
        return _audit_exports.to_fiftyone(self)

    def __repr__(self) -> str:
        low, high = self.wrong_interval
        doubt = "" if self.usable else f"; not to be used: {self.not_to_be_used}"
        return (
            f"Audit({len(self.labels)} labels, {self.expected_wrong:.1f} expected wrong, "
            f"{low:.0f} to {high:.0f} with 95 %{doubt})"
        )

    def _repr_html_(self) -> str:
        """Shows the first suspects, with pictures where the samples are images, in a notebook."""
        if self._core is not None and self._core.has_data:
            suspects = json.loads(self._core.suspects(_audit_exports.SHOWN))
        else:
            first = self.ranking[: _audit_exports.SHOWN].tolist()
            suspects = [
                {
                    "sample": i,
                    "given": int(self.labels[i]),
                    "suggested": int(self.suggested[i]),
                    "wrong": float(self.wrong_probability[i]),
                }
                for i in first
            ]
        return _audit_exports.to_html(self, suspects)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_core": None}  # pictures are left out of pickles


def audit_of(core: _core.Audit) -> Audit:
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
        expected_wrong=core.expected_wrong,
        wrong_interval=core.wrong_interval,
        learnt_noise=core.learnt_noise,
        not_to_be_used=core.not_to_be_used,
        class_names=core.class_names,
        paths=core.files,
        _core=core,
    )


def audit_run(
    run: PathLike,
    *,
    data_path: PathLike = "",
    device: str = "auto",
    judge: str = "auto",
    folds: int = 5,
    progress: Callable[[int, int], object] | None = None,
) -> Audit:
    """Judges the training labels of a run of `bptplr train`, as `bptplr audit` does.

    Networks trained on partitions judge by their predictions, as in `audit_labels`. Networks
    trained on the labels as given (after the warm-up alone, or with `--method` ce, mixup or gce)
    reproduce them; a label is then wrong with probability 1 - clean_probability of the mixture.

    Args:
        run: Folder of the run; its data set is read again.
        data_path: New location of the data set; empty if it has not moved.
        device: "auto", "cpu" or "cuda".
        judge: "networks" of the run; "kernel": those and a kernel classifier of the features that
            has not seen the label; "folds": networks trained anew without each fold; or "auto",
            which is kernel for features and else networks.
        folds: Number of folds, 2 or more.
        progress: As in `audit_labels`; called once the networks have been evaluated.

    Raises:
        ValueError: A path or the device is not text, or progress cannot be called.
        bptplr.Error: A file is missing or does not fit, or the device is not available.
    """
    folders = (_arrays.path(run, "run"), _arrays.path(data_path, "data_path"))
    words = (_arrays.text(device, "device"), _arrays.text(judge, "judge"))
    count = _arrays.whole(folds, "folds", 2, most=1000)
    return audit_of(_core.audit_run(*folders, *words, count, _callback(progress)))


def _callback(progress: Callable[[int, int], object] | None) -> Callable[[int, int], object] | None:
    if progress is not None and not callable(progress):
        raise ValueError(f"progress must be callable, or None, not {_arrays.shown(progress)}")
    return progress


def _check_probabilities(p: Float64, begin: int) -> None:
    """Raises ValueError unless rows, the first of which is row `begin` of all, are probabilities."""
    if (p < 0).any():
        row, column = np.argwhere(p < 0)[0].tolist()
        raise ValueError(
            f"probabilities must not be negative, but probabilities[{begin + row}, {column}] is "
            f"{p[row, column]}"
        )
    sums = p.sum(axis=1)
    off = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
    if off.size > 0:
        raise ValueError(
            f"the rows of probabilities must sum to 1, but row {begin + off[0]} sums to "
            f"{sums[off[0]]:.6g}"
        )


def _logits_of(probabilities: ArrayLike) -> Float32:
    """Returns logits [N, C] with softmax `probabilities`, up to zeros and deviations of the sum."""
    all_rows = _arrays.finite(probabilities, "probabilities", ["N", "C"])
    logits = np.empty(all_rows.shape, np.float32)
    for begin in range(0, len(all_rows), _ROWS):  # float64 of all would be twice the memory
        part = slice(begin, begin + _ROWS)
        p = all_rows[part].astype(np.float64)
        _check_probabilities(p, begin)
        logits[part] = np.log(np.maximum(p, _LEAST_PROBABILITY))
    return logits


@overload
def audit_labels(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    progress: Callable[[int, int], object] | None = None,
) -> Audit: ...
@overload
def audit_labels(
    *,
    labels: ArrayLike,
    pred_probs: ArrayLike,
    progress: Callable[[int, int], object] | None = None,
) -> Audit: ...
@overload
def audit_labels(
    *,
    labels: ArrayLike,
    probabilities: ArrayLike,
    progress: Callable[[int, int], object] | None = None,
) -> Audit: ...
def audit_labels(
    logits: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    probabilities: ArrayLike | None = None,
    pred_probs: ArrayLike | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Audit:
    """Judges labels by the predictions of a network that has not merely memorised them.

    Uses the label model of `bptplr audit` (docs/audit.md): calibrated predictions p(x) and the
    noise transition T, both estimated without true labels, give the probability of each true
    class by Bayes' rule: P(c | x, y) = p_c(x) T[c, y] / sum_k p_k(x) T[k, y]. Where the predictions
    seem to follow noise that the network has learnt, as those of a classifier that was trained on
    other samples of the same noise do, that is undone first.

    Args:
        logits: [N, C], N >= 1, C >= 2, floating-point (float64 is rounded to float32), finite, from
            a network that is robust to wrong labels or was trained without these samples, or the
            mean of several networks.
        labels: [N], integers in [0, C).
        probabilities: [N, C], instead of logits: predictions of such a network or any other
            classifier (cleanlab's pred_probs), floating-point. Zeros are allowed; rows must sum to
            1 within 0.01.
        pred_probs: The same, under cleanlab's name.
        progress: Called about ten times a second with how many of how many steps are done, of
            different lengths and in this thread; what it raises ends the audit. Ctrl-C does too.

    Raises:
        ValueError: A shape or type does not fit, a logit is not finite in float32, probabilities are
            negative or do not sum to 1, both or neither of logits and probabilities are given, or
            progress cannot be called.
        bptplr.Error: A label is out of range, or there are too few samples or classes.
    """
    if labels is None:
        raise ValueError("labels must be integers, one a sample, not None")
    if pred_probs is not None and probabilities is not None:
        raise ValueError("pred_probs and probabilities are the same; pass one of them")
    probabilities = probabilities if pred_probs is None else pred_probs
    if logits is None and probabilities is not None:
        logits = _logits_of(probabilities)
    elif logits is None or probabilities is not None:
        raise ValueError("audit_labels takes either logits or probabilities; pass one of them")
    z = _arrays.finite(logits, "logits", ["N", "C"], np.float32)
    given = _arrays.labels(labels)
    _arrays.check_shape("labels", given, [len(z)])
    return audit_of(_core.audit_logits(z, given, _callback(progress)))
