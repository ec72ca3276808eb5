"""The networks of runs for PyTorch, which is imported by the first call: it is optional."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from bptplr import _arrays
from bptplr._model import Model, _tensors_of, load_model
from bptplr._train import Run

if TYPE_CHECKING:
    from bptplr._arrays import PathLike
    from bptplr._torch_networks import TorchModel


def torch_model(run: Run | Model | PathLike) -> TorchModel:
    """Returns the networks of a run as a torch.nn.Module on the CPU, in evaluation mode.

    model(x) returns the mean logits [N, C] of the networks, as `Model.outputs` has them, of images,
    float [N, 3, height, width] from 0 to 1 or uint8 [N, height, width, 3], or of features [N, D];
    it crops and normalises. model.features(x) and model.project(x) return what the heads of each
    network see, and its projections. model.networks are the plain networks, whose parameters have
    the names in the run's model files.

    Args:
        run: A run, its model, or the path of its folder or of one of its model files.

    Raises:
        ImportError: There is no PyTorch.
        bptplr.Error: A file is missing or malformed, or the model is of another program.
    """
    if isinstance(run, Run):
        model = run.model
    elif isinstance(run, Model):
        model = run
    else:
        if not isinstance(run, str | bytes | os.PathLike):
            raise ValueError(f"run must be a run, a model or a path, not {_arrays.shown(run)}")
        model = load_model(_arrays.path(run, "run"), device="cpu")
    files = model._kept_files()
    try:
        from bptplr import _torch_networks
    except ImportError as error:
        raise ImportError("torch_model needs PyTorch; pip install torch") from error
    names = sorted(name for name in files if name.endswith(".safetensors"))
    return _torch_networks.model_of(
        json.loads(files["config.json"]),
        json.loads(files["classes.json"]),
        [_tensors_of(files[name]) for name in names],
    )
