#!/usr/bin/env python3
"""Reads JSON lines of bench_step and step_pytorch.py and prints how much faster the engine is.

A table for each size, then two ratios, PyTorch's time over ours at the size where it is smallest:
`ratio_eager R`, to the published iteration (its faster memory layout; TF32 where that was timed,
else float32), and, last, `ratio R`, to the fastest PyTorch of all that were timed. Ours is the
faster of its precisions. Times are medians over all lines of a kind.
"""

import collections
import json
import statistics
import sys

# Multiply-adds count as two operations. PreAct-ResNet18 at width 64 on 32 x 32 pixels takes
# 1.11 GFLOP an image forward, a backward pass twice that; convolutions scale with width squared.
# An iteration is 6 B images forward without gradient and 8 B forward and backward.
FORWARD_GFLOP = 1.11


def floor_gflop(arch, image_size, width, batch_size):
    """None for another network than PreAct-ResNet18."""
    if arch != "preact_resnet":
        return None
    return FORWARD_GFLOP * (image_size / 32) ** 2 * (width / 64) ** 2 * batch_size * (6 + 8 * 3)


def name_of(run):
    return " ".join([run["impl"], run["precision"], *run.get("options", ())])


def is_eager_baseline(name, names):
    """Is it the published iteration, in TF32 if that was timed at all?"""
    wanted = "tf32" if any(n.startswith("pytorch_eager tf32") for n in names) else "float32"
    return name.startswith(f"pytorch_eager {wanted}")


def print_size(size, median):
    """Prints the table of one size and returns our ratios to eager and to the fastest PyTorch, None
    where one of the two was not timed."""
    arch, image_size, width, batch_size, views = size
    gflop = floor_gflop(arch, image_size, width, batch_size)
    work = f": {gflop:.0f} GFLOP by direct convolution" if gflop else ""
    print(f"{arch}, {image_size} x {image_size} pixels, width {width}, B {batch_size}, views {views}{work}")
    for name, seconds in sorted(median.items(), key=lambda item: item[1]):
        rate = f"{gflop / seconds:8.0f} GFLOP/s  " if gflop else ""
        print(f"  {seconds:9.5f} s  {2 * batch_size / seconds:9.0f} images/s  {rate}{name}")

    def fastest(names):
        return min(names, key=median.get, default=None)

    ours = fastest([name for name in median if name.startswith("bptplr")])
    eager = fastest([name for name in median if is_eager_baseline(name, median)])
    best = fastest([name for name in median if name.startswith("pytorch")])
    ratios = []
    for other in (eager, best):
        ratios.append(median[other] / median[ours] if ours and other else None)
        if ratios[-1]:
            print(f"  {ours} is {ratios[-1]:.2f} times as fast as {other}")
    return ratios


def main():
    times = collections.defaultdict(lambda: collections.defaultdict(list))
    epochs = collections.defaultdict(list)
    versions, failed = set(), {}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for run in map(json.loads, lines):
            size = (run.get("arch", "preact_resnet"), run.get("image_size", 32), run["width"],
                    run["batch_size"], run.get("views", "ready"))
            if "torch" in run:
                versions.add(run["torch"])
            if "failed" in run:
                failed[size, name_of(run)] = run["failed"]
                continue
            times[size][name_of(run)] += run["seconds"]
            if "seconds_per_epoch" in run:
                epochs[run["epoch"], size, name_of(run)].append(run["seconds_per_epoch"])
    print(f"\nPyTorch {', '.join(sorted(versions))}, median seconds an iteration")
    ratios = [print_size(size, {name: statistics.median(seconds) for name, seconds in named.items()})
              for size, named in sorted(times.items())]
    for (count, (_, _, width, *_), name), seconds in sorted(epochs.items()):
        print(f"an epoch of {count} samples, width {width}: {statistics.median(seconds):.2f} s  {name}")
    for (size, name), why in sorted(failed.items()):
        print(f"not timed, width {size[2]}: {name}: {why}")
    for name, column in zip(("ratio_eager", "ratio"), zip(*ratios)):
        known = [ratio for ratio in column if ratio]
        if not known:
            sys.exit("step_ratio: error: no size has times of both bptplr and PyTorch")
        print(f"{name} {min(known):.2f}")


if __name__ == "__main__":
    main()
