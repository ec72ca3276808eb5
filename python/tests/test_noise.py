"""Label noise: rates, and which class becomes which."""

import numpy as np
import pytest

import bptplr

CIFAR10_MISTAKEN_FOR = np.array([0, 1, 0, 5, 7, 3, 6, 7, 8, 1])


def moves(true, noisy, classes):
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (true, noisy), 1)
    return counts


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_symmetric(rate):
    true = np.arange(50_000) % 10
    noisy = bptplr.symmetric_noise(true, 10, rate, 1)
    assert noisy.dtype == np.int64
    # Of the chosen, 9 in 10 come out wrong, in equal parts.
    assert abs((noisy != true).mean() - 0.9 * rate) < 4 * (0.09 * rate / 50_000) ** 0.5 + 1e-12
    counts = moves(true, noisy, 10)[~np.eye(10, dtype=bool)]
    assert np.abs(counts - 500 * rate).max() < 5 * (500 * rate) ** 0.5 + 1e-12


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_asymmetric_of_cifar10(rate):
    true = np.arange(50_000) % 10
    noisy = bptplr.asymmetric_noise_cifar10(true, rate, 1)
    moved = noisy != true
    np.testing.assert_array_equal(noisy[moved], CIFAR10_MISTAKEN_FOR[true[moved]])
    assert abs(moved.mean() - rate / 2) < 0.01


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_asymmetric_of_cifar100(rate):
    true = np.arange(50_000) % 100
    noisy = bptplr.asymmetric_noise_cifar100(true, rate, 1)
    moved = noisy != true
    np.testing.assert_array_equal(noisy[moved], true[moved] // 5 * 5 + (true[moved] + 1) % 5)
    assert abs(moved.mean() - rate) < 0.01


def test_instance_noise_follows_the_image():
    data = bptplr.make_shapes(4000, 1)
    images, true = data.train_images, data.train_labels
    statistics = {"mean": data.mean, "std": data.std}
    noisy = bptplr.instance_noise(images, true, 10, 0.4, 1, **statistics)
    # The standard error of the share is below 0.01 here.
    assert abs((noisy != true).mean() - 0.4) < 0.03
    # Equal images with one label go astray to the same class, other images to several.
    same = bptplr.instance_noise(images[:1].repeat(2000, 0), [3] * 2000, 10, 0.4, 1, **statistics)
    assert np.bincount(same, minlength=10)[np.arange(10) != 3].max() > 0.9 * (same != 3).sum()
    assert len(set(noisy[true == 3])) >= 4


def test_depends_on_the_seed_alone():
    data = bptplr.make_shapes(300, 1)
    true = data.train_labels
    for noise in (
        lambda seed: bptplr.symmetric_noise(true, 10, 0.5, seed),
        lambda seed: bptplr.asymmetric_noise_cifar10(true, 0.5, seed),
        lambda seed: bptplr.asymmetric_noise_cifar100(true, 0.5, seed),
        lambda seed: bptplr.instance_noise(
            data.train_images, true, 10, 0.5, seed, mean=data.mean, std=data.std
        ),
    ):
        np.testing.assert_array_equal(noise(1), noise(1))
        assert (noise(1) != noise(2)).any() and (noise(1) != noise(2**63)).any()


def test_shapes_may_be_written_to():
    data = bptplr.make_shapes(20, 10)
    expected = bptplr.make_shapes(20, 10)
    data.train_images[:] = 0
    data.test_images[:] = 0
    np.testing.assert_array_equal(bptplr.make_shapes(20, 10).train_images, expected.train_images)
    assert data == data and data != expected and len({data, expected}) == 2


@pytest.mark.filterwarnings("error")
def test_shapes_as_tensors():
    torch = pytest.importorskip("torch")
    data = bptplr.make_shapes(20, 10)
    for array in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        torch.from_numpy(array)


def test_what_does_not_fit_is_named():
    images, statistics = np.zeros((2, 8, 8, 3), np.uint8), {"mean": [0.5] * 3, "std": [0.2] * 3}
    for call, kind, sentence in [
        (lambda: bptplr.symmetric_noise([0.5], 2, 0.5, 1), ValueError, "labels must be integers"),
        (lambda: bptplr.symmetric_noise([[1]], 2, 0.5, 1), ValueError, r"not \[1, 1\]"),
        (lambda: bptplr.symmetric_noise([1], 0, 0.5, 1), ValueError, "num_classes must be"),
        (lambda: bptplr.symmetric_noise([1], 2, 1.5, 1), bptplr.Error, "noise rate of 1.5"),
        (lambda: bptplr.symmetric_noise([5, 77, -3], 3, 0.0, 1), bptplr.Error, "met label 5"),
        (lambda: bptplr.symmetric_noise([1, -3], 3, 0.0, 1), bptplr.Error, "met label -3"),
        (lambda: bptplr.asymmetric_noise_cifar10([77], 0, 1), bptplr.Error, "met label 77"),
        (lambda: bptplr.symmetric_noise([1], 2, "0.5", 1), ValueError, "rate must be a number"),
        (lambda: bptplr.symmetric_noise([1], 2, 1j, 1), ValueError, "rate must be a number"),
        (lambda: bptplr.symmetric_noise([1], None, 0.5, 1), ValueError, "num_classes must be"),
        (lambda: bptplr.symmetric_noise([1], 2, 0.5, None), ValueError, "seed must be"),
        (lambda: bptplr.asymmetric_noise_cifar10([1], "1", 1), ValueError, "rate must be a number"),
        (lambda: bptplr.asymmetric_noise_cifar100([1], [1], 1), ValueError, "rate must be a"),
        (lambda: bptplr.symmetric_noise(np.uint64([2**63]), 2, 0.5, 1), ValueError, "at most 2"),
        (lambda: bptplr.asymmetric_noise_cifar10([10], 1, 1), bptplr.Error, "label 10"),
        (lambda: bptplr.asymmetric_noise_cifar100([-1], 1, 1), bptplr.Error, "label -1"),
        (lambda: bptplr.instance_noise(images, [0], 2, 0.5, 1, **statistics), ValueError, "labels"),
        (
            lambda: bptplr.instance_noise(images, [0, 2], 2, 0.5, 1, **statistics),
            bptplr.Error,
            "met label 2",
        ),
        (
            lambda: bptplr.instance_noise(images, [0, 1], 2, 0.5, 1, mean=[0.5], std=[0.2] * 3),
            ValueError,
            "mean must be three numbers",
        ),
        (
            lambda: bptplr.instance_noise(images, [0, 1], 2, "1", 1, **statistics),
            ValueError,
            "rate must be a number",
        ),
        *(
            (
                lambda bad=bad: bptplr.instance_noise(images, [0, 1], 2, 0.5, 1, **bad),
                ValueError,
                sentence,
            )
            for bad, sentence in [
                ({"mean": 0.5, "std": [0.2] * 3}, "mean must be three numbers"),
                ({"mean": [0.5, 0.5, np.nan], "std": [0.2] * 3}, "mean must be finite"),
                ({"mean": [0.5] * 3, "std": [0.2, 0.2, np.nan]}, "std must be finite"),
                ({"mean": [0.5] * 3, "std": [0.2, 0.2, np.inf]}, "std must be finite"),
                ({"mean": [0.5] * 3, "std": [0.2, 0.2, 0.0]}, "std must be greater than 0"),
                ({"mean": [0.5] * 3, "std": [0.2, -0.2, 0.2]}, "std must be greater than 0"),
            ]
        ),
    ]:
        with pytest.raises(kind, match=sentence):
            call()
