"""Finds near-duplicates and outliers by the features of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Float32, Int64

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from bptplr._arrays import ArrayLike


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class DataIssues:
    """Issues of N samples, as `bptplr audit` writes them to issues.csv. Scores are near 0 for one."""

    neighbours: Int64  #: [N, k] nearest other samples by cosine distance, nearest first
    distances: Float32  #: [N, k] their distances, 1 - cos
    near_duplicate_score: Float32  #: [N]
    is_near_duplicate: npt.NDArray[np.bool_]  #: [N]
    near_duplicate_sets: list[list[int]]  #: sets of samples that are nearly the same
    outlier_score: Float32  #: [N]
    is_outlier: npt.NDArray[np.bool_]  #: [N]
    rare_classes: list[int]  #: classes with less than a tenth of an equal share of the samples


def find_data_issues(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    num_classes: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> DataIssues:
    """Finds near-duplicates, outliers and rare classes.

    Compares all samples with all, exactly: 50,000 x 512 take seconds, ten times as many samples a
    hundred times as long.

    Args:
        features: [N, D], finite, of any network.
        labels: [N] integers in [0, num_classes).
        num_classes: Number of classes; None: the largest label + 1.
        progress: Called with percents done and 100; what it raises ends the search.

    Raises:
        ValueError: An argument has another form.
    """
    given = _arrays.labels(labels)
    x = _arrays.finite(features, "features", [given.size, "D"], np.float32)
    classes = num_classes if num_classes is not None else int(given.max(initial=0)) + 1
    classes = _arrays.num_classes(classes, 1024)
    if given.size > 0 and (given.min() < 0 or given.max() >= classes):
        raise ValueError(f"labels must lie in 0 to {classes - 1}")
    if progress is not None and not callable(progress):
        raise ValueError(f"progress must be callable, or None, not {_arrays.shown(progress)}")
    return issues_of(_core.data_issues(x, given, classes, progress), given.size)


def issues_of(found: dict[str, Any], count: int) -> DataIssues:
    """Returns the issues of `count` samples that the library has found."""
    shape = (count, found["k"])

    def each(name: str, dtype: type, otherwise: float) -> npt.NDArray[Any]:
        # A sample alone has no neighbours, and no issue.
        values = found[name] or [otherwise] * count
        return np.array(values, dtype)

    return DataIssues(
        neighbours=np.array(found["neighbours"], np.int64).reshape(shape),
        distances=np.array(found["distances"], np.float32).reshape(shape),
        near_duplicate_score=each("near_duplicate_score", np.float32, 1.0),
        is_near_duplicate=each("is_near_duplicate", np.bool_, False),
        near_duplicate_sets=found["near_duplicate_sets"],
        outlier_score=each("outlier_score", np.float32, 1.0),
        is_outlier=each("is_outlier", np.bool_, False),
        rare_classes=found["rare_classes"],
    )
