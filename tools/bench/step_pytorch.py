#!/usr/bin/env python3
"""Times one BPT-PLR training iteration in eager PyTorch: the baseline for this engine.

It does what the published script does for one batch: six no-grad forwards of B images for
the targets, MixUp, one forward of 8B images, the four loss terms, backward and an SGD step.
The augmented views lie ready in memory and the class sets are given, so that the numbers
are of training alone. Works with torch 1.13 and 2.x; prints one line of JSON.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
from preact_resnet import PreActResNet  # noqa: E402

CLASSES, KAPPA, TEMPERATURE, LAMBDA_U, MIX = 10, 3, 0.5, 25.0, 0.7


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=3, help="timed iterations")
    parser.add_argument("--warmup", type=int, default=1, help="iterations before timing starts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bf16"],
                        help="tf32 and bf16 (autocast) need a GPU")
    parser.add_argument("--channels_last", action="store_true", help="NHWC memory layout")
    return parser.parse_args()


def make_batch(size, image_size, memory_format, device):
    batch = {side + str(view): torch.randn(size, 3, image_size, image_size).contiguous(memory_format=memory_format)
             for side in "xu" for view in (1, 2, 3, 4)}
    batch["labels"] = F.one_hot(torch.randint(CLASSES, (size,)), CLASSES).float()
    batch["w"] = torch.rand(size, 1)
    # 0/1 membership of every class in the class set of each of the 2B samples.
    top = torch.rand(2 * size, CLASSES).topk(KAPPA, dim=1).indices
    batch["member"] = torch.zeros(2 * size, CLASSES).scatter_(1, top, 1)
    batch["member"].scatter_(1, torch.randint(CLASSES, (2 * size, 1)), 1)
    return {name: tensor.to(device) for name, tensor in batch.items()}


def sharpen(p):
    p = p ** (1 / TEMPERATURE)
    return p / p.sum(dim=1, keepdim=True)


def plr_loss(features, member, tau=1.0):
    """Pseudo-label relaxed contrastive loss with one [2n,2n] mask; rows as in the oracle."""
    n = len(member)
    keep = (member @ member.t() == 0).repeat(2, 2)
    anchor = torch.arange(2 * n, device=features.device)
    positive = (anchor + n) % (2 * n)
    keep[anchor, positive] = True
    similarity = features @ features.t() / tau
    partition = torch.logsumexp(similarity.masked_fill(~keep, float("-inf")), dim=1)
    return (partition - similarity[anchor, positive]).mean()


def step(net_k, net_j, optimiser, batch, autocast):
    net_k.train()
    net_j.eval()
    size = len(batch["w"])
    with torch.no_grad(), autocast():
        predictions = [F.softmax(net.classify(batch[view]).float(), dim=1) for net, view in (
            (net_k, "u1"), (net_k, "u2"), (net_j, "u1"), (net_j, "u2"), (net_k, "x1"), (net_k, "x2"))]
        t_u = sharpen(sum(predictions[:4]) / 4)
        p_x = (predictions[4] + predictions[5]) / 2
        t_x = sharpen(batch["w"] * batch["labels"] + (1 - batch["w"]) * p_x)

    images = torch.cat([batch["x3"], batch["x4"], batch["u3"], batch["u4"]])
    targets = torch.cat([t_x, t_x, t_u, t_u])
    perm = torch.randperm(4 * size, device=images.device)
    mixed = MIX * images + (1 - MIX) * images[perm]
    targets = MIX * targets + (1 - MIX) * targets[perm]

    with autocast():
        logits, projections = net_k(torch.cat([mixed, images]))
    logits, projections = logits[: 4 * size].float(), projections[4 * size :].float()
    log_p = F.log_softmax(logits, dim=1)
    p = log_p.exp()
    loss_x = -(targets[: 2 * size] * log_p[: 2 * size]).sum(dim=1).mean()
    loss_u = ((p[2 * size :] - targets[2 * size :]) ** 2).mean()
    penalty = -(torch.log(p.mean(dim=0) * CLASSES) / CLASSES).sum()
    x3, x4, u3, u4 = projections.chunk(4)
    loss_plr = plr_loss(torch.cat([x3, u3, x4, u4]), batch["member"])

    loss = loss_x + LAMBDA_U * loss_u + penalty + loss_plr
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    if args.device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = args.precision != "float32"
        torch.backends.cudnn.allow_tf32 = args.precision != "float32"
        torch.backends.cudnn.benchmark = True

    def autocast():
        return torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.precision == "bf16")

    memory_format = torch.channels_last if args.channels_last else torch.contiguous_format
    net_k, net_j = (PreActResNet(args.width, num_classes=CLASSES).to(args.device, memory_format=memory_format)
                    for _ in range(2))
    optimiser = torch.optim.SGD(net_k.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    batch = make_batch(args.batch_size, args.image_size, memory_format, args.device)

    seconds = []
    for iteration in range(args.warmup + args.repeat):
        start = time.perf_counter()
        step(net_k, net_j, optimiser, batch, autocast)  # reads the loss: the GPU has finished
        if iteration >= args.warmup:
            seconds.append(round(time.perf_counter() - start, 5))
    print(json.dumps({
        "impl": "pytorch", "torch": torch.__version__, "device": args.device,
        "precision": args.precision, "width": args.width,
        "batch_size": args.batch_size, "layout": "nhwc" if args.channels_last else "nchw",
        "threads": args.threads, "seconds": seconds}))


if __name__ == "__main__":
    main()
