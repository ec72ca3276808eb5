"""Weak and strong views of a batch of images in tensor operations, on whatever device they are.

A view is drawn as numbers (`Views.draw`) and then made (`make_pixels`), so that making it is a
pure function that can be compiled and compared with Pillow. Ops, probabilities, magnitudes and
signs are those of the AutoAugment policy for CIFAR-10 in the implementation that the field trains
with, and so are the bytes, on a CPU (check_baselines.py). On a GPU a compiler may fuse a multiply
and an add, which can move a pixel by one where a product lies at an integer.

All operations run on all images and each image takes the result of its own: with images this small
that is cheaper than sorting them by operation, and needs no shape that depends on data.
"""

import math
from typing import NamedTuple

import torch

# (probability, operation, level) of both operations of each of the 25 sub-policies.
POLICY = tuple(
    tuple((float(p), kind, int(level)) for p, kind, level in (op.split() for op in line.split("|")))
    for line in """
.1 invert 7|.2 contrast 6
.7 rotate 2|.3 translate_x 9
.8 sharpness 1|.9 sharpness 3
.5 shear_y 8|.7 translate_y 9
.5 auto_contrast 8|.9 equalize 2
.2 shear_y 7|.3 posterize 7
.4 color 3|.6 brightness 7
.3 sharpness 9|.7 brightness 9
.6 equalize 5|.5 equalize 1
.6 contrast 7|.6 sharpness 5
.7 color 7|.5 translate_x 8
.3 equalize 7|.4 auto_contrast 8
.4 translate_y 3|.2 sharpness 6
.9 brightness 6|.2 color 8
.5 solarize 2|.0 invert 3
.2 equalize 0|.6 auto_contrast 0
.2 equalize 8|.6 equalize 4
.9 color 9|.6 equalize 6
.8 auto_contrast 4|.2 solarize 8
.1 brightness 3|.7 color 0
.4 solarize 5|.9 auto_contrast 3
.9 translate_y 9|.7 translate_y 9
.9 auto_contrast 2|.8 solarize 3
.8 equalize 8|.1 invert 3
.7 translate_y 9|.9 auto_contrast 1""".strip().splitlines())

KINDS = ("none", "invert", "posterize", "solarize", "brightness", "contrast", "auto_contrast",
         "equalize", "color", "sharpness", "rotate", "translate_x", "translate_y", "shear_y")
NONE = 0
OUTSIDE = 128  # what shears, translations and rotations bring in


def _kind(name):
    return KINDS.index(name)


def argument_of(kind, level, sign, height, width):
    """What an operation is told: a factor, an angle, pixels, bits or a threshold."""
    share = level / 9
    if kind == "shear_y":
        return 0.3 * share * sign
    if kind in ("translate_x", "translate_y"):
        return 150 / 331 * share * (width if kind == "translate_x" else height) * sign
    if kind == "rotate":
        return 30 * share
    if kind in ("color", "contrast", "sharpness", "brightness"):
        return 1 + 0.9 * share * sign
    if kind == "posterize":
        return round(8 - 4 * share)
    return 256 * (1 - share) if kind == "solarize" else 0.0


def _source_of(kind, argument, height, width):
    """Where pixel (y, x) comes from, in 16.16 fixed point: six whole numbers, column x0 + dx x + dy y
    and row y0 + ... likewise, for translations and rotations; others stay where they are."""
    one, half = 1 << 16, 1 << 15
    shift_x = math.floor(argument + 0.5) if kind == "translate_x" else 0
    shift_y = math.floor(argument + 0.5) if kind == "translate_y" else 0
    if kind != "rotate":
        return [shift_x * one + half, one, 0, shift_y * one + half, 0, one]
    radians = -math.radians(argument)
    c, s = round(math.cos(radians), 15), round(math.sin(radians), 15)
    middle_x, middle_y = width / 2, height / 2
    x0 = c * -middle_x + s * -middle_y + middle_x + c * 0.5 + s * 0.5
    y0 = -s * -middle_x + c * -middle_y + middle_y - s * 0.5 + c * 0.5
    return [math.floor(value * one + 0.5) for value in (x0, c, s, y0, -s, c)]


class Ops(NamedTuple):
    """One operation for each of M images."""
    kind: torch.Tensor      # [M] index into KINDS
    argument: torch.Tensor  # [M] float64
    source: torch.Tensor    # [M,6] int32


def make_ops(kinds, arguments, height, width, device="cpu"):
    """Ops out of lists of names and numbers."""
    return Ops(torch.tensor([_kind(kind) for kind in kinds], device=device),
               torch.tensor(arguments, dtype=torch.float64, device=device),
               torch.tensor([_source_of(kind, argument, height, width)
                             for kind, argument in zip(kinds, arguments)],
                            dtype=torch.int32, device=device))


class Plan(NamedTuple):
    """What becomes of each of M images: crop, flip, ops[0], ops[1]."""
    crop_x: torch.Tensor  # [M] pixel (y, x) comes from (y + crop_y, x + crop_x), and is 0 outside
    crop_y: torch.Tensor
    flip: torch.Tensor    # [M] bool
    ops: tuple            # none for weak views


class Views:
    """Draws views of images of height x width pixels on a device."""

    def __init__(self, height, width, device, padding=4):
        self.padding, self.device = padding, device
        self.probability = torch.tensor([[op[0] for op in ops] for ops in POLICY], device=device)
        # By position in the sub-policy: 25 sub-policies x (sign -1, sign +1), then one "none".
        self.table = []
        for position in (0, 1):
            ops = [ops[position] for ops in POLICY]
            pairs = [(kind, float(argument_of(kind, level, sign, height, width)))
                     for _, kind, level in ops for sign in (-1, 1)] + [("none", 0.0)]
            self.table.append(make_ops(*zip(*pairs), height, width, device))

    def draw(self, count, strong):
        """A plan for `count` images, with the device's own random numbers."""
        u = torch.rand(8, count, device=self.device)
        places = 2 * self.padding + 1
        crop_x, crop_y = ((u[i] * places).long() - self.padding for i in (0, 1))
        ops = []
        if strong:
            policy = (u[3] * len(POLICY)).long()
            for position in (0, 1):
                applied = u[4 + position] < self.probability[policy, position]
                row = torch.where(applied, 2 * policy + (u[6 + position] < 0.5).long(),
                                  torch.full_like(policy, 2 * len(POLICY)))
                ops.append(Ops(*(column[row] for column in self.table[position])))
        return Plan(crop_x, crop_y, u[2] < 0.5, tuple(ops))


def crop_and_flip(images, samples, plan):
    """uint8 [M,H,W,3] out of images[samples], uint8 [N,H,W,3], with zeros around them."""
    height, width = images.shape[1:3]
    x = torch.arange(width, device=images.device)[None, :]
    x = torch.where(plan.flip[:, None], width - 1 - x, x) + plan.crop_x[:, None]
    y = torch.arange(height, device=images.device)[None, :] + plan.crop_y[:, None]
    inside = (((x >= 0) & (x < width))[:, None, :, None]
              & ((y >= 0) & (y < height))[:, :, None, None])
    taken = images[samples[:, None, None], y.clamp(0, height - 1)[:, :, None],
                   x.clamp(0, width - 1)[:, None, :]]
    return taken * inside


def _blend(degenerate, value, factor):
    """Pillow's: degenerate + factor (value - degenerate) in float32, clipped, truncated."""
    mixed = degenerate.float() + factor.float() * (value - degenerate).float()
    return mixed.clamp(0, 255).int()


def _luma(pixels):
    """[M,H,W,1] ITU-R 601 luma with 16-bit weights; `pixels` int32."""
    r, g, b = pixels[..., 0:1], pixels[..., 1:2], pixels[..., 2:3]
    return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16


def _equalized(histogram, v, count):
    """[M,256,3] table that makes each channel's histogram flat (ImageOps.equalize)."""
    highest = torch.where(histogram > 0, v, torch.zeros_like(v)).amax(dim=1, keepdim=True)
    step = (count - histogram.gather(1, highest.long())) // 255
    before = step // 2 + histogram.cumsum(dim=1) - histogram
    level = (before // step.clamp(min=1)).clamp(max=255)
    return torch.where(step == 0, v, level.int())


def _stretched(pixels, v):
    """[M,256,3] table that stretches each channel to 0..255 (ImageOps.autocontrast)."""
    low, high = pixels.amin(dim=(1, 2))[:, None, :], pixels.amax(dim=(1, 2))[:, None, :]
    span = (high - low).clamp(min=1).double()
    scale = torch.full_like(span, 255) / span  # a number over a tensor is rounded twice
    level = (v * scale + -low * scale).int().clamp(0, 255)
    return torch.where(high > low, level, v)


def _tables(pixels, grey, ops):
    """[M,256,3] what each value of each channel becomes, for the operations that work so."""
    count = pixels.shape[1] * pixels.shape[2]
    device = pixels.device
    v = torch.arange(256, dtype=torch.int32, device=device)[None, :, None].expand(len(pixels), 256, 3)
    values = pixels.reshape(-1, count, 3).long()
    histogram = torch.zeros(v.shape, dtype=torch.int32, device=device).scatter_add_(
        1, values, torch.ones((), dtype=torch.int32, device=device).expand(values.shape))
    kind, argument = (column[:, None, None] for column in ops[:2])
    mean = (2 * grey.sum(dim=(1, 2, 3)) + count) // (2 * count)
    bits = argument.int().clamp(1, 8)
    results = {
        "invert": 255 - v,
        "posterize": v - v % (256 / 2.0 ** bits).int(),
        "solarize": torch.where(v < argument, v, 255 - v),
        "brightness": _blend(torch.zeros_like(v), v, argument),
        "contrast": _blend(mean[:, None, None].int(), v, argument),
        "auto_contrast": _stretched(pixels, v),
        "equalize": _equalized(histogram, v, count),
    }
    table = v
    for name, result in results.items():
        table = torch.where(kind == _kind(name), result, table)
    return table


def _smoothed(pixels):
    """ImageFilter.SMOOTH, which leaves the border as it is; `pixels` int32 [M,H,W,3]."""
    rows = pixels[:, :-2] + pixels[:, 1:-1] + pixels[:, 2:]
    window = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] + 4 * pixels[:, 1:-1, 1:-1]
    result = pixels.clone()
    result[:, 1:-1, 1:-1] = (2 * window + 13) // 26
    return result


def _moved(pixels, source):
    """Nearest neighbour at the places that `source` gives; translations and rotations."""
    images, height, width = pixels.shape[:3]
    y = torch.arange(height, dtype=torch.int32, device=pixels.device)[None, :, None]
    x = torch.arange(width, dtype=torch.int32, device=pixels.device)[None, None, :]
    x0, x_dx, x_dy, y0, y_dx, y_dy = (column[:, None, None] for column in source.unbind(dim=1))
    column, row = (x0 + x * x_dx + y * x_dy) >> 16, (y0 + x * y_dx + y * y_dy) >> 16
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    place = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
    taken = pixels.reshape(images, -1, 3).gather(1, place.reshape(images, -1, 1).expand(-1, -1, 3))
    return torch.where(inside[..., None], taken.reshape(pixels.shape), OUTSIDE)


def _sheared(pixels, shear):
    """Rows moved by `shear` a column, bicubic along the column as Pillow has it."""
    height, width = pixels.shape[1:3]
    y = torch.arange(height, device=pixels.device)[None, :, None] + 0.5
    x = torch.arange(width, device=pixels.device)[None, None, :] + 0.5
    position = y + shear[:, None, None] * x
    inside = (position >= 0) & (position < height)
    first = (position - 0.5).floor()
    t = (position - 0.5 - first)[..., None]
    rows = first.long()
    a, b, c, d = (pixels.gather(1, (rows + i).clamp(0, height - 1)[..., None].expand(pixels.shape)).double()
                  for i in (-1, 0, 1, 2))
    value = b + t * (-a + c + t * (2 * (a - b) + c - d + t * (-a + b - c + d)))
    return torch.where(inside[..., None], value.clamp(0, 255).int(), OUTSIDE)


def apply_ops(pixels, ops, shears=True):
    """uint8 [M,H,W,3] after one operation an image. `shears` False promises that none shears."""
    pixels = pixels.int()
    kind = ops.kind[:, None, None, None]
    factor = ops.argument[:, None, None, None]
    grey = _luma(pixels)
    table = _tables(pixels, grey, ops)
    result = table.gather(1, pixels.reshape(len(pixels), -1, 3).long()).reshape(pixels.shape)
    result = torch.where(kind == _kind("color"), _blend(grey, pixels, factor), result)
    result = torch.where(kind == _kind("sharpness"), _blend(_smoothed(pixels), pixels, factor), result)
    moves = ((kind == _kind("rotate")) | (kind == _kind("translate_x"))
             | (kind == _kind("translate_y")))
    result = torch.where(moves, _moved(pixels, ops.source), result)
    if shears:
        result = torch.where(kind == _kind("shear_y"), _sheared(pixels, ops.argument), result)
    return result.to(torch.uint8)


# No sub-policy shears with its second operation.
_SHEARS = tuple(any(ops[position][1] == "shear_y" for ops in POLICY) for position in (0, 1))


def make_pixels(images, samples, plan):
    """uint8 [M,H,W,3]: the planned view of each of images[samples]."""
    pixels = crop_and_flip(images, samples, plan)
    for ops, shears in zip(plan.ops, _SHEARS):
        pixels = apply_ops(pixels, ops, shears)
    return pixels


def normalised(pixels, mean, std, dtype):
    """[M,3,H,W] in channels_last memory: (p / 255 - mean) / std, computed in float32."""
    return ((pixels.float() / 255 - mean) / std).to(dtype).permute(0, 3, 1, 2)
