#!/usr/bin/env python3
"""Times on a GPU, in eager PyTorch, what bench_kernels is compared with: a copy and the PLR loss.

Prints one line of JSON a kernel, like bench_kernels.
"""

import json
import statistics

import torch
import torch.nn.functional as F

from baselines.losses import class_membership, plr_loss

ROUNDS, CALLS, PROJECTION = 5, 20, 128
CLASSES, KAPPA = 10, 3


def seconds(fn):
    fn()
    rounds = []
    for _ in range(ROUNDS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(CALLS):
            fn()
        end.record()
        end.synchronize()
        rounds.append(begin.elapsed_time(end) / 1e3 / CALLS)
    return statistics.median(rounds)


def report(kernel, shape, fn):
    print(json.dumps({"kernel": kernel, "shape": shape, "us": round(seconds(fn) * 1e6, 2),
                      "torch": torch.__version__}), flush=True)


def time_copy(mib=256):
    source = torch.zeros(mib << 20, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    report("pytorch copy", f"{mib} MiB", lambda: target.copy_(source))


def time_plr(samples):
    features = F.normalize(torch.randn(2 * samples, PROJECTION, device="cuda")).requires_grad_()
    logits = torch.rand(samples, CLASSES, device="cuda")
    member = class_membership(logits, logits.argmax(dim=1), KAPPA)

    def forward_and_backward():
        features.grad = None
        plr_loss(features, member).backward()

    report("pytorch plr", f"{2 * samples} anchors x {PROJECTION}, forward and backward",
           forward_and_backward)


if __name__ == "__main__":
    time_copy()
    for count in (128, 1024):
        time_plr(count)
