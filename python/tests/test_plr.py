"""PLR against a plain statement of its formula (ALGORITHM: step 5), by PyTorch's own gradients."""

import ctypes
import itertools

import numpy as np
import pytest

import bptplr
from bptplr import _core


def unit_rows(rng, rows, dim):
    x = rng.standard_normal((rows, dim))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def members(rng, n, classes, kappa):
    """Which classes are in the set of each of n samples: the kappa largest logits and a label."""
    logits = rng.standard_normal((n, classes)).astype(np.float32)
    labels = rng.integers(0, classes, n)
    member = np.zeros((n, classes), bool)
    np.put_along_axis(member, np.argsort(-logits, axis=1, kind="stable")[:, :kappa], True, axis=1)
    member[np.arange(n), labels] = True
    return logits, labels, member


def reference(torch, f, member, tau, flat):
    """The loss as the formula has it, with whole matrices; `member` None: every other sample."""
    n = len(f) // 2
    positive = torch.arange(2 * n).roll(n)
    s = f @ f.T / tau
    s_positive = s.gather(1, positive[:, None])[:, 0]
    if member is None:
        negative = ~torch.eye(n, dtype=torch.bool)
    else:
        shared = torch.as_tensor(member, dtype=torch.float64)
        negative = shared @ shared.T == 0
    negative = negative.repeat(2, 2)
    minus_infinity = torch.tensor(float("-inf"), dtype=f.dtype)
    if not flat:
        among = torch.where(negative, s, minus_infinity)
        everyone = torch.cat([s_positive[:, None], among], dim=1)
        return (torch.logsumexp(everyone, dim=1) - s_positive).mean()
    counted = negative.any(dim=1)
    if not counted.any():
        return 0 * f.sum()
    v = torch.logsumexp(torch.where(negative, s - s_positive[:, None], minus_infinity)[counted], 1)
    return torch.exp(v - v.detach()).mean()


CASES = list(itertools.product([0, 1, 5, 40], [10, 100], [1, 3], [1.0, 0.2], [False, True]))


@pytest.mark.parametrize("n, classes, kappa, tau, flat", CASES)
def test_value_and_gradient(rng, n, classes, kappa, tau, flat):
    torch = pytest.importorskip("torch")
    logits, labels, member = members(rng, n, classes, kappa)
    sets = bptplr.class_sets(torch.from_numpy(logits), torch.from_numpy(labels), kappa)
    f = torch.from_numpy(unit_rows(rng, 2 * n, 24)).requires_grad_()
    loss = bptplr.plr_loss(f, sets, tau, flat)
    assert loss.shape == () and loss.dtype == torch.float64
    (3 * loss).backward()
    if n == 0:
        assert loss.item() == 0.0
        return
    g = f.detach().clone().requires_grad_()
    expected = reference(torch, g, member, tau, flat)
    (3 * expected).backward()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(f.grad, g.grad, rtol=1e-10, atol=1e-13)

    f32 = f.detach().float().requires_grad_()
    loss = bptplr.plr_loss(f32, sets, tau, flat)
    (3 * loss).backward()
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(f32.grad.double(), g.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("flat", [False, True])
def test_without_class_sets(rng, flat):
    torch = pytest.importorskip("torch")
    f = torch.from_numpy(unit_rows(rng, 14, 5)).requires_grad_()
    g = f.detach().clone().requires_grad_()
    bptplr.plr_loss(f, None, 0.1, flat).backward()
    reference(torch, g, None, 0.1, flat).backward()
    torch.testing.assert_close(f.grad, g.grad, rtol=1e-9, atol=1e-12)


def test_gradcheck(rng):
    torch = pytest.importorskip("torch")
    logits, labels, _ = members(rng, 6, 10, 2)
    sets = bptplr.class_sets(torch.from_numpy(logits), torch.from_numpy(labels), 2)
    f = torch.from_numpy(unit_rows(rng, 12, 7)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: bptplr.plr_loss(x, sets, 0.5), (f,))
    # Through what makes the features, as in a network.
    h = torch.from_numpy(rng.standard_normal((12, 7))).requires_grad_()
    normalize = torch.nn.functional.normalize
    assert torch.autograd.gradcheck(lambda x: bptplr.plr_loss(normalize(x), sets, 0.5), (h,))


def test_there_is_no_second_derivative(rng):
    torch = pytest.importorskip("torch")
    f = torch.from_numpy(unit_rows(rng, 4, 3)).requires_grad_()
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(scale * bptplr.plr_loss(f, None), f, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.sum().backward()


def test_half_precision_is_converted(rng):
    torch = pytest.importorskip("torch")
    f = torch.from_numpy(unit_rows(rng, 8, 16)).bfloat16().requires_grad_()
    loss = bptplr.plr_loss(f, None)
    loss.backward()
    assert loss.dtype == torch.float32 and f.grad.dtype == torch.bfloat16
    assert loss.item() == bptplr.plr_loss(f.detach().float(), None).item()


def test_class_sets_of_half_precision(rng):
    torch = pytest.importorskip("torch")
    logits, labels, _ = members(rng, 20, 10, 3)
    labels = torch.from_numpy(labels)
    for dtype in (torch.bfloat16, torch.float16):
        half = torch.from_numpy(logits).to(dtype)
        expected = bptplr.class_sets(half.float(), labels, 3)
        assert torch.equal(bptplr.class_sets(half.requires_grad_(), labels, 3), expected)
    half = half.detach().numpy()
    np.testing.assert_array_equal(bptplr.class_sets(half, labels.numpy(), 3), expected.numpy())


def test_a_row_of_zeros_has_no_class_in_common_with_any(rng):
    features = unit_rows(rng, 12, 5)
    everyone = bptplr.plr_loss_and_gradient(features, None)
    for flat in (False, True):
        value, gradient = bptplr.plr_loss_and_gradient(features, np.zeros((6, 1), int), 1.0, flat)
        expected = bptplr.plr_loss_and_gradient(features, None, 1.0, flat)
        assert value == expected[0]
        np.testing.assert_array_equal(gradient, expected[1])
    # One such row among samples that repel none of each other.
    sets = np.array([[0]] + 5 * [[1]])
    value, _ = bptplr.plr_loss_and_gradient(features, sets)
    assert 0 < value < everyone[0]


def test_arrays_of_the_other_byte_order(rng):
    logits, labels, _ = members(rng, 20, 100, 3)
    sets = bptplr.class_sets(logits, labels, 3)
    swapped = bptplr.class_sets(logits.astype(">f4"), labels.astype(">i8"), 3)
    np.testing.assert_array_equal(swapped, sets)
    features = unit_rows(rng, 40, 12)
    expected = bptplr.plr_loss_and_gradient(features, sets)
    value, gradient = bptplr.plr_loss_and_gradient(features.astype(">f8"), sets.astype(">i8"))
    assert value == expected[0] and gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, expected[1])


def test_the_temperature_gets_no_gradient(rng):
    torch = pytest.importorskip("torch")
    f = torch.from_numpy(unit_rows(rng, 8, 3)).requires_grad_()
    learnt = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    for tau in (learnt, 2 * learnt, learnt.exp()[None]):
        with pytest.raises(ValueError, match="tau must be a number and gets no gradient"):
            bptplr.plr_loss(f, None, tau)
        with pytest.raises(ValueError, match="tau must be a number and gets no gradient"):
            bptplr.plr_loss_and_gradient(f, None, tau)
    expected = bptplr.plr_loss(f, None, 0.5)
    for tau in (learnt.detach(), np.float32(0.5), np.array(0.5)):
        assert bptplr.plr_loss(f, None, tau) == expected
    # Whoever learns it has it in the features.
    bptplr.plr_loss(f / learnt.sqrt(), None).backward()
    assert learnt.grad != 0


def test_arrays_give_what_tensors_give(rng):
    torch = pytest.importorskip("torch")
    logits, labels, _ = members(rng, 20, 100, 3)
    sets = bptplr.class_sets(logits, labels, 3)
    np.testing.assert_array_equal(
        sets, bptplr.class_sets(torch.from_numpy(logits), torch.from_numpy(labels), 3).numpy()
    )
    for dtype in (np.float32, np.float64):
        features = unit_rows(rng, 40, 12).astype(dtype)
        value, gradient = bptplr.plr_loss_and_gradient(features, sets, 0.7)
        assert value.dtype == gradient.dtype == dtype and gradient.shape == (40, 12)
        of_tensors = bptplr.plr_loss_and_gradient(
            torch.from_numpy(features), torch.from_numpy(sets), 0.7
        )
        assert value == of_tensors[0].numpy()
        np.testing.assert_array_equal(gradient, of_tensors[1].numpy())


@pytest.mark.parametrize("classes, kappa", [(1, 1), (10, 0), (10, 3), (64, 2), (100, 5), (10, 99)])
def test_class_sets(rng, classes, kappa):
    logits, labels, member = members(rng, 30, classes, kappa)
    sets = bptplr.class_sets(logits, labels, kappa)
    assert sets.shape == (30, -(-classes // 64)) and sets.dtype == np.int64
    words = np.arange(classes) // 64
    bits = sets.view(np.uint64)[:, words] >> (np.arange(classes) % 64).astype(np.uint64)
    np.testing.assert_array_equal((bits & np.uint64(1)).astype(bool), member)


def test_rows_that_are_not_contiguous(rng):
    features = unit_rows(rng, 40, 12).astype(np.float32)
    sets = bptplr.class_sets(*members(rng, 20, 10, 3)[:2], 3)
    expected = bptplr.plr_loss_and_gradient(features, sets)
    spread = np.repeat(np.repeat(features, 2, axis=0), 2, axis=1)[::2, ::2]
    value, gradient = bptplr.plr_loss_and_gradient(spread, np.asfortranarray(sets))
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])
    torch = pytest.importorskip("torch")
    value, gradient = bptplr.plr_loss_and_gradient(torch.from_numpy(spread), torch.from_numpy(sets))
    assert value.numpy() == expected[0]
    np.testing.assert_array_equal(gradient.numpy(), expected[1])


def test_the_same_bits_for_any_number_of_threads(rng):
    features = unit_rows(rng, 1000, 128).astype(np.float32)
    sets = bptplr.class_sets(*members(rng, 500, 10, 1)[:2], 1)
    before = bptplr.get_num_threads()
    results = []
    for threads in (1, 2, 3):
        bptplr.set_num_threads(threads)
        results.append(bptplr.plr_loss_and_gradient(features, sets))
    bptplr.set_num_threads(before)
    for value, gradient in results[1:]:
        assert value == results[0][0]
        np.testing.assert_array_equal(gradient, results[0][1])


def test_what_does_not_fit_is_named(rng):
    logits, labels, _ = members(rng, 4, 10, 1)
    f, sets = unit_rows(rng, 8, 3), bptplr.class_sets(logits, labels, 1)
    plr = bptplr.plr_loss_and_gradient
    with_nan = np.where(np.arange(40).reshape(4, 10) == 25, np.float32("nan"), logits)
    for arguments, sentence in [
        ((f[:7], None), r"two views of each sample, \[2n, dim\], not \[7, 3\]"),
        ((f[0], None), r"features must have the shape \[2n, dim\], not \[3\]"),
        ((f[:, :0], None), "two views"),
        ((f.astype(np.float16), None), "features must be float32 or float64, not float16"),
        ((f.tolist(), None), "must be a NumPy array or a tensor, not list"),
        ((f, sets[:3]), r"class_sets must have the shape \[4, words\], not \[3, 1\]"),
        ((f, sets.astype(np.int32)), "class_sets must be int64, not int32"),
        ((f, sets.tolist()), "class_sets must be a NumPy array like the rest, not list"),
        ((f, sets, 0.0), "tau must be greater than 0"),
        ((f, sets, float("nan")), "tau must be greater than 0"),
        ((f, sets, float("inf")), "tau must be greater than 0"),
        ((f, sets, "1"), "tau must be a number, not '1'"),
        ((f, sets, None), "tau must be a number, not None"),
        ((f, sets[:, :0]), "class_sets must have 1 to 16 words a row, not 0"),
        ((f, sets.repeat(17, axis=1)), "class_sets must have 1 to 16 words a row, not 17"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            plr(*arguments)
    for arguments, sentence in [
        ((logits.astype(np.float64), labels, 1), "logits must be float32"),
        ((logits, labels[:3], 1), r"labels must have the shape \[4\], not \[3\]"),
        ((logits, labels.astype(np.int32), 1), "labels must be int64"),
        ((logits, labels + 10, 1), r"labels must lie in \[0, 10\)"),
        ((logits, labels - 10, 1), r"labels must lie in \[0, 10\)"),
        ((logits, labels, -1), "kappa must be a whole number from 0"),
        ((logits, labels, 1.5), "kappa must be a whole number from 0"),
        ((np.zeros((4, 1025), np.float32), labels, 1), "1 to 1024 classes, not 1025"),
        ((logits, labels, None), "kappa must be a whole number from 0"),
        ((with_nan, labels, 1), "logits must not be NaN, but one in row 2 is"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            bptplr.class_sets(*arguments)
    with pytest.raises(ValueError, match="features must be a tensor; plr_loss_and"):
        bptplr.plr_loss(f, sets)
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="class_sets must be a tensor like the rest, not ndarray"):
        bptplr.plr_loss(torch.from_numpy(f), sets)
    with pytest.raises(ValueError, match="class_sets is on meta, but the rest on cpu"):
        bptplr.plr_loss(torch.from_numpy(f), torch.from_numpy(sets).to("meta"))
    f, sets, with_nan, labels = (torch.from_numpy(x) for x in (f, sets, with_nan, labels))
    for call, sentence in [
        (
            lambda: bptplr.plr_loss(f.to("meta"), None),
            "features must be on cpu or cuda, not on meta",
        ),
        (
            lambda: bptplr.plr_loss(f.to_sparse(), None),
            "features must be a dense tensor, not sparse",
        ),
        (lambda: bptplr.plr_loss(f, sets.to_sparse()), "class_sets must be a dense tensor"),
        (lambda: bptplr.plr_loss(f, sets[:, :0]), "1 to 16 words a row, not 0"),
        (
            lambda: bptplr.class_sets(with_nan, labels, 1),
            "logits must not be NaN, but one in row 2",
        ),
        (
            lambda: bptplr.class_sets(f.float().to("meta"), labels.to("meta"), 1),
            "logits must be on",
        ),
    ]:
        with pytest.raises(ValueError, match=sentence):
            call()


def claims_to_be_on_a_gpu(torch, tensor):
    """The tensor as DLPack hands it over, with CUDA as its device."""
    capsule = torch.utils.dlpack.to_dlpack(tensor)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    managed = pointer(capsule, b"dltensor")
    ctypes.c_int32.from_address(managed + ctypes.sizeof(ctypes.c_void_p)).value = 2  # kDLCUDA
    return capsule


def test_a_gpu_in_a_build_without_cuda_is_an_error():
    torch = pytest.importorskip("torch")
    if _core.cuda_device_count() > 0:
        pytest.skip("this build has a GPU to use")
    arrays = [torch.zeros(shape) for shape in ((4, 3), (1,), (4, 3))]
    f, loss, gradient = (claims_to_be_on_a_gpu(torch, x) for x in arrays)
    with pytest.raises(bptplr.Error, match=r"on a GPU, but .*; move them with \.cpu\(\)"):
        _core.plr(f, None, 1.0, False, loss, gradient, stream=0)
    if torch.cuda.is_available():  # to PyTorch alone
        with pytest.raises(bptplr.Error, match="on a GPU, but"):
            bptplr.plr_loss(torch.zeros((4, 3), device="cuda"), None)
