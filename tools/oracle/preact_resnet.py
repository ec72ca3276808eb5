"""Pre-activation ResNet of BPT-PLR in PyTorch, with classifier, projector and prototypes.

He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016, in the small-image
form that DivideMix, PLReMix and BPT-PLR use: a 3x3 stem with BN and ReLU, four stages of
basic blocks, no BN after the last stage, global average pooling.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

PROTOTYPE_TEMPERATURE = 0.1

# What a block adds where the shape does not change: its input x ("raw", He et al.) or
# relu(bn1(x)) ("activated", as in the code published with DivideMix, PLReMix and BPT-PLR).
IDENTITY_SHORTCUTS = ("raw", "activated")
DEFAULT_IDENTITY_SHORTCUT = "activated"


class PreActBlock(nn.Module):
    """out = conv2(relu(bn2(conv1(a)))) + shortcut, with a = relu(bn1(x)).

    The shortcut is a 1x1 convolution of a where the shape changes, elsewhere x or a.
    """

    def __init__(self, in_channels, channels, stride, identity_shortcut):
        super().__init__()
        self.identity_shortcut = identity_shortcut
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.shortcut = None
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False))

    def forward(self, x):
        activated = F.relu(self.bn1(x))
        if self.shortcut is not None:
            shortcut = self.shortcut(activated)
        else:
            shortcut = x if self.identity_shortcut == "raw" else activated
        return self.conv2(F.relu(self.bn2(self.conv1(activated)))) + shortcut


class PreActResNet(nn.Module):
    """Stages of width, 2 width, 4 width, 8 width channels, the last three halving the map."""

    def __init__(self, width=64, blocks=(2, 2, 2, 2), num_classes=10, low_dim=128,
                 identity_shortcut=DEFAULT_IDENTITY_SHORTCUT):
        super().__init__()
        if identity_shortcut not in IDENTITY_SHORTCUTS:
            raise ValueError(f"identity_shortcut {identity_shortcut!r} is not in {IDENTITY_SHORTCUTS}")
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        in_channels = width
        for stage, count in enumerate(blocks):
            channels = width << stage
            layer = []
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                layer.append(PreActBlock(in_channels, channels, stride, identity_shortcut))
                in_channels = channels
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.num_stages = len(blocks)
        self.linear = nn.Linear(in_channels, num_classes)
        self.projector = nn.Sequential(
            nn.Linear(in_channels, in_channels), nn.ReLU(), nn.Linear(in_channels, low_dim))
        self.register_buffer("prototypes", F.normalize(torch.randn(num_classes, low_dim), dim=1))

    def features(self, x):
        """Backbone: images [N,3,H,W] -> h [N, 8 width]."""
        out = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.num_stages):
            out = getattr(self, f"layer{stage + 1}")(out)
        return out.mean(dim=(2, 3))

    def forward(self, x):
        """Returns class logits z [N,C] and unit-norm projections q [N, low_dim]."""
        h = self.features(x)
        return self.linear(h), F.normalize(self.projector(h), dim=1)

    def classify(self, x):
        """Class logits alone, for the forwards that need no projection."""
        return self.linear(self.features(x))


def prototype_logits(projections, prototypes):
    """s = q P^T / 0.1"""
    return projections @ prototypes.t() / PROTOTYPE_TEMPERATURE


def initialise(net, rng):
    """PyTorch's default initialisation drawn from a NumPy generator, independent of torch's.

    Convolution and linear weights and linear biases ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
    BN weights, biases and running statistics, which start at 1, 0, 0, 1, are perturbed
    so that a test notices when any of them is ignored.
    """
    def fill(tensor, values):
        tensor.copy_(torch.from_numpy(values.astype("float32")))

    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                bound = 1 / math.sqrt(module.weight[0].numel())
                fill(module.weight, rng.uniform(-bound, bound, tuple(module.weight.shape)))
                if module.bias is not None:
                    fill(module.bias, rng.uniform(-bound, bound, tuple(module.bias.shape)))
            elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                count = module.num_features
                fill(module.weight, rng.uniform(0.8, 1.2, count))
                fill(module.bias, rng.uniform(-0.2, 0.2, count))
                fill(module.running_mean, rng.uniform(-0.1, 0.1, count))
                fill(module.running_var, rng.uniform(0.5, 1.5, count))
        prototypes = rng.standard_normal(tuple(net.prototypes.shape))
        prototypes /= (prototypes ** 2).sum(axis=1, keepdims=True) ** 0.5
        fill(net.prototypes, prototypes)
    return net
