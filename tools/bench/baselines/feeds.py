"""Batches for the strongest baseline, out of tensors that lie on the device already.

Everything that an epoch draws for its iterations (samples, permutations, mixes, weights of L_U)
is laid out beforehand in tables with a row an iteration; a counter on the device says which row is
next. So a feed needs no host, and a captured graph that contains it moves on by itself.
"""

from typing import NamedTuple

import torch

from . import device_views
from .losses import class_membership


class Batch(NamedTuple):
    weak: torch.Tensor     # [4B,3,H,W] u1, u2, x1, x2
    strong: torch.Tensor   # [4B,3,H,W] x3, x4, u3, u4
    labels: torch.Tensor   # [B] noisy labels of the X samples
    w: torch.Tensor        # [B] their clean probabilities
    member: torch.Tensor   # [2B,C] class sets of the X and the U samples, 0/1
    mix: torch.Tensor      # [] MixUp's l
    perm: torch.Tensor     # [4B]
    lam: torch.Tensor      # [] weight of L_U


class ReadyFeed:
    """Hands out batches that have been made before: a Batch whose tensors have one more dimension,
    of iterations. A single one is handed out again and again, without a copy."""

    def __init__(self, batches):
        self.batches = batches
        self.counter = torch.zeros(1, dtype=torch.long, device=batches.mix.device)

    def compile(self, **options):
        """There is nothing to compile."""

    def next(self):
        count = len(self.batches.mix)
        if count == 1:
            return Batch(*(tensor[0] for tensor in self.batches))
        row = self.counter % count
        batch = Batch(*(tensor.index_select(0, row)[0] for tensor in self.batches))
        self.counter += 1
        return batch


class Samples(NamedTuple):
    """A training set and what steps 1 to 4 of the method left for step 5."""
    images: torch.Tensor   # uint8 [N,H,W,3]
    labels: torch.Tensor   # [N] noisy
    w: torch.Tensor        # [N] clean probabilities
    logits: torch.Tensor   # [N,C] kept, of the network that made the partition
    x: torch.Tensor        # indices of the labelled set
    u: torch.Tensor        # the rest


def random_samples(count, image_size, classes, device):
    order = torch.randperm(count)
    half = count // 2
    return Samples(
        torch.randint(256, (count, image_size, image_size, 3), dtype=torch.uint8).to(device),
        torch.randint(classes, (count,)).to(device), torch.rand(count).to(device),
        torch.randn(count, classes).to(device), order[:half].to(device), order[half:].to(device))


def shuffled_passes(indices, batch_size, iterations):
    """[iterations, batch_size]: passes over `indices`, each shuffled, incomplete batches dropped."""
    a_pass = len(indices) // batch_size
    if a_pass == 0:
        raise ValueError(f"{len(indices)} samples are fewer than a batch of {batch_size}; "
                         "raise --samples or lower --batch_size")
    rows = [indices[torch.randperm(len(indices), device=indices.device)[: a_pass * batch_size]]
            for _ in range(-(-iterations // a_pass))]
    return torch.cat(rows).reshape(-1, batch_size)[:iterations]


class EpochFeed:
    """Makes the batches of an epoch of step 5 from images on the device, over and over."""

    def __init__(self, samples, batch_size, dtype, kappa=3, lam=25.0, alpha=4.0,
                 mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010)):
        device = samples.images.device
        self.samples, self.dtype = samples, dtype
        self.iterations = len(samples.labels) // batch_size + 1
        self.x = shuffled_passes(samples.x, batch_size, self.iterations)
        self.u = shuffled_passes(samples.u, batch_size, self.iterations)
        mix = torch.distributions.Beta(alpha, alpha).sample((self.iterations,))
        self.mix = torch.maximum(mix, 1 - mix).to(device)
        self.perm = torch.rand(self.iterations, 4 * batch_size, device=device).argsort(dim=1)
        self.lam = torch.full((), lam, device=device)
        # kappa stays the same for an epoch, so the class sets of all samples are found once.
        self.member = class_membership(samples.logits, samples.labels, kappa)
        self.mean, self.std = (torch.tensor(v, device=device) for v in (mean, std))
        self.views = device_views.Views(*samples.images.shape[1:3], device)
        self.make = self._make
        self.counter = torch.zeros(1, dtype=torch.long, device=device)

    def compile(self, **options):
        # They stay where they are: else a mode with graphs of its own would copy all of them in.
        torch._dynamo.mark_static_address(self.samples.images)
        self.make = torch.compile(self._make, **options)

    def _make(self, indices, plan):
        pixels = device_views.make_pixels(self.samples.images, indices, plan)
        return device_views.normalised(pixels, self.mean, self.std, self.dtype)

    def next(self):
        row = self.counter % self.iterations
        x, u = self.x.index_select(0, row)[0], self.u.index_select(0, row)[0]
        weak, strong = torch.cat([u, u, x, x]), torch.cat([x, x, u, u])
        batch = Batch(self.make(weak, self.views.draw(len(weak), strong=False)),
                      self.make(strong, self.views.draw(len(strong), strong=True)),
                      self.samples.labels[x], self.samples.w[x], self.member[torch.cat([x, u])],
                      self.mix.index_select(0, row)[0], self.perm.index_select(0, row)[0], self.lam)
        self.counter += 1
        return batch
