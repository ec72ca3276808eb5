#!/usr/bin/env python3
"""Measures wrong labels found on features of CIFAR-10, beside cleanlab on a logistic regression.

Trains `bptplr train --recipe features` for each set of labels and seed, judges with each judge, and
prints a line for each: test accuracy, AUC and the share of wrong labels among the first 500.
Needs numpy, scikit-learn and cleanlab.

usage: check_features.py DATA [--labels NAME ...] [--seeds 1,2,3] [--program build/cpu/bptplr]
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile
import time

import numpy as np

LABELS = {
    "worse": "cifar10n_worse",
    "random2": "cifar10n_random2",
    "sym50": "cifar10_0.50",
    "asym40": "cifar10_0.40_asym",
    "random1": "cifar10n_random1",
    "aggre": "cifar10n_aggre",
    "sym20": "cifar10_0.20",
}
JUDGES = ("networks", "kernel", "folds")


def quality(ranking, wrong):
    """AUC of a ranking, the most suspicious first, and the share of wrong ones among the first 500."""
    place = np.empty(len(ranking))
    place[ranking] = np.arange(len(ranking))[::-1]
    n1, n0 = wrong.sum(), (~wrong).sum()
    auc = (place[wrong].sum() - n1 * (n1 - 1) / 2) / (n1 * n0)
    return auc, wrong[ranking[:500]].mean()


def baseline(data, given, wrong):
    """Test accuracy of a logistic regression on these labels, and cleanlab on it out of fold."""
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder = data / "features"
    x = np.load(folder / "cifar10_train_5000.npy").astype(np.float32)
    test = np.load(folder / "cifar10_test_1000.npy").astype(np.float32)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
    p = cross_val_predict(model, x, given, cv=5, method="predict_proba")
    accuracy = (
        model.fit(x, given).predict(test) == np.load(folder / "cifar10_test_1000_labels.npy")
    ).mean()
    return accuracy, quality(np.argsort(get_label_quality_scores(given, p), kind="stable"), wrong)


def value(text, name):
    found = re.findall(rf"\b{name} ([0-9.]+)", text)
    return float(found[-1]) if found else float("nan")


def run(program, data, folder, name, seed, judges):
    source = data / "features"
    out = folder / f"{name}_{seed}"
    start = time.perf_counter()
    trained = subprocess.run(
        [
            program,
            "train",
            "--recipe",
            "features",
            "--data_path",
            source / "cifar10_train_5000.npy",
            "--labels",
            folder / "true.npy",
            "--test_features",
            source / "cifar10_test_1000.npy",
            "--test_labels",
            source / "cifar10_test_1000_labels.npy",
            "--noise_file",
            folder / f"{name}.json",
            "--seed",
            str(seed),
            "--out",
            out,
            "--quiet",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    seconds = time.perf_counter() - start
    line = f"{name} seed {seed}: accuracy {value(trained, 'last_acc'):.1f} %, train {seconds:.1f} s"
    for judge in judges:
        start = time.perf_counter()
        judged = subprocess.run(
            [
                program,
                "audit",
                out,
                "--judge",
                judge,
                "--top",
                "0",
                "--review",
                "0",
                "--issues",
                "off",
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        line += (
            f"; {judge} AUC {value(judged, 'auc'):.4f}, first 500 "
            f"{100 * value(judged, 'p500'):.1f} %, expected {value(judged, 'expected'):.0f}, "
            f"{time.perf_counter() - start:.1f} s"
        )
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument(
        "--labels", nargs="+", choices=LABELS, default=["worse", "random2", "sym50", "asym40"]
    )
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--judges", nargs="*", choices=JUDGES, default=["networks", "kernel"])
    parser.add_argument("--program", default="build/cpu/bptplr")
    parser.add_argument("--no_baseline", action="store_true")
    args = parser.parse_args()
    index = np.load(args.data / "features" / "cifar10_train_5000_index.npy")
    true = np.load(args.data / "features" / "cifar10_train_5000_true.npy").astype(np.int64)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.save(folder / "true.npy", true)
        for labels in args.labels:
            given = np.array(
                json.loads((args.data / "noise" / f"{LABELS[labels]}.json").read_text())
            )[index]
            (folder / f"{labels}.json").write_text(json.dumps(given.tolist()))
            wrong = given != true
            print(f"{labels}: {wrong.sum()} of {len(wrong)} labels are wrong", flush=True)
            if not args.no_baseline:
                accuracy, (auc, first) = baseline(args.data, given, wrong)
                print(
                    f"{labels} logistic regression: accuracy {100 * accuracy:.1f} %; cleanlab AUC "
                    f"{auc:.4f}, first 500 {100 * first:.1f} %",
                    flush=True,
                )
            for seed in args.seeds.split(","):
                run(args.program, args.data, folder, labels, int(seed), args.judges)


if __name__ == "__main__":
    main()
