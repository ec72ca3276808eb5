"""ResNet-50, VGG19-BN and the 9-layer CNN of Co-teaching in any width, with the projection head.

The first two are put together from torchvision's parts, so that names and meaning are its own.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models import resnet, vgg

import philox


class Dropout(nn.Module):
    """Drops single values of rows, or whole channels of images, by the project's random numbers.

    `key` (seed, epoch, iteration, network, forward pass) is set by whoever runs the network.
    """

    def __init__(self, rate, layer):
        super().__init__()
        self.rate, self.layer, self.key = rate, layer, None

    def forward(self, x):
        if not self.training:
            return x
        seed, epoch, iteration, network, number = self.key
        draws = x.shape[:2]
        u = philox.uniform(draws.numel(), seed, philox.PURPOSE_DROPOUT, epoch, iteration,
                           (self.layer * 2 + network) * 16 + number)
        keep = torch.from_numpy(u).reshape(draws) >= self.rate
        mask = keep.to(x.dtype) / (1 - self.rate)
        return x * mask.reshape(*draws, *[1] * (x.dim() - 2))


class _WithHeads(nn.Module):
    """Logits from _classify(h), projections from projector(h), h = features_of(x)."""

    def _add_projection_head(self, features, num_classes, low_dim, projector="mlp"):
        """`projector`: "mlp", or "linear_bn" as in UNICON."""
        self.projector = {
            "mlp": lambda: nn.Sequential(
                nn.Linear(features, features), nn.ReLU(), nn.Linear(features, low_dim)),
            "linear_bn": lambda: nn.Sequential(nn.Linear(features, low_dim), nn.BatchNorm1d(low_dim)),
        }[projector]()
        self.register_buffer("prototypes", F.normalize(torch.randn(num_classes, low_dim), dim=1))

    def set_dropout_key(self, *key):
        for module in self.modules():
            if isinstance(module, Dropout):
                module.key = key

    def forward(self, x):
        h = self.features_of(x)
        return self._classify(h), F.normalize(self.projector(h), dim=1)


class ResNet50(_WithHeads):
    """torchvision.models.resnet50 with `width` channels in the first stage (64 there)."""

    def __init__(self, width=64, blocks=(3, 4, 6, 3), num_classes=10, low_dim=128):
        super().__init__()
        # What ResNet._make_layer reads.
        self._norm_layer, self.inplanes = nn.BatchNorm2d, width
        self.dilation, self.groups, self.base_width = 1, 1, 64
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, count in enumerate(blocks):
            layer = resnet.ResNet._make_layer(self, resnet.Bottleneck, width << stage, count,
                                              1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = nn.Linear(self.inplanes, num_classes)
        self._add_projection_head(self.inplanes, num_classes, low_dim)

    def features_of(self, x):
        h = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(h)))).mean(dim=(2, 3))

    def _classify(self, h):
        return self.fc(h)


class Vgg19Bn(_WithHeads):
    """torchvision.models.vgg19_bn, narrowed; `pool_side` is the side of the map before the heads, 7
    there and in the network published for Animal-10N."""

    def __init__(self, width=64, hidden=4096, num_classes=10, low_dim=128, pool_side=7, projector="mlp"):
        super().__init__()
        features = 8 * width * pool_side**2
        layers = [c if c == "M" else c * width // 64 for c in vgg.cfgs["E"]]
        self.features = vgg.make_layers(layers, batch_norm=True)
        self.avgpool = nn.AdaptiveAvgPool2d(pool_side)
        self.classifier = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), Dropout(0.5, 0),
            nn.Linear(hidden, hidden), nn.ReLU(), Dropout(0.5, 1), nn.Linear(hidden, num_classes))
        self._add_projection_head(features, num_classes, low_dim, projector)

    def features_of(self, x):
        return self.avgpool(self.features(x)).flatten(1)

    def _classify(self, h):
        return self.classifier(h)


class Cnn9(_WithHeads):
    """The 9-layer CNN of Co-teaching (Han et al., NeurIPS 2018, table 2); 128 channels at width 64."""

    CHANNELS = (2, 2, 2, 4, 4, 4, 8, 4, 2)

    def __init__(self, width=64, num_classes=10, low_dim=128, projector="mlp"):
        super().__init__()
        channels = [3] + [c * width for c in self.CHANNELS]
        for i in range(1, 10):
            setattr(self, f"c{i}", nn.Conv2d(channels[i - 1], channels[i], 3, padding=1 if i < 7 else 0))
            setattr(self, f"bn{i}", nn.BatchNorm2d(channels[i]))
        self.l_c1 = nn.Linear(channels[-1], num_classes)
        self.dropouts = nn.ModuleList([Dropout(0.25, 0), Dropout(0.25, 1)])
        self._add_projection_head(channels[-1], num_classes, low_dim, projector)

    def features_of(self, x):
        for i in range(1, 10):
            x = F.leaky_relu(getattr(self, f"bn{i}")(getattr(self, f"c{i}")(x)), 0.01)
            if i in (3, 6):
                x = self.dropouts[i // 3 - 1](F.max_pool2d(x, 2, 2))
        return x.mean(dim=(2, 3))

    def _classify(self, h):
        return self.l_c1(h)
