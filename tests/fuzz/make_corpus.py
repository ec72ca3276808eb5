#!/usr/bin/env python3
"""Writes the seeds of the fuzzing harnesses into corpus/NAME: one valid small file of every kind, and bombs.

Other files there have shown a bug, or are of a kind that Python does not write (arithmetic*.jpg: cjpeg -arithmetic).

Needs numpy, Pillow and torch (Debian: python3-torch). The bytes do not change from run to run.
"""

import io
import json
import pathlib
import pickle
import struct
import zlib

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
    doubled = [0]
    for _ in range(40):
        doubled = [doubled, doubled]  # 2^40 numbers, each list of which is stored once
    seed("pickle", "bomb_doubled", pickle.dumps(doubled, 4))
    seed("labels", "bomb_doubled.pkl", pickle.dumps({"labels": doubled}, 4))


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
    exif = Image.Exif()
    exif[0x0112] = 6  # the orientation
    for name, options in (
            ("lossy.webp", {}), ("lossless.webp", {"lossless": True}), ("turned.webp", {"exif": exif}),
            ("animation.webp", {"save_all": True, "append_images": [picture.rotate(180)]}), ("rgb.bmp", {}),
            ("turned.png", {"exif": exif}), ("turned.jpg", {"exif": exif})):
        file = io.BytesIO()
        picture.save(file, name.split(".")[1].replace("jpg", "jpeg"), **options)
        seed("image", name, file.getvalue())
    for name, mode in (("palette.bmp", "P"), ("bits.bmp", "1")):
        file = io.BytesIO()
        picture.convert(mode).save(file, "BMP")
        seed("image", name, file.getvalue())
    # 2 x 2 pixels of the run-length form: two runs, the end of a line, two more and the end.
    header = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 72, 0, 0, 62, 40, 2, 2, 1, 8, 1, 10, 0, 0, 2, 2)
    seed("image", "runs.bmp", header + b"\0\0\xff\0\xff\0\0\0" + b"\2\0\0\0\1\1\1\0\0\1")
    bombs()


def chunk(name, data, claimed=None):
    """A chunk of a PNG file."""
    size = len(data) if claimed is None else claimed
    return struct.pack(">I", size) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bombs():
    """Small files that claim much memory or work."""
    def png(side, interlaced, rest):
        header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, interlaced)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest + chunk(b"IEND", b"")

    pixels = zlib.compress(bytes(2 * 9))
    seed("image", "bomb_chunk.png", png(9, 0, chunk(b"zTXt", b"a\0\0x", 2**31 - 1)))
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6), 9))
    seed("image", "bomb_texts.png", png(9, 0, text * 3 + chunk(b"IDAT", zlib.compress(bytes(3 * 9)))))
    seed("image", "bomb_interlaced.png", png(9990, 1, chunk(b"IDAT", pixels)))
    seed("image", "bomb.webp",
         b"RIFF\x1c\0\0\0WEBPVP8L\x10\0\0\0\x2f" + struct.pack("<I", 9999 | 9999 << 14) + bytes(11))
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", progressive=True)
    frame = file.getvalue().find(b"\xff\xc2") + 5
    sized = file.getvalue()[:frame] + struct.pack(">HH", 4000, 4000) + file.getvalue()[frame + 4:-2]
    scan = b"\xff\xda\0\x08\x01\x01\0\x01\x05\x02"
    seed("image", "bomb_scans.jpg", sized[:frame] + struct.pack(">HH", 500, 500) + sized[frame + 4:] + scan * 40)
    seed("image", "bomb_progressive.jpg",
         sized[:frame] + struct.pack(">HH", 9990, 9990) + sized[frame + 4:] + b"\xff\xd9")


def tables():
    seed("csv", "manifest", b'path,label,true_label\r\na/1.jpg,cat,dog\n"b, ""2"".png",dog,\n')
    seed("csv", "formulas", b"\'=1+1,=2,\'\'@a,\"\'-3\"\n\'a,\'\n")
    seed("csv", "byte_order_mark", b"\xef\xbb\xbfpath,label\n\n1.jpg,0\n")


def pth():
    state = {"a": torch.arange(6.0).reshape(2, 3).t(), "b": torch.tensor(7), "c": torch.zeros(0, 2).half()}
    for name, value in (("plain", state), ("nested", {"state_dict": state, "epoch": 3})):
        file = io.BytesIO()
        torch.save(value, file)
        seed("pth", name, file.getvalue())
    whole = torch.zeros(4000)
    file = io.BytesIO()
    torch.save({f"t{k}": whole[k:k + 1] for k in range(100)}, file)
    seed("pth", "bomb_views", file.getvalue())
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
    over = {f"t{k}": {"dtype": "F32", "shape": [1000], "data_offsets": [0, 4000]} for k in range(100)}
    text = json.dumps(over).encode()
    seed("safetensors", "bomb_overlap", struct.pack("<Q", len(text)) + text + bytes(4000))
    seed("safetensors", "huge_header", struct.pack("<Q", 2**63) + b"{}")


def recipes():
    for name in ("cifar10-sym50", "shapes-demo", "cifar100-asym40"):
        path = CORPUS.parents[2] / "bpt_plr" / "recipe" / "recipes" / f"{name}.json"
        seed("recipe", name, path.read_bytes())
    seed("recipe", "deep", b'{"lr":' + b"[" * 4000 + b"]" * 4000 + b"}")
    seed("recipe", "schedules", json.dumps(
        {"dataset": "shapes", "lr_schedule": "step", "lr_steps": "80:10,140:100", "kappa": "0:3,40:2",
         "blocks": "1,2,3,4", "width": 8}).encode())


def labels():
    seed("labels", "twelve", b"[1, 2, 3, 4, 9, 0, 0, 0, 5, 6, 7, 8]")
    for path in sorted((CORPUS.parents[1] / "golden" / "human").glob("CIFAR-10_human.*")):
        seed("labels", path.name, path.read_bytes())
    for name in ("dict_of_lists.npy", "dict_before_1_6.pt", "dict_of_tensors.pt", "int16.npy", "array_5.pkl"):
        seed("labels", name, (CORPUS.parents[1] / "golden" / "labels" / name).read_bytes())
    seed("labels", "deep", b"[1, 2, " + b"[" * 4000 + b"]" * 4000 + b"]")
    seed("labels", "lines", b"label\n3\n1\n2\n")
    seed("labels", "by_index", b'{"0": 3, "2": 1, "1": 0}')
    seed("labels", "nested", b"[[[[1]]], {\"a\": 1e400}, -1, 2.5, \"x\"]")


def keyed_labels():
    seed("keyed_labels", "json", b'{"dog/1.jpg": "cat", "cat/1.jpg": "dog", "/set/cat/2.jpg": 0, "x.jpg": 1.5}')
    seed("keyed_labels", "paths.csv", b"path,label\n1.jpg,cat\ncat/1.jpg, dog \n./cat/../cat/2.jpg,1\ndog/1.jpg,cat\n")
    seed("keyed_labels", "numbers.csv", b"index,label\n2,0\n0,1\n1,cat\n")
    seed("keyed_labels", "zero", b'{"dog/1\\u0000.jpg": "cat"}')


def image_lists():
    seed("image_list", "manifest", b"\0path,label,true_label,split\na/1.jpg,cat,dog,train\n2.jpg,dog,,test\n3.jpg,cat,cat,val\n")
    for number, text in ((1, b"images/0/0.jpg\n\nimages/0/1.jpg\r\n"), (2, b"images/0/0.jpg 3\nimages/0/1.jpg 13\n"),
                         (3, b"images/0/2.jpg 0\nimages/0/0.jpg 4"), (4, b"images/0/2.jpg \n")):
        seed("image_list", f"clothing1m_{number}", bytes([number]) + text)


def smallest_tensors(file, count):
    """A safetensors file with the metadata and the smallest tensors of another one."""
    size = struct.unpack("<Q", file[:8])[0]
    header, data = json.loads(file[8:8 + size]), file[8 + size:]
    kept, tensors = {"__metadata__": header.pop("__metadata__")}, b""
    for name in sorted(header, key=lambda n: (header[n]["data_offsets"][1] - header[n]["data_offsets"][0], n))[:count]:
        begin, end = header[name]["data_offsets"]
        kept[name] = {**header[name], "data_offsets": [len(tensors), len(tensors) + end - begin]}
        tensors += data[begin:end]
    text = json.dumps(kept).encode()
    return struct.pack("<Q", len(text)) + text + tensors


def runs():
    run = CORPUS.parents[1] / "golden" / "run_format1"
    checkpoint = next((run / "checkpoints").glob("*.safetensors"))
    files = [run / "config.json", run / "classes.json", None, run / "metrics.jsonl", run / "selection.jsonl"]
    for number, file in enumerate(files):
        if file is not None:
            lines = file.read_bytes().splitlines(keepends=True)
            seed("run", file.name, bytes([number]) + b"".join(lines[:2] if file.suffix == ".jsonl" else lines))
    seed("run", "data.csv", b"\2split,path,label,hash\ntrain,cat/1.jpg,cat,00000000000000ff\ntest,#0,\'=dog,1\n")
    seed("run", "checkpoint", b"\5" + smallest_tensors(checkpoint.read_bytes(), 12))
    config = json.loads((run / "config.json").read_text())
    seed("run", "runs.jsonl", b"\6" + json.dumps(
        {"label": "bptplr", "seed": config["seed"], "best_acc": 50.0, "mean_last10": 49.5, "last_acc": 49.0, "auc": None,
         "wrong_labels": None, "seconds": 3.5, "accuracy": [1.0, 49.0, None], "changes": ["lr"],
         "data_hash": "00ff", "data_hash_format": 2, "recipe": config}).encode() + b"\n")
    seed("run", "deep", b"\3{\"epoch\": 1, \"networks\": " + b"[" * 3000 + b"]" * 3000 + b"}\n")


def decisions():
    seed("decisions", "both", json.dumps({"decisions": [
        {"index": 0, "given": "cat", "decision": "accept", "label": "dog"},
        {"index": 2, "given": "dog", "decision": "reject"}]}).encode())


def caches():
    seed("cache", "whole", b"\xff\xff")
    seed("cache", "cut", b"\0\x40")
    seed("cache", "changed", b"\xff\xff\0\x10\x07\0\x11\x08\0\x60\x01")


def features():
    x = np.arange(6, dtype=np.float16).reshape(3, 2)
    for name, value in (("half.npy", x), ("float.npy", x.astype(np.float32)),
                        ("columns.npy", np.asfortranarray(x)), ("double.npy", x.astype(np.float64))):
        buffer = io.BytesIO()
        np.save(buffer, value)
        seed("features", name, buffer.getvalue())
    for name, save in (("plain.npz", np.savez), ("compressed.npz", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, features=x, labels=np.array([0, 1, 1]), test_features=x[:1],
             test_labels=np.array([1]))
        seed("features", name, buffer.getvalue())
    header = json.dumps({"x": {"dtype": "F16", "shape": [3, 2], "data_offsets": [0, 12]},
                         "y": {"dtype": "I64", "shape": [3], "data_offsets": [12, 36]}}).encode()
    seed("features", "x.safetensors", struct.pack("<Q", len(header)) + header + x.tobytes()
         + np.array([0, 1, 1]).tobytes())


if __name__ == "__main__":
    features()
    pickles()
    cifar()
    images()
    tables()
    pth()
    safetensors()
    recipes()
    labels()
    keyed_labels()
    image_lists()
    runs()
    decisions()
    caches()
