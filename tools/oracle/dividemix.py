"""DivideMix (Li, Socher, Hoi, ICLR 2020): a mixture over the loss of every sample divides the
training set, and each network learns by MixMatch from what the other one divided.

docs/methods.md has the equations and where they come from.
"""

import bpt_plr
import mixture
import selection


def select(logits, labels, history, initial_labels, average_over=1, threshold=0.5):
    """One selection pass of one network; its result trains the other one.

    `history`: the normalised losses [N] of earlier epochs, oldest first. `average_over`: epochs
    that the mean is taken over, 5 at noise rate 0.9. `initial_labels` [N]: where the mixture
    begins. The loss that goes into the history is normalised, the mean is not normalised again.
    """
    loss = selection.min_max(selection.cross_entropy(logits, labels))
    fitted = selection.mean_of_last([*history, loss], average_over)
    w = mixture.clean_probability(fitted[:, None], initial_labels)
    labelled, unlabelled = selection.divide(w > threshold)
    return {"loss": loss, "fitted": fitted, "w": w, "labelled": labelled, "unlabelled": unlabelled}


def batches(size_x, size_u, batch):
    """One pass over X, its last batch included however small."""
    return selection.batches(size_x, size_u, batch, batch, keep_incomplete=True)


def training_iteration(net_k, net_j, optimiser, views, y, w, l, perm, lam, temperature=0.5, trained="12"):
    """One iteration for network k; `views` has x1, x2 [B_x,3,H,W] and u1, u2 [B_u,3,H,W].

    The two weak views that gave the targets are mixed and trained on (`trained` names them), so
    after the forwards of bpt_plr.make_targets network k sees the mixture alone, as one batch.
    """
    targets = bpt_plr.make_targets(net_k, net_j, views, y, w, temperature)
    _, mixed, mixed_targets = bpt_plr.mix_batch(views, trained, targets, perm, l)
    terms = bpt_plr.semi_supervised_terms(net_k.classify(mixed), mixed_targets, 2 * len(y))
    terms["loss"] = terms["loss_x"] + lam * terms["loss_u"] + terms["penalty"]
    return bpt_plr.take_step(optimiser, terms, targets)
