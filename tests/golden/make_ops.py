"""ops.safetensors: tensor operations, with shapes awkward for vector and tile code."""

import numpy as np
import torch
import torch.nn.functional as F

from common import distribution, evaluate, float64, int64, nchw, nhwc, normal, put, uniform


def _output_size(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


def _convolutions(rng, out):
    cases = {  # name: (N, H, W, in, out, kernel, stride)
        "k3s1_batch1_odd": (1, 5, 7, 3, 5, 3, 1),
        "k3s1_16to24": (2, 8, 8, 16, 24, 3, 1),
        "k3s1_one_pixel": (2, 1, 1, 7, 9, 3, 1),
        "k3s1_33to17": (3, 3, 4, 33, 17, 3, 1),
        "k3s2_odd": (2, 7, 5, 10, 13, 3, 2),
        "k3s2_even": (2, 8, 8, 33, 9, 3, 2),
        "k1s1": (3, 4, 6, 9, 17, 1, 1),
        "k1s2_odd": (2, 7, 7, 8, 12, 1, 2),
        "k1s2_batch1_even": (1, 6, 4, 20, 31, 1, 2),
        "k7s1": (2, 9, 8, 3, 6, 7, 1),
        "k7s2_odd": (1, 15, 13, 3, 10, 7, 2),
        "k7s2_even": (2, 14, 16, 3, 11, 7, 2),
    }
    for name, (n, h, w, cin, cout, k, s) in cases.items():
        pad = k // 2
        x, weight = normal(rng, n, h, w, cin), normal(rng, cout, cin, k, k, scale=0.3)
        dy = normal(rng, n, _output_size(h, k, s, pad), _output_size(w, k, s, pad), cout)
        y, (dx, dw) = evaluate(
            lambda a, b: nhwc(F.conv2d(nchw(a), b, stride=s, padding=pad)), [x, weight], dy)
        put(out, f"conv2d/{name}", args=int64([k, s, pad]), x=x, w=weight, dy=dy, y=y, dx=dx, dw=dw)

    for name, (n, h, w, cin, cout) in {"k3s1": (2, 5, 6, 3, 11), "k3s1_19to20": (1, 4, 4, 19, 20)}.items():
        x, weight, bias = normal(rng, n, h, w, cin), normal(rng, cout, cin, 3, 3), normal(rng, cout)
        dy = normal(rng, n, h, w, cout)
        y, (dx, dw, db) = evaluate(
            lambda a, b, c: nhwc(F.conv2d(nchw(a), b, c, padding=1)), [x, weight, bias], dy)
        put(out, f"conv2d_bias/{name}", args=int64([3, 1, 1]), x=x, w=weight, b=bias, dy=dy,
            y=y, dx=dx, dw=dw, db=db)


def _linear(rng, out):
    for name, (n, i, o) in {"batch1": (1, 5, 3), "odd": (7, 33, 10), "64to128": (6, 64, 128),
                            "one_output": (9, 17, 1), "100_classes": (4, 40, 100)}.items():
        x, w, b, dy = normal(rng, n, i), normal(rng, o, i, scale=0.3), normal(rng, o), normal(rng, n, o)
        y, (dx, dw, db) = evaluate(F.linear, [x, w, b], dy)
        put(out, f"linear/{name}", x=x, w=w, b=b, dy=dy, y=y, dx=dx, dw=dw, db=db)


def _grouped_batch_norm(x, weight, bias, groups, mean, var):
    """Train mode by groups; `mean`, `var` (running statistics) are updated in place."""
    parts = [F.batch_norm(nchw(part), mean, var, weight, bias, True, 0.1, 1e-5)
             for part in x.chunk(groups)]
    return nhwc(torch.cat(parts))


def _batch_norm(rng, out, relu):
    op = "batch_norm_relu" if relu else "batch_norm"
    after = F.relu if relu else (lambda t: t)
    shapes = {  # name: (N, H, W, C, groups)
        "batch1": (1, 5, 3, 7, 1), "odd": (3, 4, 5, 13, 1), "c24": (4, 3, 3, 24, 1),
        "c33_batch2_pixel1": (2, 1, 1, 33, 1), "offset_mean": (5, 6, 6, 4, 1),
        "groups2": (4, 3, 5, 9, 2), "groups3": (6, 2, 3, 17, 3), "groups4": (8, 4, 4, 10, 4),
    }
    for name, (n, h, w, c, groups) in shapes.items():
        x = normal(rng, n, h, w, c)
        if name == "offset_mean":
            # Variance by E[x^2] - E[x]^2 in float32 loses most digits here.
            x = (x + np.float32(30)).astype(np.float32)
        weight, bias = uniform(rng, 0.5, 1.5, c), normal(rng, c, scale=0.5)
        mean, var = normal(rng, c, scale=0.3), uniform(rng, 0.5, 2, c)
        dy = normal(rng, n, h, w, c)
        inputs = [x, weight, bias]
        common = dict(x=x, weight=weight, bias=bias, running_mean=mean, running_var=var, dy=dy)

        m, v = float64(mean), float64(var)
        y, (dx, dw, db) = evaluate(
            lambda a, g, b: after(_grouped_batch_norm(a, g, b, groups, m, v)), inputs, dy)
        parts = float64(x).reshape(groups, -1, c)
        put(out, f"{op}_train/{name}", args=int64([groups]), y=y, dx=dx, dweight=dw, dbias=db,
            running_mean_after=m, running_var_after=v, mean=parts.mean(1),
            invstd=(parts.var(1, unbiased=False) + 1e-5).rsqrt(), **common)

        if groups == 1:
            m, v = float64(mean), float64(var)
            y, (dx, dw, db) = evaluate(
                lambda a, g, b: after(nhwc(F.batch_norm(nchw(a), m, v, g, b, False, 0.1, 1e-5))),
                inputs, dy)
            put(out, f"{op}_eval/{name}", y=y, dx=dx, dweight=dw, dbias=db, **common)


def _pools(rng, out):
    avg = {"even": (2, 4, 6, 5), "odd": (1, 5, 7, 9), "c33": (2, 2, 2, 33)}
    for name, (n, h, w, c) in avg.items():
        x, dy = normal(rng, n, h, w, c), normal(rng, n, h // 2, w // 2, c)
        y, (dx,) = evaluate(lambda a: nhwc(F.avg_pool2d(nchw(a), 2)), [x], dy)
        put(out, f"avg_pool2d/{name}", args=int64([2, 2, 0]), x=x, dy=dy, y=y, dx=dx)

    maximum = {  # name: (N, H, W, C, kernel, stride, padding)
        "k2s2": (2, 4, 6, 5, 2, 2, 0), "k2s2_odd": (1, 7, 5, 18, 2, 2, 0),
        "k3s2p1": (2, 8, 6, 7, 3, 2, 1), "k3s2p1_odd": (1, 9, 7, 33, 3, 2, 1),
        "k3s2p1_ties": (2, 8, 8, 3, 3, 2, 1), "k2s2_ties": (2, 6, 6, 4, 2, 2, 0),
    }
    for name, (n, h, w, c, k, s, p) in maximum.items():
        x = normal(rng, n, h, w, c)
        if name.endswith("ties"):
            x = np.maximum(np.round(x), 0)  # as after a ReLU: many equal zeros
        dy = normal(rng, n, _output_size(h, k, s, p), _output_size(w, k, s, p), c)
        y, (dx,) = evaluate(lambda a: nhwc(F.max_pool2d(nchw(a), k, s, p)), [x], dy)
        put(out, f"max_pool2d/{name}", args=int64([k, s, p]), x=x, dy=dy, y=y, dx=dx)

    for name, (n, h, w, c) in {"4x4": (2, 4, 4, 24), "odd": (1, 3, 5, 7), "one_pixel": (3, 1, 1, 33)}.items():
        x, dy = normal(rng, n, h, w, c), normal(rng, n, c)
        y, (dx,) = evaluate(lambda a: a.mean(dim=(1, 2)), [x], dy)
        put(out, f"global_avg_pool/{name}", x=x, dy=dy, y=y, dx=dx)


def _adaptive_pools(rng, out):
    cases = {  # name: (N, H, W, C, side)
        "as_it_is": (1, 7, 7, 4, 7), "overlapping": (2, 5, 9, 6, 7), "halved": (1, 14, 10, 33, 7),
        "repeated": (2, 2, 3, 5, 7), "one_pixel": (2, 1, 1, 3, 7), "whole": (2, 4, 3, 5, 1), "side3": (1, 8, 2, 4, 3),
    }
    for name, (n, h, w, c, side) in cases.items():
        x, dy = normal(rng, n, h, w, c), normal(rng, n, c * side**2)
        y, (dx,) = evaluate(lambda a: F.adaptive_avg_pool2d(nchw(a), side).flatten(1), [x], dy)
        put(out, f"adaptive_avg_pool2d/{name}", args=int64([side]), x=x, dy=dy, y=y, dx=dx)


def _pointwise_and_rows(rng, out):
    for name, shape in {"nhwc": (2, 3, 5, 7), "batch1": (1, 33), "single": (1, 1)}.items():
        x, dy = normal(rng, *shape), normal(rng, *shape)
        x.reshape(-1)[::5] = 0
        y, (dx,) = evaluate(F.relu, [x], dy)
        put(out, f"relu/{name}", x=x, dy=dy, y=y, dx=dx)
        a, b = normal(rng, *shape), normal(rng, *shape)
        put(out, f"add/{name}", a=a, b=b, y=float64(a) + float64(b))

    for name, (n, c, scale) in {"c10": (6, 10, 2), "c100": (5, 100, 4), "batch1": (1, 7, 1),
                                "large": (4, 14, 60), "one_class": (3, 1, 1)}.items():
        x, dy = normal(rng, n, c, scale=scale), normal(rng, n, c)
        y, (dx,) = evaluate(lambda a: F.log_softmax(a, dim=1), [x], dy)
        put(out, f"log_softmax/{name}", x=x, dy=dy, y=y, dx=dx)
        targets = distribution(rng, n, c)
        t = float64(targets)
        value, (dlogits,) = evaluate(
            lambda a: -(t * F.log_softmax(a, dim=1)).sum(dim=1).mean(), [x], None)
        put(out, f"soft_cross_entropy/{name}", logits=x, targets=targets, value=value, dlogits=dlogits)

    for name, (n, d, scale) in {"d128": (6, 128, 1), "odd": (5, 13, 1), "batch1": (1, 3, 1),
                                "tiny": (3, 20, 1e-4), "huge": (3, 20, 1e4)}.items():
        x, dy = normal(rng, n, d, scale=scale), normal(rng, n, d)
        y, (dx,) = evaluate(lambda a: F.normalize(a, dim=1), [x], dy)
        put(out, f"l2_normalize/{name}", x=x, dy=dy, y=y, dx=dx)


def make():
    rng, out = np.random.default_rng(101), {}
    _convolutions(rng, out)
    _linear(rng, out)
    _batch_norm(rng, out, relu=False)
    _batch_norm(rng, out, relu=True)
    _pools(rng, out)
    _pointwise_and_rows(rng, out)
    _adaptive_pools(rng, out)
    return out
