"""How many threads of the processor the library uses."""

from __future__ import annotations

import os

from bptplr import _arrays, _core


def set_num_threads(threads: int) -> None:
    """How many threads calls from this thread use from now on, >= 1; results do not depend on it.

    The number is OpenMP's own: where PyTorch shares that library, it changes with it. After a fork,
    in a worker of a data loader for instance, it is 1.
    """
    _core.set_num_threads(_arrays.whole(threads, "threads", low=1, bits=16))


def get_num_threads() -> int:
    """How many threads calls from this thread use at most."""
    return _core.get_num_threads()


# Threads do not survive a fork, and OpenMP would wait for them for ever.
os.register_at_fork(after_in_child=lambda: _core.set_num_threads(1))
