"""BPT-PLR iterations in PyTorch, which the engine is compared with; docs/benchmarks.md explains them.

    losses      vectorised losses that both use
    published   the iteration as the published script runs it, eager
    strongest   the fastest PyTorch that we know how to write
    feeds       where the strongest takes its batches from, without the host
    device_views, loader_views      augmentation on the device; by Pillow in a DataLoader

Any torch from 1.13 on, with or without a GPU.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden"
for _folder in (ROOT / "tools" / "oracle", GOLDEN):
    sys.path.insert(0, str(_folder))
