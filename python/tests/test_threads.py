"""Threads of Python, forks, and how many threads the library uses."""

import ctypes
import multiprocessing
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import bptplr


@pytest.fixture(autouse=True)
def number_of_threads():
    """What a test sets is not what the next ones run with."""
    before = bptplr.get_num_threads()
    yield
    bptplr.set_num_threads(before)


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


def in_child_with_threads(queue):
    bptplr.set_num_threads(2)
    queue.put((bptplr.get_num_threads(), views(3)))


def test_a_fork_may_use_threads_of_its_own():
    bptplr.set_num_threads(2)
    expected = views(3)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=in_child_with_threads, args=(queue,)) for _ in range(2)]
    try:
        for child in children:
            child.start()
        for _ in children:
            threads, result = queue.get(timeout=60)
            assert threads == 2
            np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(views(3), expected)
        assert bptplr.get_num_threads() == 2
        for child in children:
            child.join(timeout=60)
            assert child.exitcode == 0
    finally:
        for child in children:
            child.kill()


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


def longest_pause(call):
    """The longest time that this thread stood still while another one was in `call`, as a share of
    all the time that it took."""
    done = threading.Event()

    def work():
        try:
            call()
        finally:
            done.set()

    thread = threading.Thread(target=work)
    # A thread that keeps the lock from its first moment on also keeps start() from returning.
    times = [time.monotonic()]
    thread.start()
    while not done.is_set():
        times.append(time.monotonic())
        time.sleep(0.001)
    times.append(time.monotonic())
    thread.join()
    return np.diff(times).max() / (times[-1] - times[0])


def test_others_may_run_meanwhile():
    """A long call holds no lock: this thread counts on while another one computes."""
    assert longest_pause(lambda: bptplr.make_shapes(5_000, 1)) < 0.5


def test_a_call_that_holds_the_lock_would_be_seen():
    assert longest_pause(lambda: ctypes.PyDLL(None).usleep(300_000)) > 0.5


DAEMON = """
import threading
import numpy as np
import bptplr

losses = np.random.default_rng(0).random((2000, 2))
begun = threading.Event()


def work():
    held = bptplr.Selection("gmm", 2)
    while held:
        bptplr.gmm_fit(losses, seed=1)
        begun.set()


threading.Thread(target=work, daemon=True).start()
begun.wait()
"""


def test_the_end_does_not_disturb_a_thread_within_a_call():
    for _ in range(3):
        call = [sys.executable, "-c", DAEMON]
        result = subprocess.run(call, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0 and result.stderr == ""


def test_the_end_is_silent():
    """What still lives is no news."""
    script = (
        "import sys, bptplr\n"
        "made = [bptplr.gmm_fit([[0, 1], [1, 0.0], [0, 0]]), bptplr.Selection('gmm', 2)]\n"
        "made.append(made[1].divide([[0.5, 0.1, 0.2]], [0, 1, 0]))\n"
        "made.append(made)\n"
        "sys.modules['kept'] = made\n"
        "raise SystemExit(3)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 3 and result.stderr == ""


def test_number_of_threads():
    bptplr.set_num_threads(3)
    assert bptplr.get_num_threads() == 3
    for number in (0, -1, 1.5, None, "2"):
        with pytest.raises(ValueError, match="threads must be a whole number from 1"):
            bptplr.set_num_threads(number)
