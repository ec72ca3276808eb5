#!/usr/bin/env python3
"""Writes features/: five vectors with labels and two to test on, as numpy.savez saves them.

Run by itself; `about.safetensors` holds the numbers that should be read.
"""

import numpy as np

from common import GOLDEN_DIR

import safetensors_io

HERE = GOLDEN_DIR / "features"

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    rng = np.random.default_rng(11)
    x = rng.normal(size=(5, 3)).astype(np.float16)
    parts = {"features": x, "labels": np.array([0, 1, 1, 0, 2]),
             "true_labels": np.array([0, 1, 0, 0, 2], np.int32),
             "test_features": rng.normal(size=(2, 3)).astype(np.float16),
             "test_labels": np.array([2, 0], np.uint8)}
    np.savez(HERE / "plain.npz", **parts)
    np.savez_compressed(HERE / "compressed.npz", **parts)
    wide = x.astype(np.float64)
    safetensors_io.save(HERE / "about.safetensors",
                        {"x": x.astype(np.float32), "mean": wide.mean(0).astype(np.float32),
                         "std": wide.std(0).astype(np.float32)})
