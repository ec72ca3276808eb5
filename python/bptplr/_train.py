"""Trains runs, as the program `bptplr train` does, and uses what they leave."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptplr import _arrays, _core, _dataset, _progress
from bptplr._audit import Audit, audit_run
from bptplr._model import Model, Prediction, _as_json, load_model

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike, PathLike

#: Called after every epoch with its metrics; True ends the training with a checkpoint.
Callback = Callable[[dict[str, Any]], object]

#: Images up to which the recipe for few images suits, as for `bptplr clean`.
_FEW_IMAGES = 20_000


class Run:
    """A run: a folder that `bptplr.train` or the program wrote to, complete or not.

    Raises bptplr.Error where the folder holds none.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(_arrays.path(path, "path"))
        self.config: dict[str, Any] = self._json("config.json")
        self._model: Model | None = None

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise _core.Error(
                f"{self.path} holds no run: {name} cannot be read ({error.strerror}); name the "
                "folder that bptplr.train wrote to"
            ) from error
        except ValueError as error:
            raise _core.Error(f"{self.path / name}: it is not JSON; restore it") from error

    @property
    def records(self) -> list[dict[str, Any]]:
        """Metrics of each epoch, in order, as `metrics.jsonl` has them."""
        file = self.path / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:  # of a process that was killed while it wrote
                continue
        return found

    @property
    def metrics(self) -> Any:
        """Metrics of each epoch: a pandas.DataFrame where pandas is installed, else `records`.

        Columns of the frame are plain numbers; those of network K end in _K.
        """
        try:
            import pandas as pd
        except ImportError:
            return self.records
        rows = [_flat(record) for record in self.records]
        return pd.DataFrame(rows, index=pd.Index([row.pop("epoch") for row in rows], name="epoch"))

    @property
    def epochs(self) -> int:
        """Number of epochs that are done."""
        return len(self.records)

    @property
    def is_complete(self) -> bool:
        """Whether all epochs of the recipe are done."""
        return self.epochs >= int(self.config["num_epochs"])

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, by number."""
        return list(self._json("classes.json")["classes"])

    @property
    def model(self) -> Model:
        """The networks of the last epoch, whose outputs are averaged."""
        if self._model is None:
            self._model = load_model(self.path, device=str(self.config["device"]))
        return self._model

    def predict(self, samples: ArrayLike) -> Prediction:
        """Returns probabilities and labels of samples, as `Model.predict`."""
        return self.model.predict(samples)

    def audit(self, **options: Any) -> Audit:
        """Judges the training labels; options are those of `audit_run`."""
        return audit_run(self.path, **options)

    def report(self, out: PathLike = "", *, data_path: PathLike = "", top: int = 48) -> Path:
        """Writes the run's page, as `bptplr report` does, and returns its path.

        Args:
            out: File; empty: report.html in the folder of the run.
            data_path: New location of the data set; empty if it has not moved.
            top: How many of the most suspect labels it shows, at most 10,000.
        """
        file = Path(_arrays.path(out, "out")) if out else self.path / "report.html"
        count = _arrays.whole(top, "top", most=10_000)
        _core.write_report(str(self.path), str(file), _arrays.path(data_path, "data_path"), count)
        return file

    def resume(self, **options: Any) -> Run:
        """Goes on from the newest checkpoint; options are those of `train`, e.g. num_epochs."""
        return train(out=self.path, resume=True, **options)

    def __repr__(self) -> str:
        done = f"{self.epochs} of {self.config['num_epochs']} epochs"
        records = self.records
        accuracy = records[-1].get("test_acc") if records else None
        test = f", test {accuracy:.2f} %" if accuracy is not None else ""
        return f"Run('{self.path}', {self.config['method']}, {done}{test})"


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the numbers of an epoch's metrics as one row."""
    row = {name: value for name, value in record.items() if not isinstance(value, dict | list)}
    for name, seconds in record.get("seconds", {}).items():
        row[f"seconds_{name}"] = seconds
    for number, network in enumerate(record.get("networks", []), start=1):
        for name, value in network.items():
            if not isinstance(value, dict | list):
                row[f"{name}_{number}"] = value
    for name, count in (record.get("wrong_labels") or {}).items():
        row[f"wrong_labels_{name}"] = count
    return row


class Events:
    """Passes the events of a training on to a bar, to callbacks and to warnings."""

    def __init__(self, progress: bool | None, callbacks: Sequence[Callback]) -> None:
        if not isinstance(callbacks, Sequence) or not all(callable(one) for one in callbacks):
            raise ValueError(
                f"callbacks must be a list of functions, not {_arrays.shown(callbacks)}"
            )
        self._callbacks = list(callbacks)
        wanted = None if progress is None else _arrays.truth(progress, "progress")
        self._bar = _progress.bar() if _progress.is_shown(wanted) else None
        self._run: dict[str, Any] = {}  #: of a comparison: its label and seed

    def __call__(self, kind: str, value: Any) -> bool:
        if kind == "warning":
            _progress.warn(value)
            return False
        metrics = value
        if kind == "run":
            metrics = json.loads(value)
            self._run = {"label": metrics["label"], "seed": metrics["seed"]}
        elif kind == "waiting":
            metrics = json.loads(value)
        elif kind == "epoch":
            metrics = {**self._run, **json.loads(value)}
        if self._bar is not None:
            self._bar(kind, metrics)
        if kind != "epoch":
            return False
        return any([callback(metrics) is True for callback in self._callbacks])

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def fields_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns fields of a recipe as JSON has them: paths as text, no Nones."""
    fields = {}
    for name, value in values.items():
        if value is None:
            continue
        fields[name] = _arrays.path(value, name) if isinstance(value, os.PathLike) else value
    return fields


def base_of(
    recipe: None | PathLike | Mapping[str, Any],
    fields: dict[str, Any],
    of_data: dict[str, Any],
    count: int = 0,
) -> tuple[str, dict[str, Any]]:
    """Returns the name of a recipe, or "", and the fields that count over it. `count` is of images
    that are passed, 0 for others."""
    if isinstance(recipe, Mapping):
        return "", {**recipe, **of_data, **fields}
    if recipe is not None:
        return _arrays.path(recipe, "recipe"), {**of_data, **fields}
    if of_data.get("dataset") == "features":
        return "features", {**of_data, **fields}
    if 0 < count <= _FEW_IMAGES:  # as `bptplr clean` does
        return "cifar10-5000", {"subset": 0, "noise_mode": "none", **of_data, **fields}
    return "", {**of_data, **fields}


def train(
    recipe: None | PathLike | Mapping[str, Any] = None,
    *,
    data: Any = None,
    labels: Any = None,
    test_data: Any = None,
    test_labels: Any = None,
    true_labels: Any = None,
    class_names: Sequence[str] | None = None,
    out: PathLike | None = None,
    resume: bool = False,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    **fields: Any,
) -> Run:
    """Trains networks that are robust to wrong labels, as `bptplr train` does, and returns the run.

    The same recipe, data and seed give the same bits as the program on a CPU. Other threads of
    Python run meanwhile. Ctrl-C, an error of a callback and a callback that returns True end the
    training with a checkpoint, from which `Run.resume` goes on.

    Args:
        recipe: Name of a built-in recipe (`bptplr info` lists them), a JSON file or a mapping of
            fields. Without one: "features" for these, "cifar10-5000" for up to 20,000 images that
            are passed, else the published settings.
        data: What to train on; without it, what recipe or fields say. A folder of class folders, a
            CSV file, a file of arrays, or the name of a data set; images uint8 [N, height, width,
            3] or features [N, D], as an array or a tensor; a list of paths of images; an
            ImageFolder or CIFAR of torchvision; a data set of Hugging Face with the columns image,
            or features, and label. Arrays are written to the folder of the run.
        labels: Labels [N] of data, numbers from 0 or names of classes.
        test_data, test_labels: Likewise, to test on; not needed.
        true_labels: True labels [N] of data where they are known, to report on; never trained on.
        class_names: Names of the classes that labels number.
        out: Folder of the run; without it, one in `runs/`.
        resume: Go on with the run in out, or begin it where there is none.
        progress: Show progress on stderr; None: in a terminal and a notebook.
        callbacks: Functions that are called after each epoch with its metrics.
        **fields: Fields of a recipe, such as method="dividemix", num_epochs=100, batch_size=64;
            `bptplr train --help` explains them.

    Raises:
        ValueError: data, labels or an option is not of a form above.
        bptplr.Error: A field, a file or the data set cannot be used; one sentence says why.
        KeyboardInterrupt: After Ctrl-C, once the checkpoint is written.
    """
    asked_fields, goes_on = fields_of(fields), _arrays.truth(resume, "resume")
    events = Events(progress, callbacks)
    given = _dataset.Given(data, labels, test_data, test_labels, true_labels, class_names)
    base, asked = base_of(recipe, asked_fields, given.named_fields())
    if given.has_samples:
        if out is None:
            out = _core.default_out(base, _as_json(fields_by_kind(given.kind, asked), "recipe"))
        run = Path(_arrays.path(out, "out"))
        is_there = goes_on and (run / "config.json").exists()
        of_data, samples = given.write(run / "data", keep=is_there)
        if not is_there:  # a run that goes on has its recipe
            base, asked = base_of(recipe, asked_fields, of_data, len(samples))
    if out is not None:
        asked["out"] = _arrays.path(out, "out")
    try:
        where, reason = _core.train(base, _as_json(asked, "recipe"), goes_on, events)
    finally:
        events.close()
    if reason:
        _progress.warn(f"the training was stopped by {reason}; Run.resume() goes on")
    return Run(where)


def fields_by_kind(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Returns fields for samples that are not written yet, from which a folder gets its name."""
    arch = "mlp" if kind == "features" else "preact_resnet"
    return {**fields, "dataset": kind, "arch": arch}


def load_run(path: PathLike) -> Run:
    """Returns the run in a folder, of the program or of `train`."""
    return Run(path)
