"""TensorBoard itself, as a user starts it, on the events of a run."""

import json
import time
import urllib.request

import pytest

Image = pytest.importorskip("PIL.Image")
program_of_tensorboard = pytest.importorskip("tensorboard.program")


@pytest.fixture(scope="module")
def ask(run):
    """What the server answers about the run, once it has loaded it."""
    server = program_of_tensorboard.TensorBoard()
    server.configure(argv=[None, "--logdir", str(run), "--port", "0", "--host", "127.0.0.1"])
    url = server.launch()

    def get(path, read=json.load):
        with urllib.request.urlopen(url + "data/" + path, timeout=30) as answer:
            return read(answer)

    end = time.monotonic() + 60
    while not get("plugin/scalars/tags") and time.monotonic() < end:
        time.sleep(0.2)
    return get


def only(tags):
    """The tags of the only run."""
    assert len(tags) == 1, tags
    return next(iter(tags.items()))


def test_scalars_are_those_of_the_metrics(ask, run):
    name, tags = only(ask("plugin/scalars/tags"))
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {
        "accuracy/test",
        "accuracy/best",
        "loss/total",
        "loss/ce",
        "loss/x",
        "loss/u",
        "loss/contrastive",
        "lambda_u",
        "lr",
        "images_per_s",
        "seconds/train",
        "network1/auc",
        "network2/n_labelled",
        "wrong_labels/found",
    } <= set(tags)
    shown = ask(f"plugin/scalars/scalars?run={name}&tag=accuracy/test")
    assert [(step, value) for _, step, value in shown] == [
        (epoch["epoch"], pytest.approx(epoch["test_acc"], rel=1e-6)) for epoch in epochs
    ]


def test_the_partition_is_shown_as_pictures(ask):
    name, tags = only(ask("plugin/images/tags"))
    expected = {f"network{k}/{what}" for k in (1, 2) for what in ("selection", "clean_probability")}
    assert set(tags) == expected
    for tag in expected:
        (picture,) = ask(f"plugin/images/images?run={name}&tag={tag}&sample=0")
        assert picture["step"] == 1
        image = ask(f"plugin/images/individualImage?{picture['query']}", Image.open)
        assert image.width > 100 and image.height > 100


def test_the_recipe_can_be_read(ask):
    name, tags = only(ask("plugin/text/tags"))
    (tag,) = tags
    (entry,) = ask(f"plugin/text/text?run={name}&tag={tag}")
    assert "<table>" in entry["text"] and "num_epochs" in entry["text"]
