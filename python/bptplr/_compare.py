"""Trains several methods with several seeds on the same data, and compares them."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptplr import _arrays, _core, _dataset, _progress, _train
from bptplr._model import _as_json

if TYPE_CHECKING:
    from bptplr._arrays import PathLike
    from bptplr._train import Callback, Run

#: Figures of a summary with their names for people and their decimals.
_FIGURES = {
    "best_acc": ("best accuracy, %", 2),
    "mean_last10": ("mean of the last 10 epochs, %", 2),
    "auc": ("AUC", 4),
    "minutes": ("minutes", 1),
}


class Comparison:
    """A comparison: a folder that `bptplr.compare` or the program wrote to, complete or not.

    Raises bptplr.Error where the folder holds none.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(_arrays.path(path, "path"))
        self._read()

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_core.read_comparison(str(self.path)))
        return found

    @property
    def records(self) -> list[dict[str, Any]]:
        """Each run with its figures and recipe, as `runs.jsonl` has them, by name and seed."""
        return list(self._read()["runs"])

    @property
    def runs(self) -> Any:
        """The figures of each run: a pandas.DataFrame where pandas is installed, else a list.

        A run that failed has a sentence in the column failed.
        """
        rows = [_row(record) for record in self.records]
        return _table(rows, ["label", "seed"])

    @property
    def summary(self) -> Any:
        """Mean and sample deviation of each name's runs, as `runs`; a deviation of one run is NaN,
        or None without pandas."""
        rows = []
        for of in self._read()["labels"]:
            row = {key: of[key] for key in ("label", "done", "failed")}
            for name in _FIGURES:
                row[name], row[f"{name}_deviation"] = of[name]["mean"], of[name]["deviation"]
            rows.append(row)
        return _table(rows, ["label"])

    def run(self, name: str, seed: int) -> Run:
        """Returns the run of a name with a seed. Raises bptplr.Error where there is none."""
        label, number = _arrays.text(name, "name"), _arrays.whole(seed, "seed", bits=63)
        return _train.Run(self.path / label / f"seed{number}")

    def __repr__(self) -> str:
        labels = self._read()["labels"]
        parts = [f"{of['label']} {_figure(of, 'best_acc')} ({of['done']} runs)" for of in labels]
        return f"Comparison('{self.path}': {', '.join(parts) or 'no run has ended'})"

    def _repr_html_(self) -> str:
        """Shows the summary as a table in a notebook."""
        head = "".join(f"<th>{title}</th>" for title in ("", "runs", *_titles()))
        rows = []
        for of in self._read()["labels"]:
            runs = f"{of['done']}, {of['failed']} failed" if of["failed"] else str(of["done"])
            cells = [html.escape(of["label"]), runs, *(_figure(of, name) for name in _FIGURES)]
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _titles() -> list[str]:
    return [title for title, _ in _FIGURES.values()]


def _figure(summary: Mapping[str, Any], name: str) -> str:
    """Returns a figure as "79.30 ± 0.41"."""
    mean, deviation = summary[name]["mean"], summary[name]["deviation"]
    decimals = _FIGURES[name][1]
    if mean is None:
        return "-"
    return f"{mean:.{decimals}f}" + (
        f" ± {deviation:.{decimals}f}" if deviation is not None else ""
    )


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the plain values of a run."""
    row = {key: value for key, value in record.items() if not isinstance(value, dict | list)}
    for name, count in (record.get("wrong_labels") or {}).items():
        row[f"wrong_labels_{name}"] = count
    row.pop("wrong_labels", None)
    return row


def _table(rows: list[dict[str, Any]], index: list[str]) -> Any:
    """Returns rows as a pandas.DataFrame; as they are without pandas."""
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame(rows).set_index(index) if rows else pd.DataFrame()


def compare(
    names: Sequence[str],
    *,
    seeds: Sequence[int] = (1, 2, 3),
    out: PathLike | None = None,
    recipe: None | PathLike | Mapping[str, Any] = None,
    data: Any = None,
    labels: Any = None,
    test_data: Any = None,
    test_labels: Any = None,
    true_labels: Any = None,
    class_names: Sequence[str] | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    **fields: Any,
) -> Comparison:
    """Trains each of several methods with several seeds, as `bptplr compare` does.

    Runs that are there already are kept: the same call goes on where Ctrl-C, an error of a callback
    or a callback that returned True ended it. Several processes, and `bptplr compare`, may share
    `out`: each takes runs that nobody has, waits for the others' at the end (the progress says for
    which), and takes over those of one that was killed. A callback sees the runs of its process.

    Args:
        names: What to compare: methods, such as "bptplr" and "ce", built-in recipes, JSON files.
        seeds: Each name is trained with every one of these.
        out: Folder of the comparison; without it, `runs/compare_DATASET_NOISE`.
        recipe: What all have in common: as in `train`. Fields of a name beat those of a named
            recipe; a mapping counts as fields.
        data, labels, test_data, test_labels, true_labels, class_names: As in `train`; arrays are
            written to `out/data`, once for all runs.
        progress: As in `train`.
        callbacks: As in `train`; the metrics have the name of the run as label, and its seed.
        **fields: Fields of a recipe that count for all.

    Raises:
        ValueError: An argument is not of a form above.
        bptplr.Error: A field, a file or the data set cannot be used, or a run in out is of another
            recipe or of other data; one sentence says why.
        KeyboardInterrupt: After Ctrl-C, once the checkpoint is written.
    """
    asked_names = _list_of(names, "names")
    numbers = [_arrays.whole(seed, "seeds", bits=63) for seed in _list_of(seeds, "seeds")]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"seeds are {numbers}, of which one is there twice; leave it out")
    checked = [_arrays.path(name, "names") for name in asked_names]
    common = _train.fields_of(fields)
    events = _train.Events(progress, callbacks)
    given = _dataset.Given(data, labels, test_data, test_labels, true_labels, class_names)
    base, asked = _train.base_of(recipe, common, given.named_fields())
    if given.has_samples:
        if out is None:
            by_kind = _train.fields_by_kind(given.kind, asked)
            out = _core.default_comparison_out(checked, base, _as_json(by_kind))
        folder = Path(_arrays.path(out, "out"))
        of_data, samples = given.write(folder / "data", keep=(folder / "runs.jsonl").exists())
        base, asked = _train.base_of(recipe, common, of_data, len(samples))
    where = _arrays.path(out, "out") if out is not None else ""
    try:
        folder_made, reason = _core.compare(
            checked, numbers, base, _as_json(asked, "recipe"), where, events
        )
    finally:
        events.close()
    if reason:
        _progress.warn(f"the comparison was stopped by {reason}; the same call goes on from here")
    return Comparison(folder_made)


def _list_of(value: Any, name: str) -> list[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or not value:
        raise ValueError(
            f"{name} must be a list with one element at least, not {_arrays.shown(value)}"
        )
    return list(value)
