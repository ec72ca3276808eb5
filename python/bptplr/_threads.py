"""Number of CPU threads that the library uses."""

from __future__ import annotations

import os

from bptplr import _arrays, _core


def set_num_threads(threads: int) -> None:
    """Sets the number of threads (1 to 4096) for calls from this thread; results do not depend on it.

    The number is OpenMP's: if PyTorch shares that library, its number changes too. After a fork,
    e.g. in a worker of a data loader, it is 1 until it is set there.
    """
    _core.set_num_threads(_arrays.whole(threads, "threads", low=1, most=4096))


def get_num_threads() -> int:
    """Returns the maximum number of threads of calls from this thread."""
    return _core.get_num_threads()


# Threads do not survive a fork, and OpenMP would wait for them forever: none are left to wait for,
# and the parent starts new ones when it needs them.
os.register_at_fork(before=_core.release_threads, after_in_child=lambda: _core.set_num_threads(1))
