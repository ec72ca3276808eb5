"""BPT-PLR for Python: trains image classifiers with noisy labels.

Functions of the C++ library for custom training loops: the losses and the sample selection of the
method, its views and label noise, and the networks that the program `bptplr` has trained. With the
same seed, results on a CPU equal those of the program bit for bit. Functions release the
interpreter's lock while they compute; on a GPU threads take turns.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from bptplr import _processor as _processor  # isort: split  # first: _core may need what is lacking
from bptplr._audit import Audit, audit_labels, audit_run
from bptplr._clean import Cleaning, clean
from bptplr._compare import Comparison, compare
from bptplr._core import Error
from bptplr._data import (
    Dataset,
    asymmetric_noise_cifar10,
    asymmetric_noise_cifar100,
    autoaugment,
    instance_noise,
    make_shapes,
    symmetric_noise,
)
from bptplr._determinism import get_deterministic, set_deterministic
from bptplr._issues import DataIssues, find_data_issues
from bptplr._model import Model, Outputs, Prediction, export_onnx, load_model
from bptplr._parts import Division, PseudoLabels, Selection, jensen_shannon_distance
from bptplr._plr import class_sets, plr_loss, plr_loss_and_gradient
from bptplr._progress import BptplrWarning
from bptplr._selection import GmmFit, Partition, balanced_partition, gmm_fit
from bptplr._threads import get_num_threads, set_num_threads
from bptplr._torch_model import torch_model
from bptplr._train import Run, load_run, train

__all__ = [
    "Audit",
    "BptplrWarning",
    "Cleaning",
    "Comparison",
    "DataIssues",
    "Dataset",
    "Division",
    "Error",
    "GmmFit",
    "Model",
    "NoisyLabelClassifier",
    "Outputs",
    "Partition",
    "Prediction",
    "PseudoLabels",
    "Run",
    "Selection",
    "asymmetric_noise_cifar10",
    "asymmetric_noise_cifar100",
    "audit_labels",
    "audit_run",
    "autoaugment",
    "balanced_partition",
    "class_sets",
    "clean",
    "compare",
    "export_onnx",
    "find_data_issues",
    "get_deterministic",
    "get_num_threads",
    "gmm_fit",
    "instance_noise",
    "jensen_shannon_distance",
    "load_model",
    "load_run",
    "make_shapes",
    "plr_loss",
    "plr_loss_and_gradient",
    "set_deterministic",
    "set_num_threads",
    "symmetric_noise",
    "torch_model",
    "train",
]

__version__ = _version("bptplr")

if TYPE_CHECKING:
    from bptplr._estimator import NoisyLabelClassifier


def __getattr__(name: str) -> Any:
    """Loads what needs scikit-learn when somebody asks for it."""
    if name == "NoisyLabelClassifier":
        from bptplr._estimator import NoisyLabelClassifier

        return NoisyLabelClassifier
    raise AttributeError(f"module 'bptplr' has no attribute {name!r}")


Error.__module__ = "bptplr"
Error.__doc__ = "What the library cannot do: one sentence that says what was wrong and what to do."
