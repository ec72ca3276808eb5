"""Runs on features, and the issues of a data set, from Python."""

import json
import subprocess

import numpy as np
import pytest

import bptplr


def test_near_duplicates_outliers_and_rare_classes_are_found():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 20)) + 4
    x[7] = x[250] * 1.5  # the same direction
    x[33] = -x[0]
    labels = np.arange(300) % 3
    labels[5] = 3
    told = []
    found = bptplr.find_data_issues(x, labels, progress=lambda done, total: told.append(done))
    assert found.near_duplicate_sets == [[7, 250]]
    assert np.flatnonzero(found.is_near_duplicate).tolist() == [7, 250]
    assert found.is_outlier[33] and found.is_outlier.sum() < 6
    assert found.outlier_score.argmin() == 33
    assert found.rare_classes == [3]
    assert found.neighbours.shape == (300, 10) and found.neighbours[7, 0] == 250
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    distances = 1 - unit @ unit.T + 9 * np.eye(300)
    np.testing.assert_allclose(found.distances, np.sort(distances, axis=1)[:, :10], atol=1e-6)
    assert told and told[-1] == 100


def test_a_sample_alone_has_no_issue():
    found = bptplr.find_data_issues(np.ones((1, 3)), [0])
    assert found.neighbours.shape == (1, 0)
    assert found.outlier_score.tolist() == [1.0] and not found.is_outlier[0]


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="labels must lie in"):
        bptplr.find_data_issues(np.ones((2, 3)), [0, 5], num_classes=2)
    with pytest.raises(ValueError, match="features"):
        bptplr.find_data_issues(np.ones((2, 3)), [0, 1, 1])
    with pytest.raises(ValueError, match="progress"):
        bptplr.find_data_issues(np.ones((2, 3)), [0, 1], progress=3)


@pytest.fixture(scope="module")
def run(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    rng = np.random.default_rng(3)
    true = np.arange(240) % 3
    np.save(folder / "x.npy", (rng.normal(size=(240, 8)) + 3 * np.eye(8)[true]).astype(np.float16))
    given = np.where(rng.random(240) < 0.2, (true + 1) % 3, true)
    (folder / "x_labels.json").write_text(json.dumps(given.tolist()))
    subprocess.run(
        [
            program,
            "train",
            "--recipe",
            "features",
            "--data_path",
            folder / "x.npy",
            "--width",
            "16",
            "--num_epochs",
            "6",
            "--warm_up",
            "4",
            "--batch_size",
            "32",
            "--out",
            folder / "run",
            "--quiet",
        ],
        check=True,
    )
    return folder, true, given


def test_models_of_features_take_vectors(run):
    folder, true, _ = run
    model = bptplr.load_model(folder / "run")
    assert model.feature_dim == 8
    x = np.load(folder / "x.npy")
    predicted = model.predict(x).labels
    assert (predicted == true).mean() > 0.8
    assert model.outputs(x[:5]).logits.shape == (2, 5, 3)
    with pytest.raises(ValueError, match="features must have the shape"):
        model.predict(x[:, :7])


@pytest.mark.parametrize("judge", ["networks", "kernel", "folds"])
def test_every_judge_finds_wrong_labels(run, judge):
    folder, true, given = run
    audit = bptplr.audit_run(folder / "run", judge=judge, folds=3)
    wrong = given != true
    assert wrong[audit.ranking[:20]].mean() > 0.6
    if judge == "kernel":
        automatic = bptplr.audit_run(folder / "run", folds=3)
        np.testing.assert_array_equal(audit.ranking, automatic.ranking)
    with pytest.raises(bptplr.Error, match="judge is 'nobody'"):
        bptplr.audit_run(folder / "run", judge="nobody")
