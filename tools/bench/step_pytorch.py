#!/usr/bin/env python3
"""Times BPT-PLR training iterations in PyTorch: what this engine's speed is compared with.

usage: tools/bench/step_pytorch.py [--device cuda] [--variants ...] [--beside COMMAND] ...

A variant is a baseline and its options, joined by plus signs:

    eager   the published iteration (tools/bench/baselines/published.py)
    best    the strongest that we know (tools/bench/baselines/strongest.py), always channels_last
    float32, tf32, bf16     precision; tf32 needs a GPU
    nhwc                    eager: channels_last memory
    masters                 best, bf16: bfloat16 weights beside float32 masters instead of autocast
    separate                best: no forwards merged
    compile, reduce-overhead, max-autotune      best: a mode of torch.compile
    graph                   best: the whole iteration as one CUDA graph

All variants are built once and then timed in turn, --rounds times, with the commands of --beside in
between. A line of JSON each time: `seconds` of an iteration, the mean over --repeat of them between
two events on the device (on a CPU, two looks at the clock); `images_per_s` counts samples, 2 B an
iteration; `peak_mib` is of the device's memory for this variant, or of the process on a CPU. What
cannot be built says why in `failed` and the rest goes on.

Views lie ready in memory unless --augment or --epoch is given: then `eager` takes them from
DataLoaders whose workers augment with Pillow, as published, and `best` makes them on the device.
--epoch N times whole epochs of step 5 on N random images, floor(N / B) + 1 iterations.
"""

import argparse
import contextlib
import json
import resource
import shlex
import subprocess
import sys
import time

import torch

from baselines import feeds, losses, published
from baselines.strongest import Options, Strongest

from preact_resnet import PreActResNet


class WithHeads(torch.nn.Module):
    """A network of tools/oracle/networks.py under PreActResNet's names for its parts."""

    def __init__(self, make, **config):
        super().__init__()
        import networks  # needs torchvision
        self.net = getattr(networks, make)(**config)
        for parent in list(self.net.modules()):
            for name, child in parent.named_children():
                if isinstance(child, networks.Dropout):  # the oracle's, which draws in NumPy
                    setattr(parent, name, torch.nn.Dropout(child.rate))
        self.projector = self.net.projector

    def features(self, x):
        return self.net.features_of(x)

    def linear(self, h):
        return self.net._classify(h)

    def forward(self, x):
        return self.net(x)

    def classify(self, x):
        return self.linear(self.features(x))


NETWORKS = {
    "preact_resnet": lambda width, classes: PreActResNet(width, num_classes=classes),
    "resnet50": lambda width, classes: WithHeads("ResNet50", width=width, num_classes=classes),
    "vgg19_bn": lambda width, classes: WithHeads("Vgg19Bn", width=width, num_classes=classes, pool_side=1),
}

KAPPA, LAMBDA_U, MIX = 3, 25.0, 0.7
PRECISIONS = ("float32", "tf32", "bf16")
# In torch.compile's words.
COMPILE = {"compile": "default", "reduce-overhead": "reduce-overhead", "max-autotune": "max-autotune"}
DEFAULT = {
    "cpu": "eager+float32,eager+float32+nhwc,best+float32",
    "cuda": "eager+float32,eager+tf32,eager+tf32+nhwc,best+bf16,best+bf16+separate+graph,"
            "best+bf16+graph,best+bf16+masters+graph,best+bf16+compile+graph,"
            "best+bf16+masters+compile+graph,best+bf16+reduce-overhead",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--variants", help=f"default: {DEFAULT}".replace("%", "%%"))
    parser.add_argument("--arch", default="preact_resnet", choices=list(NETWORKS))
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1, help="times that each variant is timed")
    parser.add_argument("--repeat", type=int, default=3, help="iterations in a round")
    parser.add_argument("--warmup", type=int, default=1, help="iterations before timing starts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--augment", action="store_true", help="making the views is part of it")
    parser.add_argument("--samples", type=int, default=50000, help="random images that --augment draws from")
    parser.add_argument("--epoch", type=int, default=0, metavar="N", help="time epochs of N images")
    parser.add_argument("--workers", type=int, default=4, help="processes of each DataLoader")
    parser.add_argument("--budget_s", type=float, default=float("inf"),
                        help="seconds after which nothing more is compiled; 0: torch.compile is left out")
    parser.add_argument("--beside", action="append", default=[], metavar="COMMAND",
                        help="a program to run in every round, whose lines are passed on; may be repeated")
    args = parser.parse_args()
    if args.epoch:
        args.augment, args.samples, args.repeat = True, args.epoch, args.epoch // args.batch_size + 1
    return args


class Variant:
    def __init__(self, text):
        self.impl, *options = text.split("+")
        known = {"eager": {"nhwc"}, "best": {"masters", "separate", "graph", *COMPILE}}.get(self.impl)
        if known is None:
            raise ValueError(f"variant {text!r} begins with neither eager nor best")
        precisions = [option for option in options if option in PRECISIONS] or ["float32"]
        self.precision = precisions[0]
        self.options = [option for option in options if option not in PRECISIONS]
        chosen = set(self.options)
        if len(precisions) > 1 or len(chosen & COMPILE.keys()) > 1 or not chosen <= known:
            raise ValueError(f"variant {text!r}: {self.impl} takes one of {', '.join(PRECISIONS)} and of "
                             f"{', '.join(sorted(known))}, of torch.compile one mode")
        if "masters" in chosen and self.precision != "bf16":
            raise ValueError(f"variant {text!r}: masters go with bf16")
        if {"reduce-overhead", "graph"} <= chosen:
            raise ValueError(f"variant {text!r}: reduce-overhead makes graphs of its own; leave one out")

    def compiles(self):
        return any(option in COMPILE for option in self.options)

    def set_precision(self):
        """Process-wide settings, so they are set whenever this variant runs."""
        fast = self.precision != "float32"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = fast


# ---- what is timed ---------------------------------------------------------------------

def random_views(args, device):
    """The views of one batch, by name, and its other tensors."""
    size = args.batch_size
    batch = {side + view: torch.randn(size, 3, args.image_size, args.image_size, device=device)
             for side in "xu" for view in "1234"}
    y, y_u = (torch.randint(args.classes, (size,), device=device) for _ in range(2))
    return batch, {"y": y, "y_u": y_u, "w": torch.rand(size, device=device),
                   "z": torch.randn(2 * size, args.classes, device=device)}


class Eager:
    """The published iteration, on ready views or with the published kind of DataLoader."""

    def __init__(self, variant, net_k, net_j, args):
        self.args, self.nets, self.device = args, (net_k, net_j), args.device
        layout = torch.channels_last if "nhwc" in variant.options else torch.contiguous_format
        for net in self.nets:
            net.to(memory_format=layout)
        self.optimiser = torch.optim.SGD(net_k.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
        self.autocast = contextlib.nullcontext
        if variant.precision == "bf16":
            self.autocast = lambda: torch.autocast(args.device, dtype=torch.bfloat16)
        if args.augment:
            from baselines.loader_views import LoaderBatches
            samples = feeds.random_samples(args.samples, args.image_size, args.classes, "cpu")
            self.batches = LoaderBatches(samples, args.batch_size, args.workers, self.device, layout)
        else:
            views, rest = random_views(args, self.device)
            views = {name: view.contiguous(memory_format=layout) for name, view in views.items()}
            self.batches = iter(lambda: (views, rest), None)
        for _ in range(args.warmup):
            self.step()

    def step(self):
        views, rest = next(self.batches)
        mix = torch.distributions.Beta(4.0, 4.0).sample().item()
        published.iteration(*self.nets, self.optimiser, views, **rest, kappa=KAPPA, mix=max(mix, 1 - mix),
                            perm=torch.randperm(4 * len(rest["y"])), lam=LAMBDA_U, autocast=self.autocast)


def best(variant, net_k, net_j, args):
    compiles = [COMPILE[option] for option in variant.options if option in COMPILE]
    options = Options(variant.precision, "masters" in variant.options, "separate" in variant.options,
                      compiles[0] if compiles else "", "graph" in variant.options)
    dtype = torch.bfloat16 if variant.precision == "bf16" else torch.float32
    if args.augment:
        samples = feeds.random_samples(args.samples, args.image_size, args.classes, args.device)
        feed = feeds.EpochFeed(samples, args.batch_size, dtype, KAPPA, LAMBDA_U)
    else:
        views, rest = random_views(args, args.device)
        weak, strong = (torch.cat([views[name] for name in names])
                        .to(dtype, memory_format=torch.channels_last)
                        for names in (("u1", "u2", "x1", "x2"), ("x3", "x4", "u3", "u4")))
        member = losses.class_membership(rest["z"], torch.cat([rest["y"], rest["y_u"]]), KAPPA)
        batch = feeds.Batch(weak, strong, rest["y"], rest["w"], member, torch.tensor(MIX),
                            torch.randperm(4 * args.batch_size), torch.tensor(LAMBDA_U))
        feed = feeds.ReadyFeed(feeds.Batch(*(t.to(args.device)[None] for t in batch)))
    return Strongest(net_k, net_j, feed, options, warmup=max(args.warmup, 1))


def build(variant, args):
    variant.set_precision()
    torch.manual_seed(1)
    nets = [NETWORKS[args.arch](args.width, args.classes).to(args.device) for _ in range(2)]
    make = Eager if variant.impl == "eager" else best
    return make(variant, *nets, args)


# ---- timing ----------------------------------------------------------------------------

def window(trainer, repeat, device):
    """Seconds of an iteration, over `repeat` of them with no wait in between."""
    if device == "cuda":
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(repeat):
            trainer.step()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3 / repeat
    start = time.perf_counter()
    for _ in range(repeat):
        trainer.step()
    return (time.perf_counter() - start) / repeat


def peak_mib(device, before):
    if device == "cuda":
        return round((torch.cuda.max_memory_allocated() - before) / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


class Candidate:
    """A variant that is built and can be timed, or why it cannot."""

    def __init__(self, text, args):
        self.variant, self.args, self.trainer = Variant(text), args, None
        self.line = {
            "impl": f"pytorch_{self.variant.impl}", "torch": torch.__version__, "device": args.device,
            "precision": self.variant.precision, "options": self.variant.options,
            "views": "made" if args.augment else "ready", "arch": args.arch,
            "image_size": args.image_size, "width": args.width,
            "batch_size": args.batch_size, "classes": args.classes, "threads": args.threads}
        if args.device == "cuda":
            self.line["device_name"] = torch.cuda.get_device_name()

    def build(self):
        cuda, start = self.args.device == "cuda", time.perf_counter()
        before = 0
        if cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        with self.guarded():
            self.trainer = build(self.variant, self.args)
            if cuda:
                torch.cuda.synchronize()  # or a failure would show at a later variant
            self.line["build_s"] = round(time.perf_counter() - start, 1)
            self.line["peak_mib"] = peak_mib(self.args.device, before)

    @contextlib.contextmanager
    def guarded(self):
        """Compilers and graph captures fail in their own ways: say how, and go on without."""
        try:
            yield
        except Exception as error:
            self.give_up(f"{type(error).__name__}: {error}"[:500])

    def give_up(self, why):
        self.trainer = None
        print(json.dumps({**self.line, "failed": why}), flush=True)

    def time(self):
        with self.guarded():
            self.variant.set_precision()
            seconds = window(self.trainer, self.args.repeat, self.args.device)
            line = {**self.line, "seconds": [round(seconds, 6)],
                    "images_per_s": round(2 * self.args.batch_size / seconds, 1)}
            if self.args.epoch:
                line.update(epoch=self.args.epoch, seconds_per_epoch=round(seconds * self.args.repeat, 3))
            print(json.dumps(line), flush=True)


def run_beside(command):
    """Passes its output on; says whether it ended well."""
    sys.stdout.flush()
    try:
        return subprocess.run(shlex.split(command), check=False).returncode == 0
    except OSError as error:
        print(f"step_pytorch: error: {error}", file=sys.stderr)
        return False


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    try:
        candidates = [Candidate(text, args) for text in (args.variants or DEFAULT[args.device]).split(",")]
    except ValueError as error:
        print(f"step_pytorch: error: {error}", file=sys.stderr)
        return 2
    start = time.perf_counter()
    for candidate in candidates:
        if candidate.variant.compiles() and time.perf_counter() - start > args.budget_s:
            candidate.give_up(f"not compiled within --budget_s {args.budget_s:g}")
        else:
            candidate.build()
    if args.device == "cuda":
        torch.cuda.empty_cache()  # leaves room for what runs beside
    all_ran = True
    for _ in range(args.rounds):
        for command in args.beside:
            all_ran &= run_beside(command)
        for candidate in candidates:
            if candidate.trainer is not None:
                candidate.time()
    return 0 if all_ran else 1


if __name__ == "__main__":
    sys.exit(main())
