"""Two-component Gaussian mixtures over the losses of every sample, by scikit-learn.

scikit-learn's k-means draws its seeds from a generator of its own; so that another implementation
can be compared, a fit begins here from given labels in place of those that k-means finds.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture


class _MixtureFromLabels(GaussianMixture):
    """GaussianMixture whose first responsibilities are given labels, not those of k-means."""

    def set_labels(self, labels):
        self.labels = labels
        return self

    def _initialize_parameters(self, X, random_state):
        responsibilities = np.zeros((len(X), self.n_components))
        responsibilities[np.arange(len(X)), self.labels] = 1
        self._initialize(X, responsibilities)


def fit(points, labels):
    """The fit to points [N, d]; component c begins as the samples with label c.

    The settings are those of DivideMix and of all that build on it.
    """
    model = _MixtureFromLabels(n_components=2, covariance_type="full", max_iter=10, tol=1e-2,
                               reg_covar=5e-4).set_labels(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # ten iterations are all it gets
        return model.fit(points)


def clean_component(model):
    """The component whose mean is nearer to 0; losses are not negative, so that in one dimension
    this is the one with the smaller mean."""
    return int((model.means_ ** 2).sum(axis=1).argmin())


def clean_probability(points, labels):
    """w [N]: posterior of the clean component of the mixture over points [N, d]."""
    model = fit(points, labels)
    return model.predict_proba(points)[:, clean_component(model)]


def two_means(points, iterations=10):
    """Labels [N] as k-means would give: Lloyd's algorithm from the points of extreme sum."""
    total = points.sum(axis=1)
    centres = points[[total.argmin(), total.argmax()]]
    for _ in range(iterations):
        labels = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.stack([points[labels == c].mean(axis=0) for c in (0, 1)])
    return labels
