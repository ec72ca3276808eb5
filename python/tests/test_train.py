"""Training from Python: the bits of the program, every form of data, and what a run gives."""

import json
import os
import resource
import shutil
import signal
import subprocess
import threading
import warnings

import numpy as np
import pytest

import bptplr

QUICK = {"width": 16, "num_epochs": 5, "warm_up": 3, "batch_size": 32, "threads": 1}
TINY = {
    "method": "bptplr",
    "width": 4,
    "blocks": "1,1,1,1",
    "low_dim": 16,
    "batch_size": 16,
    "warm_up": 1,
    "num_epochs": 2,
    "crop": 16,
    "p_threshold": 0.1,
    "threads": 1,
}
pytestmark = pytest.mark.filterwarnings("ignore::bptplr.BptplrWarning")


def clusters(count=240, classes=3, wrong=0.2):
    """Features [N, 8], noisy labels and true ones."""
    rng = np.random.default_rng(3)
    true = np.arange(count) % classes
    x = (rng.normal(size=(count, 8)) + 5 * np.eye(8)[true]).astype(np.float32)
    return x, np.where(rng.random(count) < wrong, (true + 1) % classes, true), true


def models_of(run):
    return [(run.path / f"model{k}.safetensors").read_bytes() for k in (1, 2)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    x, given, true = clusters()
    out = tmp_path_factory.mktemp("train") / "run"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bptplr.train(
            data=x,
            labels=given,
            test_data=x[:60],
            test_labels=true[:60],
            true_labels=true,
            class_names=["bird", "cat", "ant"],
            out=out,
            **QUICK,
        )


def test_a_run_has_the_bits_of_the_program(run, program, tmp_path):
    command = [program, "train", "--recipe", "features", "--quiet", "--out", tmp_path / "run"]
    command += ["--data_path", run.path / "data" / "samples.npz"]
    for name, value in QUICK.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True)
    assert models_of(bptplr.load_run(tmp_path / "run")) == models_of(run)


def test_a_run_gives_metrics_predictions_and_an_audit(run):
    x, given, true = clusters()
    assert run.is_complete and run.epochs == 5
    assert run.class_names == ["bird", "cat", "ant"]
    assert "5 of 5 epochs" in repr(run)
    assert [record["epoch"] for record in run.records] == list(range(5))
    assert (run.predict(x).labels == true).mean() > 0.95
    audit = run.audit()
    assert abs(audit.expected_wrong - (given != true).sum()) < 12
    assert repr(audit).startswith("Audit(240 labels, ")
    page = run.report()
    assert page == run.path / "report.html" and "<html" in page.read_text()


def test_metrics_are_a_table_where_pandas_is(run):
    pandas = pytest.importorskip("pandas")
    assert isinstance(run.metrics, pandas.DataFrame)
    assert run.metrics.index.tolist() == list(range(5))
    assert {"test_acc", "auc_1", "auc_2", "seconds_train"} <= set(run.metrics.columns)
    frame = run.audit().to_dataframe()
    assert list(frame.columns)[:4] == [
        "is_label_issue",
        "label_quality",
        "given_label",
        "predicted_label",
    ]
    assert set(frame.given_label) == {"bird", "cat", "ant"}
    changed = frame[frame.is_label_issue]
    assert len(changed) > 20 and (changed.given_label != changed.predicted_label).all()


def test_an_audit_is_exported(run, tmp_path):
    audit = run.audit()
    audit.to_csv(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0].startswith("index,is_label_issue") and len(lines) == 241
    assert int(lines[1].split(",")[0]) == audit.ranking[0]
    audit.to_json(tmp_path / "a.json")
    assert len(json.loads((tmp_path / "a.json").read_text())["labels"]) == 240
    record = audit.to_fiftyone()[int(audit.ranking[0])]
    assert record["tags"] == ["wrong label"]
    assert record["ground_truth"]["_cls"] == "Classification"
    assert "cat" in audit._repr_html_()


def test_images_are_shown_by_their_pictures(tmp_path):
    shapes = bptplr.make_shapes(60, 20)
    run = bptplr.train(
        data=shapes.train_images,
        labels=shapes.train_labels,
        out=tmp_path / "run",
        **TINY,
    )
    assert "data:image/png" in run.audit()._repr_html_()
    assert run.config["dataset"] == "arrays"


@pytest.mark.parametrize("form", ["tensor", "names", "paths", "folder", "huggingface"])
def test_every_form_of_data_is_taken(form, tmp_path):
    x, given, _ = clusters()
    names = np.array(["bird", "cat", "dog"])
    options = {"out": tmp_path / "run", **QUICK}
    if form == "tensor":
        torch = pytest.importorskip("torch")
        run = bptplr.train(data=torch.from_numpy(x), labels=torch.from_numpy(given), **options)
    elif form == "names":
        run = bptplr.train(data=x, labels=names[given], **options)
        assert run.class_names == names.tolist()
    elif form == "huggingface":
        run = bptplr.train(data=HuggingFace(x, given), **options)
        assert run.class_names == ["bird", "cat", "dog"]
    else:
        image = pytest.importorskip("PIL.Image")
        shapes = bptplr.make_shapes(60, 20)
        paths = []
        for i, (pixels, label) in enumerate(zip(shapes.train_images, shapes.train_labels)):
            (tmp_path / "images" / str(label)).mkdir(parents=True, exist_ok=True)
            paths.append(tmp_path / "images" / str(label) / f"{i}.png")
            image.fromarray(pixels).save(paths[-1])
        options = {**TINY, "out": tmp_path / "run", "image_size": 32, "test_split": 0.2}
        options["cache_dir"] = tmp_path / "cache"
        if form == "paths":
            run = bptplr.train(data=paths, labels=shapes.train_labels, **options)
        else:
            run = bptplr.train(data=tmp_path / "images", noise_mode="none", **options)
        assert run.predict(paths[:3]).probabilities.shape == (3, 10)
        assert len(run.audit().paths) == run.audit().labels.size
    assert run.is_complete


class HuggingFace:
    """The parts of datasets.Dataset that are read."""

    column_names = ("features", "label")

    def __init__(self, x, labels):
        self.columns = {"features": x.tolist(), "label": labels.tolist()}
        names = type("ClassLabel", (), {"names": ["bird", "cat", "dog"]})()
        self.features = {"features": None, "label": names}

    def __getitem__(self, name):
        return self.columns[name]


def test_pictures_of_hugging_face_may_differ_in_size(tmp_path):
    image = pytest.importorskip("PIL.Image")
    from bptplr import _dataset

    pictures = [image.new("L", (8, 8 + i // 2), i) for i in range(4)]
    part = _dataset._stacked(iter(pictures), tmp_path / "data", "train")
    assert [image.open(path).size for path in part.paths] == [(8, 8), (8, 8), (8, 9), (8, 9)]
    part = _dataset._stacked(iter(pictures[:2]), tmp_path / "data", "train")
    assert part.samples.shape == (2, 8, 8, 3) and part.samples[1].max() == 1


def test_a_callback_ends_a_training_that_goes_on_later(run, tmp_path):
    x, given, true = clusters()
    seen = []

    def stop(metrics):
        seen.append(metrics["epoch"])
        return metrics["epoch"] == 1

    options = {"data": x, "labels": given, "out": tmp_path / "run", **QUICK}
    options.update(test_data=x[:60], test_labels=true[:60], true_labels=true)
    with pytest.warns(bptplr.BptplrWarning, match="resume"):
        begun = bptplr.train(callbacks=[stop], **options)
    assert seen == [0, 1] and not begun.is_complete
    other = {**options, "labels": 2 - given}
    with pytest.raises(ValueError, match="others than those"):
        bptplr.train(resume=True, **other)
    shutil.copytree(begun.path, tmp_path / "copy")
    assert models_of(bptplr.train(resume=True, **options)) == models_of(run)
    assert models_of(bptplr.load_run(tmp_path / "copy").resume()) == models_of(run)


def test_an_error_of_a_callback_and_ctrl_c_leave_a_checkpoint(tmp_path):
    x, given, _ = clusters()

    def fail(_metrics):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        bptplr.train(data=x, labels=given, out=tmp_path / "a", callbacks=[fail], **QUICK)
    assert list((tmp_path / "a" / "checkpoints").iterdir())

    def interrupt(metrics):
        if metrics["epoch"] == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        bptplr.train(data=x, labels=given, out=tmp_path / "b", callbacks=[interrupt], **QUICK)
    assert bptplr.load_run(tmp_path / "b").resume().is_complete


def test_trainings_in_two_threads_have_the_bits_of_two_in_turn(tmp_path):
    x, given, _ = clusters()

    def one(name, seed):
        bptplr.train(data=x, labels=given, out=tmp_path / name, seed=seed, **QUICK)

    threads = [threading.Thread(target=one, args=(f"t{seed}", seed)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        one(f"s{seed}", seed)
        at_once, alone = (bptplr.load_run(tmp_path / f"{kind}{seed}") for kind in "ts")
        assert models_of(at_once) == models_of(alone)


def test_memory_stays_flat(tmp_path):
    x, given, _ = clusters(40)
    options = {**QUICK, "num_epochs": 2, "warm_up": 1, "batch_size": 8, "width": 4}

    def peak(fits):
        for i in range(fits):
            bptplr.train(data=x, labels=given, out=tmp_path / f"{fits}_{i}", **options)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before = peak(20)
    assert peak(100) - before < 8  # MiB


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": np.zeros((4, 3, 8, 8), np.uint8), "labels": [0, 1, 0, 1]}, "permute"),
        ({"data": np.zeros((4, 2, 2)), "labels": [0, 1, 0, 1]}, "features \\[N, D\\]"),
        ({"data": np.zeros((4, 2)), "labels": [0, 1, 0]}, "one a sample"),
        ({"data": np.zeros((4, 2))}, "labels are missing"),
        ({"labels": [0]}, "go with data"),
        ({"data": np.zeros((4, 2)), "labels": [0.5, 1, 0, 1]}, "integers or names"),
        ({"data": np.full((4, 2), np.nan), "labels": [0, 1, 0, 1]}, "finite"),
        ({"data": "x.csv", "labels": [0]}, "must be a file where data is one"),
        ({"recipe": {"x": {1, 2}}}, "nothing but text and finite numbers"),
    ],
)
def test_bad_data_is_a_value_error(options, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        bptplr.train(out=tmp_path / "run", **options)


def test_bad_fields_and_folders_are_errors(run, tmp_path):
    with pytest.raises(bptplr.Error, match="num_epoch"):
        bptplr.train("features", num_epoch=3, out=tmp_path / "run")
    with pytest.raises(bptplr.Error, match="holds the results of a run"):
        bptplr.train("features", data_path="x.npy", out=run.path)
    with pytest.raises(bptplr.Error, match="holds no run"):
        bptplr.load_run(tmp_path)


def test_a_model_outlives_its_folder(run, tmp_path):
    import pickle

    x, _, _ = clusters()
    shutil.copytree(run.path, tmp_path / "copy")
    model = bptplr.load_model(tmp_path / "copy").keep()
    shutil.rmtree(tmp_path / "copy")
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x).probabilities, run.predict(x).probabilities)
    tensors = again.state_dict(1)
    assert {"prototypes", "projector.0.weight"} <= set(tensors)
    assert pickle.loads(pickle.dumps(run.audit())).labels.size == 240


def test_one_of_several_processes_is_told_how_to_share_a_run(tmp_path, monkeypatch):
    x, given, _ = clusters()
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with pytest.raises(bptplr.Error, match="mpirun ... bptplr train"):
        bptplr.train(data=x, labels=given, out=tmp_path / "a", **QUICK)
