#!/usr/bin/env python3
"""Writes formats.safetensors: WebP and BMP files and pictures with an EXIF orientation, as bytes, and
the pixels that Pillow makes of them.

usage: make_formats.py      (needs Pillow 9.4: Debian 12's python3-pil, python3-numpy)
"""
import io
import pathlib
import struct
import sys

import numpy as np
import PIL
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools" / "oracle"))
import safetensors_io  # noqa: E402

HEIGHT, WIDTH = 11, 21


def picture(rng):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([np.sin(x / 5 + c) + np.cos(y / (4 + c)) for c in range(3)], -1) * 60 + 128
    return np.clip(smooth + rng.normal(0, 20, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)


def encoded(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


def bmp(bits, compression, body, palette=b"", height=HEIGHT, masks=b"", header=40):
    """A BMP of a kind that Pillow does not write; `body` begins with the bottom row."""
    if header == 12:
        about = struct.pack("<IHHHH", 12, WIDTH, height, 1, bits)
    else:
        about = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(body),
                            2835, 2835, len(palette) // 4, 0)
        about += bytes(header - 40)
    start = 14 + len(about) + len(masks) + len(palette)
    return (b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + about + masks + palette +
            body)


def rows(values, kind):
    """Rows, the bottom one first, each padded to four bytes."""
    body = b""
    for row in values[::-1]:
        data = row.astype(kind).tobytes() if kind else bytes(row)
        body += data + bytes(-len(data) % 4)
    return body


def packed4(indices):
    padded = np.concatenate([indices, np.zeros((len(indices), len(indices[0]) % 2), np.uint8)], 1)
    return [(row[0::2] << 4 | row[1::2]).astype(np.uint8) for row in padded]


def runs8(indices):
    """Runs of equal pixels, a stretch told literally, ends of lines and the end."""
    body = b""
    for row in indices[::-1]:
        x = 0
        while x < len(row):
            run = 1
            while x + run < len(row) and row[x + run] == row[x]:
                run += 1
            if run == 1 and len(row) - x >= 5:
                literal = bytes(row[x:x + 5])
                body += b"\0\5" + literal + b"\0"
                x += 5
            else:
                body += bytes([run, row[x]])
                x += run
        body += b"\0\0"
    return body[:-2] + b"\0\1"


def bmp_files(rng):
    rgb = Image.fromarray(picture(rng))
    palette = bytes(rng.integers(0, 256, 64, dtype=np.uint8))
    indices = rng.integers(0, 16, (HEIGHT, WIDTH), dtype=np.uint8)
    flat = np.repeat(rng.integers(0, 16, (HEIGHT, 7), dtype=np.uint8), 3, axis=1)
    flat[3:5] = indices[3:5]
    words = rng.integers(0, 1 << 15, (HEIGHT, WIDTH))
    deep = rng.integers(0, 1 << 16, (HEIGHT, WIDTH))
    core = b"".join(palette[4 * i:4 * i + 3] for i in range(16))
    return {
        "rgb.bmp": encoded(rgb, format="BMP"),
        "grey.bmp": encoded(rgb.convert("L"), format="BMP"),
        "bits.bmp": encoded(rgb.convert("1"), format="BMP"),
        "palette.bmp": encoded(rgb.quantize(20), format="BMP"),
        "rgbx.bmp": encoded(rgb.convert("RGBA"), format="BMP"),
        "palette4.bmp": bmp(4, 0, rows(packed4(indices), None), palette),
        "core4.bmp": bmp(4, 0, rows(packed4(indices), None), core, header=12),
        "rgb555.bmp": bmp(16, 0, rows(words, "<u2")),
        "rgb565.bmp": bmp(16, 3, rows(deep, "<u2"),
                          masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f)),
        "top_down.bmp": bmp(24, 0, rows(np.asarray(rgb)[::-1].reshape(HEIGHT, -1), "u1"),
                            height=-HEIGHT),
        "runs8.bmp": bmp(8, 1, runs8(flat), palette),
    }


def webp_files(rng):
    rgb = Image.fromarray(picture(rng))
    cut_out = rgb.copy()
    cut_out.putalpha(Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)))
    return {
        "lossy.webp": encoded(rgb, format="WEBP", quality=80),
        "lossless.webp": encoded(rgb, format="WEBP", lossless=True),
        "alpha.webp": encoded(cut_out, format="WEBP", lossless=True, exact=True),
        "animated.webp": encoded(rgb, format="WEBP", save_all=True, lossless=True,
                                 append_images=[rgb.rotate(180)]),
    }


def turned_files(rng):
    rgb = Image.fromarray(picture(rng))
    files = {}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x010f] = "a camera"
        exif[0x0112] = orientation
        for name, options in {"jpg": {"format": "JPEG", "quality": 90},
                              "png": {"format": "PNG"},
                              "webp": {"format": "WEBP", "lossless": True}}.items():
            files[f"{orientation}.{name}"] = encoded(rgb, exif=exif, **options)
    return files


def main():
    if PIL.__version__ != "9.4.0":
        sys.exit(f"Pillow {PIL.__version__} found, 9.4.0 is needed (Debian 12: python3-pil)")
    rng = np.random.default_rng(20261129)
    tensors = {}
    for group, files in {"file": bmp_files(rng) | webp_files(rng),
                         "turned": turned_files(rng)}.items():
        for name, data in files.items():
            image = Image.open(io.BytesIO(data))
            if group == "turned":
                image = ImageOps.exif_transpose(image)
            tensors[f"{group}/{name}/bytes"] = np.frombuffer(data, np.uint8)
            tensors[f"{group}/{name}/pixels"] = np.asarray(image.convert("RGB"))
    path = HERE / "formats.safetensors"
    safetensors_io.save(path, tensors, {"Pillow": PIL.__version__})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
