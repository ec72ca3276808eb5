"""Networks trained by the program `bptplr` or by PyTorch."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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

    def __init__(self, core: _core.Model) -> None:
        self._core = core

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

    def predict(self, images: ArrayLike) -> Prediction:
        """Returns probabilities and labels of images, or of features [N, feature_dim]."""
        probabilities = self._core.probabilities(self._samples(images))
        return Prediction(probabilities, probabilities.argmax(axis=1))

    def outputs(self, images: ArrayLike) -> Outputs:
        """Returns logits and projections of each network."""
        logits, projections = zip(*self._core.outputs(self._samples(images)))
        return Outputs(np.stack(logits), np.stack(projections))


def _plain(value: Any) -> Any:
    """Returns numbers of NumPy and PyTorch as Python numbers, for JSON."""
    if not hasattr(value, "tolist"):
        raise TypeError(f"there is {reprlib.repr(value)}")
    return value.tolist()


def _as_json(config: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(config), default=_plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"config must hold nothing but text and finite numbers: {error}"
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
        return Model(_core.Model(file, on))
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
