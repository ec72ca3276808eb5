"""The published way to batches: DataLoaders whose worker processes augment single images with Pillow."""

import random

import numpy as np
import torch
from PIL import Image, ImageOps

from make_augment import apply

from .device_views import POLICY, argument_of

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def _weak(image):
    width, height = image.size
    x, y = (random.randint(0, 8) for _ in range(2))
    image = ImageOps.expand(image, 4).crop((x, y, x + width, y + height))
    return ImageOps.mirror(image) if random.random() < 0.5 else image


def _strong(image):
    image = _weak(image)
    for probability, kind, level in random.choice(POLICY):
        if random.random() < probability:
            sign = random.choice((-1, 1))
            image = apply(kind, image, argument_of(kind, level, sign, image.height, image.width))
    return image


def _normalised(image):
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


class _FourViews(torch.utils.data.Dataset):
    """Two weak and two strong views of each of the chosen samples, and the sample's number."""

    def __init__(self, samples, indices):
        self.images, self.indices = samples.images.numpy(), indices.tolist()

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, i):
        image = Image.fromarray(self.images[self.indices[i]])
        views = [_normalised(make(image)) for make in (_weak, _weak, _strong, _strong)]
        return (*views, self.indices[i])


class LoaderBatches:
    """Endless batches of B samples of X and B of U for published.iteration: (views, the rest)."""

    def __init__(self, samples, batch_size, workers, device, layout):
        self.samples, self.device, self.layout = samples, device, layout
        self.loaders = {side: torch.utils.data.DataLoader(
            _FourViews(samples, getattr(samples, side)), batch_size, shuffle=True, drop_last=True,
            num_workers=workers) for side in "xu"}
        self.passes = {side: iter(()) for side in "xu"}
        if not all(map(len, self.loaders.values())):
            raise ValueError("half of --samples must make at least a batch")

    def _next_of(self, side):
        for _ in range(2):
            for batch in self.passes[side]:
                return batch
            self.passes[side] = iter(self.loaders[side])
        raise RuntimeError("a DataLoader came out empty")

    def __next__(self):
        views, numbers = {}, []
        for side in "xu":
            *made, samples = self._next_of(side)
            for view, images in zip("1234", made):
                views[side + view] = images.to(self.device).contiguous(memory_format=self.layout)
            numbers.append(samples)
        x, u = numbers
        rest = {"y": self.samples.labels[x], "y_u": self.samples.labels[u], "w": self.samples.w[x],
                "z": self.samples.logits[torch.cat([x, u])]}
        return views, {name: tensor.to(self.device) for name, tensor in rest.items()}
