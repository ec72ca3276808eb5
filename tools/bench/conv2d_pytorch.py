#!/usr/bin/env python3
"""Times the convolutions of PreAct-ResNet18 in PyTorch on the CPU, as bench_conv2d times ours.

usage: tools/bench/conv2d_pytorch.py [--images 128] [--width 64] [--repeat 5] [--threads 2]

channels_last memory, a line of JSON for each pass of each shape.
"""

import argparse
import json
import statistics
import time

import torch


def shapes(images, width):
    """(images, side, input channels, output channels, kernel, stride), each shape once."""
    yield images, 32, 3, width, 3, 1
    for stage in range(4):
        side, channels = 32 >> stage, width << stage
        yield images, side, channels, channels, 3, 1
        if stage < 3:
            yield images, side, channels, 2 * channels, 3, 2
            yield images, side, channels, 2 * channels, 1, 2


def median_seconds(fn, repeat):
    fn()
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        fn()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def time_shape(n, side, c, k, kernel, stride, repeat):
    x = torch.randn(n, c, side, side).to(memory_format=torch.channels_last)
    w = torch.randn(k, c, kernel, kernel).to(memory_format=torch.channels_last)
    padding = kernel // 2
    y = torch.nn.functional.conv2d(x, w, stride=stride, padding=padding)
    dy = torch.randn_like(y)
    flop = 2 * y.numel() * c * kernel * kernel

    def backward(data, weights):
        torch.ops.aten.convolution_backward(dy, x, w, None, (stride, stride), (padding, padding), (1, 1),
                                            False, (0, 0), 1, (data, weights, False))

    passes = {"forward": lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=padding),
              "backward_data": lambda: backward(True, False),
              "backward_weights": lambda: backward(False, True)}
    for name, fn in passes.items():
        seconds = median_seconds(fn, repeat)
        print(json.dumps({"impl": f"pytorch {torch.__version__}", "pass": name,
                          "shape": f"{n}x{side}x{side}x{c} to {k}, {kernel}x{kernel} / {stride}",
                          "ms": round(seconds * 1e3, 3), "GFLOP_per_s": round(flop / seconds / 1e9, 1)}),
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with torch.no_grad():
        for shape in shapes(args.images, args.width):
            time_shape(*shape, args.repeat)


if __name__ == "__main__":
    main()
