#!/usr/bin/env python3
"""Writes the seeds of the fuzzing harnesses into corpus/NAME: one valid small file of every kind.

Needs numpy, Pillow and torch (Debian: python3-torch). The bytes do not change from run to run.
"""

import io
import json
import pathlib
import pickle
import struct

import numpy as np
import torch
from PIL import Image

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
PIXELS = np.random.default_rng(1).integers(0, 256, (1, 3072), dtype=np.uint8)


def seed(harness, name, data):
    folder = CORPUS / harness
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def pickles():
    batch = {b"labels": [3], b"data": PIXELS, b"filenames": [b"a.png"], b"batch_label": b"one"}
    for protocol in (2, 3, 4):
        seed("pickle", f"batch_protocol{protocol}", pickle.dumps(batch, protocol))
    seed("pickle", "kinds", pickle.dumps(
        {"none": None, "flags": (True, False), "numbers": [0, 255, 65535, 2**31 - 1, -1, 2**40],
         "text": "\u00e4" * 300, "nested": [[], (), {}, [(1, 2, 3, 4)]]}, 4))
    seed("pickle", "refused_call", pickle.dumps(print, 2))


def cifar():
    small = np.ascontiguousarray(PIXELS)
    seed("cifar", "cifar10_binary", bytes([1, 3]) + small.tobytes())
    seed("cifar", "cifar100_binary", bytes([3, 17, 3]) + small.tobytes())
    for protocol in (2, 4):
        seed("cifar", f"cifar10_python{protocol}",
             b"\0" + pickle.dumps({b"labels": [3], b"data": small}, protocol))
        seed("cifar", f"cifar100_python{protocol}",
             b"\2" + pickle.dumps({b"fine_labels": [3], b"coarse_labels": [1], b"data": small}, protocol))


def images():
    picture = Image.fromarray(PIXELS.reshape(32, 32, 3)[:11, :13])
    for name, mode, options in (
            ("grey.png", "L", {}), ("palette.png", "P", {}), ("rgb.png", "RGB", {}), ("alpha.png", "RGBA", {}),
            ("rgb.jpg", "RGB", {}), ("progressive.jpg", "RGB", {"progressive": True}),
            ("grey.jpg", "L", {}), ("cmyk.jpg", "CMYK", {"quality": 50})):
        file = io.BytesIO()
        picture.convert(mode).save(file, "PNG" if name.endswith("png") else "JPEG", **options)
        seed("image", name, file.getvalue())


def tables():
    seed("csv", "manifest", b'path,label,true_label\r\na/1.jpg,cat,dog\n"b, ""2"".png",dog,\n')
    seed("csv", "byte_order_mark", b"\xef\xbb\xbfpath,label\n\n1.jpg,0\n")


def pth():
    state = {"a": torch.arange(6.0).reshape(2, 3).t(), "b": torch.tensor(7), "c": torch.zeros(0, 2).half()}
    for name, value in (("plain", state), ("nested", {"state_dict": state, "epoch": 3})):
        file = io.BytesIO()
        torch.save(value, file)
        seed("pth", name, file.getvalue())
    golden = CORPUS.parents[1] / "golden" / "pth"
    for name in ("stream", "trainer", "protocol5"):
        seed("pth", name, (golden / f"{name}.pth").read_bytes())


def safetensors():
    header = {"__metadata__": {"format": "pt"},
              "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
              "b": {"dtype": "I64", "shape": [1], "data_offsets": [24, 32]},
              "empty": {"dtype": "U8", "shape": [0, 5], "data_offsets": [32, 32]}}
    text = json.dumps(header).encode()
    seed("safetensors", "three", struct.pack("<Q", len(text)) + text + bytes(range(32)))
    seed("safetensors", "huge_header", struct.pack("<Q", 2**63) + b"{}")


def recipes():
    for name in ("cifar10-sym50", "shapes-demo", "cifar100-asym40"):
        path = CORPUS.parents[2] / "bpt_plr" / "recipes" / f"{name}.json"
        seed("recipe", name, path.read_bytes())
    seed("recipe", "schedules", json.dumps(
        {"dataset": "shapes", "lr_schedule": "step", "lr_steps": "80:10,140:100", "kappa": "0:3,40:2",
         "blocks": "1,2,3,4", "width": 8}).encode())


def labels():
    seed("labels", "twelve", b"[1, 2, 3, 4, 9, 0, 0, 0, 5, 6, 7, 8]")
    for path in sorted((CORPUS.parents[1] / "golden" / "human").glob("CIFAR-10_human.*")):
        seed("labels", path.name, path.read_bytes())
    for name in ("dict_of_lists.npy", "dict_before_1_6.pt", "dict_of_tensors.pt", "int16.npy", "array_5.pkl"):
        seed("labels", name, (CORPUS.parents[1] / "golden" / "labels" / name).read_bytes())
    seed("labels", "lines", b"label\n3\n1\n2\n")
    seed("labels", "by_index", b'{"0": 3, "2": 1, "1": 0}')
    seed("labels", "nested", b"[[[[1]]], {\"a\": 1e400}, -1, 2.5, \"x\"]")


if __name__ == "__main__":
    pickles()
    cifar()
    images()
    tables()
    pth()
    safetensors()
    recipes()
    labels()
