"""Selects samples with correct labels: a mixture over losses, and the balanced partition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Float64, Int64, UInt8

if TYPE_CHECKING:
    import numpy.typing as npt

    from bptplr._arrays import ArrayLike


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class GmmFit:
    """Mixture of two Gaussians over D losses, one or two, of N samples."""

    weights: Float64  #: [2]
    means: Float64  #: [2, D], a row for each component
    covariances: Float64  #: [2, D, D]
    clean_component: int  #: component whose mean is nearer to the origin
    clean_probability: Float64  #: [N], posterior of the clean component
    #: Of the last E step, hence before the last M step; of one cluster, under its parameters, and
    #: infinite with reg_covar 0.
    mean_log_likelihood: float
    n_iter: int
    converged: bool
    #: Whether all samples have the same losses; every sample then counts as clean.
    one_cluster: bool


def _points_of(losses: ArrayLike) -> tuple[npt.NDArray[Any], int]:
    """Returns losses as points of the plane, on a line where there is one a sample, and how many
    there are a sample."""
    array = _arrays.any_array(losses, "losses")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != 1:
        return _arrays.finite(losses, "losses", ["N", 2]), 2
    line = _arrays.finite(array, "losses", ["N", 1])
    return np.concatenate([line, np.zeros_like(line)], axis=1), 1


def gmm_fit(
    losses: ArrayLike,
    *,
    max_iter: int = 10,
    tol: float = 1e-2,
    reg_covar: float = 5e-4,
    seed: int = 0,
    epoch: int = 0,
    network: int = 0,
    init_labels: ArrayLike | None = None,
) -> GmmFit:
    """Separates clean from wrongly labelled samples by two losses of each (PLReMix, section 3.3), or
    by one (DivideMix).

    Fits a mixture of two components with full covariances, with the semantics of scikit-learn's
    GaussianMixture(2): k-means labels give the first parameters, then E and M steps alternate. The
    result does not depend on the number of threads, and equals that of the program `bptplr` for the
    same seed, epoch, network (0 or 1) and float32 losses.

    Args:
        losses: [N, 2], [N, 1] or [N], N >= 1, float32 or float64 (16 bits: converted to float32),
            finite; each scaled to [0, 1] over the training set (for instance cross-entropy of the
            classifier and of the prototypes).
        max_iter: Maximum number of EM iterations, >= 1.
        tol: Change of the mean log-likelihood below which EM stops, >= 0.
        reg_covar: Added to the diagonals of the covariances, >= 0; > 0 for one loss.
        seed: With epoch and network, the random stream of the k-means++ seeds.
        init_labels: [N], 0 or 1: initial labels of EM, instead of those of k-means.

    Raises:
        ValueError: A shape or type does not fit, or a loss is not finite.
        bptplr.Error: An option is out of range, or a covariance collapsed (reg_covar near 0).
    """
    points, dimensions = _points_of(losses)
    start: UInt8 | None = None
    if init_labels is not None:
        labels = _arrays.labels(init_labels, "init_labels")
        _arrays.check_shape("init_labels", labels, [len(points)])
        if labels.size > 0 and (labels.min() < 0 or labels.max() > 1):
            raise ValueError("init_labels must be 0 or 1")
        start = labels.astype(np.uint8)
    fit = _core.gmm_fit(
        points,
        _arrays.whole(max_iter, "max_iter"),
        _arrays.number(tol, "tol"),
        _arrays.number(reg_covar, "reg_covar"),
        _arrays.seed(seed),
        _arrays.whole(epoch, "epoch"),
        _arrays.whole(network, "network"),
        start,
    )
    # The density across a line, where all samples are at the mean.
    across = 0.5 * math.log(2 * math.pi * reg_covar) if dimensions == 1 and reg_covar > 0 else 0.0
    return GmmFit(
        weights=np.array(fit.weights),
        means=np.array(fit.means)[:, :dimensions],
        covariances=np.array(fit.covariances)[:, :dimensions, :dimensions],
        clean_component=fit.clean_component,
        clean_probability=fit.clean_probability,
        mean_log_likelihood=fit.mean_log_likelihood + across,
        n_iter=fit.n_iter,
        converged=fit.converged,
        one_cluster=fit.one_cluster,
    )


class Partition(NamedTuple):
    """Ascending sample indices of both sets."""

    labelled: Int64
    unlabelled: Int64


def balanced_partition(
    clean_probability: ArrayLike, labels: ArrayLike, num_classes: int, threshold: float = 0.5
) -> Partition:
    """Divides a training set into a class-balanced labelled set and an unlabelled rest.

    With n = #{clean_probability > threshold}, every class gets up to floor(n / num_classes)
    labelled samples: those of its label with the largest probabilities, of equal ones the lower
    index. Either set may be empty.


    Args:
        clean_probability: [N], floating-point, in [0, 1].
        labels: [N], integers in [0, num_classes): the noisy labels.
        num_classes: >= 1.
        threshold: Probability above which a sample counts towards n, in [0, 1].

    Raises:
        ValueError: A shape or type does not fit, or threshold is out of range.
        bptplr.Error: A probability or a label is out of range.
    """
    probabilities = _arrays.probabilities(clean_probability, "clean_probability")
    noisy = _arrays.labels(labels)
    _arrays.check_shape("labels", noisy, [len(probabilities)])
    classes = _arrays.num_classes(num_classes)
    above = _arrays.share(threshold, "threshold")
    return Partition(*_core.balanced_partition(probabilities, noisy, classes, above))
