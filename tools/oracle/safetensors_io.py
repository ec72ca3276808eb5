"""Reads and writes safetensors files with NumPy alone.

Layout: 8 bytes little-endian header length, a JSON header padded with spaces
to a multiple of 8 bytes, then the raw little-endian row-major data. Each header
entry is {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from
the end of the header; the optional "__metadata__" maps strings to strings.
"""

import json
import struct

import numpy as np

_DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def save(path, tensors, metadata=None):
    """Writes `tensors` (name -> np.ndarray); the same input gives the same bytes.

    Tensors are laid out by falling element size and then by name, which keeps
    every one of them aligned to its element size without gaps.
    """
    arrays = {}
    for name, array in tensors.items():
        dtype = np.asarray(array).dtype.newbyteorder("<")
        if dtype not in _NAMES:
            raise TypeError(f"{name}: dtype {dtype} is not one of {', '.join(_DTYPES)}")
        arrays[name] = np.asarray(array, dtype=dtype, order="C")

    header = {}
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    offset = 0
    for name in order:
        array = arrays[name]
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes

    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            file.write(arrays[name].tobytes())


def _read(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + length]), memoryview(content)[8 + length :]


def load(path):
    """Returns name -> np.ndarray (own memory, writable)."""
    header, data = _read(path)
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data[begin:end], dtype=_DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"]).copy()
    return tensors


def load_metadata(path):
    """Returns the file's string -> string metadata."""
    return _read(path)[0].get("__metadata__", {})
