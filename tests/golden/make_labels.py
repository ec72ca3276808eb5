#!/usr/bin/env python3
"""Writes labels/: the labels (i + 2) % 10 of 12 images as people save them.

Needs numpy and torch. Run by itself; the archives' bytes may change with the version of torch.
"""

import argparse
import pathlib
import pickle

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent / "labels"

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    labels = (np.arange(12) + 2) % 10
    tensor = torch.from_numpy(labels)

    def both(values):
        return {"clean_label": values, "worse_label": values}

    for kind in ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64"):
        np.save(HERE / f"{kind}.npy", labels.astype(kind))
    np.save(HERE / "column.npy", labels.reshape(12, 1))
    np.save(HERE / "dict_of_lists.npy", both(labels.tolist()))
    torch.save(tensor.int(), HERE / "tensor.pt")
    torch.save(labels.tolist(), HERE / "list.pt")
    torch.save(both(tensor), HERE / "dict_of_tensors.pt")
    torch.save(both(labels.astype("int32")), HERE / "dict_of_int32.pt")
    torch.save(both(tensor.byte()), HERE / "dict_before_1_6.pt", _use_new_zipfile_serialization=False)
    torch.save({"args": argparse.Namespace(seed=1), "labels": labels}, HERE / "beside_objects.pt")
    for protocol in (2, 4, 5):
        (HERE / f"array_{protocol}.pkl").write_bytes(pickle.dumps(labels.astype("int16"), protocol))
    (HERE / "by_index.pkl").write_bytes(pickle.dumps({i: int(labels[i]) for i in reversed(range(12))}, 4))
    # Not plain, or no labels.
    np.save(HERE / "wrong_float.npy", labels.astype("float32"))
    np.save(HERE / "wrong_big_endian.npy", labels.astype(">i4"))
    np.save(HERE / "wrong_table.npy", labels.reshape(3, 4))
    torch.save({"a": tensor, "b": tensor}, HERE / "wrong_two.pt")
    torch.save(labels.astype(">i4"), HERE / "wrong_big_endian.pt")
