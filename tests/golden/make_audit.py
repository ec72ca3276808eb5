#!/usr/bin/env python3
"""audit.safetensors: what cleanlab finds among wrong labels of scikit-learn's digits, with the
probabilities that it and the audit judge. Needs cleanlab and scikit-learn; run on its own.

Probabilities are out of sample (5 folds) of a classifier trained on the given labels (noisy) or on
the true ones (clean), in steps of 1/255 of the largest of each sample, so that they take little
room; cleanlab judges what is stored. Bytes depend on the version of scikit-learn, and those of
neighbours on how distances are rounded, where two are equal.
"""

import pathlib
import sys

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

GOLDEN_DIR = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(GOLDEN_DIR.parents[1] / "tools" / "oracle"))

import safetensors_io  # noqa: E402
from moved_labels import FOLDS, next_class, uniform  # noqa: E402

FOREST = RandomForestClassifier(100, random_state=0)
REGRESSION = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
NEIGHBOURS = KNeighborsClassifier(20)


def steps(p):
    """Quantises rows to bytes, the largest of each to 255."""
    return np.round(255 * p / p.max(axis=1, keepdims=True)).astype(np.uint8)


def probabilities(stored):
    p = stored.astype(np.float64)
    return p / p.sum(axis=1, keepdims=True)


def main():
    images, true = load_digits(return_X_y=True)
    next40 = next_class(true, 0.4, np.random.default_rng(0))
    sym40 = uniform(true, 0.4, np.random.default_rng(2))
    sets = {
        "next40_forest_noisy": (FOREST, next40, next40),
        "next40_regression_noisy": (REGRESSION, next40, next40),
        "next40_neighbours_noisy": (NEIGHBOURS, next40, next40),
        "next40_forest_clean": (FOREST, next40, true),
        "next40_regression_clean": (REGRESSION, next40, true),
        "sym40_forest_noisy": (FOREST, sym40, sym40),
        "sym40_regression_noisy": (REGRESSION, sym40, sym40),
        "sym40_regression_clean": (REGRESSION, sym40, true),
        "none_regression_noisy": (REGRESSION, true, true),
    }
    tensors = {"true": true.astype(np.uint8)}
    for name, (classifier, labels, seen) in sets.items():
        p = cross_val_predict(classifier, images, seen, cv=FOLDS, method="predict_proba")
        stored = steps(p)
        p = probabilities(stored)
        wrong = labels != true
        found = find_label_issues(labels, p)
        quality = get_label_quality_scores(labels, p, method="self_confidence")
        auc = roc_auc_score(wrong, -quality) if wrong.any() else np.nan
        print(f"{name}: {wrong.sum()} wrong, {found.sum()} found, auc {auc:.4f}")
        tensors[f"digits/{name}/p"] = stored
        tensors[f"digits/{name}/labels"] = labels.astype(np.uint8)
        tensors[f"digits/{name}/found"] = np.asarray([found.sum(), (found & wrong).sum()], np.int64)
        tensors[f"digits/{name}/auc"] = np.asarray([auc], np.float64)
    safetensors_io.save(GOLDEN_DIR / "audit.safetensors", tensors)


if __name__ == "__main__":
    main()
