"""The audit of labels: on noise that is known, and as the program does it."""

import csv
import json
import subprocess

import numpy as np
import pytest

import bptplr

#: True class (row) to label (column): one class is taken for its neighbour, another for any.
TRANSITION = np.array([[0.6, 0.4, 0.0], [0.0, 1.0, 0.0], [0.1, 0.1, 0.8]])


def known_noise(rng, n=6000):
    """Logits whose softmax is right, true classes drawn from it, and labels made wrong."""
    logits = 2.5 * rng.standard_normal((n, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    true = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)
    labels = (rng.random((n, 1)) > TRANSITION[true].cumsum(axis=1)).sum(axis=1)
    # Timid by a factor of three, as networks are that were trained on mixed images.
    return p, (logits / 3).astype(np.float32), true, labels


def test_probabilities_are_those_of_bayes_rule(rng):
    p, logits, true, labels = known_noise(rng)
    audit = bptplr.audit_labels(logits, labels)
    assert audit.by_predictions
    np.testing.assert_allclose(audit.transition, TRANSITION, atol=0.05)
    weights = p * TRANSITION[:, labels].T
    expected = 1 - weights[np.arange(len(labels)), labels] / weights.sum(axis=1)
    assert np.abs(audit.wrong_probability - expected).mean() < 0.03
    assert abs(audit.wrong_probability.mean() - (labels != true).mean()) < 0.02
    np.testing.assert_allclose(audit.joint.sum(axis=1), np.bincount(labels), rtol=1e-6)


def test_corrected_labels_are_better(rng):
    _, logits, true, labels = known_noise(rng)
    audit = bptplr.audit_labels(logits, labels)
    np.testing.assert_array_equal(audit.labels, labels)
    assert (audit.suggested != labels).all()
    corrected = audit.corrected_labels()
    changed = audit.wrong_probability > 0.5
    np.testing.assert_array_equal(corrected[changed], audit.suggested[changed])
    np.testing.assert_array_equal(corrected[~changed], labels[~changed])
    assert (corrected == true).mean() > (labels == true).mean() + 0.03
    np.testing.assert_array_equal(audit.corrected_labels(1.0), labels)


def test_ranking_begins_with_the_most_surely_wrong(rng):
    _, logits, true, labels = known_noise(rng)
    audit = bptplr.audit_labels(logits.astype(np.float64), labels)
    assert (np.diff(audit.wrong_probability[audit.ranking]) <= 0).all()
    np.testing.assert_array_equal(np.sort(audit.ranking), np.arange(len(labels)))
    assert (labels != true)[audit.ranking[:300]].mean() > 0.9


def test_the_program_judges_alike(tmp_path, program, run):
    command = [program, "audit", str(run), "--out", str(tmp_path), "--device", "cpu"]
    subprocess.run(command, check=True, capture_output=True)
    audit = bptplr.audit_run(run, device="cpu")
    assert audit.labels.tolist() == json.loads((run / "noise.json").read_text())
    corrected = json.loads((tmp_path / "labels.json").read_text())
    assert audit.corrected_labels().tolist() == corrected
    with open(tmp_path / "suspects.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert audit.ranking.tolist() == [int(row["index"]) for row in rows]
    assert audit.suggested[audit.ranking].tolist() == [int(row["suggested_label"]) for row in rows]
    written = [float(row["p_wrong"]) for row in rows]
    np.testing.assert_allclose(audit.wrong_probability[audit.ranking], written, atol=1e-4)


def test_what_does_not_fit_is_named(tmp_path):
    logits = np.zeros((4, 3), np.float32)
    for arguments, kind, sentence in [
        ((logits[0], [0]), ValueError, r"logits must have the shape \[N, C\], not \[3\]"),
        ((logits, [0, 1, 2]), ValueError, r"labels must have the shape \[4\], not \[3\]"),
        ((logits + np.nan, [0] * 4), ValueError, "logits must be finite, but row 0"),
        ((logits, [0, 1, 2, 3]), bptplr.Error, "label"),
        ((logits[:, :1], [0] * 4), bptplr.Error, "class"),
        ((logits[:0], []), bptplr.Error, "sample"),
    ]:
        with pytest.raises(kind, match=sentence):
            bptplr.audit_labels(*arguments)
    with pytest.raises(bptplr.Error, match="holds no run"):
        bptplr.audit_run(tmp_path)
