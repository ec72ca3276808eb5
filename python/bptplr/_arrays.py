"""What users pass, as the arrays that the compiled module takes; ValueError where it does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

    #: What NumPy makes an array of; a tensor must be on the CPU and outside the tape.
    ArrayLike = npt.ArrayLike | torch.Tensor

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]


def check_shape(name: str, array: Any, sides: Sequence[str | int]) -> None:
    """`sides`: a number where a side must be that, a letter where it may be any."""
    shape = tuple(array.shape)
    fits = len(shape) == len(sides) and all(
        isinstance(want, str) or want == have for want, have in zip(sides, shape)
    )
    if not fits:
        wanted = ", ".join(str(side) for side in sides)
        raise ValueError(f"{name} must have the shape [{wanted}], not {list(shape)}")


def _row_major(name: str, array: npt.NDArray[Any], dtypes: Sequence[type]) -> npt.NDArray[Any]:
    if array.dtype.type not in dtypes:
        wanted = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise ValueError(f"{name} must be {wanted}, not {array.dtype}")
    return np.require(array, requirements=["C", "A"])


def images(value: ArrayLike) -> UInt8:
    """uint8 [N, height, width, 3]"""
    array = np.asarray(value)
    check_shape("images", array, ["N", "height", "width", 3])
    if array.shape[1] == 0 or array.shape[2] == 0 or max(array.shape[1:3]) >= 8192:
        raise ValueError(f"images must have sides from 1 to 8191 pixels, not {array.shape[1:3]}")
    return _row_major("images", array, [np.uint8])


def labels(value: ArrayLike, name: str = "labels") -> Int64:
    """Integers [N], of any type"""
    array = np.asarray(value)
    check_shape(name, array, ["N"])
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, not {array.dtype}")
    return np.require(array, np.int64, ["C", "A"])


def probabilities(value: ArrayLike, name: str) -> Float64:
    """Floating-point numbers [N], of any type"""
    array = np.asarray(value)
    check_shape(name, array, ["N"])
    if array.size > 0 and array.dtype.kind != "f":
        raise ValueError(f"{name} must be floating-point numbers, not {array.dtype}")
    return np.require(array, np.float64, ["C", "A"])


def finite(value: ArrayLike, name: str, sides: Sequence[str | int]) -> npt.NDArray[Any]:
    """float32 or float64 of the shape `sides`, rows of finite numbers"""
    array = np.asarray(value)
    check_shape(name, array, sides)
    array = _row_major(name, array, [np.float32, np.float64])
    rows = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if rows.size > 0:
        raise ValueError(f"{name} must be finite, but row {rows[0]} is {array[rows[0]]}")
    return array


def channels(value: Sequence[float], name: str) -> tuple[float, float, float]:
    """Three numbers"""
    numbers = tuple(float(number) for number in value)
    if len(numbers) != 3:
        raise ValueError(f"{name} must be three numbers, one a channel, not {len(numbers)}")
    return numbers


def whole(value: int, name: str, low: int = 0, bits: int = 32) -> int:
    """An integer in [low, 2^bits)"""
    number = int(value)
    if number != value or not low <= number < 1 << bits:
        raise ValueError(f"{name} must be a whole number from {low} to 2^{bits} - 1, not {value}")
    return number


def seed(value: int) -> int:
    return whole(value, "seed", bits=64)
