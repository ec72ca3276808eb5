"""BPT-PLR for Python: trains image classifiers with noisy labels.

Functions of the C++ library for custom training loops: the losses and the sample selection of the
method, its views and label noise, and the networks that the program `bptplr` has trained. With the
same seed, results on a CPU equal those of the program bit for bit. Functions release the
interpreter's lock while they compute; on a GPU threads take turns.
"""

from importlib.metadata import version as _version

from bptplr import _processor as _processor  # isort: split  # first: _core may need what is lacking
from bptplr._audit import Audit, audit_labels, audit_run
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
from bptplr._model import Model, Outputs, Prediction, load_model
from bptplr._parts import Division, PseudoLabels, Selection, jensen_shannon_distance
from bptplr._plr import class_sets, plr_loss, plr_loss_and_gradient
from bptplr._selection import GmmFit, Partition, balanced_partition, gmm_fit
from bptplr._threads import get_num_threads, set_num_threads

__all__ = [
    "Audit",
    "DataIssues",
    "Dataset",
    "Division",
    "Error",
    "GmmFit",
    "Model",
    "Outputs",
    "Partition",
    "Prediction",
    "PseudoLabels",
    "Selection",
    "asymmetric_noise_cifar10",
    "asymmetric_noise_cifar100",
    "audit_labels",
    "audit_run",
    "autoaugment",
    "balanced_partition",
    "class_sets",
    "find_data_issues",
    "get_deterministic",
    "get_num_threads",
    "gmm_fit",
    "instance_noise",
    "jensen_shannon_distance",
    "load_model",
    "make_shapes",
    "plr_loss",
    "plr_loss_and_gradient",
    "set_deterministic",
    "set_num_threads",
    "symmetric_noise",
]

__version__ = _version("bptplr")

Error.__module__ = "bptplr"
Error.__doc__ = "What the library cannot do: one sentence that says what was wrong and what to do."
