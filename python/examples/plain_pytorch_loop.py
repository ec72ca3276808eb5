"""A plain PyTorch loop that learns with 40 % wrong labels, and tells which ones are wrong.

A small network is warmed up on all labels. From then on, before every epoch, a Gaussian mixture over
two losses of each sample and the balanced partition choose the labels to believe, and the
contrastive loss PLR trains on all images, believed or not. The images are made here, so nothing is
downloaded; it takes less than a minute on a CPU.

usage: plain_pytorch_loop.py [--epochs N] [--train N] [--seed N]
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import bptplr

CLASSES = 10
BATCH = 50
WARM_UP = 4
KAPPA = 2  # classes that a sample may be of, beside its label
WAVES = [(1, 1), (1, 3), (3, 1), (3, 3), (1, 6), (6, 1), (6, 6), (3, 6), (6, 3), (0, 9)]


def make_images(count, rng):
    """Noisy textures uint8 [count, 32, 32, 3] in random colours: how many waves across and down is
    their class, count mod 10."""
    labels = np.arange(count) % CLASSES
    across, down = np.array(WAVES)[labels].T[:, :, None, None]
    y, x = np.mgrid[:32, :32] / 32
    phases = rng.random((2, count, 1, 1))
    waves = np.cos(2 * np.pi * (across * x + phases[0])) * np.cos(
        2 * np.pi * (down * y + phases[1])
    )
    colours = rng.uniform(-90, 90, (count, 1, 1, 3))
    pixels = 128 + colours * waves[..., None] + rng.normal(0, 25, (count, 32, 32, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), torch.from_numpy(labels)


class Network(nn.Module):
    """Logits, and projections of unit norm."""

    def __init__(self, width=16, low_dim=32):
        super().__init__()
        layers = []
        for channels, before in ((width, 3), (2 * width, width), (4 * width, 2 * width)):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels)]
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.classifier = nn.Linear(16 * width, CLASSES)
        self.projector = nn.Linear(16 * width, low_dim)

    def forward(self, x):
        h = self.body(x)
        return self.classifier(h), F.normalize(self.projector(h), dim=1)


class Views:
    """Batches of a set of images, as the network wants them."""

    def __init__(self, images, seed):
        self.images, self.seed = images, seed

    def __call__(self, rows, view, epoch=0, draw=0):
        pixels = bptplr.autoaugment(
            self.images[rows], self.seed, view=view, samples=rows, epoch=epoch, draw=draw
        )
        return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 64 - 2


@torch.no_grad()
def look_at_all(net, views):
    """Logits and projections of every image."""
    net.eval()
    batches = np.array_split(np.arange(len(views.images)), -(-len(views.images) // 200))
    outputs = [net(views(rows, "test")) for rows in batches]
    net.train()
    return (torch.cat(parts) for parts in zip(*outputs))


def scaled(losses):
    return (losses - losses.min()) / (losses.max() - losses.min())


def divide(z, q, labels, seed, epoch):
    """Which labels to believe: by the losses of the classifier and of the classes' mean directions."""
    prototypes = F.normalize(F.one_hot(labels, CLASSES).float().T @ q, dim=1)
    of_classifier = F.cross_entropy(z, labels, reduction="none")
    of_prototypes = F.cross_entropy(q @ prototypes.T / 0.1, labels, reduction="none")
    losses = torch.stack([scaled(of_classifier), scaled(of_prototypes)], dim=1)
    fit = bptplr.gmm_fit(losses, seed=seed, epoch=epoch)
    labelled, _ = bptplr.balanced_partition(fit.clean_probability, labels, CLASSES)
    believed = torch.zeros(len(labels), dtype=torch.bool)
    believed[torch.from_numpy(labelled)] = True
    return believed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--train", type=int, default=1000, help="training images")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    rng = np.random.default_rng(args.seed)
    images, truth = make_images(args.train, rng)
    test_images, test_truth = make_images(500, rng)
    labels = torch.from_numpy(bptplr.symmetric_noise(truth, CLASSES, 0.4, args.seed))
    wrong = labels != truth
    print(f"{args.train} images, {wrong.sum()} of them labelled wrongly")
    views, test_views = Views(images, args.seed), Views(test_images, args.seed)

    net = Network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    believed = torch.ones(len(labels), dtype=torch.bool)
    for epoch in range(args.epochs):
        if epoch >= WARM_UP:
            z, q = look_at_all(net, views)
            believed = divide(z, q, labels, args.seed, epoch)
            sets = bptplr.class_sets(z, labels, KAPPA)
        for rows in torch.randperm(len(labels)).split(BATCH):
            logits, _ = net(views(rows.numpy(), "weak", epoch))
            of_believed = F.cross_entropy(logits, labels[rows], reduction="none")[believed[rows]]
            loss = of_believed.sum() / max(1, len(of_believed))
            if epoch >= WARM_UP:
                pairs = [views(rows.numpy(), "strong", epoch, draw) for draw in (1, 2)]
                _, features = net(torch.cat(pairs))
                loss = loss + bptplr.plr_loss(features, sets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()

        z, _ = look_at_all(net, test_views)
        accuracy = (z.argmax(dim=1) == test_truth).float().mean()
        line = f"epoch {epoch + 1:2}  test accuracy {100 * accuracy:5.1f} %"
        if epoch >= WARM_UP:
            correct = (~wrong[believed]).float().mean()
            line += f"  {believed.sum()} labels believed, {100 * correct:.1f} % of them correct"
        print(line, flush=True)


if __name__ == "__main__":
    main()
