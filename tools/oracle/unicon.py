"""UNICON (Karim et al., CVPR 2022): the same number of samples of every class is trusted, those on
whose label both networks agree best; SimCLR on the rest.

docs/methods.md has the equations and where they come from.
"""

import numpy as np
import torch

import bpt_plr
import selection

# The published script keeps the logarithms of the divergence finite by this.
EPSILON = 1e-10


def jensen_shannon(p, labels, log_base=np.e):
    """d_i [N]: Jensen-Shannon divergence between p_i and the one-hot label, at most log 2."""
    one_hot = np.eye(p.shape[1])[labels]
    middle = (p + one_hot) / 2

    def kl(a):
        return (a * np.log((a + EPSILON) / (middle + EPSILON))).sum(axis=1)

    return (kl(p) + kl(one_hot)) / 2 / np.log(log_base)


def cut_off(distance, d_mu=0.7, tau=5.0):
    """d_cut: the mean distance, lowered by 1/tau of its way to the smallest one above d_mu."""
    mean = distance.mean()
    return mean - (mean - distance.min()) / tau if mean > d_mu else mean


def select(logits_1, logits_2, labels, d_mu=0.7, tau=5.0, log_base=np.e, trust_below=0.5):
    """The selection that both networks train on, made of both.

    `below` = R N is how many distances lie below the cut-off, R the filter rate; a class gets the
    floor(R N / C) samples nearest to their label. w_i = 1 where d_i < `trust_below`, else 1 - d_i.
    """
    p = (selection.softmax(logits_1) + selection.softmax(logits_2)) / 2
    distance = jensen_shannon(p, labels, log_base)
    limit = cut_off(distance, d_mu, tau)
    below = int((distance < limit).sum())
    budget = below // p.shape[1]
    labelled, unlabelled = selection.divide(
        selection.smallest_per_class(distance, labels, p.shape[1], budget))
    w = np.where(distance < trust_below, 1.0, 1.0 - distance)
    return {"distance": distance, "cut_off": limit, "below": below, "budget": budget, "w": w,
            "labelled": labelled, "unlabelled": unlabelled}


def batches(size_x, size_u, batch, below):
    """One pass over X in whole batches; beside each floor(B / (2 R)) samples of U, R the share of
    the samples below the cut-off."""
    samples = size_x + size_u
    return selection.batches(size_x, size_u, batch, batch * samples // (2 * below), keep_incomplete=False)


def training_iteration(net_k, net_j, optimiser, views, y, w, l, perm, lam, temperature=0.5,
                       lambda_c=0.025, contrast_temperature=0.05):
    """One iteration for network k; `views` has x1..x4 [B_x,3,H,W] and u1..u4 [B_u,3,H,W].

    After the forwards of bpt_plr.make_targets network k sees u3, then u4, then the mixture of the
    strong views: three batches with statistics and gradients of their own.
    """
    targets = bpt_plr.make_targets(net_k, net_j, views, y, w, temperature)
    projections = [net_k(views[v])[1] for v in ("u3", "u4")]
    contrast = bpt_plr.info_nce(torch.cat(projections), contrast_temperature)

    _, mixed, mixed_targets = bpt_plr.mix_batch(views, "34", targets, perm, l)
    terms = bpt_plr.semi_supervised_terms(net_k.classify(mixed), mixed_targets, 2 * len(y))
    terms["loss_simclr"] = contrast
    terms["loss"] = (terms["loss_x"] + lam * terms["loss_u"] + lambda_c * terms["loss_simclr"]
                     + terms["penalty"])
    return bpt_plr.take_step(optimiser, terms, targets)
