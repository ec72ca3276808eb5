#!/usr/bin/env python3
"""Draws the test accuracy of several runs over their epochs, as PNG.

usage: plot_runs.py OUT.png LABEL=RUN_FOLDER [LABEL=RUN_FOLDER ...]
Needs matplotlib (apt-get install python3-matplotlib).
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def read_metrics(folder):
    path = pathlib.Path(folder) / "metrics.jsonl"
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def mean_auc(epoch):
    values = [network["auc"] for network in epoch.get("networks", []) if network["auc"] is not None]
    return sum(values) / len(values) if values else None


def main():
    if len(sys.argv) < 3 or any("=" not in run for run in sys.argv[2:]):
        sys.exit(__doc__)
    figure, (accuracy, selection) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for run in sys.argv[2:]:
        label, folder = run.split("=", 1)
        epochs = read_metrics(folder)
        (line,) = accuracy.plot(
            [e["epoch"] for e in epochs],
            [e["test_acc"] for e in epochs],
            label=f"{label}: {epochs[-1]['test_acc']:.1f} %",
        )
        judged = [(e["epoch"], mean_auc(e)) for e in epochs if mean_auc(e) is not None]
        if judged:
            selection.plot(*zip(*judged), color=line.get_color(), label=label)
    accuracy.set(xlabel="epoch", ylabel="test accuracy, %", title="Clean test images")
    selection.set(xlabel="epoch", ylabel="AUC", title="Telling wrong labels from right ones")
    for axis in (accuracy, selection):
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
