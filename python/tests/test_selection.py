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


def test_tensors_are_taken_too(rng):
    torch = pytest.importorskip("torch")
    x = two_clusters(rng)
    fit = bptplr.gmm_fit(torch.from_numpy(x))
    np.testing.assert_array_equal(fit.clean_probability, bptplr.gmm_fit(x).clean_probability)
    labels = torch.arange(len(x)) % 10
    both = bptplr.balanced_partition(torch.from_numpy(fit.clean_probability), labels, 10)
    assert len(both.labelled) + len(both.unlabelled) == len(x)


def test_what_a_mixture_cannot_be_fitted_to(rng):
    x = two_clusters(rng, 60)
    x[7, 1] = np.nan
    for arguments, options, sentence in [
        ((x,), {}, "losses must be finite, but row 7 is"),
        ((x[:7, 0],), {}, r"losses must have the shape \[N, 2\], not \[7\]"),
        ((np.ones((5, 2), int),), {}, "losses must be float32 or float64, not int64"),
        ((x[:7],), {"init_labels": [0, 1]}, r"init_labels must have the shape \[7\]"),
        ((x[:2],), {"init_labels": [0, 2]}, "init_labels must be 0 or 1"),
        ((x[:2],), {"init_labels": [0.0, 1.0]}, "init_labels must be integers"),
        ((x[:7],), {"seed": -1}, "seed must be a whole number"),
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
    ]:
        with pytest.raises(kind, match=sentence):
            bptplr.balanced_partition(*arguments)
