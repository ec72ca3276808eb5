"""Shows people where a training is: a bar of tqdm where that is installed, else lines."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: Receives "start" folder, "run" of a comparison, "waiting" runs of other processes, "progress"
#: fields, "epoch" metrics, "warning" sentence, and the name of other work, such as "loading", with
#: (done, total); True ends it.
Listener = Callable[[str, Any], object]


class BptplrWarning(UserWarning):
    """What looks wrong with data, labels or settings, and does not stop the work."""


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def is_shown(wanted: bool | None) -> bool:
    """Returns whether to show progress; None: where somebody looks."""
    return wanted if wanted is not None else _in_notebook() or sys.stderr.isatty()


#: Work other than training that a bar is shown of.
_STEPS = {
    "features": "computing features",
    "folds": "training folds",
    "judging": "judging labels",
    "comparing": "comparing samples",
}


class Lines:
    """Writes a line an epoch to stderr, for where there is no tqdm."""

    def __call__(self, kind: str, value: Any) -> None:
        if kind == "run":
            print(run_line(value), file=sys.stderr)
        elif kind == "waiting":
            print(waiting_line(value), file=sys.stderr)
        elif kind == "epoch":
            print(epoch_line(value), file=sys.stderr)

    def close(self) -> None:
        pass


class Bar:
    """Shows a bar of tqdm, which suits a terminal as a notebook; it counts epochs."""

    def __init__(self) -> None:
        from tqdm.auto import tqdm

        self._make, self._bar = tqdm, None
        self._run = ""
        self._work = ""  #: what the bar is of

    def _bar_of(self, work: str, total: int, unit: str) -> Any:
        if self._bar is None or self._work != work:
            self.close()
            self._bar, self._work = self._make(total=total, unit=unit), work
        return self._bar

    def __call__(self, kind: str, value: Any) -> None:
        if kind == "run":
            self.close()
            self._bar, self._run = None, run_line(value) + "  "
        elif kind == "waiting":
            self.close()
            self._bar = None
            print(waiting_line(value), file=sys.stderr)
        elif kind in _STEPS:
            bar = self._bar_of(kind, value[1], "")
            bar.set_description(_STEPS[kind])
            bar.update(value[0] - bar.n)
        elif kind == "progress":
            self._bar = self._bar_of("training", value["num_epochs"], "epoch")
            done = value["iteration"] / max(value["iterations"], 1)
            self._bar.set_postfix_str(f"epoch {value['epoch']} {value['phase']} {done:.0%}")
        elif kind == "epoch" and self._bar is not None:
            self._bar.update(value["epoch"] + 1 - self._bar.n)
            self._bar.set_description(self._run + epoch_line(value).split("  ", 1)[1])

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def bar() -> Lines | Bar:
    """Returns a bar, or lines where tqdm is not installed."""
    try:
        return Bar()
    except ImportError:
        return Lines()


def run_line(run: Mapping[str, Any]) -> str:
    """Returns which run of a comparison begins."""
    return f"run {run['number']} of {run['of']}: {run['label']}, seed {run['seed']}"


def waiting_line(runs: Sequence[Mapping[str, Any]]) -> str:
    """Returns which runs of other processes a comparison waits for."""
    named = [f"{run['label']}, seed {run['seed']} by {run['holder']}" for run in runs[:4]]
    more = [f"{len(runs) - 4} more"] if len(runs) > 4 else []
    some = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"waiting for {some} of others: {'; '.join(named + more)}"


def epoch_line(metrics: Mapping[str, Any]) -> str:
    """Returns an epoch as a short line of text."""
    parts = [f"epoch {metrics['epoch']}", f"{metrics['phase']}"]
    if metrics.get("loss") is not None:
        parts.append(f"loss {metrics['loss']:.4f}")
    if metrics.get("test_acc") is not None:
        parts.append(f"test {metrics['test_acc']:.2f} %")
    aucs = [network["auc"] for network in metrics.get("networks", []) if network.get("auc")]
    if aucs:
        parts.append(f"AUC {sum(aucs) / len(aucs):.4f}")
    return "  ".join(parts)


def warn(sentence: str) -> None:
    """Warns of a sentence of the library, at the line of whoever called the package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__package__") == "bptplr":
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, BptplrWarning, stacklevel=level)
