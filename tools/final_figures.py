#!/usr/bin/env python3
"""Prints one figure from the end of a run.
usage: final_figures.py RUN FIGURE      FIGURE: test_acc, best_acc, mean_last10 or auc

auc is that of the last epoch, the mean over the networks."""

import json
import pathlib
import sys


def figure(run, name):
    lines = pathlib.Path(run, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    if name == "auc":
        values = [network["auc"] for network in last["networks"]]
        return f"{sum(values) / len(values):.4f}"
    return f"{last[name]:.2f}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(figure(sys.argv[1], sys.argv[2]))
