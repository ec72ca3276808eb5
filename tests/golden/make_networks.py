"""networks.safetensors: one forward and backward pass of narrow ResNet-50, VGG19-BN and 9-layer CNN."""

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.models import resnet50, vgg19_bn

from common import float64, int64, nchw, normal, put, relu_margin, require_relu_margin

from networks import Cnn9, ResNet50, Vgg19Bn
from preact_resnet import initialise

DROPOUT_KEY = (9, 2, 5, 1, 3)  # seed, epoch, iteration, network, forward pass
LOW_DIM = 16
NETWORKS = {  # name: (images, side, network, seed)
    "resnet50": (4, 32, lambda: ResNet50(4, (1, 2, 1, 1), low_dim=LOW_DIM), 1),
    "vgg19_bn": (4, 64, lambda: Vgg19Bn(2, 24, low_dim=LOW_DIM, pool_side=1), 1),
    "vgg19_bn_map7": (6, 64, lambda: Vgg19Bn(2, 12, low_dim=LOW_DIM, projector="linear_bn"), 10),
    "vgg19_bn_map3": (4, 64, lambda: Vgg19Bn(2, 12, low_dim=LOW_DIM, pool_side=3), 1),
    "cnn9": (4, 32, lambda: Cnn9(4, low_dim=LOW_DIM), 5),
    "cnn9_linear_bn": (6, 28, lambda: Cnn9(2, low_dim=LOW_DIM, projector="linear_bn"), 5),
}


def _check_against_torchvision():
    """The narrow ResNet-50 and VGG19-BN, at full width, are torchvision's."""
    torch.manual_seed(0)
    # The projector that goes with VGG's map would have 600 million weights.
    for theirs, ours in ((resnet50(), ResNet50(num_classes=1000)),
                         (vgg19_bn(), Vgg19Bn(num_classes=1000, projector="linear_bn"))):
        missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
        assert not unexpected and all(n.startswith(("projector", "prototypes")) for n in missing)
        for side in (64, 224):
            x = torch.randn(2, 3, side, side)
            with torch.no_grad():
                torch.testing.assert_close(ours.eval()(x)[0], theirs.eval()(x))


def _one(out, name, images, side, make_network, seed):
    rng = np.random.default_rng(seed)
    x, labels = normal(rng, images, side, side, 3), int64(rng.integers(0, 10, images))
    r = normal(rng, images, LOW_DIM)
    put(out, name, x=x, labels=labels, r=r)
    net = initialise(make_network(), rng).double()
    put(out, f"{name}/state", **{n: v.clone() for n, v in net.state_dict().items()
                                 if not n.endswith("num_batches_tracked")})
    net.train()
    net.set_dropout_key(*DROPOUT_KEY)
    with relu_margin() as margins:
        z, q = net(nchw(float64(x)))
    require_relu_margin(margins, name)
    loss = F.cross_entropy(z, torch.from_numpy(labels)) + (q * float64(r)).sum()
    loss.backward()
    put(out, name, logits=z, projections=q, loss=loss)
    put(out, f"{name}/grad", **{n: p.grad for n, p in net.named_parameters()})
    put(out, f"{name}/state_after", **{n: b for n, b in net.named_buffers() if "running" in n})
    net.eval()
    with torch.no_grad():
        z, q = net(nchw(float64(x)))
    put(out, f"{name}/eval", logits=z, projections=q)


def make():
    _check_against_torchvision()
    out = {}
    for name, arguments in NETWORKS.items():
        _one(out, name, *arguments)
    return out
