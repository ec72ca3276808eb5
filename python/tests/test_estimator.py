"""NoisyLabelClassifier: scikit-learn's own checks, pipelines, and code written for cleanlab."""

import pickle

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
checks = pytest.importorskip("sklearn.utils.estimator_checks")

from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import bptplr  # noqa: E402

QUICK = {"num_epochs": 6, "warm_up": 3, "width": 32, "threads": 1}


def noisy_blobs(count=300, wrong=0.2):
    rng = np.random.default_rng(0)
    true = np.arange(count) % 3
    x = rng.normal(size=(count, 10)) + 5 * np.eye(10)[true]
    return x, np.where(rng.random(count) < wrong, (true + 1) % 3, true), true


@checks.parametrize_with_checks([bptplr.NoisyLabelClassifier(**QUICK)])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def test_it_learns_through_wrong_labels():
    x, given, true = noisy_blobs()
    classifier = bptplr.NoisyLabelClassifier(**QUICK).fit(x, given)
    assert classifier.score(x, true) > 0.97
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(x), classifier.predict_proba(x))
    found = classifier.audit_.wrong_probability > 0.5
    assert found[given != true].mean() > 0.9 and found[given == true].mean() < 0.05


def test_pipelines_and_searches_take_it():
    x, given, true = noisy_blobs()
    pipeline = make_pipeline(StandardScaler(), bptplr.NoisyLabelClassifier(**QUICK))
    assert cross_val_score(pipeline, x, true, cv=3).mean() > 0.95
    search = GridSearchCV(pipeline, {"noisylabelclassifier__lr": [0.01, 0.03]}, cv=2)
    assert search.fit(x, given).predict(x).shape == (300,)


def test_images_are_taken():
    shapes = bptplr.make_shapes(60, 20)
    options = {"blocks": "1,1,1,1", "low_dim": 16, "crop": 16, "p_threshold": 0.1}
    classifier = bptplr.NoisyLabelClassifier(
        width=4, num_epochs=2, warm_up=1, batch_size=16, threads=1, options=options
    )
    assert classifier.fit(shapes.train_images, shapes.train_labels).predict(
        shapes.train_images
    ).shape == (60,)


@pytest.mark.parametrize(("clean_learning", "right"), [("ours", 0.95), ("cleanlab", 0.85)])
def test_code_for_cleanlab_runs_with_another_import(clean_learning, right):
    """The steps of cleanlab's tutorial on tables (docs.cleanlab.ai, "Find label issues")."""
    pytest.importorskip("pandas")
    if clean_learning == "cleanlab":
        CleanLearning = pytest.importorskip("cleanlab.classification").CleanLearning
        cl = CleanLearning(LogisticRegression())
    else:
        from bptplr import NoisyLabelClassifier as CleanLearning

        cl = CleanLearning(LogisticRegression(), **QUICK)
    x, labels, true = noisy_blobs()
    label_issues = cl.find_label_issues(X=x, labels=labels)
    identified = label_issues[label_issues["is_label_issue"]]
    lowest = label_issues["label_quality"].argsort()[:20].to_numpy()
    assert (labels != true)[lowest].mean() > 0.9
    assert (label_issues["given_label"].to_numpy() == labels).all()
    assert (identified["predicted_label"].to_numpy() == true[identified.index]).mean() > right
    assert cl.fit(x, labels).score(x, true) > 0.95
    assert cl.get_label_issues() is not None
    assert cl.predict(x).shape == (300,)
