"""longremix.safetensors: the high-confidence set, selection passes of both stages, iterations of
an epoch. Its training iteration is that of dividemix.safetensors."""

import numpy as np

from common import int64, put

import longremix
from make_dividemix import put_batches, put_mixture_start, put_selection
from method_selections import labels_of, logits_of, require_decided


def _sets(rng, out):
    # name: (epochs, samples, share called clean in an epoch, run length, last epochs)
    cases = {"run_of_5": (12, 80, 0.8, 5, 6), "run_of_1": (4, 40, 0.5, 1, 150), "fewer_epochs": (3, 30, 0.7, 5, 2)}
    for name, (epochs, samples, share, run_length, last) in cases.items():
        clean = rng.random((epochs, samples)) < share
        sets = np.stack([longremix.high_confidence(clean[: e + 1], run_length) for e in range(epochs)])
        put(out, f"sets/{name}", clean=int64(clean), run_length=int64([run_length]), last=int64([last]),
            confident=int64(sets), largest=int64(longremix.largest_set(sets, last)))


def _selections(rng, out):
    for name, (samples, wrong_share) in {"sym50": (150, 0.5), "sym90": (120, 0.85)}.items():
        labels, wrong = labels_of(rng, samples, wrong_share)
        logits, history = logits_of(rng, labels, wrong), np.zeros((0, samples), dtype=np.float32)
        for stage in ("first", "second"):
            prefix = f"{stage}/{name}"
            start = put_mixture_start(out, prefix, logits, labels, history, 1)
            if stage == "first":
                earlier = rng.random((4, samples)) < 0.9
                put(out, prefix, clean_history=int64(earlier), run_length=int64([5]))
                chosen = longremix.select_first_stage(logits.astype(np.float64), labels, [], earlier, start)
                put(out, prefix, clean=int64(chosen["clean"]))
            else:
                confident = rng.random(samples) < 0.2
                put(out, prefix, confident=int64(confident))
                chosen = longremix.select_second_stage(logits.astype(np.float64), labels, [], confident, start)
            require_decided(chosen["w"], 0.5, prefix)
            put_selection(out, prefix, chosen)


def make():
    rng, out = np.random.default_rng(910), {}
    _sets(rng, out)
    _selections(rng, out)
    put_batches(out, {"more_u": (130, 300, 64), "less_u": (200, 90, 64), "small_x": (5, 300, 64),
                      "whole": (128, 128, 64)}, longremix.second_stage_batches)
    return out
