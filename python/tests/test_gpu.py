"""The package on a GPU, against itself on the CPU. Skipped where there is none to use, except with
BPTPLR_WANTS_GPU=1 (tools/gpu_check.sh)."""

import numpy as np
import pytest
from test_model import MEAN, NETWORK, STD, oracle, save
from test_plr import members, unit_rows

import bptplr

GPU = "cuda"


@pytest.mark.parametrize(
    "count, classes, kappa", [(1, 1, 0), (64, 10, 3), (300, 100, 5), (50, 1000, 7)]
)
def test_class_sets_have_the_same_bits(torch_on_gpu, rng, count, classes, kappa):
    logits, labels, _ = members(rng, count, classes, kappa)
    logits = np.round(logits, 1)  # with equal ones among them
    sets = bptplr.class_sets(*(torch_on_gpu.from_numpy(x).to(GPU) for x in (logits, labels)), kappa)
    assert sets.device.type == GPU
    np.testing.assert_array_equal(sets.cpu().numpy(), bptplr.class_sets(logits, labels, kappa))


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("with_sets", [True, False])
@pytest.mark.parametrize("count, dim, tau", [(64, 128, 1.0), (37, 20, 0.3), (1, 5, 1.0)])
def test_loss_and_gradient(torch_on_gpu, rng, count, dim, tau, with_sets, flat):
    logits, labels, _ = members(rng, count, 10, 3)
    sets = bptplr.class_sets(logits, labels, 3) if with_sets else None
    features = unit_rows(rng, 2 * count, dim).astype(np.float32)
    expected = bptplr.plr_loss_and_gradient(features, sets, tau, flat)
    f = torch_on_gpu.from_numpy(features).to(GPU)
    sets = None if sets is None else torch_on_gpu.from_numpy(sets).to(GPU)
    loss, gradient = bptplr.plr_loss_and_gradient(f, sets, tau, flat)
    assert loss.device.type == gradient.device.type == GPU
    np.testing.assert_allclose(loss.item(), expected[0], rtol=1e-5)
    np.testing.assert_allclose(gradient.cpu().numpy(), expected[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_autograd_on_a_stream_of_its_own(torch_on_gpu, rng, dtype):
    torch = torch_on_gpu
    logits, labels, _ = members(rng, 64, 10, 3)
    sets = torch.from_numpy(bptplr.class_sets(logits, labels, 3))
    features = torch.from_numpy(unit_rows(rng, 128, 128)).to(getattr(torch, dtype))

    def loss_and_gradient(device):
        f = features.to(device, copy=True).requires_grad_()
        loss = 2 * bptplr.plr_loss(f, sets.to(device))
        loss.backward()
        return loss.item(), f.grad.float().cpu().numpy()

    expected = loss_and_gradient("cpu")
    with torch.cuda.stream(torch.cuda.Stream()):
        loss, gradient = loss_and_gradient(GPU)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-5)
    step = {"float32": 1e-4, "float16": 2e-3, "bfloat16": 1e-2}[dtype]  # of rounding the gradient
    np.testing.assert_allclose(gradient, expected[1], rtol=step, atol=1e-6)


def test_what_does_not_fit_is_named(torch_on_gpu, rng):
    features = torch_on_gpu.from_numpy(unit_rows(rng, 8, 5))
    with pytest.raises(ValueError, match="features must be float32, not float64"):
        bptplr.plr_loss(features.to(GPU), None)
    sets = torch_on_gpu.ones((4, 1), dtype=torch_on_gpu.int64)
    with pytest.raises(ValueError, match="class_sets is on cpu, but the rest on cuda"):
        bptplr.plr_loss(features.float().to(GPU), sets)


def test_a_network_of_pytorch(torch_on_gpu, tmp_path, rng):
    path = save(tmp_path / "net.safetensors", oracle(torch_on_gpu, rng, width=4, low_dim=16))
    images = rng.integers(0, 256, (9, 32, 32, 3), np.uint8)
    on_gpu, on_cpu = (
        bptplr.load_model(path, NETWORK, device=device, mean=MEAN, std=STD)
        for device in (GPU, "cpu")
    )
    for got, expected in zip(on_gpu.outputs(images), on_cpu.outputs(images)):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(on_gpu.prototypes, on_cpu.prototypes)
    got, expected = (model.predict(images).probabilities for model in (on_gpu, on_cpu))
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)


def test_a_run_of_the_program(torch_on_gpu, run):
    images = bptplr.make_shapes(200, 100).test_images
    got, expected = (
        bptplr.load_model(run, device=device).predict(images).probabilities
        for device in (GPU, "cpu")
    )
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
    got, expected = (bptplr.audit_run(run, device=device) for device in (GPU, "cpu"))
    np.testing.assert_allclose(got.wrong_probability, expected.wrong_probability, atol=1e-3)
    np.testing.assert_allclose(got.joint, expected.joint, rtol=1e-2, atol=1e-2)
