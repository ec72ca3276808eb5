"""A classifier of scikit-learn that learns from features or images with wrong labels."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_X_y

from bptplr import _arrays, _train
from bptplr._audit import Audit
from bptplr._progress import BptplrWarning

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # scikit-learn below 1.6

    def validate_data(_estimator: Any, *args: Any, **kwargs: Any) -> Any:
        """Checks as the estimator's own method does in older versions."""
        return _estimator._validate_data(*args, **kwargs)


if TYPE_CHECKING:
    from bptplr._model import Model

#: Fewest samples of each class that a partition needs to be worth the name.
_LEAST_BATCHES = 4


class NoisyLabelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Trains a run of BPT-PLR, or another method, behind scikit-learn's interface.

    X is features [N, D] or images uint8 [N, height, width, 3]; y is labels, numbers or text, of
    which some may be wrong. After `fit`, `audit_` judges them, and `find_label_issues` gives the
    table that cleanlab's CleanLearning gives, so code that is written for it runs with this class.

    Args:
        clf: None: networks predict. A classifier of scikit-learn: it is cloned and fitted to the
            samples whose label is more likely right than wrong, as CleanLearning does, and predicts;
            the networks only find the wrong labels.
        method: bptplr, dividemix, unicon, longremix, plremix, or a baseline: ce, mixup, gce.
        recipe: Name, JSON file or mapping of a recipe; None: "features", or for few images.
        num_epochs, warm_up, batch_size, lr, width: Fields of the recipe; None: as it says.
        device: "auto", "cpu" or "cuda".
        threads: CPU threads; 0: all.
        random_state: Seed, an integer or a numpy.random.RandomState; None: 1, so that fits repeat.
        out: Folder that keeps the run; None: none is kept.
        verbose: Whether to show progress.
        options: Further fields of the recipe, as a mapping.
    """

    def __init__(
        self,
        clf: Any = None,
        *,
        method: str = "bptplr",
        recipe: Any = None,
        num_epochs: int | None = None,
        warm_up: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        width: int | None = None,
        device: str = "auto",
        threads: int = 0,
        random_state: Any = None,
        out: Any = None,
        verbose: bool = False,
        options: Any = None,
    ) -> None:
        self.clf = clf
        self.method = method
        self.recipe = recipe
        self.num_epochs = num_epochs
        self.warm_up = warm_up
        self.batch_size = batch_size
        self.lr = lr
        self.width = width
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.out = out
        self.verbose = verbose
        self.options = options

    # ---- fitting -----------------------------------------------------------------------

    def _samples(self, x: Any) -> npt.NDArray[Any]:
        """Returns images as they are, and features as scikit-learn checks them."""
        if getattr(x, "ndim", 0) == 4:
            return _arrays.images(x, "X")
        return np.asarray(
            validate_data(self, x, dtype=np.float32, reset=False, ensure_min_samples=1)
        )

    def _checked(self, x: Any, y: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        if getattr(x, "ndim", 0) == 4:
            images = _arrays.images(x, "X")
            flat, labels = check_X_y(images.reshape(len(images), -1)[:, :1], y, dtype=None)
            self.n_features_in_ = int(np.prod(images.shape[1:]))
        else:
            images, labels = validate_data(self, x, y, dtype=np.float32, ensure_min_samples=2)
        check_classification_targets(labels)
        return images, labels

    def _fields(self, samples: int, classes: int) -> dict[str, Any]:
        """Returns the fields of the recipe, with a batch that few samples fill."""
        seed = self.random_state
        if seed is None:
            seed = 1
        elif not isinstance(seed, int | np.integer):
            seed = int(seed.randint(1, 2**31 - 1))
        fields = {
            "method": self.method,
            "num_epochs": self.num_epochs,
            "warm_up": self.warm_up,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "width": self.width,
            "device": self.device,
            "threads": int(self.threads),
            "seed": int(seed),
            **dict(self.options or {}),
        }
        if self.batch_size is None and self.recipe is None and samples < 128 * _LEAST_BATCHES:
            fields["batch_size"] = max(samples // _LEAST_BATCHES, 2)
        if self.recipe is None and "kappa" not in fields and classes <= 6:
            fields["kappa"] = "0:1"  # of so few classes, larger sets would all overlap
        return fields

    def fit(self, X: Any, y: Any = None, *, labels: Any = None) -> NoisyLabelClassifier:
        """Trains on samples with labels y, some of which may be wrong.

        Raises ValueError for data that scikit-learn refuses, fewer than two classes among them, and
        bptplr.Error for fields and data that training refuses.
        """
        y = labels if y is None else y
        samples, given = self._checked(X, y)
        self.classes_, numbers = np.unique(given, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has one class; a classifier needs at least two classes")
        folder = Path(self.out) if self.out is not None else Path(tempfile.mkdtemp("", "bptplr-"))
        try:
            self._fit_in(folder / "run" if self.out is None else folder, samples, numbers)
        finally:
            if self.out is None:
                shutil.rmtree(folder, ignore_errors=True)
        if self.clf is not None:
            kept = self.audit_.wrong_probability <= 0.5
            self.clf_ = clone(self.clf).fit(np.asarray(X)[kept], given[kept])
        return self

    def _fit_in(self, folder: Path, samples: npt.NDArray[Any], numbers: Any) -> None:
        fields = self._fields(len(samples), len(self.classes_))
        with warnings.catch_warnings() if not self.verbose else contextlib.nullcontext():
            if not self.verbose:
                warnings.simplefilter("ignore", BptplrWarning)
            run = _train.train(
                self.recipe,
                data=samples,
                labels=np.asarray(numbers, np.int64),
                class_names=[str(name) for name in self.classes_],
                out=folder,
                progress=self.verbose or False,
                **fields,
            )
        self.model_: Model = run.model.keep()
        self.audit_: Audit = run.audit(device=self.device)
        self.n_iter_ = run.epochs

    # ---- predicting --------------------------------------------------------------------

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Returns the probability of each class [N, C], columns in the order of classes_."""
        check_is_fitted(self)
        if self.clf is not None:
            return np.asarray(self.clf_.predict_proba(X))
        return self.model_.predict(self._samples(X)).probabilities

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Returns the most probable class of each sample."""
        check_is_fitted(self)
        if self.clf is not None:
            return np.asarray(self.clf_.predict(X))
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    # ---- wrong labels ------------------------------------------------------------------

    def find_label_issues(self, X: Any = None, labels: Any = None, **_ignored: Any) -> Any:
        """Fits, where X is given and nothing is fitted yet, and returns `get_label_issues`."""
        if X is not None and not hasattr(self, "audit_"):
            self.fit(X, labels)
        return self.get_label_issues()

    def get_label_issues(self) -> Any:
        """Returns a pandas.DataFrame with cleanlab's columns: is_label_issue, label_quality,
        given_label, predicted_label, in the order of the samples of fit."""
        check_is_fitted(self, "audit_")
        frame = self.audit_.to_dataframe()
        names = {str(name): name for name in self.classes_.tolist()}
        for column in ("given_label", "predicted_label"):
            frame[column] = [names[name] for name in frame[column]]
        return frame
