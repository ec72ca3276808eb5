#!/usr/bin/env python3
"""Writes every golden file beside this script; README.md lists what is in them.

Usage: make_golden.py [NAME ...]   (default: all of ops losses model networks sgd gmm
                                  iteration prototypes dividemix unicon longremix plremix
                                  plain_losses)
"""

import importlib
import sys
import time

import torch

from common import GOLDEN_DIR

import safetensors_io

NAMES = ("ops", "losses", "model", "networks", "sgd", "gmm", "iteration", "prototypes", "dividemix",
         "unicon", "longremix", "plremix", "plain_losses")


def main(names):
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        sys.exit(f"unknown golden file {unknown[0]}; known: {', '.join(NAMES)}")
    # Sums must not depend on the number of cores.
    torch.set_num_threads(1)
    for name in names or NAMES:
        start = time.perf_counter()
        tensors = importlib.import_module(f"make_{name}").make()
        path = GOLDEN_DIR / f"{name}.safetensors"
        safetensors_io.save(path, tensors)
        print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size / 1e6:.2f} MB, "
              f"{time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
