"""What the tests share. The oracles of the project are used where they lie, in tools/ and tests/."""

import importlib.util
import os
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "oracle"))


def load_script(path):
    """A script of the project as a module."""
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def program():
    """The built `bptplr`, named by BPTPLR_PROGRAM."""
    path = os.environ.get("BPTPLR_PROGRAM")
    if not path:
        pytest.skip("BPTPLR_PROGRAM does not name the program bptplr")
    return path
