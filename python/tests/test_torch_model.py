"""The networks of runs as modules of PyTorch say what the library says."""

import json
import warnings

import numpy as np
import pytest

import bptplr
from bptplr._model import _tensors_of

torch = pytest.importorskip("torch")

TINY = {
    "width": 4,
    "crop": 32,
    "low_dim": 16,
    "batch_size": 16,
    "warm_up": 1,
    "num_epochs": 1,
    "networks": 2,
    "method": "ce",
    "threads": 1,
    "device": "cpu",
}
DIM = 12

#: Fields of a run for each network, and for what else changes what a model computes.
RUNS = {
    "preact_resnet": {"blocks": "1,2,1,1"},
    "preact_resnet, identity": {"blocks": "2,1,1,1", "shortcut": "identity"},
    "preact_resnet, cropped": {"blocks": "1,1,1,1", "crop": 24},
    "preact_resnet, padded": {"blocks": "1,1,1,1", "crop": 40, "crop_padding": 4},
    "preact_resnet, one network": {"blocks": "1,1,1,1", "networks": 1},
    "preact_resnet, other projector": {"blocks": "1,1,1,1", "projector": "linear_bn"},
    "resnet50": {"arch": "resnet50", "blocks": "1,2,1,1"},
    "vgg19_bn": {"arch": "vgg19_bn", "blocks": "", "pool_side": 7},
    "vgg19_bn, cells": {
        "arch": "vgg19_bn",
        "blocks": "",
        "pool_side": 2,
        "crop": 64,
        "crop_padding": 16,
    },
    "cnn9": {"arch": "cnn9", "blocks": "", "crop": 29},
    "mlp": {"arch": "mlp", "depth": 2, "dropout": 0.2},
    "linear": {"arch": "linear"},
}


def randomise(file):
    """Gives a network weights with which its outputs depend on the samples, as those of one epoch
    hardly do, and all of batch normalisation an effect."""
    rng = np.random.default_rng(2)
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    data = bytearray(content)
    for name, of in json.loads(content[8:start]).items():
        if name == "__metadata__" or of["dtype"] != "F32":
            continue
        count, at = int(np.prod(of["shape"])), start + of["data_offsets"][0]
        x = np.frombuffer(data, np.float32, count, at).reshape(of["shape"])
        if x.ndim > 1:
            x[:] = rng.normal(0, (2 / x[0].size) ** 0.5, x.shape)  # He's deviation
        elif name.endswith("running_var"):
            x[:] = rng.uniform(0.5, 1.5, x.shape)
        else:
            x += rng.normal(0, 0.1, x.shape).astype(np.float32)
    file.write_bytes(data)


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory):
    """A run of each kind, and samples for it."""
    rng = np.random.default_rng(1)
    fields = {**TINY, **RUNS[request.param]}
    if fields.get("arch") in ("mlp", "linear"):
        samples = np.maximum(rng.normal(size=(60, DIM)), 0).astype(np.float32)
    else:
        samples = bptplr.make_shapes(60, 20).train_images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = bptplr.train(
            data=samples,
            labels=np.arange(60) % 3,
            out=tmp_path_factory.mktemp("torch") / "run",
            **fields,
        )
    for file in made.path.glob("model*.safetensors"):
        randomise(file)
    return bptplr.load_run(made.path), samples[:7]


def close(ours, expected):
    """Outputs agree to 1e-4, and differ between the samples by more."""
    assert np.ptp(expected, axis=-2).max() > 1e-2
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=0, atol=1e-4)


def test_outputs_are_those_of_the_library(run):
    made, samples = run
    model = bptplr.torch_model(made)
    outputs = made.model.outputs(samples)
    x = torch.from_numpy(samples)
    assert isinstance(model, torch.nn.Module) and not model.training
    close(model(x), outputs.logits.mean(axis=0))
    close(model.project(x), outputs.projections)
    assert model.class_names == made.class_names
    assert model.features(x).shape[:2] == (len(outputs.logits), len(samples))
    if samples.dtype == np.uint8:
        close(model(x.permute(0, 3, 1, 2) / 255), outputs.logits.mean(axis=0))
    with torch.no_grad():
        inputs = model.inputs(x)
        for network, expected in zip(model.networks, outputs.logits):
            close(network(inputs), expected)
    assert model.double()(x).dtype == torch.float64


def test_networks_have_the_names_of_the_files(run):
    made, _ = run
    model = bptplr.torch_model(made.path)
    for number, network in enumerate(model.networks, start=1):
        tensors = _tensors_of((made.path / f"model{number}.safetensors").read_bytes())
        assert set(tensors) == set(network.state_dict())
        state = {name: torch.from_numpy(array) for name, array in tensors.items()}
        network.load_state_dict(state, strict=True)


def test_networks_can_be_trained_on(run):
    made, samples = run
    model = bptplr.torch_model(made.model).train()
    loss = torch.nn.functional.cross_entropy(
        model(torch.from_numpy(samples)), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    )
    loss.backward()
    heads = ("projector", "prototypes")
    for name, parameter in model.networks[0].named_parameters():
        assert (parameter.grad is not None) != name.startswith(heads), name


def test_other_samples_are_refused(run):
    made, samples = run
    model = bptplr.torch_model(made)
    for wrong in (torch.zeros(2, 5), torch.zeros(2, 8, 8, 3), torch.zeros(2, 3, 8, 8).int()):
        with pytest.raises(ValueError, match="must be float"):
            model(wrong)
    with pytest.raises(ValueError, match="run must be"):
        bptplr.torch_model(3)
