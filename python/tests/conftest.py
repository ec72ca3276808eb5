"""What the tests share. The oracles of the project are used where they lie, in tools/ and tests/."""

import importlib.util
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from bptplr import _core

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "oracle"))


def load_script(path):
    """A script of the project as a module."""
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_program(command):
    """What the command prints; where it fails, its own words are the failure."""
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode != 0:
        pytest.fail(f"{command} ended with code {ended.returncode}:\n{ended.stderr}")
    return ended.stdout


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as a terminal gives it: what a script starts beside itself has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def torch_on_gpu():
    """PyTorch, where it and the package can both use a GPU; with BPTPLR_WANTS_GPU they must."""
    skip = pytest.fail if os.environ.get("BPTPLR_WANTS_GPU") else pytest.skip
    try:
        import torch
    except ImportError as error:
        skip(f"without PyTorch there are no tensors on a GPU: {error}")
    if not torch.cuda.is_available():
        skip("PyTorch sees no GPU")
    if _core.cuda_device_count() == 0:
        skip(_core.no_cuda_device_reason())
    return torch


@pytest.fixture(scope="session")
def program():
    """The built `bptplr`, named by BPTPLR_PROGRAM."""
    path = os.environ.get("BPTPLR_PROGRAM")
    if not path:
        pytest.skip("BPTPLR_PROGRAM does not name the program bptplr")
    return path


@pytest.fixture(scope="session")
def run(program, tmp_path_factory):
    """The folder of a small run of the program: 200 of the built-in images, seed 5, r 0.4."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    flags = """--dataset shapes --shapes_train 200 --shapes_test 100 --width 4 --blocks 1,1,1,1
        --low_dim 16 --batch_size 32 --warm_up 1 --num_epochs 2 --r 0.4 --seed 5 --device cpu"""
    command = [program, "train", *flags.split(), "--out", str(folder)]
    run_program(command)
    return folder
