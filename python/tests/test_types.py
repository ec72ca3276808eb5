"""What type checkers say of a program that uses the package."""

import subprocess
import sys

import pytest

PROGRAM = """
from pathlib import Path

import numpy as np

import bptplr

images = np.zeros((4, 32, 32, 3), np.uint8)
run: bptplr.Run = bptplr.train(data=images, labels=[0, 1, 0, 1], num_epochs=2)
labels = run.predict(images).labels
count: int = int(labels.sum())
audit: bptplr.Audit = run.audit(judge="networks")
wrong: float = audit.expected_wrong
comparison: bptplr.Comparison = bptplr.compare(["bptplr", "ce"], seeds=[1], data=images, labels=labels)
accuracy = float(comparison.run("ce", 1).records[-1]["test_acc"])
cleaning: bptplr.Cleaning = bptplr.clean("images", features=Path("x.npy"), judge="kernel")
table: Path | None = cleaning.table
fit: bptplr.GmmFit = bptplr.gmm_fit(np.zeros(4, np.float32))
shares = fit.clean_probability.mean()


def stop(metrics: dict[str, object]) -> bool:
    return metrics["epoch"] == 3


bptplr.train("features", data_path="x.npy", callbacks=[stop], progress=False)
"""

WRONG = """
import bptplr

bptplr.compare(["ce"], seeds="1,2")
bptplr.clean("images", folds="5")
"""


def mypy(folder, text):
    pytest.importorskip("mypy")
    file = folder / "program.py"
    file.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache", file]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)


def test_a_program_is_right_under_strict_rules(tmp_path):
    ended = mypy(tmp_path, PROGRAM)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_wrong_types_are_found(tmp_path):
    ended = mypy(tmp_path, WRONG)
    assert ended.returncode == 1
    assert '"compare"' in ended.stdout and '"clean"' in ended.stdout
