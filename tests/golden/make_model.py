"""model.safetensors: one forward and backward pass of a narrow PreActResNet-18."""

import numpy as np
import torch
import torch.nn.functional as F

from common import float32, float64, int64, nchw, normal, put, relu_margin, require_relu_margin

from preact_resnet import (
    DEFAULT_IDENTITY_SHORTCUT,
    IDENTITY_SHORTCUTS,
    PreActResNet,
    initialise,
    prototype_logits,
)


def _pass(net, x, labels, r):
    """Train-mode outputs and loss (gradients left in net), then eval-mode outputs."""
    net.train()
    with relu_margin() as margins:
        z, q = net(x)
    require_relu_margin(margins, net.layer1[0].identity_shortcut)
    loss = F.cross_entropy(z, labels) + (q * r).sum()
    net.zero_grad()
    loss.backward()
    train = dict(logits=z, projections=q, prototype_logits=prototype_logits(q, net.prototypes), loss=loss)
    net.eval()
    with torch.no_grad():
        z, q = net(x)
    return train, dict(logits=z, projections=q, prototype_logits=prototype_logits(q, net.prototypes))


def make(seed=3178):
    rng, out = np.random.default_rng(seed), {}
    x, labels, r = normal(rng, 6, 32, 32, 3), int64(rng.integers(0, 10, 6)), normal(rng, 6, 128)
    out.update(x=x, labels=labels, r=r)
    inputs = nchw(float64(x)), torch.from_numpy(labels), float64(r)

    net = initialise(PreActResNet(width=8), rng).double()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    put(out, "state", **{n: v for n, v in state.items() if not n.endswith("num_batches_tracked")})
    train, evaluated = _pass(net, *inputs)
    out.update({name: float32(value) for name, value in train.items()})
    put(out, "grad", **{n: p.grad for n, p in net.named_parameters()})
    put(out, "state_after", **{n: b for n, b in net.named_buffers() if "running" in n})
    put(out, "eval", **evaluated)

    # The same weights with the other form of identity shortcut; gradients of a few parameters,
    # from both ends of the network and from blocks with either kind of shortcut.
    (other,) = set(IDENTITY_SHORTCUTS) - {DEFAULT_IDENTITY_SHORTCUT}
    net = PreActResNet(width=8, identity_shortcut=other).double()
    net.load_state_dict(state)
    train, evaluated = _pass(net, *inputs)
    put(out, other, **train)
    gradients = dict(net.named_parameters())
    put(out, f"{other}/grad", **{n: gradients[n].grad for n in (
        "conv1.weight", "bn1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias", "layer1.1.conv1.weight",
        "layer2.0.shortcut.0.weight", "layer2.1.bn1.weight", "layer4.1.bn1.bias", "linear.weight")})
    put(out, f"{other}/eval", **evaluated)
    return out

