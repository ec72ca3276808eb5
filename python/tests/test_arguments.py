"""What is passed wrongly, to any function in any argument: a sentence that names the argument."""

import numpy as np
import pytest

import bptplr

LOGITS = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)
LABELS = np.array([0, 1, 2, 0])
IMAGES = np.zeros((4, 8, 8, 3), np.uint8)
FEATURES = np.eye(8, dtype=np.float32)
MOMENTS = {"mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2)}

#: Calls that are right but for the files, which are not there.
CALLS = {
    "class_sets": {"logits": LOGITS, "labels": LABELS, "kappa": 1},
    "plr_loss_and_gradient": {
        "features": FEATURES,
        "class_sets": np.ones((4, 1), np.int64),
        "tau": 1.0,
    },
    "jensen_shannon_distance": {
        "logits_1": LOGITS,
        "logits_2": LOGITS + 1,
        "labels": LABELS,
        "base": "2",
    },
    "gmm_fit": {
        "losses": LOGITS[:, :2],
        "max_iter": 3,
        "tol": 1e-2,
        "reg_covar": 1e-3,
        "seed": 1,
        "epoch": 1,
        "network": 1,
        "init_labels": LABELS % 2,
    },
    "balanced_partition": {
        "clean_probability": LOGITS[:, 0],
        "labels": LABELS,
        "num_classes": 3,
        "threshold": 0.5,
    },
    "audit_labels": {"logits": LOGITS, "labels": LABELS, "progress": None},
    "audit_run": {
        "run": "nowhere",
        "data_path": "",
        "device": "cpu",
        "judge": "auto",
        "folds": 5,
        "progress": None,
    },
    "train": {
        "recipe": "features",
        "data": LOGITS,
        "labels": LABELS,
        "test_data": LOGITS,
        "test_labels": LABELS,
        "true_labels": LABELS,
        "class_names": ["a", "b", "c"],
        "out": "/dev/null/nowhere",
        "resume": True,
        "progress": False,
        "callbacks": [],
    },
    "load_run": {"path": "nowhere"},
    "compare": {
        "names": ["ce", "bptplr"],
        "seeds": [1, 2],
        "out": "/dev/null/nowhere",
        "recipe": "features",
        "data": LOGITS,
        "labels": LABELS,
        "test_data": LOGITS,
        "test_labels": LABELS,
        "true_labels": LABELS,
        "class_names": ["a", "b", "c"],
        "progress": False,
        "callbacks": [],
    },
    "clean": {
        "data": LOGITS,
        "labels": LABELS,
        "true_labels": LABELS,
        "class_names": ["a", "b", "c"],
        "features": None,
        "out": "/dev/null/nowhere",
        "judge": "auto",
        "folds": 5,
        "progress": False,
    },
    "torch_model": {"run": "nowhere"},
    "find_data_issues": {"features": LOGITS, "labels": LABELS, "num_classes": 3, "progress": None},
    "load_model": {"path": "nowhere", "config": {"width": 4}, "device": "cpu", **MOMENTS},
    "export_onnx": {"path": "nowhere", "out": "model.onnx", "half": True},
    "autoaugment": {
        "images": IMAGES,
        "seed": 1,
        "view": "weak",
        "samples": LABELS,
        "epoch": 1,
        "draw": 1,
        "crop": 8,
        "padding": 2,
    },
    "symmetric_noise": {"labels": LABELS, "num_classes": 3, "rate": 0.5, "seed": 1},
    "asymmetric_noise_cifar10": {"labels": LABELS, "rate": 0.5, "seed": 1},
    "asymmetric_noise_cifar100": {"labels": LABELS, "rate": 0.5, "seed": 1},
    "instance_noise": {
        "images": IMAGES,
        "labels": LABELS,
        "num_classes": 3,
        "rate": 0.5,
        "seed": 1,
        **MOMENTS,
    },
    "make_shapes": {"n_train": 2, "n_test": 1, "seed": 1},
    "set_deterministic": {"value": False},
    "set_num_threads": {"threads": 1},
}

WRONG = {
    "None": None,
    "text": "x",
    "bytes": b"\xff",
    "half a letter": "\udcff",
    "null": "a\0b",
    "NaN": float("nan"),
    "infinity": np.inf,
    "a complex number": 1j,
    "a large number": 10**400,
    "large numbers": [10**400] * 4,
    "a number that is not shown": 10**5000,
    "numbers that are not shown": [10**5000] * 4,
    "negative": -1,
    "2^31": 2**31,
    "2^32 - 1": 2**32 - 1,
    "2^32": 2**32,
    "2^63": 2**63,
    "2^64": 2**64,
    "an object": object(),
    "rows of different lengths": [[1], [2, 3]],
    "a mapping": {"width": {4}},
    "beyond int64": np.full(4, 2**63, np.uint64),
    "no rows": np.zeros((0, 0)),
}


def wrong_tensors():
    torch = pytest.importorskip("torch")
    return {
        "meta": torch.zeros((4, 3), device="meta"),
        "a meta number": torch.zeros((), device="meta"),
        "sparse": torch.eye(4, 3).to_sparse(),
        "quantized": torch.quantize_per_tensor(torch.eye(4, 3), 0.1, 0, torch.quint8),
        "complex": torch.zeros((4, 3), dtype=torch.complex64).conj(),
        "on the tape": torch.tensor(0.5, requires_grad=True),
    }


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """What is right after all, such as an out of "x", is written there."""
    monkeypatch.chdir(tmp_path)


def check(function, argument, value):
    """Either it is right or an error says what is wrong, by the name of the argument, or of the one
    that it does not go with."""
    threads = bptplr.get_num_threads()
    try:
        getattr(bptplr, function)(**{**CALLS[function], argument: value})
    except ValueError as error:
        assert any(name in str(error) for name in CALLS[function])
    except bptplr.Error:
        pass
    finally:
        bptplr.set_num_threads(threads)


ARGUMENTS = [(function, argument) for function, right in CALLS.items() for argument in right]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Folders that are named by wrong values are made where nobody looks."""
    monkeypatch.chdir(tmp_path)


def test_every_function_is_here():
    others = {
        "Error",
        "get_deterministic",
        "get_num_threads",
        "plr_loss",
    }  # the last is plr_loss_and_gradient's
    classes = {"NoisyLabelClassifier"}  # which needs scikit-learn to be looked at
    names = set(bptplr.__all__) - classes
    functions = {name for name in names if not isinstance(getattr(bptplr, name), type)}
    assert set(CALLS) == functions - others
    for function, right in CALLS.items():
        try:
            getattr(bptplr, function)(**right)
        except bptplr.Error as error:
            assert "nowhere" in str(error)


@pytest.mark.parametrize("function, argument", ARGUMENTS)
@pytest.mark.parametrize("kind", WRONG)
def test_wrong_values_are_named(function, argument, kind):
    check(function, argument, WRONG[kind])


@pytest.mark.parametrize("function, argument", ARGUMENTS)
def test_wrong_tensors_are_named(function, argument):
    for tensor in wrong_tensors().values():
        check(function, argument, tensor)


@pytest.mark.parametrize("argument", ["features", "class_sets", "tau"])
def test_wrong_tensors_of_plr_are_named(argument):
    torch = pytest.importorskip("torch")
    sets = torch.ones((4, 1), dtype=torch.int64)
    right = {"features": torch.from_numpy(FEATURES), "class_sets": sets, "tau": 1.0}
    for value in [*WRONG.values(), *wrong_tensors().values()]:
        try:
            bptplr.plr_loss(**{**right, argument: value})
        except ValueError as error:
            assert argument in str(error)
