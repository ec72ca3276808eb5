"""Whether results on a GPU must be the same bits in every process."""

from __future__ import annotations

from bptplr import _core


def set_deterministic(value: bool) -> None:
    """Lets a GPU choose kernels by rule and not by measured time, for all calls from now on.

    The same calls then give the same bits in every process, more slowly. Loading a model of a run
    that was trained with `--deterministic true` sets it too. Results on a CPU always have the same
    bits.

    Raises:
        ValueError: `value` is not True or False.
    """
    if not isinstance(value, bool):
        raise ValueError("value must be True or False")
    _core.set_deterministic(value)


def get_deterministic() -> bool:
    """Returns whether a GPU chooses by rule."""
    return _core.get_deterministic()
