"""Finds and replaces the wrong labels of a data set, as `bptplr clean` does."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bptplr import _arrays, _core, _dataset, _progress, _train
from bptplr._audit import Audit, audit_of
from bptplr._issues import DataIssues, issues_of
from bptplr._model import _as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bptplr._arrays import ArrayLike, Int64, PathLike
    from bptplr._train import Run


@dataclass(frozen=True, eq=False, repr=False)  # arrays have no one answer to ==
class Cleaning:
    """What `bptplr.clean` found, and where it wrote it."""

    path: Path  #: folder of everything
    audit: Audit  #: the judgement of every label
    issues: DataIssues | None  #: near-duplicates and outliers; None: too many samples to compare
    run: Run  #: the run that judged
    suspects: Path  #: CSV of every sample, the most suspicious label first
    review: Path  #: page to accept or reject the first suspects
    report: Path  #: the run as a page
    table: Path | None  #: CSV of the cleaned set; None: samples have no files, or none was changed
    changed: int  #: number of replaced labels
    class_names: list[str] = field(default_factory=list)

    @property
    def labels(self) -> Int64:
        """The cleaned labels [N]; those that were given where the audit is not to be used."""
        return self.audit.corrected_labels() if self.audit.usable else self.audit.labels

    def __repr__(self) -> str:
        low, high = self.audit.wrong_interval
        doubt = "" if self.audit.usable else f"; not to be used: {self.audit.not_to_be_used}"
        return (
            f"Cleaning('{self.path}': {self.changed} of {self.audit.labels.size} labels replaced, "
            f"{low:.0f} to {high:.0f} wrong with 95 %{doubt})"
        )

    def _repr_html_(self) -> str:
        """Shows the first suspects in a notebook."""
        return self.audit._repr_html_()


class _Events(_train.Events):
    """Passes the events of a cleaning on to a bar and to warnings."""

    def __init__(self, progress: bool | None) -> None:
        super().__init__(progress, ())

    def __call__(self, kind: str, value: Any) -> bool:
        if kind == "hours":
            _progress.warn(
                f"{value} Minutes would do with features=X of any pretrained network, or with "
                "pretrained=FILE and arch=NAME"
            )
            return False
        return super().__call__(kind, value)


def clean(
    data: Any,
    *,
    labels: Any = None,
    true_labels: Any = None,
    class_names: Sequence[str] | None = None,
    features: None | PathLike | ArrayLike = None,
    out: PathLike | None = None,
    judge: str = "auto",
    folds: int = 5,
    progress: bool | None = None,
    **fields: Any,
) -> Cleaning:
    """Trains what suits the data, judges every label, and writes a cleaned set; yours stays as it is.

    With features, or weights of a pretrained network, this takes minutes on a CPU; networks that
    are trained on the images may take hours, of which a warning tells. Ctrl-C ends it, and the same
    call goes on.

    Args:
        data: A folder of class folders, a CSV file, a file of features or images, or any samples
            that `train` takes, which are written to `out/data`.
        labels: Labels [N] of samples; of a file of features, the file of its labels.
        true_labels: True labels [N] of samples where they are known, to report on.
        class_names: Names of the classes that labels number.
        features: Features [N, D] of the samples by any network: a file, or an array whose rows are
            in the order of the samples, of a folder in the order of its paths.
        out: Folder of run, lists and pages; without it, `runs/clean_NAME`.
        judge, folds: As in `audit_run`.
        progress: As in `train`.
        **fields: Fields that `bptplr clean --help` lists, such as pretrained="resnet50.pth",
            arch="resnet50", num_epochs=30, device="cpu".

    Raises:
        ValueError: An argument is not of a form above.
        bptplr.Error: A field, a file or the data set cannot be used; one sentence says why.
        KeyboardInterrupt: After Ctrl-C.
    """
    asked = _train.fields_of(fields)
    options = (_arrays.text(judge, "judge"), _arrays.whole(folds, "folds", 2, most=1000))
    events = _Events(progress)
    try:
        where = _arrays.path(out, "out") if out is not None else ""
        given = _dataset.Given(data, labels, None, None, true_labels, class_names)
        if given.is_named:
            named = _arrays.path(data, "data")
            if labels is not None:
                asked["labels"] = _arrays.path(labels, "labels")
            if true_labels is not None or class_names is not None:
                raise ValueError(
                    "true_labels and class_names go with arrays and lists as data only"
                )
            where = where or _default_out(Path(named).stem)
            table = None
        else:
            where = where or _free_out()
            named, table = _write(given, Path(where))
        vectors = _features_file(features, Path(where) / "data", table)
        found = _core.clean(named, vectors, where, *options, _as_json(asked, "fields"), events)
    finally:
        events.close()
    return _cleaning(found)


def _default_out(name: str) -> str:
    return os.path.join("runs", f"clean_{name}")


def _free_out() -> str:
    """Returns a folder that is not there yet, as samples have no name."""
    number, out = 1, _default_out("data")
    while os.path.exists(out):
        number += 1
        out = _default_out(f"data_{number}")
    return out


def _write(given: _dataset.Given, folder: Path) -> tuple[str, Path | None]:
    """Writes samples to the folder of a cleaning; returns their file, and their table of paths."""
    if given.data is None:
        raise ValueError("data is None; pass a path, or samples and labels")
    keep = (folder / "run" / "config.json").exists()
    file = str(given.write(folder / "data", keep)[0]["data_path"])
    return file, Path(file) if file.endswith(".csv") else None


def _features_file(features: Any, folder: Path, table: Path | None) -> str:
    """Returns the file of features, which an array is written to; "" for none."""
    if features is None:
        return ""
    if isinstance(features, str | bytes | os.PathLike):
        return _arrays.path(features, "features")
    array = _arrays.finite(features, "features", ["N", "D"], np.float32)
    file = folder / "features.npy"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if table is not None:  # which row is which image
            rows = table.read_text(encoding="utf-8", errors="surrogateescape")
            count = sum(1 for _ in csv.reader(rows.splitlines())) - 1
            if count != len(array):
                raise ValueError(f"features must have a row a sample: {count}, not {len(array)}")
            text = file.with_suffix(".csv")
            text.write_text(rows, encoding="utf-8", errors="surrogateescape")
        np.save(file, array)
    except OSError as error:
        raise _core.Error(
            f"{error.filename or folder}: the features cannot be written there "
            f"({error.strerror}); choose another out, or make room"
        ) from error
    return str(file)


def _cleaning(found: dict[str, Any]) -> Cleaning:
    folder = Path(found["out"])
    audit = audit_of(found["audit"])
    issues = found.get("issues")
    cleaned = found["cleaned"]
    if not audit.usable:
        _progress.warn(f"not to be used: {audit.not_to_be_used}")
    return Cleaning(
        path=folder,
        audit=audit,
        issues=issues_of(issues, audit.labels.size) if issues is not None else None,
        run=_train.Run(found["run"]),
        suspects=Path(found["suspects"]),
        review=folder / "review.html",
        report=folder / "report.html",
        table=Path(cleaned) if cleaned.endswith(".csv") else None,
        changed=found["changed"],
        class_names=audit.class_names,
    )
