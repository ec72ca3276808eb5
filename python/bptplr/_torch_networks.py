"""The networks of runs as modules of PyTorch, with the names of their files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels of VGG19's convolutions as multiples of the width; 0: pooling.
_VGG19 = (1, 1, 0, 2, 2, 0, 4, 4, 4, 4, 0, 8, 8, 8, 8, 0, 8, 8, 8, 8, 0)
#: Channels of the 9-layer CNN likewise; layers from the seventh on do not pad.
_CNN9 = (2, 2, 2, 4, 4, 4, 8, 4, 2)


class Network(nn.Module):
    """What all networks have: features, logits of them, a projection and prototypes."""

    def __init__(self) -> None:
        super().__init__()
        self.projector: nn.Module = nn.Identity()
        self.prototypes: Tensor

    def add_heads(self, features: int, config: Mapping[str, Any]) -> None:
        """Adds the projector for so many features, and the prototypes."""
        low_dim = int(config["low_dim"])
        if config["projector"] == "mlp":
            last = nn.Linear(features, low_dim)
            self.projector = nn.Sequential(nn.Linear(features, features), nn.ReLU(), last)
        else:
            self.projector = nn.Sequential(nn.Linear(features, low_dim), nn.BatchNorm1d(low_dim))
        self.register_buffer("prototypes", torch.zeros(int(config["num_class"]), low_dim))

    def embed(self, x: Tensor) -> Tensor:
        """Returns what the heads see of samples, [N, features]."""
        raise NotImplementedError

    def classify(self, features: Tensor) -> Tensor:
        """Returns the logits [N, C] of features."""
        raise NotImplementedError

    def project(self, x: Tensor) -> Tensor:
        """Returns projections [N, low_dim], rows of unit norm."""
        return functional.normalize(self.projector(self.embed(x)), dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.embed(x))


def _mean_of_pixels(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3))


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)


def _stages(
    block: Callable[[int, int, int], nn.Module], blocks: str, width: int, expansion: int
) -> list[nn.Sequential]:
    """Returns four stages of residual blocks, each but the first at half the side."""
    stages, inputs = [], width
    for stage, count in enumerate(int(number) for number in blocks.split(",")):
        rows = []
        for i in range(count):
            rows.append(block(inputs, width << stage, 2 if stage > 0 and i == 0 else 1))
            inputs = expansion * (width << stage)
        stages.append(nn.Sequential(*rows))
    return stages


class _PreActBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, activated: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = _convolution(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = _convolution(outputs, outputs, 3)
        self.activated = activated
        self.shortcut: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(_convolution(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.bn1(x))
        past = h if self.activated else x
        if self.shortcut is not None:
            past = self.shortcut(h)
        return cast(Tensor, self.conv2(torch.relu(self.bn2(self.conv1(h)))) + past)


class PreActResNet(Network):
    """PreAct-ResNet for small images."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, activated = int(config["width"]), config["shortcut"] == "activated"
        self.conv1 = _convolution(3, width, 3)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1, self.layer2, self.layer3, self.layer4 = _stages(
            lambda inputs, outputs, stride: _PreActBlock(inputs, outputs, stride, activated),
            config["blocks"],
            width,
            1,
        )
        self.linear = nn.Linear(8 * width, int(config["num_class"]))
        self.add_heads(8 * width, config)

    def embed(self, x: Tensor) -> Tensor:
        h = torch.relu(self.bn1(self.conv1(x)))
        return _mean_of_pixels(self.layer4(self.layer3(self.layer2(self.layer1(h)))))

    def classify(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.linear(features))


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _convolution(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != 4 * width:
            self.downsample = nn.Sequential(
                _convolution(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.bn1(self.conv1(x)))
        h = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(h)))))
        return torch.relu(h + (x if self.downsample is None else self.downsample(x)))


class ResNet50(Network):
    """ResNet-50 as torchvision names it, of any width and number of blocks."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = int(config["width"])
        self.conv1 = _convolution(3, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1, self.layer2, self.layer3, self.layer4 = _stages(
            _Bottleneck, config["blocks"], width, 4
        )
        self.fc = nn.Linear(32 * width, int(config["num_class"]))
        self.add_heads(32 * width, config)

    def embed(self, x: Tensor) -> Tensor:
        h = functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return _mean_of_pixels(self.layer4(self.layer3(self.layer2(self.layer1(h)))))

    def classify(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.fc(features))


class Vgg19(Network):
    """VGG19-BN as torchvision names it; its map of any side is pooled to pool_side."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, side = int(config["width"]), int(config["pool_side"])
        layers: list[nn.Module] = []
        inputs = 3
        for widths in _VGG19:
            if widths == 0:
                layers.append(nn.MaxPool2d(2))
                continue
            convolution = nn.Conv2d(inputs, widths * width, 3, padding=1)
            layers += [convolution, nn.BatchNorm2d(widths * width), nn.ReLU()]
            inputs = widths * width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(side)
        hidden = 64 * width
        self.classifier = nn.Sequential(
            nn.Linear(8 * width * side * side, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, int(config["num_class"])),
        )
        self.add_heads(8 * width * side * side, config)

    def embed(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.pool(self.features(x))).flatten(1)

    def classify(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(features))


class Cnn9(Network):
    """The 9-layer CNN of Co-teaching."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, inputs = int(config["width"]), 3
        for i, widths in enumerate(_CNN9, start=1):
            padding = 1 if i <= 6 else 0
            self.add_module(f"c{i}", nn.Conv2d(inputs, widths * width, 3, padding=padding))
            self.add_module(f"bn{i}", nn.BatchNorm2d(widths * width))
            inputs = widths * width
        self.dropout = nn.Dropout(0.25)
        self.l_c1 = nn.Linear(inputs, int(config["num_class"]))
        self.add_heads(inputs, config)

    def embed(self, x: Tensor) -> Tensor:
        h = x
        for i in range(1, len(_CNN9) + 1):
            h = self.get_submodule(f"bn{i}")(self.get_submodule(f"c{i}")(h))
            h = functional.leaky_relu(h, 0.01)
            if i in (3, 6):
                h = self.dropout(functional.max_pool2d(h, 2))
        return _mean_of_pixels(h)

    def classify(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.l_c1(features))


class Mlp(Network):
    """Hidden layers for vectors, or none."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        inputs, width = int(config["feature_dim"]), int(config["width"])
        layers: list[nn.Module] = []
        for _ in range(int(config["depth"]) if config["arch"] == "mlp" else 0):
            named = OrderedDict(linear=nn.Linear(inputs, width), bn=nn.BatchNorm1d(width))
            named.update(relu=nn.ReLU(), dropout=nn.Dropout(float(config["dropout"])))
            layers.append(nn.Sequential(named))
            inputs = width
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(inputs, int(config["num_class"]))
        self.add_heads(inputs, config)

    def embed(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layers(x))

    def classify(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.linear(features))


#: Networks by the field arch of a recipe.
NETWORKS: Mapping[str, Callable[[Mapping[str, Any]], Network]] = {
    "preact_resnet": PreActResNet,
    "resnet50": ResNet50,
    "vgg19_bn": Vgg19,
    "cnn9": Cnn9,
    "mlp": Mlp,
    "linear": Mlp,
}


class TorchModel(nn.Module):
    """The networks of a run, made by `bptplr.torch_model`, behind the views that it tested on.

    Calls take images, float [N, 3, height, width] from 0 to 1 or uint8 [N, height, width, 3], or
    features float [N, D] where the run is on features. Crops and normalisation are done inside.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: Mapping[str, Any], classes: Mapping[str, Any], count: int) -> None:
        super().__init__()
        self.class_names: list[str] = list(classes["classes"])
        self.networks = nn.ModuleList(NETWORKS[config["arch"]](config) for _ in range(count))
        self.register_buffer("mean", torch.tensor(classes["mean"]), persistent=False)
        self.register_buffer("deviation", torch.tensor(classes["std"]), persistent=False)
        self._has_images = "feature_dim" not in classes
        self._root = bool(classes.get("square_root", False))
        self._crop = int(config["crop"])

    def inputs(self, x: Tensor) -> Tensor:
        """Returns samples as the networks take them: cropped and normalised.

        Raises ValueError for another shape or type.
        """
        if self._has_images:
            images = self._cropped(self._channels_first(x))
            return (images - self.mean.view(-1, 1, 1)) / self.deviation.view(-1, 1, 1)
        if x.ndim != 2 or not x.is_floating_point() or x.shape[1] != self.mean.numel():
            raise ValueError(f"features must be float [N, {self.mean.numel()}], not {_form(x)}")
        vectors = x.to(self.mean.dtype)
        if self._root:
            vectors = vectors.sign() * vectors.abs().sqrt()
        return (vectors - self.mean) / self.deviation

    def _channels_first(self, x: Tensor) -> Tensor:
        """Returns images as numbers from 0 to 1, [N, 3, height, width]."""
        if x.ndim == 4 and x.dtype == torch.uint8 and x.shape[3] == 3:
            return x.permute(0, 3, 1, 2).to(self.mean.dtype) / 255
        if x.ndim == 4 and x.is_floating_point() and x.shape[1] == 3:
            return x.to(self.mean.dtype)
        raise ValueError(
            "images must be float [N, 3, height, width] from 0 to 1, or uint8 [N, height, width, "
            f"3], not {_form(x)}"
        )

    def _cropped(self, x: Tensor) -> Tensor:
        """Returns the crop in the middle, with black where it is larger than the images."""
        if self._crop == 0:
            return x
        rows, columns = (int((side - self._crop) / 2) for side in x.shape[2:])
        after = [side - self._crop - before for side, before in zip(x.shape[2:], (rows, columns))]
        return functional.pad(x, [-columns, -after[1], -rows, -after[0]])

    def _of_networks(self, call: Callable[[Network, Tensor], Tensor], x: Tensor) -> Tensor:
        inputs = self.inputs(x)
        return torch.stack([call(cast(Network, network), inputs) for network in self.networks])

    def forward(self, x: Tensor) -> Tensor:
        """Returns the mean logits [N, C] of the networks."""
        return self._of_networks(lambda network, inputs: network(inputs), x).mean(dim=0)

    def features(self, x: Tensor) -> Tensor:
        """Returns what the heads of each network see, [networks, N, features]."""
        return self._of_networks(lambda network, inputs: network.embed(inputs), x)

    def project(self, x: Tensor) -> Tensor:
        """Returns the projections of each network, [networks, N, low_dim], rows of unit norm."""
        return self._of_networks(lambda network, inputs: network.project(inputs), x)


def _form(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {list(x.shape)}"


def model_of(
    config: Mapping[str, Any],
    classes: Mapping[str, Any],
    states: Sequence[Mapping[str, Any]],
) -> TorchModel:
    """Returns the model of a run with these tensors of each network, in evaluation mode."""
    model = TorchModel(config, classes, len(states))
    for network, state in zip(model.networks, states):
        network.load_state_dict({name: torch.as_tensor(array) for name, array in state.items()})
    return model.eval()
