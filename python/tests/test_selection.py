"""Mixture and partition, against scikit-learn and against plain statements."""

import numpy as np
import pytest

import bptplr


def two_clusters(rng, n=2000):
    """Losses of which the first two thirds are small."""
    small = rng.normal(0.15, 0.05, (2 * n // 3, 2))
    large = rng.normal([0.6, 0.7], [0.15, 0.1], (n - len(small), 2))
    return np.clip(np.concatenate([small, large]), 0, 1)


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("options", [{}, {"max_iter": 100, "tol": 1e-6}, {"max_iter": 1}])
def test_equals_scikit_learn_from_the_same_labels(rng, options):
    mixture = pytest.importorskip("sklearn.mixture")
    x = two_clusters(rng)
    start = (x.sum(axis=1) > 0.7).astype(int)
    fit = bptplr.gmm_fit(x, init_labels=start, **options)
    # scikit-learn takes parameters; these are those of the labels, by its own M step.
    model = mixture.GaussianMixture(
        2, **{"max_iter": 10, "tol": 1e-2, **options}, reg_covar=5e-4, random_state=0
    )
    model._initialize_parameters = lambda data, *_, **__: model._initialize(data, np.eye(2)[start])
    model.fit(x)
    np.testing.assert_allclose(fit.weights, model.weights_, rtol=1e-9)
    np.testing.assert_allclose(fit.means, model.means_, rtol=1e-9)
    np.testing.assert_allclose(fit.covariances, model.covariances_, rtol=1e-8)
    clean = np.argmin((model.means_**2).sum(axis=1))
    assert fit.clean_component == clean == 0
    np.testing.assert_allclose(fit.clean_probability, model.predict_proba(x)[:, clean], atol=1e-9)
    assert (fit.n_iter, fit.converged) == (model.n_iter_, model.converged_)
    np.testing.assert_allclose(fit.mean_log_likelihood, model.lower_bound_, rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"max_iter": 100, "tol": 1e-6}])
def test_one_loss_is_separated_as_scikit_learn_does(rng, options):
    mixture = pytest.importorskip("sklearn.mixture")
    x = two_clusters(rng)[:, 0]
    start = (x > 0.4).astype(int)
    fit = bptplr.gmm_fit(x, init_labels=start, **options)
    model = mixture.GaussianMixture(
        2, **{"max_iter": 10, "tol": 1e-2, **options}, reg_covar=5e-4, random_state=0
    )
    model._initialize_parameters = lambda data, *_, **__: model._initialize(data, np.eye(2)[start])
    model.fit(x[:, None])
    assert fit.means.shape == (2, 1) and fit.covariances.shape == (2, 1, 1)
    np.testing.assert_allclose(fit.weights, model.weights_, rtol=1e-9)
    np.testing.assert_allclose(fit.means, model.means_, rtol=1e-9)
    np.testing.assert_allclose(fit.covariances, model.covariances_, rtol=1e-8)
    probability = model.predict_proba(x[:, None])[:, fit.clean_component]
    np.testing.assert_allclose(fit.clean_probability, probability, atol=1e-9)
    assert (fit.n_iter, fit.converged) == (model.n_iter_, model.converged_)
    np.testing.assert_allclose(fit.mean_log_likelihood, model.lower_bound_, rtol=1e-9)
    column = bptplr.gmm_fit(x[:, None], init_labels=start, **options)
    np.testing.assert_array_equal(column.clean_probability, fit.clean_probability)


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_mixture_that_scikit_learn_finds(rng, seed):
    mixture = pytest.importorskip("sklearn.mixture")
    x = two_clusters(rng)
    fit = bptplr.gmm_fit(x, max_iter=200, tol=1e-9, seed=seed)
    model = mixture.GaussianMixture(2, max_iter=200, tol=1e-9, reg_covar=5e-4, random_state=seed)
    model.fit(x)
    order = np.argsort((model.means_**2).sum(axis=1))
    ours = [fit.clean_component, 1 - fit.clean_component]
    np.testing.assert_allclose(fit.means[ours], model.means_[order], atol=1e-4)
    np.testing.assert_allclose(fit.weights[ours], model.weights_[order], atol=1e-4)
    expected = model.predict_proba(x)[:, order[0]]
    np.testing.assert_allclose(fit.clean_probability, expected, atol=1e-3)


def test_tells_small_losses_from_large_ones(rng):
    fit = bptplr.gmm_fit(two_clusters(rng).astype(np.float32))
    clean = fit.clean_probability > 0.5
    assert clean[:1333].mean() > 0.98 and clean[1333:].mean() < 0.03
    assert fit.clean_probability.dtype == np.float64 and fit.means.shape == (2, 2)
    assert fit.covariances.shape == (2, 2, 2) and not fit.one_cluster


def test_depends_on_seed_epoch_and_network(rng):
    # Without structure the start decides where a short fit ends.
    x = rng.random((500, 2), np.float32)
    fits = [
        bptplr.gmm_fit(x, max_iter=1, **key).means.tolist()
        for key in ({}, {"seed": 1}, {"epoch": 1}, {"network": 1})
    ]
    assert bptplr.gmm_fit(x, max_iter=1).means.tolist() == fits[0]
    assert sum(fits.count(fit) == 1 for fit in fits) >= 3
    np.testing.assert_array_equal(
        bptplr.gmm_fit(x, seed=3).clean_probability,
        bptplr.gmm_fit(x.astype(np.float64), seed=3).clean_probability,
    )


def test_equal_losses_count_as_clean():
    fit = bptplr.gmm_fit(np.full((5, 2), 0.25))
    assert fit.one_cluster and fit.clean_probability.tolist() == [1.0] * 5
    # The density of a mean: log N(x; x, 5e-4 I).
    np.testing.assert_allclose(fit.mean_log_likelihood, -np.log(2 * np.pi * 5e-4), rtol=1e-12)
    assert bptplr.gmm_fit(np.full((5, 2), 0.25), reg_covar=0.0).mean_log_likelihood == np.inf


def test_tensors_are_taken_too(rng):
    torch = pytest.importorskip("torch")
    x = two_clusters(rng)
    fit = bptplr.gmm_fit(torch.from_numpy(x))
    np.testing.assert_array_equal(fit.clean_probability, bptplr.gmm_fit(x).clean_probability)
    labels = torch.arange(len(x)) % 10
    both = bptplr.balanced_partition(torch.from_numpy(fit.clean_probability), labels, 10)
    assert len(both.labelled) + len(both.unlabelled) == len(x)


def test_tensors_on_the_tape_are_taken_as_they_are(rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(two_clusters(rng)).requires_grad_()
    expected = bptplr.gmm_fit(x.detach())
    fit = bptplr.gmm_fit(x)
    np.testing.assert_array_equal(fit.clean_probability, expected.clean_probability)
    w = torch.from_numpy(fit.clean_probability).requires_grad_()
    labels = np.arange(len(x)) % 10
    parts = zip(
        bptplr.balanced_partition(w, labels, 10), bptplr.balanced_partition(w.detach(), labels, 10)
    )
    for part, wanted in parts:
        np.testing.assert_array_equal(part, wanted)


def test_numbers_of_16_bits_and_of_the_other_byte_order(rng):
    x = two_clusters(rng)
    halves = [x.astype(np.float16)]
    torch = pytest.importorskip("torch")
    halves += [torch.from_numpy(halves[0]), torch.from_numpy(x).bfloat16()]
    for half in halves:
        exact = half.float().numpy() if half is not halves[0] else half.astype(np.float32)
        np.testing.assert_array_equal(
            bptplr.gmm_fit(half).clean_probability, bptplr.gmm_fit(exact).clean_probability
        )
    w = bptplr.gmm_fit(x).clean_probability
    swapped = bptplr.gmm_fit(x.astype(">f8"), init_labels=(x.sum(axis=1) > 0.7).astype(">i4"))
    assert swapped.clean_probability.shape == w.shape
    np.testing.assert_array_equal(bptplr.gmm_fit(x.astype(">f8")).clean_probability, w)
    labels = np.arange(len(x)) % 10
    np.testing.assert_array_equal(
        bptplr.balanced_partition(w.astype(">f8"), labels.astype(">i8"), 10).labelled,
        bptplr.balanced_partition(w, labels, 10).labelled,
    )


def test_tensors_without_numbers_are_named(rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(two_clusters(rng))
    with pytest.raises(ValueError, match="losses must be on cpu, not on meta"):
        bptplr.gmm_fit(x.to("meta"))
    with pytest.raises(ValueError, match="losses must be a dense tensor, not sparse_coo"):
        bptplr.gmm_fit(x.to_sparse())
    with pytest.raises(ValueError, match="seed must be a number"):
        bptplr.gmm_fit(x, seed=torch.zeros((), device="meta"))
    assert bptplr.gmm_fit(x, seed=torch.tensor(0), tol=torch.tensor(0.01)).n_iter > 0


def test_fits_are_equal_to_themselves_alone(rng):
    fits = [bptplr.gmm_fit(two_clusters(rng)) for _ in range(2)]
    assert fits[0] == fits[0] and fits[0] != fits[1] and len(set(fits)) == 2


def test_what_a_mixture_cannot_be_fitted_to(rng):
    x = two_clusters(rng, 60)
    x[7, 1] = np.nan
    for arguments, options, sentence in [
        ((x,), {}, r"losses must be finite, but losses\[7, 1\] is nan"),
        ((np.ones((4, 3)),), {}, r"losses must have the shape \[N, 2\], not \[4, 3\]"),
        ((np.ones((4, 1, 1)),), {}, r"losses must have the shape \[N, 2\], not \[4, 1, 1\]"),
        ((x[:, 1],), {}, r"losses must be finite, but losses\[7, 0\] is nan"),
        ((np.ones((5, 2), int),), {}, "losses must be float32 or float64, not int64"),
        ((x[:7],), {"init_labels": [0, 1]}, r"init_labels must have the shape \[7\]"),
        ((x[:2],), {"init_labels": [0, 2]}, "init_labels must be 0 or 1"),
        ((x[:2],), {"init_labels": [0.0, 1.0]}, "init_labels must be integers"),
        ((x[:7],), {"seed": -1}, "seed must be a whole number"),
        ((x[:7],), {"seed": None}, "seed must be a whole number"),
        ((x[:7],), {"seed": np.nan}, "seed must be a whole number"),
        ((x[:7],), {"seed": np.inf}, "seed must be a whole number"),
        ((x[:7],), {"seed": "1"}, "seed must be a whole number"),
        ((x[:7],), {"max_iter": np.array([1])}, "max_iter must be a whole number"),
        ((x[:7],), {"tol": "x"}, "tol must be a number, not 'x'"),
        ((x[:7],), {"reg_covar": None}, "reg_covar must be a number, not None"),
        (([[0.5], [0.5, 0.5]],), {}, "losses "),
        ((None,), {}, "losses must be numbers"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            bptplr.gmm_fit(*arguments, **options)
    line = np.repeat([0.0, 1.0], 3)[:, None].repeat(2, axis=1)
    for arguments, options, sentence in [
        ((x[:0],), {}, "two losses of each sample"),
        ((x[:7],), {"max_iter": 0}, "at least one EM iteration"),
        ((x[:7],), {"tol": -1.0}, "tolerance"),
        ((line,), {"reg_covar": 0.0}, "collapsed"),
    ]:
        with pytest.raises(bptplr.Error, match=sentence) as error:
            bptplr.gmm_fit(*arguments, **options)
        assert isinstance(error.value, RuntimeError)


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_partition_is_balanced(rng, threshold):
    w = rng.random(1000).round(2)  # many are equal
    labels = rng.choice(5, 1000, p=[0.4, 0.3, 0.2, 0.09, 0.01])
    labelled, unlabelled = bptplr.balanced_partition(w, labels, 5, threshold)
    budget = int((w > threshold).sum()) // 5
    expected = []
    for c in range(5):
        of_class = np.flatnonzero(labels == c)
        expected += list(of_class[np.argsort(-w[of_class], kind="stable")][:budget])
    np.testing.assert_array_equal(labelled, np.sort(expected))
    np.testing.assert_array_equal(unlabelled, np.setdiff1d(np.arange(1000), expected))


def test_partition_of_nothing_and_of_what_does_not_fit():
    empty = bptplr.balanced_partition([], [], 3)
    assert empty.labelled.size == 0 and empty.unlabelled.size == 0
    for arguments, kind, sentence in [
        (([0.5], [0, 1], 2), ValueError, r"labels must have the shape \[1\]"),
        (([1, 1], [0, 1], 2), ValueError, "clean_probability must be floating-point"),
        (([0.5], [0.0], 2), ValueError, "labels must be integers, not float64"),
        (([0.5], [0], 0), ValueError, "num_classes must be a whole number from 1"),
        (([1.5], [0], 2), bptplr.Error, "clean probability of sample 0 is 1.5"),
        (([np.nan], [0], 2), bptplr.Error, "clean probability of sample 0 is nan"),
        (([0.5], [2], 2), bptplr.Error, "label of sample 0 is 2"),
        (([0.5], [0], 2, np.nan), ValueError, r"threshold must lie in \[0, 1\], not nan"),
        (([0.5], [0], 2, 1.5), ValueError, r"threshold must lie in \[0, 1\], not 1.5"),
        (([0.5], [0], 2, "x"), ValueError, "threshold must be a number, not 'x'"),
        (([0.5], np.uint64([2**63]), 2), ValueError, r"labels must be at most 2\^63 - 1"),
        (([0.5], [[0], [0, 1]], 2), ValueError, "labels "),
    ]:
        with pytest.raises(kind, match=sentence):
            bptplr.balanced_partition(*arguments)
