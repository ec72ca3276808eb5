#!/usr/bin/env python3
"""pth/: files as PyTorch writes them, and expected.safetensors with what is in them.

Usage: make_pth.py [NAME...]     (torch 1.13; the file format has been the same since 1.6)

With names (trainer.pth, stream.pth, protocol5.pth), only those are written.
"""

import argparse
import collections
import pathlib

import numpy as np
import torch
import torch.nn as nn

from common import GOLDEN_DIR

import safetensors_io
from networks import ResNet50
from preact_resnet import initialise

FOLDER = GOLDEN_DIR / "pth"
OTHERS = ("trainer.pth", "stream.pth", "protocol5.pth")


def _backbone(seed=7):
    """The state dict of a ResNet that has torchvision's tensors alone, and seven classes."""
    net = initialise(ResNet50(2, (1, 1, 1, 1), num_classes=7), np.random.default_rng(seed))
    state = net.state_dict()
    for name in list(state):
        if name.startswith(("projector", "prototypes")):
            del state[name]
    return state


def _types():
    """Every type of storage, in a checkpoint with other things around the state."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    state = collections.OrderedDict(
        float32=base, float64=base.double() / 3, float16=(base / 3).half(),
        bfloat16=(base / 3).bfloat16(), int64=torch.arange(5) - 2, int32=torch.arange(5).int() - 3,
        int16=torch.arange(5).short() * -300, int8=torch.arange(5).char() - 4,
        uint8=torch.arange(5).byte() * 50, bool=torch.tensor([True, False, True]),
        transposed=base.t(), part=base[1:3, 2:5], row=base[2], scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3), channels_last=torch.arange(24.).reshape(1, 2, 3, 4).to(
            memory_format=torch.channels_last), parameter=nn.Parameter(base[0].clone()))
    return dict(epoch=3, lr=0.125, best=None, name="types", state_dict=state)


def _expected(state):
    """As the reader delivers it: half precision becomes float32, integers int64, bool uint8."""
    out = {}
    for name, value in state.items():
        value = value.detach().contiguous()
        if value.dtype in (torch.float16, torch.bfloat16):
            value = value.float()
        elif value.dtype in (torch.int32, torch.int16, torch.int8):
            value = value.long()
        elif value.dtype == torch.bool:
            value = value.byte()
        out[name] = value.numpy()
    return out


def _trainer(state):
    """What trainers save: the weights under a prefix, and objects of many classes beside them."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], 0.1, momentum=0.9)
    weight.sum().backward()
    optimizer.step()
    return {
        "epoch": 3, "best_acc1": np.float64(0.5), "random": np.random.RandomState(1).get_state()[1][:9],
        "args": argparse.Namespace(lr=1, layers={1, 2}, path=pathlib.PurePosixPath("a/b"), large=2**70),
        "counts": collections.Counter("aab"), "rows": np.asfortranarray(np.eye(3)), "complex": torch.ones(2) * 1j,
        "optimizer_states": [optimizer.state_dict()], "loops": collections.defaultdict(list, a=[frozenset({1})]),
        "state_dict": collections.OrderedDict(("model." + n, v) for n, v in state.items())}


def _write_others(types, names):
    """Files whose content `types` says, as other ways of saving write them."""
    state = types["state_dict"]
    if "trainer.pth" in names:
        torch.save(_trainer(state), FOLDER / "trainer.pth")
    if "stream.pth" in names:
        torch.save({"args": argparse.Namespace(lr=1), "model": state}, FOLDER / "stream.pth",
                   _use_new_zipfile_serialization=False)
    if "protocol5.pth" in names:
        torch.save({"rows": np.arange(3), "args": argparse.Namespace(lr=1), "net": state},
                   FOLDER / "protocol5.pth", pickle_protocol=5)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    FOLDER.mkdir(exist_ok=True)
    _write_others(_types(), names or OTHERS)
    if names:
        return
    backbone, types = _backbone(), _types()
    torch.save(backbone, FOLDER / "backbone.pth")
    torch.save(types, FOLDER / "types.pth")
    torch.save({"model": backbone["fc.weight"], "args": argparse.Namespace(lr=1)}, FOLDER / "object.pth")
    torch.save(backbone["fc.weight"], FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    tensors = {f"backbone/{n}": v for n, v in _expected(backbone).items()}
    tensors.update({f"types/{n}": v for n, v in _expected(types["state_dict"]).items()})
    safetensors_io.save(FOLDER / "expected.safetensors", tensors)
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
