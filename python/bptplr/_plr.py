"""Pseudo-label relaxed contrastive loss (PLR), for PyTorch and for NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from bptplr import _core
from bptplr._arrays import (
    Float32,
    Int64,
    check_shape,
    check_tensor,
    is_tensor,
    native,
    number,
    whole,
)

if TYPE_CHECKING:
    import torch

#: Array or tensor; results are of the same kind.
Floats = TypeVar("Floats", npt.NDArray[np.float32], npt.NDArray[np.float64], "torch.Tensor")


def _checked(name: str, value: Any, like: Any, dtypes: tuple[str, ...]) -> Any:
    """Returns `value`, row-major and in the byte order of this machine.

    It must be an array if `like` is one, else a tensor on its device, and of one of `dtypes`.
    """
    tensor = is_tensor(like)
    if not tensor and not isinstance(like, np.ndarray):
        raise ValueError(f"{name} must be a NumPy array or a tensor, not {type(like).__name__}")
    if is_tensor(value) != tensor or not (tensor or isinstance(value, np.ndarray)):
        kind = "a tensor" if tensor else "a NumPy array"
        raise ValueError(f"{name} must be {kind} like the rest, not {type(value).__name__}")
    if tensor and value.device != like.device:
        raise ValueError(f"{name} is on {value.device}, but the rest on {like.device}")
    if tensor:
        check_tensor(name, value, ["cpu", "cuda"])
    else:
        value = native(value)
    dtype = str(value.dtype).replace("torch.", "")
    if dtype not in dtypes:
        raise ValueError(f"{name} must be {' or '.join(dtypes)}, not {dtype}")
    return value.contiguous() if tensor else np.require(value, requirements=["C", "A"])


def _widened(value: Any) -> Any:
    """Returns float16 and bfloat16 as float32, which is exact; other types unchanged."""
    if is_tensor(value):
        return value.float() if str(value.dtype) in ("torch.float16", "torch.bfloat16") else value
    if isinstance(value, np.ndarray) and value.dtype == np.float16:
        return value.astype(np.float32)
    return value


def _is_on_gpu(value: Any) -> bool:
    return is_tensor(value) and bool(value.is_cuda)


def _call(function: Any, like: Any, *arguments: Any) -> None:
    """Calls the compiled `function`, which reads and writes the memory of its arguments."""
    if not is_tensor(like):
        function(*arguments, stream=0)
        return
    import torch

    capsules = [
        torch.to_dlpack(value.detach()) if isinstance(value, torch.Tensor) else value
        for value in arguments
    ]
    if not _is_on_gpu(like):
        function(*capsules, stream=0)
        return
    # Work is queued on PyTorch's current stream, after earlier work.
    with torch.cuda.device(like.device):
        function(*capsules, stream=torch.cuda.current_stream().cuda_stream)


def _empty(like: Any, shape: tuple[int, ...], dtype: str | None = None) -> Any:
    """Returns an uninitialised array or tensor like `like`, of its dtype unless one is given."""
    if not is_tensor(like):
        return np.empty(shape, dtype or like.dtype)
    import torch

    return torch.empty(
        shape, dtype=getattr(torch, dtype) if dtype else like.dtype, device=like.device
    )


@overload
def class_sets(logits: Float32, labels: Int64, kappa: int) -> Int64: ...
@overload
def class_sets(logits: torch.Tensor, labels: torch.Tensor, kappa: int) -> torch.Tensor: ...
def class_sets(logits: Any, labels: Any, kappa: int) -> Any:
    """Returns possible classes of each sample: those of its `kappa` largest logits and its label.

    Two samples repel each other in `plr_loss` only if their sets have no class in common. The sets
    of a whole training set may be computed once per epoch and indexed by row.

    Args:
        logits: float32 [N, C] of the classifier, C <= 1024, without NaN; float16 and bfloat16 are
            converted. Of equal logits the lower class comes first.
        labels: int64 [N] in [0, C), the noisy labels; of the kind of `logits` and on its device.
        kappa: Number of largest logits; with 0 the set is the label alone, with C or more all
            classes.

    Returns:
        int64 [N, ceil(C / 64)], of the kind of `logits` and on its device: class c is bit c % 64 of
        word c // 64.

    Raises:
        ValueError: A shape, type, device or label does not fit, or a logit is NaN.
        bptplr.Error: The logits are on a GPU, but this build has no CUDA.
    """
    logits = _widened(logits)
    logits = _checked("logits", logits, logits, ("float32",))
    labels = _checked("labels", labels, logits, ("int64",))
    check_shape("logits", logits, ["N", "C"])
    count, classes = logits.shape
    check_shape("labels", labels, [count])
    # Other threads may write to the caller's labels after the check, as long as they are the same.
    labels = labels.clone() if is_tensor(labels) else labels.copy()
    if not 1 <= classes <= _core.MAX_SET_CLASSES:
        raise ValueError(f"logits must be of 1 to {_core.MAX_SET_CLASSES} classes, not {classes}")
    if count > 0 and (int(labels.min()) < 0 or int(labels.max()) >= classes):
        raise ValueError(f"labels must lie in [0, {classes}), as many as logits has columns")
    has_nan = (logits != logits).any(1)  # for arrays and tensors alike
    if bool(has_nan.any()):
        row = int(has_nan.nonzero()[0][0])
        raise ValueError(f"logits must not be NaN, but one in row {row} is")
    sets = _empty(logits, (count, -(-classes // 64)), "int64")
    _call(_core.class_sets, logits, logits, labels, whole(kappa, "kappa"), sets)
    return sets


def plr_loss_and_gradient(
    features: Floats, class_sets: Any, tau: float = 1.0, flat: bool = False
) -> tuple[Floats, Floats]:
    """Returns value and gradient of `plr_loss` in one call, for use without autograd.

    Args:
        features: float32 or float64 [2n, dim], a NumPy array or a tensor; float32 on a GPU.
        class_sets: As in `plr_loss`; of the kind of `features` and on its device.
        tau: As in `plr_loss`.
        flat: As in `plr_loss`.

    Returns:
        The scalar loss and its gradient [2n, dim] with respect to `features`; of the kind and dtype
        of `features`, on its device.

    Raises:
        ValueError: A shape, type or device does not fit, or tau is not a finite number above 0.
        bptplr.Error: The features are on a GPU, but this build has no CUDA.
    """
    dtypes = ("float32",) if _is_on_gpu(features) else ("float32", "float64")
    given: Any = _checked("features", features, features, dtypes)
    check_shape("features", given, ["2n", "dim"])
    rows, dim = given.shape
    if rows % 2 != 0 or dim == 0:
        raise ValueError(
            f"features must be two views of each sample, [2n, dim], not [{rows}, {dim}]"
        )
    if class_sets is not None:
        class_sets = _checked("class_sets", class_sets, given, ("int64",))
        check_shape("class_sets", class_sets, [rows // 2, "words"])
        words = class_sets.shape[1]
        if not 1 <= words <= _core.MAX_SET_CLASSES // 64:
            raise ValueError(
                f"class_sets must have 1 to {_core.MAX_SET_CLASSES // 64} words a row, not {words}; "
                "pass None where there are no sets"
            )
    tau = number(tau, "tau")
    if not 0.0 < tau < float("inf"):
        raise ValueError(f"tau must be greater than 0 and finite, not {tau}")
    loss, gradient = _empty(given, (1,)), _empty(given, (rows, dim))
    _call(_core.plr, given, given, class_sets, tau, bool(flat), loss, gradient)
    return loss.reshape(()), gradient


def plr_loss(
    features: torch.Tensor,
    class_sets: torch.Tensor | None,
    tau: float = 1.0,
    flat: bool = False,
) -> torch.Tensor:
    """Returns the pseudo-label relaxed contrastive loss of PLReMix (arXiv 2402.17589).

    2n anchors f are two views of each of n samples; s_ij = f_i . f_j / tau. The only positive of an
    anchor is its other view. Its negatives are the anchors of samples whose class sets have no
    class in common with its own; all other anchors are ignored. The loss is differentiable.

    - PLR: l_i = -s_i,pos + log(exp s_i,pos + sum over negatives j of exp s_ij), mean over all
      anchors; an anchor without negatives has loss 0.
    - flat: v_i = log sum over negatives j of exp(s_ij - s_i,pos), l_i = exp(v_i - constant(v_i)),
      whose value is 1 and whose gradient is that of v_i; mean over the anchors that have a
      negative, 0 if none has.

    Value and gradient are computed together in tiles; memory is linear in n. The tensors' memory is
    used without copies, on the CPU and, if this build has CUDA, on the GPU, on PyTorch's current
    stream. There is no second derivative.

    Args:
        features: [2n, dim], rows of unit norm: n rows of one view, then n rows of the other view
            of the same samples in the same order. float32, or float64 on the CPU; float16 and
            bfloat16 are converted. Copied only if it is not contiguous.
        class_sets: int64 [n, words] of `bptplr.class_sets`, 1 to 16 words, on the same device. A
            row of zeros has no class in common with any other: that sample and all others are
            negatives of each other. None: all rows are zeros (InfoNCE; flat: FlatNCE).
        tau: Temperature, > 0 and finite. It gets no gradient; a tensor that requires one is
            refused.
        flat: Whether to compute the flat loss instead of PLR.

    Returns:
        The scalar loss.

    Raises:
        ValueError: A shape, type or device does not fit, or tau is not a finite number above 0.
        bptplr.Error: The features are on a GPU, but this build has no CUDA.
    """
    if not is_tensor(features):
        raise ValueError("features must be a tensor; plr_loss_and_gradient takes arrays, too")
    from bptplr._autograd import PlrLoss

    loss: torch.Tensor = PlrLoss.apply(_widened(features), class_sets, tau, flat)
    return loss
