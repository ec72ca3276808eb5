"""Comparisons from Python: those of the program, and how they stop and go on."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_train import QUICK, clusters

import bptplr

SHORT = {**QUICK, "num_epochs": 3, "warm_up": 2}
NAMES = ["bptplr", "ce"]
pytestmark = pytest.mark.filterwarnings("ignore::bptplr.BptplrWarning")


def data_of():
    x, given, true = clusters()
    test = {"test_data": x[:60], "test_labels": true[:60], "true_labels": true}
    return {"data": x, "labels": given, **test, **SHORT}


def models_of(comparison):
    return {
        file.relative_to(comparison.path): file.read_bytes()
        for file in comparison.path.glob("*/seed*/model*.safetensors")
    }


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "both"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bptplr.compare(NAMES, seeds=(1, 2), out=out, **data_of())


def test_every_name_is_trained_with_every_seed(comparison):
    assert [(run["label"], run["seed"]) for run in comparison.records] == [
        (name, seed) for name in NAMES for seed in (1, 2)
    ]
    assert {run["epochs"] for run in comparison.records} == {3}
    assert len({run["data_hash"] for run in comparison.records}) == 1
    run = comparison.run("ce", 2)
    assert run.is_complete and run.config["method"] == "ce" and run.config["seed"] == 2
    assert (comparison.path / "compare.html").exists()
    assert len(list(comparison.path.rglob("samples.npz"))) == 1
    assert "bptplr" in repr(comparison) and "<table>" in comparison._repr_html_()
    with pytest.raises(bptplr.Error, match="holds no run"):
        comparison.run("ce", 9)
    with pytest.raises(bptplr.Error):
        bptplr.Comparison(comparison.path / "ce")


def test_figures_are_tables_where_pandas_is(comparison):
    pandas = pytest.importorskip("pandas")
    runs, summary = comparison.runs, comparison.summary
    assert isinstance(runs, pandas.DataFrame) and runs.index.names == ["label", "seed"]
    assert summary.index.tolist() == NAMES
    of_ce = runs.loc["ce"].best_acc
    np.testing.assert_allclose(summary.best_acc["ce"], of_ce.mean())
    np.testing.assert_allclose(summary.best_acc_deviation["ce"], of_ce.std())


def test_a_comparison_has_the_bits_of_the_program(comparison, program, tmp_path):
    command = [program, "compare", *NAMES, "--seeds", "1,2", "--recipe", "features", "--quiet"]
    command += ["--data_path", comparison.path / "data" / "samples.npz", "--out", tmp_path / "c"]
    for name, value in SHORT.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True)
    assert models_of(bptplr.Comparison(tmp_path / "c")) == models_of(comparison)


def test_what_stopped_goes_on(comparison, tmp_path):
    options = {"seeds": (1, 2), "out": tmp_path / "c", **data_of()}
    seen = []

    def fail(metrics):
        seen.append((metrics["label"], metrics["seed"], metrics["epoch"]))
        if seen[-1] == ("ce", 1, 1):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        bptplr.compare(NAMES, callbacks=[fail], **options)
    assert seen == [("bptplr", 1, epoch) for epoch in range(3)] + [("ce", 1, 0), ("ce", 1, 1)]
    assert len(bptplr.Comparison(tmp_path / "c").records) == 1

    def interrupt(metrics):
        if (metrics["label"], metrics["seed"]) == ("bptplr", 2):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        bptplr.compare(NAMES, callbacks=[interrupt], **options)
    with pytest.warns(bptplr.BptplrWarning, match="the same call goes on"):
        bptplr.compare(NAMES, callbacks=[lambda metrics: True], **options)
    assert models_of(bptplr.compare(NAMES, **options)) == models_of(comparison)


def test_processes_share_the_runs(comparison, tmp_path):
    script = (
        "import sys, bptplr; from test_compare import NAMES, data_of; "
        "bptplr.compare(NAMES, seeds=(1, 2), out=sys.argv[1], **data_of())"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, tmp_path / "c"]
    processes = [subprocess.Popen(command, cwd=Path(__file__).parent) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert models_of(bptplr.Comparison(tmp_path / "c")) == models_of(comparison)
    assert len((tmp_path / "c" / "runs.jsonl").read_text().splitlines()) == 4


def test_ctrl_c_ends_the_wait_for_another_process(tmp_path, capsys):
    folder = tmp_path / "c" / "ce" / "seed1"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as if another process trained it
        ends = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
        ends.start()
        with pytest.raises(KeyboardInterrupt):
            bptplr.compare(["ce"], seeds=(1,), out=tmp_path / "c", progress=True, **data_of())
    said = capsys.readouterr().err
    assert said.count("waiting for 1 run of others: ce, seed 1 by another process") == 1


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        ("ce", {}, "names must be a list"),
        ([], {}, "names must be a list"),
        (["ce"], {"seeds": [1, 1]}, "there twice"),
        (["nonsense"], {}, "neither a method"),
        (["ce"], {"labels": [0]}, "go with data"),
    ],
)
def test_what_cannot_be_compared_is_said(names, options, sentence, tmp_path):
    with pytest.raises((ValueError, bptplr.Error), match=sentence):
        bptplr.compare(names, out=tmp_path / "c", **options)
