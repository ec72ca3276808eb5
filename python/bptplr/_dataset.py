"""What users have as data, as fields of a recipe: files that training reads, now and later.

Arrays are written to the folder of the run, so that going on, audits and reports need nothing but
that folder.
"""

from __future__ import annotations

import contextlib
import csv
import filecmp
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bptplr import _arrays, _core
from bptplr._arrays import Int64

if TYPE_CHECKING:
    from bptplr._arrays import ArrayLike

#: What samples are written to: image files as a table, others as arrays with the classes' names.
_TABLE, _ARCHIVE, _CLASSES = "images.csv", "samples.npz", "samples_classes.txt"
_ARRAY_FILES = (".npy", ".npz", ".safetensors")
#: Data sets that are named, not given.
_NAMED = ("cifar10", "cifar100", "shapes", "animal10n", "clothing1m")


@dataclass
class Part:
    """Samples of a training or test set: an array, or paths of image files."""

    samples: npt.NDArray[Any] | None = None  #: uint8 [N, height, width, 3] or float32 [N, D]
    paths: list[str] = field(default_factory=list)
    labels: Any = None  #: [N] numbers or names
    true_labels: Any = None  #: likewise, where they are known
    class_names: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.paths) if self.samples is None else len(self.samples)

    @property
    def kind(self) -> str:
        if self.samples is None:
            return "csv"
        return "features" if self.samples.ndim == 2 else "arrays"


def samples_of(value: ArrayLike, name: str) -> npt.NDArray[Any]:
    """Returns images uint8 [N, height, width, 3] or features float32 [N, D].

    Raises ValueError that says what to do about another form, such as [N, 3, height, width].
    """
    array = _arrays.any_array(value, name)
    if array.ndim == 4:
        return _arrays.images(array, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be images uint8 [N, height, width, 3], features [N, D], or a list of "
            f"paths, not an array of the shape {list(array.shape)}"
        )
    return _arrays.finite(array, name, ["N", "D"], np.float32)


def _is_paths(data: object) -> bool:
    return (
        isinstance(data, Sequence | np.ndarray)
        and not isinstance(data, str | bytes)
        and len(data) > 0
        and all(isinstance(item, str | os.PathLike) for item in data)
    )


def _is_huggingface(data: Any) -> bool:
    return hasattr(data, "column_names") and hasattr(data, "features")


def _column(data: Any, names: Sequence[str], what: str) -> str:
    for name in names:
        if name in data.column_names:
            return name
    raise ValueError(
        f"the data set has no column of {what}: it is called one of {', '.join(names)}, "
        f"but there are {', '.join(data.column_names)}; rename_column it"
    )


def _pixels(image: Any) -> npt.NDArray[Any]:
    """Returns a picture of Pillow, or an array, as uint8 [height, width, 3]."""
    rgb = image.convert("RGB") if hasattr(image, "convert") else image
    return np.asarray(rgb, dtype=np.uint8)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Yields a file to write in the place of `path`, which is whole or not there at all for others.

    Processes of a comparison write the same samples, and may read what another one writes again.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _stacked(pictures: Iterator[Any], folder: Path, name: str) -> Part:
    """Keeps pictures of one size as an array, others as files in `folder`."""
    first = [_pixels(next(pictures))]
    sides = first[0].shape
    paths: list[str] = []
    for picture in pictures:
        pixels = _pixels(picture)
        if not paths and pixels.shape == sides:
            first.append(pixels)
            continue
        if not paths:  # from now on as files, those of before too
            paths = [_write_picture(array, folder, name, i) for i, array in enumerate(first)]
        paths.append(_write_picture(pixels, folder, name, len(paths)))
    return Part(paths=paths) if paths else Part(samples=np.stack(first))


def _write_picture(pixels: npt.NDArray[Any], folder: Path, name: str, number: int) -> str:
    from PIL import Image  # whoever has pictures of Pillow has Pillow

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_{number:07d}.png"
    with _whole(path) as part:
        Image.fromarray(pixels).save(part, format="PNG")
    return str(path)


def _of_huggingface(data: Any, folder: Path, name: str) -> Part:
    label = _column(data, ("label", "labels", "fine_label", "coarse_label", "y"), "labels")
    names = getattr(data.features[label], "names", None)
    if any(column in data.column_names for column in ("image", "img", "images")):
        image = _column(data, ("image", "img", "images"), "images")
        part = _stacked((row[image] for row in data), folder, name)
    else:
        column = _column(data, ("features", "embedding", "embeddings", "x"), "images or features")
        part = Part(samples=samples_of(np.asarray(data[column]), name))
    part.labels = list(data[label])
    part.class_names = list(names or [])
    return part


def part_of(data: Any, labels: Any, folder: Path, name: str, labels_name: str) -> Part:
    """Returns samples and labels of whatever a user has; pictures may be written to `folder`."""
    if _is_huggingface(data):
        return _of_huggingface(data, folder, name)
    if hasattr(data, "samples") and hasattr(data, "classes"):  # torchvision's ImageFolder
        return Part(
            paths=[os.path.abspath(path) for path, _ in data.samples],
            labels=[number for _, number in data.samples] if labels is None else labels,
            class_names=list(data.classes),
        )
    if hasattr(data, "data") and hasattr(data, "targets"):  # torchvision's CIFAR and their like
        given = data.targets if labels is None else labels
        return Part(samples_of(data.data, name), [], given, list(getattr(data, "classes", [])))
    if labels is None:
        raise ValueError(f"{labels_name} are missing: pass one for each sample of {name}")
    if _is_paths(data):
        paths = [os.path.abspath(os.fsdecode(path)) for path in data]
        return Part(paths=paths, labels=labels)
    return Part(samples=samples_of(data, name), labels=labels)


def numbers_of(labels: Any, classes: list[str], count: int, name: str) -> tuple[Int64, list[str]]:
    """Returns labels [N] as numbers, and the names of all classes.

    `classes` are known names, in order; with none, names are sorted as text and numbers stay. An
    unknown name is an error.
    """
    try:
        array = np.asarray(labels.tolist() if _arrays.is_tensor(labels) else labels)
    except Exception as error:  # lists and tensors of other libraries may raise anything
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    if array.ndim != 1 or len(array) != count:
        raise ValueError(f"{name} must be one a sample: {count}, not {list(array.shape)}")
    if array.dtype.kind in "iu":
        return _arrays.labels(array, name), classes
    if array.dtype.kind not in "OUSb":
        raise ValueError(f"{name} must be integers or names of classes, not {array.dtype}")
    if not all(isinstance(value, str | bytes | np.generic) for value in array):
        raise ValueError(
            f"{name} must be integers or names of classes, not {_arrays.shown(labels)}"
        )
    texts = [_arrays.text(str(value), name) for value in array]
    known = classes or sorted(set(texts))
    place = {text: number for number, text in enumerate(known)}
    unknown = [text for text in texts if text not in place]
    if unknown:
        raise ValueError(f"{name} has the class {unknown[0]!r}, which the training labels lack")
    return np.array([place[text] for text in texts], np.int64), known


def _write_table(
    path: Path, parts: Mapping[str, tuple[Part, Int64]], truth: Int64 | None, names: list[str]
) -> None:
    def name(label: int) -> str:
        return names[label] if names else str(label)

    with (
        _whole(path) as written,
        written.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        table = csv.writer(file)
        table.writerow(["path", "label", "true_label", "split"])
        for split, (part, labels) in parts.items():
            for i, (image, label) in enumerate(zip(part.paths, labels)):
                known = truth is not None and split == "train"
                true = name(truth[i]) if known and truth is not None else ""
                table.writerow([image, name(label), true, split])


def _write_arrays(
    path: Path, parts: Mapping[str, tuple[Part, Int64]], truth: Int64 | None, kind: str
) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {} if truth is None else {"true_labels": truth}
    for split, (part, labels) in parts.items():
        before = "test_" if split == "test" else ""
        assert part.samples is not None
        arrays[f"{before}{'images' if kind == 'arrays' else 'features'}"] = part.samples
        arrays[f"{before}labels"] = labels
    with _whole(path) as written, written.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _names(class_names: Any) -> list[str]:
    is_list = isinstance(class_names, Sequence | np.ndarray) and not isinstance(
        class_names, str | bytes
    )
    if not is_list or not all(isinstance(name, str) for name in class_names):
        raise ValueError(
            f"class_names must be the names of all classes, not {_arrays.shown(class_names)}"
        )
    return [_arrays.text(str(name), "class_names") for name in class_names]


def write_samples(
    folder: Path, train: Part, test: Part | None, class_names: Sequence[str] | None
) -> dict[str, Any]:
    """Writes samples to `folder`, and returns the fields of a recipe that reads them."""
    names = train.class_names if class_names is None else _names(class_names)
    numbers, names = numbers_of(train.labels, names, len(train), "labels")
    truth = None
    if train.true_labels is not None:
        truth, _ = numbers_of(train.true_labels, names, len(train), "true_labels")
    parts = {"train": (train, numbers)}
    if test is not None:
        if test.kind != train.kind:
            raise ValueError(f"the test set is {test.kind}, but the training set {train.kind}")
        given = test.class_names or names
        parts["test"] = (test, numbers_of(test.labels, given, len(test), "test_labels")[0])
    folder.mkdir(parents=True, exist_ok=True)
    if train.kind == "csv":
        table = folder / _TABLE
        _write_table(table, parts, truth, names)
        fields = {"dataset": "csv", "data_path": str(table)}
        return fields if test is not None else {**fields, "test_split": 0.1}
    file = folder / _ARCHIVE
    if names:
        text = "".join(f"{name}\n" for name in names)
        with _whole(folder / _CLASSES) as written:
            written.write_text(text, encoding="utf-8")
    _write_arrays(file, parts, truth, train.kind)
    return {"dataset": train.kind, "data_path": str(file)}


@dataclass
class Given:
    """What a caller passes as data: arrays, lists and tables, or a path or name."""

    data: Any = None
    labels: Any = None
    test_data: Any = None
    test_labels: Any = None
    true_labels: Any = None
    class_names: Any = None

    @property
    def is_named(self) -> bool:
        return _is_path(self.data)

    @property
    def has_samples(self) -> bool:
        return self.data is not None and not self.is_named

    @property
    def kind(self) -> str:
        """What the data set of samples is about: "features" or "arrays"."""
        return "features" if len(getattr(self.data, "shape", ())) == 2 else "arrays"

    def named_fields(self) -> dict[str, Any]:
        """Returns the fields of a recipe for a path or name; none for other data.

        Raises ValueError where labels or a test set lack their data, or are no files as that is.
        """
        more = {
            "labels": ("labels", self.labels),
            "test_features": ("test_data", self.test_data),
            "test_labels": ("test_labels", self.test_labels),
        }
        if self.data is None and any(value is not None for _, value in more.values()):
            raise ValueError("labels and test_data go with data; pass data too")
        if not self.is_named:
            return {}
        found = fields_of_path(_arrays.path(self.data, "data"))
        for target, (name, value) in more.items():
            if value is None:
                continue
            if not _is_path(value):
                raise ValueError(
                    f"{name} must be a file where data is one; pass both as arrays, or both as "
                    "paths"
                )
            found[target] = _arrays.path(value, name)
        return found

    def write(self, folder: Path, keep: bool = False) -> tuple[dict[str, Any], Part]:
        """Writes samples as `write_samples`; returns the fields, and the samples to train on. With
        `keep`, those that are there stay.

        Raises ValueError where other samples are there, and bptplr.Error where these cannot be
        written.
        """
        try:
            train = part_of(self.data, self.labels, folder, "data", "labels")
            train.true_labels = self.true_labels
            test = None
            if self.test_data is not None:
                test = part_of(self.test_data, self.test_labels, folder, "test_data", "test_labels")
            if not (keep and any((folder / name).exists() for name in (_TABLE, _ARCHIVE))):
                return write_samples(folder, train, test, self.class_names), train
            with tempfile.TemporaryDirectory(prefix="bptplr-") as aside:
                fields = write_samples(Path(aside), train, test, self.class_names)
                _require_same(folder, Path(aside))
            return {**fields, "data_path": str(folder / Path(fields["data_path"]).name)}, train
        except OSError as error:
            raise _core.Error(
                f"{error.filename or folder}: the samples cannot be written there "
                f"({error.strerror}); choose another out, or make room"
            ) from error


def _is_path(value: Any) -> bool:
    return isinstance(value, str | bytes | os.PathLike)


def _require_same(folder: Path, given: Path) -> None:
    for file in given.iterdir():
        had = folder / file.name
        if not had.exists() or not filecmp.cmp(had, file, shallow=False):
            raise ValueError(
                f"data and labels are others than those that {folder.parent} was begun with; pass "
                "the same, or another out"
            )


def fields_of_path(data: str) -> dict[str, Any]:
    """Returns the fields of a recipe for a folder or file, or the name of a data set."""
    if data in _NAMED and not os.path.exists(data):
        return {"dataset": data}
    path = Path(data)
    if path.suffix.lower() == ".csv":
        return {"dataset": "csv", "data_path": data}
    if path.suffix.lower() in _ARRAY_FILES:
        return {"dataset": "arrays" if _holds_images(path) else "features", "data_path": data}
    return {"dataset": "folder", "data_path": data}


def _holds_images(path: Path) -> bool:
    """Returns whether a file of arrays is one of images, by its first array of samples."""
    if path.suffix.lower() == ".safetensors" or not path.is_file():
        return False
    with np.load(path, mmap_mode="r", allow_pickle=False) as file:
        if isinstance(file, np.ndarray):
            return file.ndim == 4
        return "images" in file
