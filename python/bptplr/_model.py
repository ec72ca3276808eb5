"""Networks trained by the program `bptplr` or by PyTorch."""

from __future__ import annotations

import json
import os
import reprlib
import struct
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from bptplr import _arrays, _core
from bptplr._arrays import Float32, Int64, UInt8

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike, PathLike


class Prediction(NamedTuple):
    """Joint prediction of all networks of a model, as by `bptplr predict`."""

    probabilities: Float32  #: [N, C] softmax of the networks' mean logits
    labels: Int64  #: [N] the most probable class


class Outputs(NamedTuple):
    """Outputs of each network of a model."""

    logits: Float32  #: [networks, N, C]
    projections: Float32  #: [networks, N, low_dim], rows of unit norm


class Model:
    """Trained networks, made by `load_model`. Images are uint8 [N, height, width, 3]; networks of
    features take float32 [N, feature_dim] in their place.

    Images are normalised as in training, get a central crop if training crops, and may have any
    size that the network accepts. Calls raise ValueError for other shapes and types and
    bptplr.Error for a size that the network does not accept.
    """

    def __init__(self, core: _core.Model, origin: Path | None = None) -> None:
        self._core = core
        self._origin = origin  #: folder or model file of a run that this was loaded from
        self._files: dict[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"Model({self.num_networks} networks, {self.num_classes} classes)"

    @property
    def num_networks(self) -> int:
        return self._core.num_networks

    @property
    def num_classes(self) -> int:
        return self._core.num_classes

    @property
    def class_names(self) -> list[str]:
        """Names of the run's classes; empty for a network of another program."""
        return self._core.class_names

    @property
    def prototypes(self) -> Float32 | None:
        """Prototypes [networks, C, low_dim], rows of unit norm.

        None where the networks have none, which their file holds as zeros: those of a method
        without prototypes, or of a run that has not ended its warm-up.
        """
        prototypes = np.stack(self._core.prototypes())
        return prototypes if prototypes.any() else None

    @property
    def feature_dim(self) -> int:
        """Length D of the feature vectors that the networks take; 0 for networks of images."""
        return self._core.feature_dim

    def _samples(self, images: ArrayLike) -> UInt8 | Float32:
        if self.feature_dim == 0:
            return _arrays.images(images)
        return _arrays.finite(images, "features", ["N", self.feature_dim], np.float32)

    def predict(self, images: ArrayLike | PathLike | Sequence[PathLike]) -> Prediction:
        """Returns probabilities and labels of images, or of features [N, feature_dim]; of image
        files, and of the images in folders, if paths are given."""
        paths = _paths_of(images)
        if paths:
            probabilities, _ = self._core.of_files(paths)
        else:
            probabilities = self._core.probabilities(self._samples(cast("ArrayLike", images)))
        return Prediction(probabilities, probabilities.argmax(axis=1))

    def state_dict(self, network: int = 0) -> dict[str, np.ndarray[Any, Any]]:
        """Returns the tensors of a network (0, or 1 of two) under PyTorch's names, as arrays.

        Raises bptplr.Error for a network of another program, whose file has them.
        """
        which = _arrays.whole(network, "network", most=self.num_networks - 1)
        files = self._kept_files()
        models = sorted(name for name in files if name.endswith(".safetensors"))
        return _tensors_of(files[models[which]])

    def keep(self) -> Model:
        """Reads the files of the run into memory, so that the model outlives its folder."""
        self._files = self._kept_files()
        return self

    def _kept_files(self) -> dict[str, bytes]:
        if self._files is not None:
            return self._files
        if self._origin is None:
            raise _core.Error("this network is of another program; its file has its tensors")
        folder = self._origin if self._origin.is_dir() else self._origin.parent
        models = (
            sorted(folder.glob("model*.safetensors")) if folder == self._origin else [self._origin]
        )
        files = [folder / "config.json", folder / "classes.json", *models]
        return {file.name: file.read_bytes() for file in files}

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self._kept_files()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._files, self._origin = state["files"], None
        with tempfile.TemporaryDirectory(prefix="bptplr-") as folder:
            for name, content in state["files"].items():
                (Path(folder) / name).write_bytes(content)
            self._core = _core.Model(folder, "auto")

    def outputs(self, images: ArrayLike) -> Outputs:
        """Returns logits and projections of each network."""
        logits, projections = zip(*self._core.outputs(self._samples(images)))
        return Outputs(np.stack(logits), np.stack(projections))


def _paths_of(value: Any) -> list[str]:
    """Returns paths as text; none if `value` is no path or list of paths."""
    if isinstance(value, str | bytes | os.PathLike):
        return [_arrays.path(value, "images")]
    if not isinstance(value, Sequence) or not value:
        return []
    if not all(isinstance(item, str | bytes | os.PathLike) for item in value):
        return []
    return [_arrays.path(item, "images") for item in value]


#: Types of safetensors that models are saved with.
_SAFETENSORS_TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}


def _tensors_of(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Returns the tensors in a safetensors file: a length, a JSON header, the elements."""
    (length,) = struct.unpack("<Q", content[:8])
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            elements = content[8 + length + begin : 8 + length + end]
            array = np.frombuffer(elements, _SAFETENSORS_TYPES[entry["dtype"]])
            tensors[name] = array.reshape(entry["shape"]).copy()
    return tensors


def _plain(value: Any) -> Any:
    """Returns numbers of NumPy and PyTorch as Python numbers, for JSON."""
    if not hasattr(value, "tolist"):
        raise TypeError(f"there is {reprlib.repr(value)}")
    return value.tolist()


def _as_json(config: Mapping[str, Any], name: str = "config") -> str:
    try:
        return json.dumps(dict(config), default=_plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{name} must hold nothing but text and finite numbers: {error}"
        ) from error


def load_model(
    path: PathLike,
    config: None | PathLike | Mapping[str, Any] = None,
    *,
    device: str = "auto",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Model:
    """Loads the networks of a run, or a network of another program.

    Args:
        path: A run folder of `bptplr train`, whose networks' outputs are averaged; one of its model
            files; or, with config, mean and std, any safetensors file with the tensors of one
            network under PyTorch's names.
        config: For a network of another program: fields of a recipe that describe it (arch, width,
            blocks, low_dim, projector, shortcut, pool_side, crop) as a mapping, a JSON file or the name of a
            built-in recipe. The file gives the number of classes.
        device: "auto", "cpu" or "cuda".
        mean: With config: mean of each channel to normalise inputs with, finite, for pixels from 0
            to 1.
        std: With config: standard deviation of each channel, finite and > 0.

    Raises:
        ValueError: An argument is missing, of the wrong form or not finite, or std is not above 0.
        bptplr.Error: A file is missing, malformed, or that of another network, or the device is not
            available.
    """
    file, on = _arrays.path(path, "path"), _arrays.text(device, "device")
    if config is None:
        if mean is not None or std is not None:
            raise ValueError("mean and std are those of the run; they go with config only")
        return Model(_core.Model(file, on), Path(file))
    if mean is None or std is None:
        raise ValueError("config needs mean and std, which inputs are normalised with")
    means = _arrays.channels(mean, "mean")
    deviations = _arrays.channels(std, "std", positive=True)
    is_text = isinstance(config, Mapping)
    text = _as_json(config) if isinstance(config, Mapping) else _arrays.path(config, "config")
    return Model(_core.load_file(file, text, is_text, means, deviations, on))


def export_onnx(path: PathLike, out: PathLike, *, half: bool = False) -> None:
    """Writes the networks of a run as one ONNX model, as `bptplr export` does.

    The model takes images uint8 [N, height, width, 3] of the run's size (input "images"), or
    features float32 [N, feature_dim] ("features"), and returns "logits", the mean of the networks',
    and "probabilities", those of `Model.predict`.

    Args:
        path: A run folder of `bptplr train`, or one of its model files.
        out: The file to write, which has its old or all its new bytes.
        half: Whether weights and arithmetic are float16; inputs and outputs stay as they are.

    Raises:
        ValueError: An argument is of the wrong form.
        bptplr.Error: A file is missing or malformed, `out` cannot be written, or this build has no
            ONNX.
    """
    if not isinstance(half, bool):
        raise ValueError("half must be True or False")
    _core.export_onnx(_arrays.path(path, "path"), _arrays.path(out, "out"), half)
