"""The audit of labels: on noise that is known, and as the program does it."""

import csv
import json
import signal

import numpy as np
import pytest
from conftest import run_program

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
    for threshold in (np.nan, 1.5, "0.5"):
        with pytest.raises(ValueError, match="threshold must"):
            audit.corrected_labels(threshold)


def test_numbers_have_an_interval_and_a_verdict(rng):
    _, logits, true, labels = known_noise(rng)
    audit = bptplr.audit_labels(logits, labels)
    low, high = audit.wrong_interval
    assert low < audit.expected_wrong < high
    assert low < (labels != true).sum() < high
    assert audit.usable and audit.not_to_be_used == ""
    assert abs(audit.expected_wrong - audit.wrong_probability.sum()) < 0.1
    chance = bptplr.audit_labels(rng.standard_normal((300, 10)), rng.integers(0, 10, 300))
    assert not chance.usable and "chance" in chance.not_to_be_used


def test_progress_counts_up_and_may_end_the_audit(rng):
    _, logits, _, labels = known_noise(rng, 40_000)
    seen = []
    audit = bptplr.audit_labels(logits, labels, progress=lambda *step: seen.append(step))
    totals = {total for _, total in seen}
    assert len(totals) == 1 and seen == sorted(seen)
    assert seen[-1] == (totals.pop(),) * 2
    alone = bptplr.audit_labels(logits, labels)
    np.testing.assert_array_equal(audit.wrong_probability, alone.wrong_probability)

    def stop(done, total):
        raise LookupError(f"{done} of {total}")

    with pytest.raises(LookupError, match="of"):
        bptplr.audit_labels(logits, labels, progress=stop)
    with pytest.raises(ValueError, match="progress must be callable"):
        bptplr.audit_labels(logits, labels, progress=3)


def test_a_signal_ends_a_long_audit(rng):
    """As Ctrl-C does, whose handler raises KeyboardInterrupt."""

    def handler(number, frame):
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        logits = rng.standard_normal((200_000, 60), dtype=np.float32)
        labels = logits.argmax(axis=1)
        with pytest.raises(InterruptedError):
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            bptplr.audit_labels(logits, labels)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("on_wrong_labels", [True, False])
def test_forests_that_have_learnt_structured_noise(on_wrong_labels):
    """40 % of the even digits have the next label; see docs/audit.md for cleanlab's figures."""
    datasets = pytest.importorskip("sklearn.datasets")
    forest = pytest.importorskip("sklearn.ensemble").RandomForestClassifier(100, random_state=0)
    select = pytest.importorskip("sklearn.model_selection")
    images, true = datasets.load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    labels = true.copy()
    for digit in range(0, 10, 2):
        of_digit = rng.permutation(np.flatnonzero(true == digit))
        labels[of_digit[: round(0.4 * len(of_digit))]] = digit + 1
    folds = select.StratifiedKFold(5, shuffle=True, random_state=0)
    p = select.cross_val_predict(
        forest, images, labels if on_wrong_labels else true, cv=folds, method="predict_proba"
    )
    audit = bptplr.audit_labels(labels=labels, probabilities=p)
    wrong = labels != true
    first = wrong[audit.ranking[:248]]  # as many as cleanlab 2.9 finds, 96 % of them wrong
    assert first.mean() > 0.97
    flagged = audit.wrong_probability > 0.5
    assert flagged.sum() > 170 and wrong[flagged].mean() > 0.95
    assert (audit.learnt_noise > 0.5) == on_wrong_labels


def test_ranking_begins_with_the_most_surely_wrong(rng):
    _, logits, true, labels = known_noise(rng)
    audit = bptplr.audit_labels(logits.astype(np.float64), labels)
    assert (np.diff(audit.wrong_probability[audit.ranking]) <= 0).all()
    np.testing.assert_array_equal(np.sort(audit.ranking), np.arange(len(labels)))
    assert (labels != true)[audit.ranking[:300]].mean() > 0.9


def test_probabilities_in_place_of_logits(rng):
    _, logits, _, labels = known_noise(rng)
    logits = logits.astype(np.float64)
    expected = bptplr.audit_labels(logits, labels)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    audit = bptplr.audit_labels(labels=labels, probabilities=p)
    np.testing.assert_allclose(audit.wrong_probability, expected.wrong_probability, atol=1e-4)
    np.testing.assert_array_equal(audit.suggested, expected.suggested)
    # Numbers of 16 bits neither keep their sums nor tell much less.
    half = bptplr.audit_labels(labels=labels, probabilities=p.astype(np.float16))
    np.testing.assert_allclose(half.wrong_probability, expected.wrong_probability, atol=0.01)


def test_probabilities_may_be_zero(rng):
    """Of a forest, say: the share of a few votes."""
    p, _, true, labels = known_noise(rng)
    votes = np.array([rng.multinomial(20, row) for row in p]) / 20
    assert (votes == 0).any(axis=1).mean() > 0.3
    audit = bptplr.audit_labels(labels=labels, probabilities=votes)
    assert np.isfinite(audit.wrong_probability).all()
    assert (audit.corrected_labels() == true).mean() > (labels == true).mean() + 0.02
    certain = bptplr.audit_labels(labels=labels, probabilities=np.eye(3)[true])
    np.testing.assert_array_equal(certain.corrected_labels(), true)


def test_numbers_of_16_bits_and_tensors_on_the_tape(rng):
    torch = pytest.importorskip("torch")
    _, logits, _, labels = known_noise(rng, 300)
    for half in (torch.from_numpy(logits).bfloat16(), torch.from_numpy(logits).half()):
        expected = bptplr.audit_labels(half.float().numpy(), labels)
        audit = bptplr.audit_labels(half.requires_grad_(), torch.from_numpy(labels))
        np.testing.assert_array_equal(audit.wrong_probability, expected.wrong_probability)
    audit = bptplr.audit_labels(half.detach().numpy(), labels)
    np.testing.assert_array_equal(audit.wrong_probability, expected.wrong_probability)


def test_the_program_judges_alike(tmp_path, program, run):
    command = [program, "audit", str(run), "--out", str(tmp_path), "--device", "cpu"]
    run_program(command)
    audit = bptplr.audit_run(run, device="cpu")
    assert audit.labels.tolist() == json.loads((run / "noise.json").read_text())
    summary = json.loads((tmp_path / "audit.json").read_text())
    assert summary["usable"] == audit.usable == (tmp_path / "labels.json").exists()
    if audit.usable:
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
        (
            (logits + np.nan, [0] * 4),
            ValueError,
            r"logits must be finite, but logits\[0, 0\] is nan",
        ),
        (
            (logits + [[0.0, 1e300, 0.0]], [0] * 4),
            ValueError,
            r"logits must be finite in float32, but logits\[0, 1\] is 1e\+300",
        ),
        ((logits.astype(int), [0] * 4), ValueError, "logits must be float32 or float64, not int64"),
        ((logits, np.uint64([0, 1, 2, 2**63])), ValueError, "labels must be at most 2"),
        ((logits, None), ValueError, "labels must be integers"),
        ((None, [0] * 4), ValueError, "either logits or probabilities"),
        ((logits, [0, 1, 2, 3]), bptplr.Error, "label"),
        ((logits[:, :1], [0] * 4), bptplr.Error, "class"),
        ((logits[:0], []), bptplr.Error, "sample"),
    ]:
        with pytest.raises(kind, match=sentence):
            bptplr.audit_labels(*arguments)
    with pytest.raises(bptplr.Error, match="holds no run"):
        bptplr.audit_run(tmp_path)
    p = np.full((4, 2), 0.5)
    for probabilities, options, sentence in [
        (p, {"logits": p}, "either logits or probabilities"),
        (p[0], {}, r"probabilities must have the shape \[N, C\]"),
        (3 * p, {}, "rows of probabilities must sum to 1, but row 0 sums to 3"),
        (p * [[1.0, 0.0]], {}, "rows of probabilities must sum to 1, but row 0 sums to 0.5"),
        (p + [[1.0, -1.0]], {}, r"not be negative, but probabilities\[0, 1\] is -0.5"),
        (p * np.nan, {}, r"probabilities must be finite, but probabilities\[0, 0\] is nan"),
        (p[:, :0], {}, "rows of probabilities must sum to 1"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            bptplr.audit_labels(labels=[0] * 4, probabilities=probabilities, **options)


def test_audits_are_equal_to_themselves_alone():
    audits = [bptplr.audit_labels(np.eye(3), [0, 1, 2]) for _ in range(2)]
    assert audits[0] == audits[0] and audits[0] != audits[1] and len(set(audits)) == 2
