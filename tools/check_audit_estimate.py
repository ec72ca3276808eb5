#!/usr/bin/env python3
"""The table of docs/audit.md: how stable and how right the number of wrong labels is that
`bptplr.audit_labels` finds, beside cleanlab's. Needs the package, scikit-learn and cleanlab.
usage: check_audit_estimate.py [--draws N] [--features FEATURES INDEX TRUE LABELS...] [SETS...]
           SETS: parts of names such as digits/next40/rf; default: all sets
           FEATURES: .npy files with features [N, D], their images' numbers and true classes
           LABELS: JSON lists of all images' labels
Each set is judged whole and on 20 draws of 90 % of the same predictions.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bptplr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "oracle"))
from moved_labels import FOLDS, next_class, uniform  # noqa: E402


def regression(strength):
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))


def digits_sets():
    images, true = load_digits(return_X_y=True)
    kinds = {
        "clean": true,
        "sym20": uniform(true, 0.2, np.random.default_rng(1)),
        "sym40": uniform(true, 0.4, np.random.default_rng(2)),
        "next20": next_class(true, 0.2, np.random.default_rng(3)),
        "next40": next_class(true, 0.4, np.random.default_rng(0)),
    }
    classifiers = {
        "rf": RandomForestClassifier(100, random_state=0),
        "lr": regression(0.1),
        "knn": KNeighborsClassifier(20),
    }
    for kind, labels in kinds.items():
        for name, classifier in classifiers.items():
            yield f"digits/{kind}/{name}", classifier, images, labels, true


def feature_sets(features, index, true, tables):
    index, true = np.load(index), np.load(true).astype(int)
    features = PCA(50, random_state=0).fit_transform(np.load(features).astype(np.float32))
    classifiers = {
        "lr": regression(0.003),
        "rf": RandomForestClassifier(100, random_state=0, max_depth=12),
    }
    for table in tables:
        labels = np.array(json.loads(pathlib.Path(table).read_text()))[index]
        for name, classifier in classifiers.items():
            yield f"cifar10/{pathlib.Path(table).stem}/{name}", classifier, features, labels, true


def judge(name, probabilities, labels, true, draws):
    wrong = labels != true
    rng = np.random.default_rng(5)
    whole = bptplr.audit_labels(labels=labels, probabilities=probabilities)
    parts = []
    for _ in range(draws):
        kept = np.sort(rng.permutation(len(labels))[: int(0.9 * len(labels))])
        part = bptplr.audit_labels(labels=labels[kept], probabilities=probabilities[kept])
        low, high = part.wrong_interval
        parts.append(
            (
                (part.wrong_probability > 0.5).sum(),
                part.expected_wrong,
                low <= wrong[kept].sum() <= high,
            )
        )
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence")
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    ours, theirs = float("nan"), float("nan")
    if wrong.any():
        place = np.empty(len(labels))
        place[whole.ranking] = np.arange(len(labels))
        ours, theirs = roc_auc_score(wrong, -place), roc_auc_score(wrong, -quality)
    flagged = whole.wrong_probability > 0.5
    low, high = whole.wrong_interval
    line = f"| {name} | {wrong.sum()} | {len(issues)} | {whole.expected_wrong:.0f}"
    line += f" | {low:.0f} to {high:.0f} | {flagged.sum()} | {theirs:.4f} | {ours:.4f}"
    if parts:
        number, expected, held = map(np.array, zip(*parts))
        line += f" | {np.median(number):.0f} ({number.min()} to {number.max()})"
        line += f" | {expected.min():.0f} to {expected.max():.0f} | {held.sum()} of {draws}"
    print(f"{line} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--features", nargs="+", default=[])
    parser.add_argument("sets", nargs="*", default=[])
    arguments = parser.parse_args()
    sets = list(digits_sets())
    if arguments.features:
        files = arguments.features
        sets += list(feature_sets(*files[:3], files[3:]))
    for name, classifier, inputs, labels, true in sets:
        for seen, targets in (("noisy", labels), ("clean", true)):
            title = f"{name}/{seen}"
            if arguments.sets and not any(part in title for part in arguments.sets):
                continue
            if seen == "clean" and (labels == true).all():
                continue
            p = cross_val_predict(classifier, inputs, targets, cv=FOLDS, method="predict_proba")
            judge(title, p, labels, true, arguments.draws)


if __name__ == "__main__":
    main()
