"""losses.safetensors: every loss and target rule of tools/oracle/bpt_plr.py."""

import numpy as np
import torch
import torch.nn.functional as F

from common import distribution, evaluate, float64, int64, normal, put, scalar, uniform, unit_rows

import bpt_plr


def _classification(rng, out):
    shapes = {"c10": (8, 10, 2), "c100": (6, 100, 3), "batch1": (1, 10, 2), "odd": (7, 13, 1),
              "confident": (5, 10, 12), "two_classes": (3, 2, 1)}
    for name, (n, c, scale) in shapes.items():
        logits, targets = normal(rng, n, c, scale=scale), distribution(rng, n, c)
        labels = int64(rng.integers(0, c, n))
        y, t = torch.from_numpy(labels), float64(targets)

        value, (grad,) = evaluate(lambda z: bpt_plr.ce(z, y), [logits], None)
        put(out, f"ce/{name}", logits=logits, labels=labels, value=value, dlogits=grad,
            per_sample=F.cross_entropy(float64(logits), y, reduction="none"))
        for op in ("soft_ce", "l_u"):
            value, (grad,) = evaluate(lambda z: getattr(bpt_plr, op)(z, t), [logits], None)
            put(out, f"{op}/{name}", logits=logits, targets=targets, value=value, dlogits=grad)
        for op in ("neg_entropy", "penalty"):
            value, (grad,) = evaluate(getattr(bpt_plr, op), [logits], None)
            put(out, f"{op}/{name}", logits=logits, value=value, dlogits=grad)


def _top(rng, n, c, kappa):
    """Random distinct top classes of n samples."""
    return int64([rng.permutation(c)[:kappa] for _ in range(n)])


def _relaxed_cases(rng):
    """name -> (n, D, top, labels, tau)"""
    def labels(n, c):
        return int64(rng.integers(0, c, n))

    cases = {
        "c10_kappa3": (16, 128, _top(rng, 16, 10, 3), labels(16, 10), 1.0),
        "c10_kappa2_tau": (9, 20, _top(rng, 9, 10, 2), labels(9, 10), 0.3),
        "c100_kappa3": (16, 128, _top(rng, 16, 100, 3), labels(16, 100), 1.0),
        "c100_kappa1": (13, 33, _top(rng, 13, 100, 1), labels(13, 100), 1.0),
        "one_sample": (1, 16, _top(rng, 1, 10, 3), labels(1, 10), 1.0),
        "two_samples_disjoint": (2, 16, int64([[0, 1], [2, 3]]), int64([1, 4]), 1.0),
        # Joined only through their labels: 0 and 1 by label 5, and 2 by label 7 in 1's top.
        "joined_by_label": (4, 16, int64([[0, 1], [2, 7], [3, 4], [8, 9]]), int64([5, 5, 7, 6]), 1.0),
        # Sample 0's set {0, 3, 5, 7} meets all others: its two anchors have no negative.
        "anchor_without_negative": (5, 16, int64([[0, 3, 5], [0, 1, 2], [3, 4, 1], [5, 6, 8], [9, 8, 7]]),
                                    int64([7, 1, 4, 6, 9]), 1.0),
        "no_negative_at_all": (4, 16, int64([[0, 1], [0, 2], [0, 3], [4, 0]]), int64([1, 2, 3, 4]), 1.0),
        "duplicate_labels": (8, 24, int64([[c, (c + 1) % 10] for c in (0, 0, 3, 3, 3, 6, 8, 8)]),
                             int64([0, 0, 3, 3, 5, 5, 8, 8]), 1.0),
    }
    return cases


def _contrastive(rng, out):
    for name, (n, d, top, labels, tau) in _relaxed_cases(rng).items():
        features = unit_rows(rng, 2 * n, d)
        sets = bpt_plr.class_sets(torch.from_numpy(top), torch.from_numpy(labels))
        negatives = bpt_plr.negative_mask(sets).sum(dim=1).numpy()
        for op in ("plr", "flat_plr"):
            value, (grad,) = evaluate(lambda f: getattr(bpt_plr, op)(f, sets, tau), [features], None)
            put(out, f"{op}/{name}", features=features, top=top, labels=labels, tau=scalar(tau),
                value=value, dfeatures=grad, negatives=int64(negatives))

    for name, (n, d, temperature) in {"n16": (16, 128, 0.1), "odd": (7, 33, 0.1), "n2": (2, 8, 0.1),
                                      "one_sample": (1, 8, 0.1), "warm": (5, 20, 0.7)}.items():
        features = unit_rows(rng, 2 * n, d)
        for op in ("flat_nce", "info_nce"):
            value, (grad,) = evaluate(
                lambda f: getattr(bpt_plr, op)(f, temperature), [features], None)
            put(out, f"{op}/{name}", features=features, temperature=scalar(temperature),
                value=value, dfeatures=grad)


def _class_sets(rng, out):
    for name, (n, c, kappa) in {"c10_kappa3": (8, 10, 3), "c10_kappa2": (5, 10, 2), "c100_kappa3": (6, 100, 3),
                                "c100_kappa1": (4, 100, 1), "batch1": (1, 10, 3), "all_classes": (3, 3, 3)}.items():
        z, labels = normal(rng, n, c, scale=3), int64(rng.integers(0, c, n))
        top = bpt_plr.top_classes(torch.from_numpy(z), kappa)
        sets = bpt_plr.class_sets(top, torch.from_numpy(labels))
        member = int64([[int(k in s) for k in range(c)] for s in sets])
        put(out, f"class_sets/{name}", z=z, kappa=int64([kappa]), labels=labels,
            top=int64(top.numpy()), member=member)


def _targets(rng, out):
    for name, (n, c, temperature) in {"c10": (8, 10, 0.5), "c100": (5, 100, 0.5), "batch1": (1, 10, 0.5),
                                      "other_temperature": (4, 7, 0.3)}.items():
        # The parameter as the C++ code gets it, a float32, but used in double precision.
        t_arg = scalar(temperature)
        p = distribution(rng, n, c)
        put(out, f"sharpen/{name}", p=p, temperature=t_arg,
            y=bpt_plr.sharpen(float64(p), temperature))

        logits = {f"logits_{who}": normal(rng, n, c, scale=2) for who in ("k1", "k2", "j1", "j2")}
        guess, target = bpt_plr.co_guess(*(float64(z) for z in logits.values()), temperature)
        put(out, f"co_guess/{name}", temperature=t_arg, p=guess, t=target, **logits)

        own = {"logits_k1": logits["logits_k1"], "logits_k2": logits["logits_k2"]}
        labels, w = int64(rng.integers(0, c, n)), uniform(rng, 0, 1, n)
        w[0] = 1  # a surely clean sample keeps its label
        refined, target = bpt_plr.co_refine(
            *(float64(z) for z in own.values()), torch.from_numpy(labels), float64(w), temperature)
        put(out, f"co_refine/{name}", labels=labels, w=w, temperature=t_arg, p=refined, t=target, **own)

    for name, (m, h, w, c, l) in {"c10": (8, 6, 6, 10, 0.71), "c100": (4, 5, 3, 100, 0.5),
                                  "l_one": (4, 2, 2, 10, 1.0), "batch1": (1, 3, 3, 10, 0.9)}.items():
        images, targets, perm = normal(rng, m, h, w, 3), distribution(rng, m, c), int64(rng.permutation(m))
        weight = scalar(l)
        mixed, mixed_targets = bpt_plr.mixup(
            float64(images), float64(targets), torch.from_numpy(perm), float(weight[0]))
        put(out, f"mixup/{name}", a=images, targets=targets, perm=perm, l=weight,
            mixed=mixed, mixed_targets=mixed_targets)


def _lambda_ramp(out):
    cases = {"first": (25, 10, 0, 1000, 64, 10), "middle": (25, 17, 9, 1000, 64, 10),
             "last_iteration": (50, 25, 15, 1000, 64, 10), "saturated": (150, 60, 3, 777, 64, 30),
             "tiny_x": (30, 12, 0, 5, 64, 10), "zero": (0, 40, 2, 1000, 64, 10)}
    for name, (lambda_u, *args) in cases.items():
        put(out, f"lambda/{name}", args=int64(args), lambda_u=scalar(lambda_u),
            value=scalar(bpt_plr.lambda_u_ramp(lambda_u, *args)))


def make():
    rng, out = np.random.default_rng(202), {}
    _classification(rng, out)
    _contrastive(rng, out)
    _class_sets(rng, out)
    _targets(rng, out)
    _lambda_ramp(out)
    return out
