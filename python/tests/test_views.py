"""Views against Pillow: what is drawn, drawn again in NumPy; what it does, done by Pillow."""

import numpy as np
import pytest
from conftest import load_script

import bptplr
import philox

PURPOSE_AUGMENT = 6
# Probabilities of both operations of the 25 sub-policies (AutoAugment, table 7).
PROBABILITIES = """.1 .2 .7 .3 .8 .9 .5 .7 .5 .9 .2 .3 .4 .6 .3 .7 .6 .5 .6 .6 .7 .5 .3 .4 .4 .2 .9 .2
.5 .0 .2 .6 .2 .6 .9 .6 .8 .2 .1 .7 .4 .9 .9 .7 .9 .8 .8 .1 .7 .9"""


class Draws:
    """The numbers of one stream of the library (engine/random.hpp), in order."""

    def __init__(self, seed, epoch, sample, draw):
        words = philox.words(64, seed, PURPOSE_AUGMENT, epoch, sample, draw)
        self.words = iter(words.tolist())

    def below(self, n):
        """Lemire's unbiased reduction."""
        product = next(self.words) * n
        while product % 2**32 < 2**32 % n:
            product = next(self.words) * n
        return product >> 32

    def uniform_double(self):
        high, low = next(self.words) >> 5, next(self.words) >> 6
        return (high * 2**26 + low) / 2**53


def expected_view(pillow, image, draws, view, crop, padding):
    """One image as training shows it, by Pillow."""
    side = crop or 32
    if view == "test":
        return image.crop(((32 - side) // 2,) * 2 + ((32 + side) // 2,) * 2)
    x = draws.below(32 + 2 * padding - side + 1) - padding
    y = draws.below(32 + 2 * padding - side + 1) - padding
    out = pillow.cropped(image, padding, (x, y, draws.below(2)), side, side)
    if view == "weak":
        return out
    policy = draws.below(25)
    operations = pillow.POLICY.replace("\n", " ").split(";")[policy].split()
    for k in range(2):
        applied = draws.uniform_double() < float(PROBABILITIES.split()[2 * policy + k])
        sign = 2 * draws.below(2) - 1
        if applied:
            kind, level = operations[2 * k], int(operations[2 * k + 1])
            out = pillow.apply(kind, out, pillow.argument_of(kind, level, sign, out.size))
    return out


@pytest.mark.parametrize("view", ["strong", "weak", "test"])
@pytest.mark.parametrize("crop, padding", [(0, 4), (24, 0), (40, 6)])
def test_equals_pillow_to_the_bit(view, crop, padding):
    image = pytest.importorskip("PIL.Image")
    if pytest.importorskip("PIL").__version__ != "9.4.0":
        pytest.skip("the bytes are those of Pillow 9.4.0; later versions round otherwise")
    pillow = load_script("tests/golden/make_augment.py")
    images = bptplr.make_shapes(200, 1).train_images
    samples = np.arange(200)[::-1] * 1000
    views = bptplr.autoaugment(
        images, 2**40 + 5, view=view, samples=samples, epoch=7, draw=3, crop=crop, padding=padding
    )
    assert views.dtype == np.uint8 and views.shape == (200, crop or 32, crop or 32, 3)
    for pixels, sample, out in zip(images, samples.tolist(), views):
        draws = Draws(2**40 + 5, 7, sample, 3)
        expected = expected_view(pillow, image.fromarray(pixels), draws, view, crop, padding)
        np.testing.assert_array_equal(out, np.asarray(expected), err_msg=str(sample))


def test_depends_on_the_sample_not_on_the_batch():
    images = bptplr.make_shapes(60, 1).train_images
    everything = bptplr.autoaugment(images, 1)
    part = bptplr.autoaugment(images[20:30], 1, samples=range(20, 30))
    np.testing.assert_array_equal(part, everything[20:30])
    for other in ({"epoch": 1}, {"draw": 1}, {"seed": 2}, {"view": "weak"}):
        assert (bptplr.autoaugment(images, **{"seed": 1, **other}) != everything).any()
    np.testing.assert_array_equal(bptplr.autoaugment(images, 1, view="test"), images)
    assert bptplr.autoaugment(images[:0], 1).shape == (0, 32, 32, 3)


def test_images_that_are_not_contiguous():
    images = bptplr.make_shapes(20, 1).train_images
    np.testing.assert_array_equal(
        bptplr.autoaugment(images[::2, ::-1], 1), bptplr.autoaugment(images[::2, ::-1].copy(), 1)
    )


def test_what_does_not_fit_is_named():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    for changed, options, sentence in [
        (images[0], {}, r"images must have the shape \[N, height, width, 3\], not \[8, 8, 3\]"),
        (images.transpose(0, 3, 1, 2), {}, "permute"),
        (images / 255, {}, "images must be uint8, not float64"),
        (images[:, :0], {}, "sides from 1 to 8191"),
        (images, {"view": "stronger"}, "view must be one of strong, weak, test"),
        (images, {"view": ["strong"]}, "view must be text"),
        (images, {"crop": None}, "crop must be a whole number"),
        (images, {"samples": [1]}, r"samples must have the shape \[2\]"),
        (images, {"samples": [0, 2**32]}, "samples must lie in"),
        (images, {"seed": 2**64}, "seed must be a whole number"),
        (images, {"draw": 2**20}, "draw must be a whole number"),
        (images, {"crop": -1}, "crop must be a whole number"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            bptplr.autoaugment(changed, **{"seed": 1, **options})
    with pytest.raises(bptplr.Error, match="a crop of 17 x 17 pixels does not fit"):
        bptplr.autoaugment(images, 1, crop=17)
