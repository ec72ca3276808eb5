"""Cleanings from Python: of features, of images with features, and of images alone."""

import csv
import os
import signal
import subprocess

import numpy as np
import pytest
from test_train import clusters

import bptplr
from bptplr import _clean

QUICK = {"num_epochs": 6, "batch_size": 32, "threads": 1, "device": "cpu"}
pytestmark = pytest.mark.filterwarnings("ignore::bptplr.BptplrWarning")


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def data():
    return clusters(600)


def write_images(folder, count):
    """Writes grey pictures whose names are in another order than they are made in."""
    image = pytest.importorskip("PIL.Image")
    folder.mkdir()
    paths = [folder / f"{i * 7 % count}.png" for i in range(count)]
    for i, path in enumerate(paths):
        image.new("RGB", (8, 8), (i % 250, 0, 0)).save(path)
    return paths


def test_features_are_cleaned(data, program, tmp_path):
    x, given, true = data
    names = ["ant", "bird", "cat"]
    cleaned = bptplr.clean(
        x, labels=given, true_labels=true, class_names=names, out=tmp_path / "c", **QUICK
    )
    assert (given != true).sum() > 100 and (cleaned.labels != true).sum() <= 3
    assert cleaned.changed == (cleaned.labels != given).sum()
    assert cleaned.audit.class_names == cleaned.class_names == names
    assert cleaned.table is None and cleaned.issues.is_outlier.shape == (600,)
    assert cleaned.run.is_complete and f"{cleaned.changed} of 600" in repr(cleaned)
    assert "ant" in cleaned._repr_html_()
    for page in (cleaned.review, cleaned.report):
        assert "<html" in page.read_text()
    assert rows_of(cleaned.suspects)[0]["index"] == str(cleaned.audit.ranking[0])
    # The program judges the same to the bit.
    command = [program, "clean", cleaned.path / "data" / "samples.npz", "--out", tmp_path / "p"]
    for name, value in QUICK.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "p" / "suspects.csv").read_bytes() == cleaned.suspects.read_bytes()
    # The same call finds the work done.
    again = bptplr.clean(
        x, labels=given, true_labels=true, class_names=names, out=tmp_path / "c", **QUICK
    )
    np.testing.assert_array_equal(again.audit.ranking, cleaned.audit.ranking)


def test_paths_get_a_cleaned_table(data, tmp_path):
    x, given, true = data
    paths = write_images(tmp_path / "images", len(x))
    cleaned = bptplr.clean(paths, labels=given, features=x, out=tmp_path / "c", **QUICK)
    assert (cleaned.labels != true).sum() <= 3
    assert cleaned.audit.paths == [str(path) for path in paths]
    rows = rows_of(cleaned.table)
    assert [row["path"] for row in rows] == [str(path) for path in paths]
    assert [int(row["label"]) for row in rows] == cleaned.labels.tolist()


def test_images_are_cleaned_without_features(tmp_path):
    shapes = bptplr.make_shapes(60, 10)
    cleaned = bptplr.clean(
        shapes.train_images,
        labels=shapes.train_labels,
        out=tmp_path / "c",
        width=4,
        blocks="1,1,1,1",
        crop=16,
        **{**QUICK, "num_epochs": 38, "batch_size": 16},
    )
    assert cleaned.run.config["dataset"] == "arrays" and cleaned.run.epochs == 38
    assert cleaned.audit.labels.tolist() == shapes.train_labels.tolist()


def test_ctrl_c_ends_a_cleaning_that_goes_on_later(data, tmp_path, monkeypatch):
    x, given, true = data
    seen = []
    plain = _clean._Events.__call__

    def interrupt(self, kind, value):
        if kind == "epoch":
            seen.append(kind)
            if len(seen) == 2:
                os.kill(os.getpid(), signal.SIGINT)
        return plain(self, kind, value)

    monkeypatch.setattr(_clean._Events, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bptplr.clean(x, labels=given, out=tmp_path / "c", **QUICK)
    assert len(seen) == 2 and bptplr.load_run(tmp_path / "c" / "run").epochs == 2
    cleaned = bptplr.clean(x, labels=given, out=tmp_path / "c", **QUICK)
    assert len(seen) == 6 and (cleaned.labels != true).sum() <= 3


def test_hours_are_told_by_a_warning():
    with pytest.warns(bptplr.BptplrWarning, match="about 3 h.*Minutes would do with features"):
        _clean._Events(False)("hours", "Networks are trained on the images, about 3 h.")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": None}, "data is None"),
        ({"data": "nowhere"}, "there is no file or folder"),
        ({"data": np.zeros((6, 2))}, "labels are missing"),
        ({"data": "nowhere", "true_labels": [0]}, "go with arrays"),
        ({"judge": "nobody"}, "must be auto, networks"),
        ({"folds": 1}, "folds must be"),
        ({"lr": 0.1}, "chooses lr itself"),
        ({"features": np.full((6, 2), np.nan)}, "features must be finite"),
    ],
)
def test_what_cannot_be_cleaned_is_said(options, sentence, tmp_path):
    right = {"data": np.eye(6, dtype=np.float32), "labels": [0, 1, 2] * 2}
    if "data" in options:
        right = {}
    with pytest.raises((ValueError, bptplr.Error), match=sentence):
        bptplr.clean(**{**right, **options}, out=tmp_path / "c")
