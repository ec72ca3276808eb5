#!/usr/bin/env python3
"""Do the PyTorch baselines compute what the method and the engine compute? Exit code 0 or 1.

usage: tools/bench/check_baselines.py [--device cuda] [--compile]

From the same weights, momentum, views, labels, class sets, permutation and mix, both baselines
must come to the losses, the weights and the running statistics of tools/oracle/bpt_plr.py within
1e-4 of 1 + |value|, in float32. One set of inputs is tests/golden/iteration.safetensors, from
which the engine is tested too (tests/bpt_plr/method/iteration_test.cpp, tests/cuda), and the oracle must
come to the results in that file here as well; so engine, oracle and baselines agree on one
iteration. Views made on the device are compared with the bytes that Pillow makes
(tests/golden/augment.safetensors), their random choices with the policy, and that with the engine's.

--compile adds torch.compile (a minute of processor time, on a CPU). On a GPU captured graphs are
among what is checked. In bfloat16 1 % is allowed for losses, 5 % for weights and statistics. A
compiled or captured variant that cannot be built is named and does not fail the check:
step_pytorch.py cannot time it either.
"""

import argparse
import re
import sys
from dataclasses import dataclass

import numpy as np
import torch

from baselines import GOLDEN, ROOT, device_views, feeds, losses, published
from baselines.strongest import Options, Strongest

import bpt_plr
import safetensors_io
from preact_resnet import PreActResNet, initialise

HYPER = {"lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4}
TOLERANCE = 1e-4, 1e-4  # of losses; of weights and statistics
BF16_TOLERANCE = 0.01, 0.05
VIEWS = tuple(side + view for side in "xu" for view in "1234")

failures = []


def report(name, ok, detail):
    print(f"{'ok  ' if ok else 'FAIL'} {name}: {detail}", flush=True)
    if not ok:
        failures.append(name)


def could_not_build(name, error):
    """What a compiler refuses is not timed either, so nothing wrong is compared with."""
    print(f"none {name}: {type(error).__name__}: {str(error)[:200]}", flush=True)


# ---- iterations ------------------------------------------------------------------------

@dataclass
class Case:
    """Iterations to do, one after the other, and where they start."""
    name: str
    network: dict    # arguments of PreActResNet
    k: dict          # name -> tensor
    j: dict
    momentum: dict
    batches: list    # dicts: the views and y, y_u, w, z, l, perm, lam
    kappa: int


def golden_case():
    data = {name: torch.from_numpy(array)
            for name, array in safetensors_io.load(GOLDEN / "iteration.safetensors").items()}

    def below(prefix):
        return {name[len(prefix):]: t for name, t in data.items() if name.startswith(prefix)}

    batch = {v: data[f"views/{v}"].permute(0, 3, 1, 2).contiguous() for v in VIEWS}
    batch.update(y=data["y"], y_u=data["y_u"], w=data["w"], z=torch.cat([data["z_x"], data["z_u"]]),
                 l=data["l"].item(), perm=data["perm"], lam=data["lambda"].item())
    case = Case("golden inputs", {"width": 8, "blocks": (1, 1, 1, 1), "num_classes": 10},
                below("k/"), below("j/"), below("k_momentum/"), [batch], int(data["kappa"]))
    return case, {name: data[f"plr/{name}"].item() for name in published.TERMS}, below("plr/k_after/")


def random_case(size=6, classes=20, image_size=8):
    """Two iterations of a network with two blocks a stage."""
    # Found by search: with this seed every ReLU input is 1.6e-5 or more away from 0, where a rounding
    # error would take the other branch and give another gradient that is as good.
    rng = np.random.default_rng(273)
    network = {"width": 8, "blocks": (2, 2, 2, 2), "num_classes": classes}
    k, j = (initialise(PreActResNet(**network), rng) for _ in range(2))

    def normal(*shape, scale=1.0):
        return torch.from_numpy((rng.standard_normal(shape) * scale).astype(np.float32))

    def batch(l):
        result = {v: normal(size, 3, image_size, image_size) for v in VIEWS}
        y, y_u = (torch.from_numpy(rng.integers(classes, size=size)) for _ in range(2))
        result.update(y=y, y_u=y_u, w=normal(size).abs().clamp(0, 1), l=l, lam=25.0,
                      z=normal(2 * size, classes, scale=3),
                      perm=torch.from_numpy(rng.permutation(4 * size)))
        return result

    momentum = {name: normal(*p.shape, scale=0.02) for name, p in k.named_parameters()}
    return Case("two random iterations", network, k.state_dict(), j.state_dict(), momentum,
                [batch(0.75), batch(0.625)], 3)


def networks(case, device="cpu"):
    nets = []
    for state in (case.k, case.j):
        net = PreActResNet(**case.network)
        net.load_state_dict(state, strict=False)
        nets.append(net.to(device))
    return nets


def start(case, device):
    """Networks and optimiser as they were before the first iteration."""
    k, j = networks(case, device)
    optimiser = torch.optim.SGD(k.parameters(), **HYPER)
    for name, p in k.named_parameters():
        optimiser.state[p]["momentum_buffer"] = case.momentum[name].to(device, copy=True)
    return k, j, optimiser


def state_of(net):
    return {name: tensor.detach() for name, tensor in net.state_dict().items()
            if not name.endswith(("num_batches_tracked", "prototypes"))}


def by_oracle(case):
    """(sums of the terms over the iterations, state afterwards)"""
    k, j, optimiser = start(case, "cpu")
    sums = dict.fromkeys(published.TERMS, 0.0)
    for b in case.batches:
        size = len(b["y"])
        terms = bpt_plr.training_iteration(k, j, optimiser, b, b["y"], b["y_u"], b["w"], b["z"][:size],
                                           b["z"][size:], case.kappa, b["l"], b["perm"], b["lam"])
        for name in sums:
            sums[name] += terms[name].item()
    return sums, state_of(k)


def by_published(case, device, memory_format):
    k, j, optimiser = start(case, device)
    for net in (k, j):
        net.to(memory_format=memory_format)
    sums = dict.fromkeys(published.TERMS, 0.0)
    for b in case.batches:
        b = {name: value.to(device) if torch.is_tensor(value) else value for name, value in b.items()}
        views = {v: b[v].contiguous(memory_format=memory_format) for v in VIEWS}
        terms = published.iteration(k, j, optimiser, views, b["y"], b["y_u"], b["w"], b["z"], case.kappa,
                                    b["l"], b["perm"], b["lam"])
        for name in sums:
            sums[name] += terms[name]
    return sums, state_of(k)


def ready_feed(case, device, dtype):
    def images(b, names):
        return torch.cat([b[v] for v in names]).to(device, dtype, memory_format=torch.channels_last)

    batches = [feeds.Batch(
        images(b, ("u1", "u2", "x1", "x2")), images(b, ("x3", "x4", "u3", "u4")), b["y"], b["w"],
        losses.class_membership(b["z"], torch.cat([b["y"], b["y_u"]]), case.kappa),
        torch.tensor(b["l"]), b["perm"], torch.tensor(b["lam"])) for b in case.batches]
    return feeds.ReadyFeed(feeds.Batch(*(torch.stack(column).to(device) for column in zip(*batches))))


def by_strongest(case, device, options):
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    k, j = networks(case, device)
    trainer = Strongest(k, j, ready_feed(case, device, dtype), options, **HYPER)
    trainer.load(case.k, case.j, case.momentum)  # the warm-up has changed them
    for _ in case.batches:
        trainer.step()
    return trainer.take_sums(), trainer.state()


def distance(got, want):
    """Largest |difference| / (1 + |value|)."""
    return max(((torch.as_tensor(got[name]).cpu().double() - torch.as_tensor(value).double()).abs()
                / (1 + torch.as_tensor(value).double().abs())).max().item() for name, value in want.items())


def compare(name, got, want, tolerance=TOLERANCE):
    terms, state = (distance(g, w) for g, w in zip(got, want))
    report(name, terms <= tolerance[0] and state <= tolerance[1],
           f"losses differ by {terms:.1e}, weights and statistics by {state:.1e}")


def check_strongest(case, device, options, want):
    name = f"strongest, {' '.join(described(options))}, {case.name}"
    try:
        result = by_strongest(case, device, options)
    except Exception as error:  # whatever a compiler may throw
        if not (options.compile or options.graph):
            raise
        could_not_build(name, error)
        return
    compare(name, result, want, BF16_TOLERANCE if options.precision == "bf16" else TOLERANCE)


def described(options):
    yield options.precision
    for name in ("masters", "separate", "compile", "graph"):
        if getattr(options, name):
            yield name


def variants(device, compiled):
    for separate in (False, True):
        yield Options(separate=separate)
    if compiled:
        yield Options(compile="default")
    if device == "cuda":
        yield Options(graph=True)
        if compiled:
            yield Options(compile="default", graph=True)
    for masters in (False, True):
        yield Options(precision="bf16", masters=masters, graph=device == "cuda")
    if compiled:
        yield Options(precision="bf16", compile="default", graph=device == "cuda")


def check_iterations(device, compiled):
    golden, terms, state = golden_case()
    compare("the oracle, against its golden file", by_oracle(golden), (terms, state))
    for case in (golden, random_case()):
        want = by_oracle(case)
        for layout in (torch.contiguous_format, torch.channels_last):
            compare(f"published, {str(layout)[6:]}, {case.name}", by_published(case, device, layout), want)
        for options in variants(device, compiled and case is golden):
            check_strongest(case, device, options, want)


# ---- views -----------------------------------------------------------------------------

def check_pixels(device):
    data = {name: torch.from_numpy(array)
            for name, array in safetensors_io.load(GOLDEN / "augment.safetensors").items()}
    got, want = [], []

    def add(made, expected):
        got.append(made.cpu().flatten().int())
        want.append(expected.flatten().int())

    image = data["image/natural"]
    for policy, ops in enumerate(device_views.POLICY):
        for signs, expected in zip(data["policy/signs"].tolist(), data[f"policy/{policy}"]):
            pixels = image[None].to(device)
            for (_, kind, level), sign in zip(ops, signs):
                argument = device_views.argument_of(kind, level, sign, *image.shape[:2])
                pixels = device_views.apply_ops(
                    pixels, device_views.make_ops([kind], [argument], *image.shape[:2], device))
            add(pixels[0], expected)
    for name in ("natural", "odd"):
        plan = data["crop/plan"].to(device)
        plan = device_views.Plan(plan[:, 0], plan[:, 1], plan[:, 2] == 1, ())
        samples = torch.zeros(len(plan.flip), dtype=torch.long, device=device)
        add(device_views.make_pixels(data[f"image/{name}"][None].to(device), samples, plan),
            data[f"crop/{name}"])
    off = (torch.cat(got) - torch.cat(want)).abs()
    share = (off > 0).float().mean().item()
    report("views, against Pillow", share == 0 if device == "cpu" else off.max() <= 1 and share < 1e-3,
           f"{share:.1e} of {len(off)} values differ, by at most {off.max().item()}")


def check_compiled_views(device, count=64):
    """What torch.compile makes of a drawn plan, against the same without it."""
    torch.manual_seed(5)
    images = feeds.random_samples(count, 32, 10, device).images
    images[: count // 2] //= 4  # for auto_contrast and equalize to have something to do
    plan = device_views.Views(32, 32, device).draw(count, strong=True)
    samples = torch.arange(count, device=device)
    try:
        made = torch.compile(device_views.make_pixels, fullgraph=True, dynamic=False)(images, samples, plan)
    except Exception as error:
        could_not_build("views, compiled", error)
        return
    off = (made.int() - device_views.make_pixels(images, samples, plan).int()).abs()
    share = (off > 0).float().mean().item()
    report("views, compiled", off.max() <= 1 and share < 1e-3,
           f"{share:.1e} of {off.numel()} values differ, by at most {off.max().item()}")


def check_policy():
    """The table in device_views.py is the engine's."""
    source = (ROOT / "data" / "autoaugment.cpp").read_text(encoding="utf-8")
    theirs = [(float(p), kind.lower(), int(level))
              for p, kind, level in re.findall(r"\{([\d.]+), k(\w+), (\d)\}", source)]
    ours = [(p, kind.replace("_", ""), level) for ops in device_views.POLICY for p, kind, level in ops]
    report("the policy, against data/autoaugment.cpp", ours == theirs, f"{len(ours)} operations")


def check_draws(device, count=200_000):
    """Every sub-policy, operation and direction as often as the policy says, within six sigma."""
    torch.manual_seed(3)
    views = device_views.Views(32, 32, device)
    plan = views.draw(count, strong=True)
    worst = 0.0

    def add(hits, probability):
        nonlocal worst
        sigma = (count * probability * (1 - probability)) ** 0.5
        worst = max(worst, abs(hits.sum().item() - count * probability) / max(sigma, 1e-9))

    for offset in range(-4, 5):
        add(plan.crop_x == offset, 1 / 9)
        add(plan.crop_y == offset, 1 / 9)
    add(plan.flip, 0.5)
    for position, ops in enumerate(plan.ops):
        expected = {}
        for policy in device_views.POLICY:
            probability, kind, level = policy[position]
            for sign in (-1, 1):
                key = kind, float(device_views.argument_of(kind, level, sign, 32, 32))
                expected[key] = expected.get(key, 0) + probability / 50
        for (kind, argument), probability in expected.items():
            add((ops.kind == device_views.KINDS.index(kind)) & (ops.argument == argument), probability)
    report("draws of views, against the policy", worst < 6, f"{worst:.1f} sigma at most")


def check_feed(device):
    """Each row of a batch belongs to its sample: images are filled with the sample's number."""
    count, size = 200, 8
    numbers = torch.arange(count)
    samples = feeds.random_samples(count, 32, 10, device)._replace(
        images=numbers.to(torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3).contiguous().to(device),
        labels=(numbers % 10).to(device), w=(numbers / count).to(device))
    feed = feeds.EpochFeed(samples, size, torch.float32, mean=(0.0,) * 3, std=(1 / 255,) * 3)
    in_x, ok, seen = set(samples.x.tolist()), True, []
    for _ in range(feed.iterations):
        batch = feed.next()
        # Four pixels of shift never reach the middle; strong views change values, so these are left.
        u, u_again, x, x_again = (number.round().long().cpu() for number in batch.weak[:, 0, 16, 16].chunk(4))
        ok &= torch.equal(u, u_again) and torch.equal(x, x_again)
        ok &= torch.equal(x % 10, batch.labels.cpu()) and torch.allclose(x / count, batch.w.cpu())
        ok &= set(x.tolist()) <= in_x and not set(u.tolist()) & in_x
        labels = torch.cat([x, u]) % 10
        ok &= bool((batch.member.cpu().gather(1, labels[:, None]) == 1).all())
        ok &= torch.equal(batch.perm.sort().values.cpu(), torch.arange(4 * size))
        seen += x.tolist()
    a_pass = len(in_x) // size * size
    ok &= len(set(seen[:a_pass])) == a_pass  # nothing twice before the pass is over
    report("batches of an epoch", ok, f"{feed.iterations} iterations of {size} + {size} samples")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--compile", action="store_true", help="check torch.compile, too")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32 here
    print(f"torch {torch.__version__}, {args.device}")
    check_pixels(args.device)
    if args.compile:
        check_compiled_views(args.device)
    check_policy()
    check_draws(args.device)
    check_feed(args.device)
    check_iterations(args.device, args.compile)
    print(f"{len(failures)} failed" if failures else "all agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
