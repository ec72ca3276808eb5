"""Threads of Python, forks, and how many threads the library uses."""

import multiprocessing
import threading
import time

import numpy as np
import pytest

import bptplr


def views(seed):
    return bptplr.autoaugment(bptplr.make_shapes(600, 1).train_images, seed)


def in_child(queue):
    queue.put((bptplr.get_num_threads(), views(3)))


def test_a_fork_computes_on():
    """A worker of a data loader: the threads that the parent has used are not there."""
    bptplr.set_num_threads(2)
    expected = views(3)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=in_child, args=(queue,))
    child.start()
    threads, result = queue.get(timeout=60)
    child.join(timeout=60)
    assert child.exitcode == 0 and threads == 1
    np.testing.assert_array_equal(result, expected)


def test_threads_do_not_disturb_each_other():
    expected = [views(seed) for seed in range(4)]
    results = [None] * 4

    def work(k):
        results[k] = views(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result, wanted in zip(results, expected):
        np.testing.assert_array_equal(result, wanted)


def test_others_may_run_meanwhile():
    """A long call holds no lock: this thread counts on while another one computes."""
    done = threading.Event()

    def work():
        try:
            bptplr.make_shapes(20_000, 1)
        finally:
            done.set()

    started = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    longest, last = 0.0, time.monotonic()
    while not done.is_set():
        time.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    thread.join()
    assert longest < 0.5 * (time.monotonic() - started)


def test_number_of_threads():
    bptplr.set_num_threads(3)
    assert bptplr.get_num_threads() == 3
    for number in (0, -1, 1.5):
        with pytest.raises(ValueError, match="threads must be a whole number from 1"):
            bptplr.set_num_threads(number)
    bptplr.set_num_threads(2)
