"""dividemix.safetensors: selection passes, iterations of an epoch and one training iteration."""

import numpy as np

from common import int64, put, scalar, uniform

import dividemix
import method_iterations
import mixture
import selection
from method_selections import labels_of, logits_of, require_decided

SEED = 1  # of the views, found by search for the ReLU margin


def put_mixture_start(out, prefix, logits, labels, history, average_over):
    """Where the mixture of a selection pass begins: as k-means would have it."""
    loss = selection.min_max(selection.cross_entropy(logits.astype(np.float64), labels))
    fitted = selection.mean_of_last([*history.astype(np.float64), loss], average_over)
    start = int64(mixture.two_means(fitted[:, None]))
    put(out, prefix, logits=logits, labels=labels, history=history, average_over=int64([average_over]),
        initial_labels=start, threshold=scalar(0.5))
    return start


def put_selection(out, prefix, chosen):
    put(out, prefix, loss=chosen["loss"].astype(np.float32), fitted=chosen["fitted"].astype(np.float32),
        w=chosen["w"], labelled=int64(chosen["labelled"]), unlabelled=int64(chosen["unlabelled"]))


def _selections(rng, out):
    # name: (samples, share of wrong labels, epochs before, epochs averaged over)
    cases = {"sym50": (150, 0.5, 0, 1), "clean": (100, 0.05, 2, 1), "sym90": (120, 0.85, 6, 5),
             "sym90_first_epochs": (90, 0.85, 2, 5), "sym90_no_history": (90, 0.8, 0, 5)}
    for name, (samples, wrong_share, epochs, average_over) in cases.items():
        labels, wrong = labels_of(rng, samples, wrong_share)
        logits = logits_of(rng, labels, wrong)
        history = uniform(rng, 0, 1, epochs, samples) * np.where(wrong, 1, 0.6).astype(np.float32)
        prefix = f"selection/{name}"
        start = put_mixture_start(out, prefix, logits, labels, history, average_over)
        chosen = dividemix.select(logits.astype(np.float64), labels, list(history.astype(np.float64)), start,
                                  average_over)
        require_decided(chosen["w"], 0.5, prefix)
        put_selection(out, prefix, chosen)


def put_batches(out, cases, batches):
    """cases: name -> arguments of `batches`."""
    for name, arguments in cases.items():
        put(out, f"batches/{name}", args=int64(arguments),
            iterations=int64(batches(*arguments)).reshape(-1, 3))


def make():
    rng, out = np.random.default_rng(909), {}
    _selections(rng, out)
    put_batches(out, {"more_u": (130, 300, 64), "less_u": (200, 90, 64), "small_x": (5, 300, 64),
                      "whole": (128, 128, 64)}, dividemix.batches)
    stored = method_iterations.inputs(SEED, numbers="12")
    training = method_iterations.mixmatch(dividemix.training_iteration)
    method_iterations.put_results(out, stored, {"dividemix": training})
    return out
