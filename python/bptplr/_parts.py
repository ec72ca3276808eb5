"""Parts of the methods as a run uses them: distances from labels, selections, pseudo labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Float32, Float64, Int64, UInt8

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike


def _logits(value: ArrayLike, name: str, like: Float32 | None = None) -> Float32:
    logits = _arrays.finite(value, name, ["N", "C"], np.float32)
    if like is not None:
        _arrays.check_shape(name, logits, list(like.shape))
    if logits.shape[1] == 0:
        raise ValueError(f"{name} must have a column a class, not {list(logits.shape)}")
    return logits


def _labels(value: ArrayLike, count: int, classes: int) -> Int64:
    labels = _arrays.labels(value)
    _arrays.check_shape("labels", labels, [count])
    if labels.size > 0 and not 0 <= labels.min() <= labels.max() < classes:
        row = int(((labels < 0) | (labels >= classes)).argmax())
        raise ValueError(
            f"labels must be classes from 0 to {classes - 1}, but labels[{row}] is {labels[row]}"
        )
    return labels


def jensen_shannon_distance(
    logits_1: ArrayLike, logits_2: ArrayLike, labels: ArrayLike, base: str = "e"
) -> Float32:
    """Returns how far two networks are from each label (UNICON, Karim et al., CVPR 2022).

    With p = (softmax(logits_1) + softmax(logits_2)) / 2, y the one-hot label and m = (p + y) / 2,
    d = KL(p || m) / 2 + KL(y || m) / 2, where KL(a || b) = sum a log((a + 1e-10) / (b + 1e-10)).

    Args:
        logits_1: [N, C], finite, floating-point (float64 is rounded to float32).
        logits_2: As `logits_1`, of the other network; twice the same for one network.
        labels: [N], integers in [0, C).
        base: Of the logarithm: "e", where d is at most ln 2, or "2", where it is at most 1.

    Raises:
        ValueError: A shape or type does not fit, or a label is out of range.
        bptplr.Error: The base is another one.
    """
    first = _logits(logits_1, "logits_1")
    second = _logits(logits_2, "logits_2", like=first)
    given = _labels(labels, *first.shape)
    return _core.jensen_shannon_distance(first, second, given, _arrays.text(base, "base"))


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Division:
    """Division of N samples into those whose labels are trusted and the rest."""

    labelled: Int64  #: ascending indices of the samples whose label is trusted
    unlabelled: Int64  #: ascending indices of all others
    clean: Float64  #: [N] in [0, 1], a score of each label; from a mixture it is a probability
    weight: Float64  #: [N] in [0, 1], the weight w of the label in co-refinement
    num_clean: int  #: labels that pass the threshold, before classes are balanced


class Selection:
    """Selection of samples by evidence against their labels, as in a run with the same fields.

    Kinds:
        "gmm": Labels whose probability under the clean component of a mixture of two Gaussians
            exceeds `p_threshold` (DivideMix, PLReMix).
        "gmm_balanced": Of these as many as there are, equally many a class (BPT-PLR).
        "uniform": Of the labels below a cut-off on the distance equally many a class (UNICON). The
            cut-off is the mean distance or, where that exceeds `d_mu`, 1 / `filter_tau` of the way
            lower to the smallest one. `weight` is 1 below `trust_below`, else 1 - distance.
        "high_confidence": Labels that "gmm" has chosen in each of the last `run_length` epochs
            (LongReMix, first run). Keeps the largest such set of network 1 among the epochs from
            `warm_up` on that are among the last `confident_window` of `num_epochs`.
        "gmm_confident": As "gmm", with the set that the first run has kept always chosen (LongReMix,
            second run); `take_over` passes that set.
        "small_loss": The share 1 - `r` with the smallest loss (Co-teaching), r growing to its value
            over `lambda_ramp` epochs after the warm-up.

    A selection that looks back on earlier epochs must see all of them, in order.

    Args:
        kind: One of the above.
        num_classes: From 1 to 1024.
        seed: With the epoch and the network, the random stream of the mixtures' start.
        first_epoch: Number of the epoch that is the first of its run; other arguments count epochs
            from there.

    The other arguments are the fields of a recipe with these names.

    Raises:
        ValueError: An argument is of the wrong type.
        bptplr.Error: There is no such kind, or a number is out of range.
    """

    def __init__(
        self,
        kind: str,
        num_classes: int,
        *,
        seed: int = 0,
        first_epoch: int = 0,
        num_epochs: int = 401,
        warm_up: int = 10,
        p_threshold: float = 0.5,
        gmm_max_iter: int = 10,
        gmm_tol: float = 1e-2,
        gmm_reg_covar: float = 5e-4,
        d_mu: float = 0.7,
        filter_tau: float = 5.0,
        trust_below: float = 0.5,
        run_length: int = 5,
        confident_window: int = 150,
        r: float = 0.5,
        lambda_ramp: float = 16.0,
    ) -> None:
        self._classes = _arrays.num_classes(num_classes, _core.MAX_SET_CLASSES)
        self._first_epoch = _arrays.whole(first_epoch, "first_epoch")
        fields = {
            "selection": _arrays.text(kind, "kind"),
            "num_class": self._classes,
            "seed": _arrays.whole(seed, "seed", bits=63),
            "num_epochs": _arrays.whole(num_epochs, "num_epochs", low=1),
            "warm_up": _arrays.whole(warm_up, "warm_up"),
            "p_threshold": _arrays.share(p_threshold, "p_threshold"),
            "gmm_max_iter": _arrays.whole(gmm_max_iter, "gmm_max_iter"),
            "gmm_tol": _real(gmm_tol, "gmm_tol"),
            "gmm_reg_covar": _real(gmm_reg_covar, "gmm_reg_covar"),
            "d_mu": _real(d_mu, "d_mu"),
            "filter_tau": _real(filter_tau, "filter_tau"),
            "trust_below": _arrays.share(trust_below, "trust_below"),
            "run_length": _arrays.whole(run_length, "run_length"),
            "confident_window": _arrays.whole(confident_window, "confident_window"),
            "r": _arrays.share(r, "r"),
            "lambda_ramp": _real(lambda_ramp, "lambda_ramp"),
        }
        self._takes_two = kind in ("gmm", "gmm_balanced")
        self._core = _core.Selection(json.dumps(fields))

    def divide(
        self,
        evidence: Sequence[ArrayLike],
        labels: ArrayLike,
        epoch: int = 0,
        *,
        init_labels: ArrayLike | None = None,
    ) -> list[Division]:
        """Returns a division for each element of `evidence`.

        Args:
            evidence: For each of one or two networks, or once for both together: [N], N >= 1, one
                figure of each sample, or, with "gmm" and "gmm_balanced", [N, 2]. A higher figure
                means a less trustworthy label; losses are scaled to [0, 1]. float32, or float64 and
                rounded to it.
            labels: [N], integers in [0, num_classes): the noisy labels.
            epoch: Number of the epoch. Repeating an epoch replaces its earlier result.
            init_labels: [N], 0 or 1: what mixtures start from, instead of k-means.

        Raises:
            ValueError: A shape or type does not fit, or a label is out of range.
            bptplr.Error: The selection does not take such evidence, or lacks that of a first run.
        """
        if not 1 <= len(evidence) <= 2:
            raise ValueError(f"evidence must be of one or two networks, not {len(evidence)}")
        figures = [self._figures(part, f"evidence[{k}]") for k, part in enumerate(evidence)]
        count = len(figures[0])
        given = _labels(labels, count, self._classes)
        for k, part in enumerate(figures):
            _arrays.check_shape(f"evidence[{k}]", part, [count, *part.shape[1:]])
        start: UInt8 | None = None
        if init_labels is not None:
            chosen = _arrays.labels(init_labels, "init_labels")
            _arrays.check_shape("init_labels", chosen, [count])
            if chosen.min() < 0 or chosen.max() > 1:
                raise ValueError("init_labels must be 0 or 1")
            start = chosen.astype(np.uint8)
        number = _arrays.whole(epoch, "epoch", low=self._first_epoch)
        return [
            Division(d.labelled, d.unlabelled, d.clean, d.weight, d.num_clean)
            for d in self._core.divide(figures, given, number, self._first_epoch, start)
        ]

    def take_over(self, first: Selection) -> None:
        """Receives what the selection of a first run has kept for a second one."""
        self._core.take_over(first._core)

    def _figures(self, value: Any, name: str) -> Float32:
        in_plane = self._takes_two and np.ndim(value) == 2
        figures = _arrays.finite(value, name, ["N", 2] if in_plane else ["N"], np.float32)
        if len(figures) == 0:
            raise ValueError(f"{name} must have at least one sample")
        return figures


class PseudoLabels:
    """Class for which each sample counts when prototypes move, as in a run with the same fields.

    Kinds:
        "fixed": argmax of p = (softmax(s) + softmax(z)) / 2 where p exceeds `proto_threshold`, else
            argmax z (BPT-PLR), for logits z and prototype logits s. Maximum and threshold are
            compared as float32.
        "self_adaptive": argmax z, or -1 for a sample that counts for no class (PLReMix after
            FreeMatch, Wang et al., ICLR 2023). With a = (1 + cos(pi epoch / num_epochs)) / 2 and p =
            softmax((1 - a) s + a z), g <- m g + (1 - m) mean_i max_c p_ic and h_c <- m h_c + (1 - m)
            mean_i p_ic, both from 1 / C on; a sample counts if max p >= g h_c / max h at its c =
            argmax p. Every call moves g and h: both networks of a run share one object.

    Args:
        kind: One of the above.
        num_classes: From 1 to 1024.
        num_epochs: Epochs in which a falls from 1 to 0.
        pseudo_momentum: m, in [0, 1].
        proto_threshold: In [0, 1].

    Raises:
        ValueError: An argument is of the wrong type or out of range.
        bptplr.Error: There is no such kind.
    """

    def __init__(
        self,
        kind: str,
        num_classes: int,
        *,
        num_epochs: int = 401,
        pseudo_momentum: float = 0.99,
        proto_threshold: float = 0.8,
    ) -> None:
        self._classes = _arrays.num_classes(num_classes, _core.MAX_SET_CLASSES)
        fields = {
            "pseudo_label": _arrays.text(kind, "kind"),
            "num_class": self._classes,
            "num_epochs": _arrays.whole(num_epochs, "num_epochs", low=1),
            "pseudo_momentum": _arrays.share(pseudo_momentum, "pseudo_momentum"),
            "proto_threshold": _arrays.share(proto_threshold, "proto_threshold"),
        }
        self._core = _core.PseudoLabels(json.dumps(fields))

    def choose(self, logits: ArrayLike, prototype_logits: ArrayLike, epoch: int = 0) -> Int64:
        """Returns a class for each sample, int64 [N], -1 for none.

        Args:
            logits: z [N, C], N >= 1, finite, floating-point (float64 is rounded to float32).
            prototype_logits: s, as `logits`: projections times prototypes, over the temperature.
            epoch: Number of the epoch, from 0.

        Raises:
            ValueError: A shape or type does not fit.
        """
        z = _logits(logits, "logits")
        if z.shape[0] == 0 or z.shape[1] != self._classes:
            raise ValueError(
                f"logits must have the shape [N, {self._classes}], N >= 1, not {list(z.shape)}"
            )
        s = _logits(prototype_logits, "prototype_logits", like=z)
        return self._core.choose(z, s, _arrays.whole(epoch, "epoch"))


def _real(value: float, name: str) -> float:
    """Returns a finite number, which JSON can hold."""
    number = _arrays.number(value, name)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, not {number}")
    return number
