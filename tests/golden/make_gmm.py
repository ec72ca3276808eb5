"""gmm.safetensors: scikit-learn's two-component GaussianMixture from given hard labels."""

import numpy as np

from common import int64, put

import mixture


def _cloud(rng, count, mean, deviation, correlation=0.0):
    dx, dy = np.broadcast_to(deviation, 2)
    covariance = [[dx * dx, correlation * dx * dy], [correlation * dx * dy, dy * dy]]
    return rng.multivariate_normal(mean, covariance, count)


def _cases(rng):
    """name -> (points, initial labels)"""
    def points(*clouds):
        x = np.clip(np.concatenate(clouds), 0, 1)
        return x[rng.permutation(len(x))]

    cases = {}
    def add(name, x, labels=None):
        cases[name] = (x, mixture.two_means(x) if labels is None else labels)

    add("well_separated", points(_cloud(rng, 700, (.1, .15), .04), _cloud(rng, 300, (.7, .8), .08)))
    add("overlapping", points(_cloud(rng, 600, (.35, .35), .13, .4), _cloud(rng, 400, (.55, .6), .15, -.3)))
    add("unbalanced_1_to_20", points(_cloud(rng, 1000, (.08, .1), (.03, .05)), _cloud(rng, 50, (.5, .55), .12)))
    add("unbalanced_clean_minority", points(_cloud(rng, 40, (.1, .1), .05), _cloud(rng, 800, (.6, .7), .1, .7)))
    add("tight_and_wide", points(_cloud(rng, 500, (.2, .2), .004), _cloud(rng, 500, (.4, .45), .2)))
    add("odd_count", points(_cloud(rng, 400, (.2, .3), (.1, .03), .6), _cloud(rng, 377, (.6, .6), .12)))
    add("small", points(_cloud(rng, 120, (.2, .2), .1), _cloud(rng, 80, (.6, .5), .15)))
    # As noisy-label losses look: most of the clean samples within a whisker of zero.
    skewed = np.column_stack([rng.beta(.5, 6, 1800), rng.beta(.8, 5, 1800)])
    add("loss_like_3000", points(skewed, np.column_stack([rng.beta(4, 3, 1200), rng.beta(5, 2, 1200)])))
    add("swapped_labels", cases["odd_count"][0], 1 - cases["odd_count"][1])
    x = cases["overlapping"][0]
    add("poor_start", x, (x[:, 0] > np.quantile(x[:, 0], .93)).astype(int))
    x = cases["unbalanced_1_to_20"][0]
    add("random_start", x, rng.integers(0, 2, len(x)))
    x = cases["tight_and_wide"][0]
    add("tight_and_wide_random_start", x, rng.integers(0, 2, len(x)))
    x = points(_cloud(rng, 500, (.5, .5), .2, .95), _cloud(rng, 501, (.5, .5), .2, -.95))
    add("crossed", x, (x[:, 0] > .55).astype(int))
    # Collinear points: only reg_covar keeps the covariance invertible.
    line = np.clip(np.concatenate([rng.normal(.2, .05, 150), rng.normal(.7, .06, 150)]), 0, 1)
    add("collinear", np.column_stack([line, line]))
    add("one_point_component", points(_cloud(rng, 200, (.1, .1), .03), np.asarray([[.95, .9]])))
    return cases


def make():
    rng, out = np.random.default_rng(505), {}
    for name, (x, labels) in _cases(rng).items():
        model = mixture.fit(x, labels)
        put(out, name, x=x, initial_labels=int64(labels), weights=model.weights_, means=model.means_,
            covariances=model.covariances_, posteriors=model.predict_proba(x),
            n_iter=int64([model.n_iter_]), converged=int64([model.converged_]),
            lower_bound=np.asarray([model.lower_bound_]),
            clean_component=int64([mixture.clean_component(model)]))
    return out
