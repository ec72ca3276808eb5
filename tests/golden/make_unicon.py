"""unicon.safetensors: distances, selection passes, iterations of an epoch and a training iteration."""

import numpy as np

from common import int64, put

import method_iterations
import selection
import unicon
from make_dividemix import put_batches
from method_selections import labels_of, logits_of, require_decided, require_ranked

SEED = 1  # of the views, found by search for the ReLU margin


def _distances(rng, out):
    for name, scale in {"unsure": 0.5, "usual": 3.0, "sure": 20.0}.items():
        labels = int64(rng.integers(0, 10, 24))
        p = selection.softmax(rng.standard_normal((24, 10)) * scale).astype(np.float32)
        put(out, f"distance/{name}", p=p, labels=labels,
            nats=unicon.jensen_shannon(p.astype(np.float64), labels),
            bits=unicon.jensen_shannon(p.astype(np.float64), labels, log_base=2))


def _selections(rng, out):
    # name: (samples, share of wrong labels, sureness, base of the logarithm)
    cases = {"sym50": (120, 0.5, 3.0, np.e), "sym50_bits": (100, 0.5, 3.0, 2.0), "sym90": (90, 0.85, 3.0, np.e),
             # The mean distance exceeds d_mu, which lowers the cut-off.
             "sym90_bits": (90, 0.97, 6.0, 2.0), "clean": (60, 0.05, 3.0, np.e)}
    for name, (samples, wrong_share, scale, log_base) in cases.items():
        labels, wrong = labels_of(rng, samples, wrong_share)
        logits_1, logits_2 = (logits_of(rng, labels, wrong, scale) for _ in range(2))
        chosen = unicon.select(logits_1.astype(np.float64), logits_2.astype(np.float64), labels,
                               log_base=log_base)
        prefix = f"selection/{name}"
        require_decided(chosen["distance"], chosen["cut_off"], prefix)
        require_decided(chosen["distance"], 0.5, prefix)
        require_ranked(chosen["distance"], labels, chosen["labelled"], prefix)
        if (chosen["cut_off"] < chosen["distance"].mean()) != (name == "sym90_bits"):
            raise RuntimeError(f"{prefix}: only the cut-off of sym90_bits is to be lowered")
        settings = {"d_mu": 0.7, "tau": 5.0, "log_base": log_base, "cut_off": chosen["cut_off"]}
        put(out, prefix, logits_1=logits_1, logits_2=logits_2, labels=labels,
            **{key: np.asarray([value], dtype=np.float64) for key, value in settings.items()},
            distance=chosen["distance"], w=chosen["w"].astype(np.float32),
            below=int64([chosen["below"]]), budget=int64([chosen["budget"]]),
            labelled=int64(chosen["labelled"]), unlabelled=int64(chosen["unlabelled"]))


def make():
    rng, out = np.random.default_rng(911), {}
    _distances(rng, out)
    _selections(rng, out)
    put_batches(out, {"half": (500, 500, 64, 500), "third": (320, 680, 64, 320), "most": (800, 200, 64, 803),
                      "few_u": (900, 100, 64, 905), "none": (30, 970, 64, 30)}, unicon.batches)
    training = method_iterations.mixmatch(unicon.training_iteration)
    method_iterations.put_results(out, method_iterations.inputs(SEED), {"unicon": training})
    return out
