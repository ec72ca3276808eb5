"""Exported models say what the networks of their runs say, by onnxruntime."""

import json
import struct

import numpy as np
import pytest
from conftest import run_program

import bptplr

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
onnxruntime = pytest.importorskip("onnxruntime")

#: Largest difference of a probability in float32, and in float16, whose numbers have 11 bits;
#: logits may differ by five times as much.
TOLERANCE = 1e-4
HALF_TOLERANCE = 1e-2

TINY = """--width 4 --low_dim 16 --batch_size 16 --warm_up 1 --num_epochs 1 --method ce --networks 2
    --threads 1 --device cpu --quiet"""
SHAPES = "--dataset shapes --shapes_train 60 --shapes_test 20"
DIM = 12
FOLDER_SIDE = 100  # of image_size too
FOLDER = "--dataset folder --data_path {}/set --r 0 --image_size 100 --cache_dir {}/cache"
FEATURES = "--dataset features --data_path {}/x.npy"

#: Flags of a run for each network, and for what else changes what a model computes.
RUNS = {
    "preact_resnet": f"{SHAPES} --blocks 1,2,1,1",
    "preact_resnet, identity": f"{SHAPES} --blocks 2,1,1,1 --shortcut identity",
    "preact_resnet, cropped": f"{SHAPES} --blocks 1,1,1,1 --crop 24",
    "preact_resnet, padded": f"{SHAPES} --blocks 1,1,1,1 --crop 40 --crop_padding 4",
    "preact_resnet, one network": f"{SHAPES} --blocks 1,1,1,1 --networks 1",
    "resnet50": f"{SHAPES} --arch resnet50 --blocks 1,2,1,1",
    "vgg19_bn": f"{SHAPES} --arch vgg19_bn",
    "vgg19_bn, mean": f"{SHAPES} --arch vgg19_bn --pool_side 1",
    "vgg19_bn, cells": f"{FOLDER} --arch vgg19_bn --crop 96 --pool_side 2",
    "cnn9": f"{SHAPES} --arch cnn9 --crop 29",
    "mlp": f"{FEATURES} --arch mlp --depth 2 --dropout 0.2",
    "linear": f"{FEATURES} --arch linear",
}


def write_bmp(path, pixels):
    """Writes pixels [height, width, 3], whose width is a multiple of 4."""
    height, width, _ = pixels.shape
    header = struct.pack("<2sIHHI", b"BM", 54 + pixels.size, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, pixels.size, 0, 0, 0, 0)
    path.write_bytes(header + pixels[::-1, :, ::-1].tobytes())


def tensors_in(data):
    """Returns the float32 tensors of a safetensors file in memory by name, to be changed in place."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return {
        name: np.frombuffer(data, np.float32, np.prod(of["shape"], dtype=int), start + at).reshape(
            of["shape"]
        )
        for name, of in header.items()
        if name != "__metadata__" and of["dtype"] == "F32"
        for at in of["data_offsets"][:1]
    }


def randomise(file, samples):
    """Gives a network weights with which its logits depend on the samples, as those of one epoch
    hardly do, and all of batch normalisation an effect."""
    rng = np.random.default_rng(2)
    data = bytearray(file.read_bytes())
    tensors = tensors_in(data)
    for name, x in tensors.items():
        if name == "prototypes":
            continue
        if x.ndim > 1:
            x *= (2 / x[0].size) ** 0.5 / x.std()  # He's deviation
        elif name.endswith("running_var"):
            x[:] = rng.uniform(0.5, 1.5, x.shape)
        else:
            x += rng.normal(0, 0.1, x.shape).astype(np.float32)
    file.write_bytes(data)
    z = bptplr.load_model(file, device="cpu").outputs(samples).logits[0]
    for name, x in tensors.items():
        if x.shape[0] == z.shape[1] and name != "prototypes":
            x -= z.mean(axis=0) if x.ndim == 1 else 0
            x /= z.std(axis=0).mean()
    file.write_bytes(data)


def samples_for(flags, count, rng):
    """Returns images that differ in colours and noise, or features of which some are negative."""
    if flags.startswith(FEATURES):
        return rng.normal(1, 1, (count, DIM)).astype(np.float32)
    side = FOLDER_SIDE if flags.startswith(FOLDER) else 32
    colours = rng.integers(0, 256, (count, 1, 1, 3))
    return ((colours + rng.integers(0, 256, (count, side, side, 3))) // 2).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with image files of two classes, and features as after a ReLU."""
    folder = tmp_path_factory.mktemp("onnx")
    rng = np.random.default_rng(1)
    for part, count in (("train", 16), ("test", 2)):
        for name in ("a", "b"):
            (folder / "set" / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (FOLDER_SIDE, FOLDER_SIDE, 3), np.uint8)
                write_bmp(folder / "set" / part / name / f"{i}.bmp", pixels)
    np.save(folder / "x.npy", np.maximum(rng.normal(size=(90, DIM)), 0).astype(np.float32))
    (folder / "x_labels.json").write_text(json.dumps((np.arange(90) % 3).tolist()))
    return folder


@pytest.fixture(scope="module", params=RUNS)
def run(request, program, data):
    """The folder of a run of each kind, and samples for it."""
    folder = data / request.param.replace(", ", "_").replace(" ", "_")
    flags = RUNS[request.param]
    command = f"{TINY} {flags.replace('{}', str(data))}".split()
    run_program([program, "train", *command, "--out", str(folder)])
    samples = samples_for(flags, 5, np.random.default_rng(3))
    for file in folder.glob("model*.safetensors"):
        randomise(file, samples)
    return folder, samples


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def export(folder, file, half=False):
    """Exports a run; skips the test where the package was built without ONNX."""
    try:
        bptplr.export_onnx(folder, file, half=half)
    except bptplr.Error as error:
        if str(error).startswith("this build"):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("half", [False, True])
def test_models_say_what_their_run_says(run, half, tmp_path):
    folder, samples = run
    file = tmp_path / "model.onnx"
    export(folder, file, half)
    onnx.checker.check_model(onnx.load(file), full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert given.name == ("images" if samples.dtype == np.uint8 else "features")
    assert given.shape == ["N", *samples.shape[1:]]
    model = bptplr.load_model(folder, device="cpu")
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    assert np.ptp(model.predict(samples).probabilities, axis=0).max() > 0.1
    for count in (1, 5):
        x = samples[:count]
        logits, probabilities = session.run(["logits", "probabilities"], {given.name: x})
        expected = model.predict(x).probabilities
        assert logits.dtype == probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(
            logits, model.outputs(x).logits.mean(axis=0), rtol=0, atol=5 * tolerance
        )
        np.testing.assert_allclose(probabilities, softmax(logits), rtol=0, atol=1e-6)
    if half:  # onnxruntime computes in float32 in between, on a CPU; this does not
        evaluator = reference.ReferenceEvaluator(str(file))
        _, probabilities = evaluator.run(None, {given.name: samples})
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=tolerance)


@pytest.fixture
def shapes_run(program, tmp_path):
    flags = f"{TINY} {SHAPES} --blocks 1,1,1,1"
    run_program([program, "train", *flags.split(), "--out", str(tmp_path / "run")])
    return tmp_path / "run"


def test_models_know_their_classes_and_recipe(shapes_run, tmp_path):
    export(shapes_run, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
    notes = {entry.key: entry.value for entry in model.metadata_props}
    names = json.loads(notes["class_names"])
    assert names == bptplr.load_model(shapes_run).class_names
    recipe = json.loads(notes["recipe"])
    config = json.loads((shapes_run / "config.json").read_text())
    assert recipe["width"] == 4
    assert all(config[key] == value for key, value in recipe.items())
    assert str(tmp_path) not in notes["recipe"]


def test_command_and_function_write_the_same_bytes(shapes_run, program, tmp_path):
    export(shapes_run, tmp_path / "by_function.onnx", half=True)
    by_command = tmp_path / "by_command.onnx"
    run_program([program, "export", str(shapes_run), "--half", "--out", str(by_command)])
    assert by_command.read_bytes() == (tmp_path / "by_function.onnx").read_bytes()
    bptplr.export_onnx(shapes_run, tmp_path / "full.onnx")
    assert by_command.stat().st_size < 0.6 * (tmp_path / "full.onnx").stat().st_size


def test_half_weights_are_float16(shapes_run, tmp_path):
    export(shapes_run / "model1.safetensors", tmp_path / "half.onnx", half=True)
    types = {c.name: c.data_type for c in onnx.load(tmp_path / "half.onnx").graph.initializer}
    weights = {type for name, type in types.items() if name.startswith("network1.")}
    assert weights == {onnx.TensorProto.FLOAT16}
    assert types["mean"] == types["scale"] == onnx.TensorProto.FLOAT
