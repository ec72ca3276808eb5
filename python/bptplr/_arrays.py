"""Converts arguments of users to the arrays, numbers and text that the compiled module takes.

Invalid arguments raise a ValueError that names the argument.
"""

from __future__ import annotations

import numbers
import os
import reprlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

    #: Input that NumPy converts to an array; a tensor must be dense and on the CPU.
    ArrayLike = npt.ArrayLike | torch.Tensor
    #: Name of a file or folder.
    PathLike = str | bytes | os.PathLike[str]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]


def shown(value: object) -> str:
    """Returns a short text of any value, for errors."""
    try:
        return reprlib.repr(value)
    except Exception:  # of objects of others, and of integers of thousands of digits
        return f"a value of type {type(value).__name__}"


def is_tensor(value: object) -> bool:
    """Returns whether `value` is a tensor, without loading PyTorch if it is not in use."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def check_tensor(name: str, tensor: Any, devices: Sequence[str]) -> None:
    """Raises ValueError unless the tensor is dense, on a device of one of the kinds `devices`."""
    layout = str(tensor.layout).replace("torch.", "")
    if layout != "strided":
        raise ValueError(f"{name} must be a dense tensor, not {layout}; pass {name}.to_dense()")
    if tensor.device.type not in devices:
        wanted = " or ".join(devices)
        raise ValueError(f"{name} must be on {wanted}, not on {tensor.device}; move it with .to()")


def check_shape(name: str, array: Any, sides: Sequence[str | int]) -> None:
    """Raises ValueError unless sides match `sides`: a number is exact, a letter may be any."""
    shape = tuple(array.shape)
    fits = len(shape) == len(sides) and all(
        isinstance(want, str) or want == have for want, have in zip(sides, shape)
    )
    if not fits:
        wanted = ", ".join(str(side) for side in sides)
        raise ValueError(f"{name} must have the shape [{wanted}], not {list(shape)}")


def native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns the numbers in the byte order of this machine."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _array(value: ArrayLike, name: str) -> npt.NDArray[Any]:
    """Returns an array of any shape and type; a tensor may require gradients."""
    given: Any = value
    if is_tensor(given):
        check_tensor(name, given, ["cpu"])
        given = given.detach()
        if str(given.dtype) == "torch.bfloat16":  # which NumPy does not have
            given = given.float()
    try:
        array = np.asarray(given)
    except Exception as error:  # lists, tensors and arrays of other libraries may raise anything
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind == "O":
        raise ValueError(f"{name} must be numbers, in rows of equal length, not {shown(value)}")
    return native(array)


def _row_major(name: str, array: npt.NDArray[Any], dtypes: Sequence[type]) -> npt.NDArray[Any]:
    if array.dtype.type not in dtypes:
        wanted = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise ValueError(f"{name} must be {wanted}, not {array.dtype}")
    return np.require(array, requirements=["C", "A"])


def any_array(value: ArrayLike, name: str) -> npt.NDArray[Any]:
    """Returns numbers of any shape and type."""
    return _array(value, name)


def images(value: ArrayLike, name: str = "images") -> UInt8:
    """Returns images, uint8 [N, height, width, 3]."""
    array = _array(value, name)
    if array.ndim == 4 and array.shape[1] == 3 and array.shape[3] != 3:
        raise ValueError(
            f"{name} must be [N, height, width, 3], but these are [N, 3, height, width]; pass "
            f"{name}.transpose(0, 2, 3, 1), or .permute(0, 2, 3, 1) of a tensor"
        )
    check_shape(name, array, ["N", "height", "width", 3])
    if array.shape[1] == 0 or array.shape[2] == 0 or max(array.shape[1:3]) >= 8192:
        raise ValueError(f"{name} must have sides from 1 to 8191 pixels, not {array.shape[1:3]}")
    return _row_major(name, array, [np.uint8])


def labels(value: ArrayLike, name: str = "labels") -> Int64:
    """Returns labels, integers [N] of any type, in an array of their own.

    They are used as indices without the interpreter's lock: another thread that writes to the
    caller's array must not change them after they have been checked.
    """
    array = np.array(_array(value, name))
    check_shape(name, array, ["N"])
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers, not {array.dtype}")
    most = int(array.max())  # NumPy compares numbers beyond int64 as floating-point numbers
    if most >= 1 << 63:
        raise ValueError(f"{name} must be at most 2^63 - 1, not {most}")
    return np.require(array, np.int64, ["C", "A"])


def probabilities(value: ArrayLike, name: str) -> Float64:
    """Returns probabilities, floating-point numbers [N] of any type."""
    array = _array(value, name)
    check_shape(name, array, ["N"])
    if array.size > 0 and array.dtype.kind != "f":
        raise ValueError(f"{name} must be floating-point numbers, not {array.dtype}")
    return np.require(array, np.float64, ["C", "A"])


def finite(
    value: ArrayLike, name: str, sides: Sequence[str | int], dtype: type | None = None
) -> npt.NDArray[Any]:
    """Returns float32 or float64 (float16: as float32) of the shape `sides`, rounded to `dtype`.

    Values must be finite, also after rounding.
    """
    array = _array(value, name)
    check_shape(name, array, sides)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    array = _row_major(name, array, [np.float32, np.float64])
    with np.errstate(over="ignore"):  # overflow is reported below
        rounded = array if dtype is None else array.astype(dtype, copy=False)
    bad = ~np.isfinite(rounded)
    if bad.any():
        at = tuple(int(k) for k in np.unravel_index(bad.argmax(), bad.shape))
        kind = f" in {rounded.dtype}" if np.isfinite(array[at]) else ""
        raise ValueError(f"{name} must be finite{kind}, but {name}{list(at)} is {array[at]}")
    return rounded


def channels(
    value: Sequence[float], name: str, positive: bool = False
) -> tuple[float, float, float]:
    """Returns three finite float32, which must be > 0 if `positive`."""
    array = _array(value, name)
    if array.shape != (3,) or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be three numbers, one a channel, not {shown(value)}")
    with np.errstate(over="ignore"):
        red, green, blue = (float(number) for number in array.astype(np.float32))
    if not np.isfinite([red, green, blue]).all():
        raise ValueError(f"{name} must be finite, not {shown(value)}")
    if positive and min(red, green, blue) <= 0.0:
        raise ValueError(f"{name} must be greater than 0, not {shown(value)}")
    return red, green, blue


def _held(value: Any, name: str) -> Any:
    """Returns the value of an array or a tensor without axes; anything else unchanged."""
    if not is_tensor(value) and not isinstance(value, (np.ndarray, np.generic)):
        return value
    if getattr(value, "requires_grad", False):
        raise ValueError(f"{name} must be a number and gets no gradient; pass {name}.item()")
    if value.ndim != 0:
        return value
    try:
        return value.item()
    except RuntimeError as error:  # a tensor without memory
        raise ValueError(f"{name} must be a number, not {shown(value)}") from error


def number(value: float, name: str) -> float:
    """Returns a real number, which may be NaN or infinite."""
    held = _held(value, name)
    if not isinstance(held, numbers.Real):
        raise ValueError(f"{name} must be a number, not {shown(value)}")
    try:
        return float(held)
    except OverflowError as error:
        raise ValueError(f"{name} must be a number below 1.8e308") from error


def share(value: float, name: str) -> float:
    """Returns a number in [0, 1]."""
    part = number(value, name)
    if not 0.0 <= part <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], not {part}")
    return part


def whole(value: int, name: str, low: int = 0, bits: int = 32, most: int | None = None) -> int:
    """Returns an integer from `low` to `most`, or 2^bits - 1."""
    limit = (1 << bits) - 1 if most is None else most
    held = _held(value, name)
    is_number = isinstance(held, numbers.Real)
    integer: int | None
    try:
        integer = int(held) if is_number else None
    except (ValueError, OverflowError):  # of NaN and infinity
        integer = None
    if integer is None or integer != held or not low <= integer <= limit:
        to = f"2^{bits} - 1" if most is None else f"{most}"
        raise ValueError(f"{name} must be a whole number from {low} to {to}, not {shown(value)}")
    return integer


def num_classes(value: int, most: int = 1_000_000) -> int:
    """Returns a number of classes, each of which takes memory."""
    return whole(value, "num_classes", low=1, most=most)


def seed(value: int) -> int:
    return whole(value, "seed", bits=64)


def truth(value: bool, name: str) -> bool:
    """Returns True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, not {shown(value)}")
    return bool(value)


def text(value: str, name: str) -> str:
    """Returns text that can be encoded in UTF-8."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, not {shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} must be text in UTF-8, not {shown(value)}") from error
    if "\0" in value:  # the system would end the name there
        raise ValueError(f"{name} must be without null characters, not {shown(value)}")
    return value


def path(value: PathLike, name: str) -> str:
    """Returns the name of a file or folder, which must be UTF-8."""
    try:
        given = os.fspath(value)
    except TypeError as error:
        raise ValueError(f"{name} must be a path, not {shown(value)}") from error
    return text(os.fsdecode(given), name)
