"""Parts of the methods, against NumPy, SciPy and scikit-learn."""

import numpy as np
import pytest

import bptplr


def softmax(z):
    e = np.exp(z.astype(np.float64) - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def logits_and_labels(rng, n=400, classes=5):
    """Logits of two networks that mostly agree with the labels."""
    labels = rng.integers(0, classes, n)
    shared = rng.normal(size=(n, classes)) + 3 * np.eye(classes)[labels] * (
        rng.random((n, 1)) < 0.7
    )
    pair = [(shared + rng.normal(size=shared.shape)).astype(np.float32) for _ in range(2)]
    return *pair, labels


def two_clusters(rng, n=600):
    """Losses in [0, 1] of which two thirds are small."""
    small = rng.normal(0.12, 0.05, 2 * n // 3)
    return np.clip(rng.permutation(np.r_[small, rng.normal(0.7, 0.1, n - len(small))]), 0, 1)


@pytest.mark.parametrize("base", ["e", "2"])
def test_distance_is_scipys_squared(rng, base):
    distance = pytest.importorskip("scipy.spatial.distance")
    first, second, labels = logits_and_labels(rng)
    p = (softmax(first) + softmax(second)) / 2
    expected = [
        distance.jensenshannon(row, one_hot, {"e": np.e, "2": 2}[base]) ** 2
        for row, one_hot in zip(p, np.eye(p.shape[1])[labels])
    ]
    found = bptplr.jensen_shannon_distance(first, second, labels, base)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    alone = bptplr.jensen_shannon_distance(first, first, labels, base)
    assert (alone <= {"e": np.log(2), "2": 1}[base] + 1e-6).all() and (alone >= 0).all()


def unicon(distance, labels, classes, d_mu, tau, trust_below):
    """UNICON's selection as its code has it, in float32, without its rounding of the budget."""
    cut_off = np.float32(distance.mean(dtype=np.float64))
    if float(cut_off) > d_mu:
        cut_off = cut_off - (cut_off - distance.min()) / np.float32(tau)
    budget = int((distance < cut_off).sum()) // classes
    chosen = [
        np.flatnonzero(labels == c)[np.argsort(distance[labels == c], kind="stable")][:budget]
        for c in range(classes)
    ]
    weight = np.where(distance < np.float32(trust_below), 1, 1 - distance)
    return np.sort(np.concatenate(chosen)), weight, int((distance < cut_off).sum())


@pytest.mark.parametrize("options", [{}, {"d_mu": 0.1, "filter_tau": 3.0, "trust_below": 0.3}])
def test_uniform_selection_is_unicons(rng, options):
    first, second, labels = logits_and_labels(rng)
    distance = bptplr.jensen_shannon_distance(first, second, labels)
    (division,) = bptplr.Selection("uniform", 5, **options).divide([distance], labels)
    known = {"d_mu": 0.7, "filter_tau": 5.0, "trust_below": 0.5, **options}
    labelled, weight, below = unicon(distance, labels, 5, *known.values())
    np.testing.assert_array_equal(division.labelled, labelled)
    np.testing.assert_array_equal(division.unlabelled, np.setdiff1d(np.arange(400), labelled))
    np.testing.assert_allclose(division.weight, weight, atol=1e-7)
    assert division.num_clean == below and 0 < len(labelled) < 400


def posteriors(x, start):
    """Clean probability of scikit-learn's mixture in one dimension from the same labels."""
    mixture = pytest.importorskip("sklearn.mixture")
    x = x.astype(np.float64)[:, None]
    model = mixture.GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4)
    model._initialize_parameters = lambda data, *_, **__: model._initialize(data, np.eye(2)[start])
    model.fit(x)
    return model.predict_proba(x)[:, model.means_.argmin()]


@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_long_runs_of_clean_epochs_are_longremixs(rng):
    """Both runs: samples clean in the last 3 epochs; the largest set; a second run that keeps it."""
    labels = rng.integers(0, 4, 600)
    first = bptplr.Selection(
        "high_confidence", 4, warm_up=2, num_epochs=6, run_length=3, confident_window=4
    )
    base = two_clusters(rng)
    history, sets = [[], []], []
    for epoch in range(6):
        losses = [
            np.clip(base + rng.normal(0, 0.15, 600), 0, 1).astype(np.float32) for _ in range(2)
        ]
        start = (base > 0.4).astype(int)
        divisions = first.divide(losses, labels, epoch, init_labels=start)
        for k, division in enumerate(divisions):
            w = posteriors(losses[k], start)
            history[k].append(w > 0.5)
            np.testing.assert_allclose(division.weight, w, atol=1e-6)
            confident = np.all(history[k][-3:], axis=0)
            np.testing.assert_array_equal(division.labelled, np.flatnonzero(confident))
        if epoch >= 2:
            sets.append(np.all(history[0][-3:], axis=0))
    largest = max(reversed(sets), key=np.sum)  # of equal ones the latest
    second = bptplr.Selection("gmm_confident", 4, first_epoch=6)
    with pytest.raises(bptplr.Error, match="the first run has left a set of 0 samples"):
        second.divide(losses, labels, 16)
    second.take_over(first)
    for k, division in enumerate(second.divide(losses, labels, 16, init_labels=start)):
        w = np.where(largest, 1, posteriors(losses[k], start))
        np.testing.assert_allclose(division.weight, w, atol=1e-6)
        np.testing.assert_array_equal(division.labelled, np.flatnonzero(w > 0.5))
    assert 0 < largest.sum() < 600


def test_selections_by_mixture_are_those_of_the_functions(rng):
    losses = np.stack([two_clusters(rng), two_clusters(rng)], axis=1).astype(np.float32)
    labels = rng.integers(0, 3, 600)
    fit = bptplr.gmm_fit(losses, seed=4, epoch=7)
    (plain,) = bptplr.Selection("gmm", 3, seed=4).divide([losses], labels, 7)
    np.testing.assert_array_equal(plain.clean, fit.clean_probability)
    np.testing.assert_array_equal(plain.labelled, np.flatnonzero(fit.clean_probability > 0.5))
    (balanced,) = bptplr.Selection("gmm_balanced", 3, seed=4).divide([losses], labels, 7)
    expected = bptplr.balanced_partition(fit.clean_probability, labels, 3)
    np.testing.assert_array_equal(balanced.labelled, expected.labelled)


def test_small_loss_takes_the_share(rng):
    losses, labels = two_clusters(rng).astype(np.float32), rng.integers(0, 3, 600)
    selection = bptplr.Selection("small_loss", 3, r=0.4, warm_up=10, lambda_ramp=4.0)
    for epoch, left_out in [(10, 0.1), (11, 0.2), (13, 0.4), (50, 0.4)]:
        (division,) = selection.divide([losses], labels, epoch)
        count = round(600 * (1 - left_out))
        expected = np.sort(np.argsort(losses, kind="stable")[:count])
        np.testing.assert_array_equal(division.labelled, expected)


def test_self_adaptive_threshold_is_freematchs_of_both_networks(rng):
    labels = bptplr.PseudoLabels("self_adaptive", 5, num_epochs=20, pseudo_momentum=0.9)
    confidence, share = 1 / 5, np.full(5, 1 / 5)
    passed = 0
    for epoch in (3, 3, 4, 4, 19):  # two networks an epoch move the same averages
        z, s = (rng.normal(0, 2, (300, 5)).astype(np.float32) for _ in range(2))
        a = (1 + np.cos(np.pi * epoch / 20)) / 2
        p = softmax((1 - a) * s.astype(np.float64) + a * z.astype(np.float64))
        confidence = 0.9 * confidence + 0.1 * p.max(axis=1).mean()
        share = 0.9 * share + 0.1 * p.mean(axis=0)
        sure = p.max(axis=1) >= confidence * share[p.argmax(axis=1)] / share.max()
        expected = np.where(sure, z.argmax(axis=1), -1)
        np.testing.assert_array_equal(labels.choose(z, s, epoch), expected)
        passed += sure.sum()
    assert 0 < passed < 1500


@pytest.mark.parametrize("threshold", [0.625, 0.625 - 1e-9, 0.625 - 1e-7, 0.5])
def test_fixed_threshold_compares_as_pytorch_does(rng, threshold):
    torch = pytest.importorskip("torch")
    z, s = (rng.normal(0, 2, (300, 4)).astype(np.float32) for _ in range(2))
    z[0], s[0] = 0, [0, 0, 0, 200]  # a mean of exactly 0.625
    p = (torch.from_numpy(softmax(z)) + torch.from_numpy(softmax(s))).float() / 2
    most, best = p.max(dim=1)
    expected = np.where((most > threshold).numpy(), best.numpy(), z.argmax(axis=1))
    labels = bptplr.PseudoLabels("fixed", 4, proto_threshold=threshold)
    np.testing.assert_array_equal(labels.choose(z, s), expected)


def test_what_does_not_fit_is_named(rng):
    first, second, labels = logits_and_labels(rng, 20)
    losses = rng.random(20, np.float32)
    selection = bptplr.Selection("uniform", 5)
    distance = bptplr.jensen_shannon_distance
    fixed = bptplr.PseudoLabels("fixed", 5)
    for call, kind, sentence in [
        (lambda: distance(first, second[:5], labels), ValueError, r"logits_2 must have the shape"),
        (lambda: distance(first, second, labels + 1), ValueError, r"labels\[\d+\] is 5"),
        (lambda: distance(first, second, labels, "10"), bptplr.Error, "10"),
        (lambda: distance(first, np.full_like(first, np.nan), labels), ValueError, "finite"),
        (lambda: bptplr.Selection("most", 5), bptplr.Error, "most"),
        (lambda: bptplr.Selection("none", 5), bptplr.Error, "none"),
        (lambda: bptplr.Selection("uniform", 5, filter_tau=0.5), bptplr.Error, "filter_tau is 0.5"),
        (lambda: bptplr.Selection("uniform", 5, d_mu=np.inf), ValueError, "d_mu must be finite"),
        (lambda: selection.divide([losses] * 3, labels), ValueError, "one or two networks, not 3"),
        (lambda: selection.divide([losses[:4]], labels), ValueError, r"labels must have the shape"),
        (lambda: selection.divide([first], labels), ValueError, r"evidence\[0\] must have"),
        (lambda: selection.divide([losses[:0]], []), ValueError, "at least one sample"),
        (
            lambda: selection.divide([losses], labels, -1),
            ValueError,
            "epoch must be a whole number",
        ),
        (lambda: bptplr.PseudoLabels("sure", 5), bptplr.Error, "sure"),
        (lambda: fixed.choose(first[:, :4], second[:, :4]), ValueError, r"shape \[N, 5\]"),
        (lambda: fixed.choose(first, second[:3]), ValueError, "prototype_logits must have"),
    ]:
        with pytest.raises(kind, match=sentence):
            call()
