"""plremix.safetensors: selection passes, the self-adaptive threshold with the prototypes that it
moves, iterations of an epoch and training iterations."""

import numpy as np

from common import float64, int64, put, scalar, unit_rows

import method_iterations
import mixture
import plremix
import selection
from make_dividemix import put_batches
from method_selections import labels_of, logits_of, require_decided

SEED = 1  # of the views, found by search for the ReLU margin


def _selections(rng, out):
    for name, (samples, wrong_share) in {"sym20": (80, 0.2), "sym50": (100, 0.5), "sym90": (80, 0.85)}.items():
        labels, wrong = labels_of(rng, samples, wrong_share)
        z, s = logits_of(rng, labels, wrong), logits_of(rng, labels, wrong, scale=4.0)
        losses = [selection.min_max(selection.cross_entropy(logits.astype(np.float64), labels))
                  for logits in (z, s)]
        start = int64(mixture.two_means(np.stack(losses, axis=1)))
        chosen = plremix.select(z.astype(np.float64), s.astype(np.float64), labels, start)
        prefix = f"selection/{name}"
        require_decided(chosen["w"], 0.5, prefix)
        put(out, prefix, z=z, s=s, labels=labels, initial_labels=start, threshold=scalar(0.5),
            loss=chosen["loss"].astype(np.float32), loss_proto=chosen["loss_proto"].astype(np.float32),
            w=chosen["w"], labelled=int64(chosen["labelled"]), unlabelled=int64(chosen["unlabelled"]))


def _thresholds(rng, out):
    """Four updates in a row by one threshold, as two epochs of two networks make them. The momentum
    is low: with 0.99 the confidence stays near 1 / C for long, where every sample passes."""
    classes, dim, num_epochs, momentum = 6, 8, 400, 0.5
    threshold = plremix.SelfAdaptiveThreshold(classes, momentum)
    for update, epoch in enumerate((10, 10, 200, 399)):
        labels, wrong = labels_of(rng, 40, 0.5)
        z, s = logits_of(rng, labels, wrong), logits_of(rng, labels, wrong)
        prototypes, q = unit_rows(rng, classes, dim), unit_rows(rng, 40, dim)
        prefix = f"threshold/{update}"
        put(out, prefix, z=z, s=s, q=q, prototypes=prototypes, epoch=int64([epoch]),
            num_epochs=int64([num_epochs]), momentum=scalar(momentum), proto_momentum=scalar(0.99))
        mask, surplus = threshold.pass_mask(float64(z), float64(s), epoch, num_epochs)
        require_decided(surplus.numpy(), 0, prefix)
        after = plremix.update_prototypes(float64(prototypes), float64(q), float64(z), mask)
        put(out, prefix, confidence=np.asarray([threshold.confidence]), share=threshold.share.numpy().copy(),
            mask=int64(mask.numpy()), prototypes_after=after)


def _training(contrastive):
    def iterate(net_k, net_j, optimiser, tensor, views, labels):
        return plremix.training_iteration(
            net_k, net_j, optimiser, views, labels["y"], labels["y_u"], tensor("w"), tensor("z_x"),
            tensor("z_u"), method_iterations.KAPPA, method_iterations.SETTINGS["l"], labels["perm"],
            method_iterations.SETTINGS["lambda"], method_iterations.SETTINGS["temperature"],
            contrastive=contrastive)
    return iterate


def make():
    rng, out = np.random.default_rng(912), {}
    _selections(rng, out)
    _thresholds(rng, out)
    put_batches(out, {"more_u": (130, 300, 64), "less_u": (200, 90, 64), "small_x": (5, 300, 64),
                      "small_u": (300, 5, 64)}, plremix.batches)
    method_iterations.put_results(out, method_iterations.inputs(SEED, class_sets=True),
                                  {name: _training(name) for name in ("flat_plr", "plr")})
    return out
