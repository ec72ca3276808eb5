"""Trained networks: against the network in PyTorch, and against the program."""

import json
import os

import numpy as np
import pytest
from conftest import run_program

import bptplr
import safetensors_io

NETWORK = {"arch": "preact_resnet", "width": 4, "low_dim": 16}
MEAN, STD = (0.4, 0.45, 0.5), (0.2, 0.25, 0.3)


def oracle(torch, rng, **options):
    """The network of the method in PyTorch, with values that tell every tensor."""
    import preact_resnet

    net = preact_resnet.PreActResNet(**options)
    return preact_resnet.initialise(net, rng).eval()


def save(path, net):
    safetensors_io.save(path, {name: x.numpy() for name, x in net.state_dict().items()})
    return path


def outputs_of(torch, net, images, mean, std):
    """Logits and projections by PyTorch, in float64."""
    x = (images / 255.0 - np.array(mean)) / np.array(std)
    with torch.no_grad():
        z, q = net.double()(torch.from_numpy(x).permute(0, 3, 1, 2))
    return z.numpy(), q.numpy()


@pytest.mark.parametrize(
    "classes, shortcut, of_oracle", [(10, "activated", "activated"), (100, "identity", "raw")]
)
def test_a_network_of_pytorch(tmp_path, rng, classes, shortcut, of_oracle):
    torch = pytest.importorskip("torch")
    net = oracle(torch, rng, width=4, low_dim=16, num_classes=classes, identity_shortcut=of_oracle)
    path = save(tmp_path / "net.safetensors", net)
    model = bptplr.load_model(
        path, {**NETWORK, "shortcut": shortcut}, device="cpu", mean=MEAN, std=STD
    )
    assert (model.num_networks, model.num_classes, model.class_names) == (1, classes, [])
    np.testing.assert_array_equal(model.prototypes[0], net.prototypes.numpy())
    images = rng.integers(0, 256, (9, 32, 32, 3), np.uint8)
    z, q = outputs_of(torch, net, images, MEAN, STD)
    logits, projections = model.outputs(images)
    assert logits.shape == (1, 9, classes) and projections.shape == (1, 9, 16)
    np.testing.assert_allclose(logits[0], z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(projections[0], q, rtol=1e-4, atol=1e-5)
    probabilities, labels = model.predict(images)
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(labels, z.argmax(axis=1))


def test_config_may_be_a_file(tmp_path, rng):
    torch = pytest.importorskip("torch")
    path = save(tmp_path / "net.safetensors", oracle(torch, rng, width=4, low_dim=16))
    (tmp_path / "other.json").write_text(json.dumps({**NETWORK, "crop": 24}))
    images = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)

    def logits(config):
        model = bptplr.load_model(path, config, device="cpu", mean=MEAN, std=STD)
        return model.outputs(images).logits

    np.testing.assert_array_equal(logits(tmp_path / "other.json"), logits({**NETWORK, "crop": 24}))
    assert (logits(tmp_path / "other.json") != logits(NETWORK)).any()


def test_numbers_of_numpy_and_paths_of_bytes(tmp_path, rng):
    torch = pytest.importorskip("torch")
    path = save(tmp_path / "net.safetensors", oracle(torch, rng, width=4, low_dim=16))
    config = {**NETWORK, "width": np.int64(4), "low_dim": torch.tensor(16)}
    model = bptplr.load_model(
        os.fsencode(path), config, device="cpu", mean=np.array(MEAN), std=torch.tensor(STD)
    )
    expected = bptplr.load_model(path, NETWORK, device="cpu", mean=MEAN, std=STD)
    images = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    np.testing.assert_array_equal(model.outputs(images).logits, expected.outputs(images).logits)


def test_what_does_not_fit_is_named(tmp_path, rng):
    torch = pytest.importorskip("torch")
    path = save(tmp_path / "net.safetensors", oracle(torch, rng, width=4, low_dim=16))
    statistics = {"mean": MEAN, "std": STD}
    for config, options, sentence in [
        ({**NETWORK, "width": 8}, statistics, "net.safetensors: tensor 'conv1.weight' is"),
        ({**NETWORK, "widht": 4}, statistics, "config: there is no recipe field 'widht'"),
        (NETWORK, {**statistics, "device": "gpu"}, "unknown device 'gpu'"),
        ("no such recipe", statistics, "neither a built-in recipe nor a file"),
    ]:
        with pytest.raises(bptplr.Error, match=sentence):
            bptplr.load_model(path, config, **options)
    with pytest.raises(bptplr.Error, match="missing.safetensors"):
        bptplr.load_model(tmp_path / "missing.safetensors", NETWORK, **statistics)
    with pytest.raises(bptplr.Error, match="holds no run"):
        bptplr.load_model(tmp_path)
    for config, options, sentence in [
        (NETWORK, {}, "config needs mean and std"),
        (None, statistics, "mean and std are those of the run"),
        (NETWORK, {"mean": (0.5,), "std": STD}, "mean must be three numbers"),
        (NETWORK, {"mean": 0.5, "std": STD}, "mean must be three numbers"),
        (NETWORK, {"mean": "abc", "std": STD}, "mean must be three numbers"),
        (NETWORK, {"mean": (0.5, np.nan, 0.5), "std": STD}, "mean must be finite"),
        (NETWORK, {"mean": (0.5, 1e300, 0.5), "std": STD}, "mean must be finite"),
        (NETWORK, {"mean": MEAN, "std": (0.1, 0.0, 0.1)}, "std must be greater than 0"),
        (NETWORK, {"mean": MEAN, "std": (0.1, 0.2, np.nan)}, "std must be finite"),
        (NETWORK, {"mean": MEAN, "std": (np.inf, 0.2, 0.1)}, "std must be finite"),
        (NETWORK, {"mean": MEAN, "std": (0.1, 1e-60, 0.1)}, "std must be greater than 0"),
        (NETWORK, {**statistics, "device": None}, "device must be text, not None"),
        ({**NETWORK, "width": np.nan}, statistics, "config must hold nothing but .*: Out of range"),
        ({**NETWORK, "width": {4}}, statistics, r"config must hold .*: there is \{4\}"),
        (4, statistics, "config must be a path, not 4"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            bptplr.load_model(path, config, **options)
    for config in ({**NETWORK, "arch": "\ud800"}, {**NETWORK, "width": 10**400}):
        with pytest.raises(bptplr.Error, match="config has a number or a text that JSON"):
            bptplr.load_model(path, config, **statistics)
    for bad in (None, 3, b"net\xff", "net\udcff", "net\0.safetensors"):
        with pytest.raises(ValueError, match="path must be"):
            bptplr.load_model(bad)
        with pytest.raises(ValueError, match="run must be"):
            bptplr.audit_run(bad)
    with pytest.raises(ValueError, match="data_path must be"):
        bptplr.audit_run(tmp_path, data_path=None)
    with pytest.raises(ValueError, match="device must be text"):
        bptplr.audit_run(tmp_path, device=0)
    model = bptplr.load_model(path, NETWORK, device="cpu", **statistics)
    with pytest.raises(ValueError, match="images must be uint8"):
        model.predict(np.zeros((1, 32, 32, 3)))
    with pytest.raises(bptplr.Error):
        model.predict(np.zeros((1, 30, 30, 3), np.uint8))
    assert model.predict(np.zeros((0, 32, 32, 3), np.uint8)).probabilities.shape == (0, 10)


def test_a_run_of_the_program(program, run):
    """The labels that it trained on, its networks and its test accuracy."""
    data = bptplr.make_shapes(200, 100)
    noisy = bptplr.symmetric_noise(data.train_labels, 10, 0.4, 5)
    assert json.loads((run / "noise.json").read_text()) == noisy.tolist()

    model = bptplr.load_model(run, device="cpu")
    assert (model.num_networks, model.num_classes) == (2, 10)
    assert model.class_names == data.class_names
    evaluated = run_program([program, "eval", str(run), "--json", "--device", "cpu"])
    accuracy = 100 * (model.predict(data.test_images).labels == data.test_labels).mean()
    assert accuracy == pytest.approx(json.loads(evaluated)["together"])

    torch = pytest.importorskip("torch")
    import preact_resnet

    logits, projections = model.outputs(data.test_images)
    for k in range(2):
        net = preact_resnet.PreActResNet(width=4, blocks=(1, 1, 1, 1), low_dim=16).eval()
        tensors = safetensors_io.load(run / f"model{k + 1}.safetensors")
        net.load_state_dict({name: torch.from_numpy(x) for name, x in tensors.items()})
        z, q = outputs_of(torch, net, data.test_images, data.mean, data.std)
        np.testing.assert_allclose(logits[k], z, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(projections[k], q, rtol=1e-4, atol=1e-5)
