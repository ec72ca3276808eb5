"""Views of images, label noise and the built-in images, bit for bit those of `bptplr`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Int64, UInt8

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike

_VIEWS = {"strong": _core.View.strong, "weak": _core.View.weak, "test": _core.View.test}


def autoaugment(
    images: ArrayLike,
    seed: int,
    *,
    view: Literal["strong", "weak", "test"] = "strong",
    samples: ArrayLike | None = None,
    epoch: int = 0,
    draw: int = 0,
    crop: int = 0,
    padding: int = 4,
) -> UInt8:
    """Returns training views of images: AutoAugment for CIFAR-10, equal to Pillow 9.4.

    The random numbers of an image depend only on seed, epoch, draw and its sample number, not on
    the batch or the number of threads.

    Args:
        images: uint8 [N, height, width, 3], sides below 8192 pixels.
        seed: In [0, 2^64).
        view: "weak": a random crop of the image, padded with zeros, and a random horizontal flip;
            "strong": weak, then one of the 25 sub-policies; "test": the central crop.
        samples: [N], integers in [0, 2^32): sample number of each image in the data set; by default
            0 to N-1.
        epoch: In [0, 2^32).
        draw: In [0, 2^20); views of one image in one epoch must differ in it.
        crop: Side of a view in pixels; 0: as large as the image.
        padding: Zeros on each side of the image that a random crop may reach into.

    Returns:
        uint8 [N, h, w, 3] of the crop.

    Raises:
        ValueError: A shape or type does not fit.
        bptplr.Error: The crop is larger than the padded images.
    """
    pixels = _arrays.images(images)
    if _arrays.text(view, "view") not in _VIEWS:
        raise ValueError(f"view must be one of {', '.join(_VIEWS)}, not {view!r}")
    numbers = np.arange(len(pixels)) if samples is None else _arrays.labels(samples, "samples")
    _arrays.check_shape("samples", numbers, [len(pixels)])
    if numbers.size > 0 and (numbers.min() < 0 or numbers.max() >= 1 << 32):
        raise ValueError("samples must lie in [0, 2^32)")
    return _core.views(
        pixels,
        numbers,
        _VIEWS[view],
        _arrays.seed(seed),
        _arrays.whole(epoch, "epoch"),
        _arrays.whole(draw, "draw", bits=20),
        _arrays.whole(crop, "crop", bits=13),
        _arrays.whole(padding, "padding", bits=13),
    )


def symmetric_noise(labels: ArrayLike, num_classes: int, rate: float, seed: int) -> Int64:
    """Replaces round(rate N) labels [N] by a class drawn uniformly, including the true one.

    Raises:
        ValueError: A shape or type does not fit.
        bptplr.Error: The rate is not in [0, 1] or a label not in [0, num_classes).
    """
    classes = _arrays.num_classes(num_classes)
    share = _arrays.number(rate, "rate")
    return _core.symmetric_noise(_arrays.labels(labels), classes, share, _arrays.seed(seed))


def asymmetric_noise_cifar10(labels: ArrayLike, rate: float, seed: int) -> Int64:
    """Replaces round(rate N) labels [N] of CIFAR-10 by the class that theirs is mistaken for.

    Truck becomes automobile, bird airplane, cat dog, dog cat, and deer horse; the other five do
    not change (Patrini et al., CVPR 2017).

    Raises:
        ValueError: A shape or type does not fit.
        bptplr.Error: The rate is not in [0, 1] or a label not in 0..9.
    """
    share = _arrays.number(rate, "rate")
    return _core.asymmetric_noise_cifar10(_arrays.labels(labels), share, _arrays.seed(seed))


def asymmetric_noise_cifar100(labels: ArrayLike, rate: float, seed: int) -> Int64:
    """Replaces each label [N] of CIFAR-100, with probability `rate`, by the next one of its five.

    In each block of five consecutive fine labels the first follows the last (Patrini et al., as
    commonly implemented).

    Raises:
        ValueError: A shape or type does not fit.
        bptplr.Error: The rate is not in [0, 1] or a label not in 0..99.
    """
    share = _arrays.number(rate, "rate")
    return _core.asymmetric_noise_cifar100(_arrays.labels(labels), share, _arrays.seed(seed))


def instance_noise(
    images: ArrayLike,
    labels: ArrayLike,
    num_classes: int,
    rate: float,
    seed: int,
    *,
    mean: Sequence[float],
    std: Sequence[float],
) -> Int64:
    """Adds instance-dependent noise to labels [N] (Xia et al., NeurIPS 2020, algorithm 2).

    Args:
        images: uint8 [N, height, width, 3].
        labels: [N], integers in [0, num_classes).
        num_classes: >= 2.
        rate: Mean share of wrong labels, in [0, 1].
        seed: In [0, 2^64).
        mean: Mean of each channel of the data set, for pixels from 0 to 1; finite.
        std: Standard deviation of each channel, finite and > 0.

    Raises:
        ValueError: A shape or type does not fit, or mean or std is out of range.
        bptplr.Error: The rate or a label is out of range.
    """
    pixels = _arrays.images(images)
    true = _arrays.labels(labels)
    _arrays.check_shape("labels", true, [len(pixels)])
    return _core.instance_noise(
        pixels,
        true,
        _arrays.num_classes(num_classes),
        _arrays.channels(mean, "mean"),
        _arrays.channels(std, "std", positive=True),
        _arrays.number(rate, "rate"),
        _arrays.seed(seed),
    )


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Dataset:
    """Images uint8 [N, height, width, 3] with labels int64 [N], in arrays that it owns."""

    class_names: list[str]
    mean: tuple[float, float, float]  #: of each channel, for pixels from 0 to 1
    std: tuple[float, float, float]
    train_images: UInt8
    train_labels: Int64
    test_images: UInt8
    test_labels: Int64


def make_shapes(n_train: int, n_test: int, *, seed: int = 1) -> Dataset:
    """Returns the built-in set of ten drawn shapes, 32 x 32 pixels; seed 1 is `--dataset shapes`.

    Raises:
        bptplr.Error: n_train or n_test is not in 1..10,000,000.
    """
    counts = (_arrays.whole(n_train, "n_train"), _arrays.whole(n_test, "n_test"))
    made = _core.make_shapes(_arrays.seed(seed), *counts)
    return Dataset(
        class_names=made.class_names,
        mean=_arrays.channels(made.mean, "mean"),
        std=_arrays.channels(made.std, "std"),
        train_images=np.array(made.train_images),  # copies, as the library's arrays are read-only
        train_labels=made.train_labels,
        test_images=np.array(made.test_images),
        test_labels=made.test_labels,
    )
