#!/usr/bin/env python3
"""Compares the curves of runs that differ only in where, or how precisely, they were computed.

usage: compare_runs.py RUN_CPU RUN_CUDA_FLOAT32 RUN_CUDA_BF16

Training amplifies rounding, so only the first epochs can agree closely: the mean losses of the
first epoch within 2 % (float32) or 5 % (bf16), the best accuracy of the runs within 8 points.
"""

import json
import pathlib
import sys


def read(run):
    with open(pathlib.Path(run) / "metrics.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main():
    reference, *others = (read(run) for run in sys.argv[1:])
    failed = False
    for name, epochs, tolerance in zip(sys.argv[2:], others, (0.02, 0.05)):
        for a, b in zip(reference, epochs):
            print(
                f"{name} epoch {a['epoch']}: accuracy {a['test_acc']:.2f} and {b['test_acc']:.2f}"
            )
        first = [run[0]["loss"] for run in (reference, epochs)]
        best = [run[-1]["best_acc"] for run in (reference, epochs)]
        print(
            f"{name}: first loss {first[0]:.4f} and {first[1]:.4f}, best {best[0]:.2f} and {best[1]:.2f}"
        )
        failed |= len(reference) != len(epochs)
        failed |= abs(first[0] - first[1]) > tolerance * abs(first[0])
        failed |= abs(best[0] - best[1]) > 8.0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
