"""PLReMix (Liu et al., WACV 2025, arXiv 2402.17589): a mixture over two losses divides the training
set; the pseudo-label relaxed contrastive loss joins MixMatch; prototypes follow the samples whose
prediction a self-adaptive threshold lets through.

docs/methods.md has the equations and where they come from.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

import bpt_plr
import mixture
import selection


def select(z, s, labels, initial_labels, threshold=0.5):
    """One selection pass of one network, from its logits z and prototype logits s [N,C]; its result
    trains the other one. No class is favoured, and no epoch but this one counts."""
    loss = selection.min_max(selection.cross_entropy(z, labels))
    loss_proto = selection.min_max(selection.cross_entropy(s, labels))
    w = mixture.clean_probability(np.stack([loss, loss_proto], axis=1), initial_labels)
    labelled, unlabelled = selection.divide(w > threshold)
    return {"loss": loss, "loss_proto": loss_proto, "w": w, "labelled": labelled, "unlabelled": unlabelled}


def batches(size_x, size_u, batch):
    """One pass over X in whole batches."""
    return selection.batches(size_x, size_u, batch, batch, keep_incomplete=False)


def training_iteration(net_k, net_j, optimiser, views, y, y_u, w, z_x, z_u, kappa, l, perm, lam,
                       temperature=0.5, tau=1.0, contrastive="flat_plr", lambda_c=1.0):
    """One iteration for network k; `views` has x1..x4 [B_x,3,H,W] and u1..u4 [B_u,3,H,W].

    After the forwards of bpt_plr.make_targets network k sees the mixture of the strong views, then
    [x3; u3; x4; u4] unmixed: two batches with statistics of their own, where BPT-PLR has one.
    """
    targets = bpt_plr.make_targets(net_k, net_j, views, y, w, temperature)
    _, mixed, mixed_targets = bpt_plr.mix_batch(views, "34", targets, perm, l)
    terms = bpt_plr.semi_supervised_terms(net_k.classify(mixed), mixed_targets, 2 * len(y))

    _, features = net_k(torch.cat([views[v] for v in ("x3", "u3", "x4", "u4")]))
    sets = bpt_plr.class_sets(bpt_plr.top_classes(torch.cat([z_x, z_u]), kappa), torch.cat([y, y_u]))
    loss = {"plr": bpt_plr.plr, "flat_plr": bpt_plr.flat_plr}[contrastive]
    terms["loss_plr"] = loss(features, sets, tau)
    terms["loss"] = (terms["loss_x"] + lam * terms["loss_u"] + terms["penalty"]
                     + lambda_c * terms["loss_plr"])
    return bpt_plr.take_step(optimiser, terms, targets)


class SelfAdaptiveThreshold:
    """Which predictions are sure enough, as FreeMatch (Wang et al., ICLR 2023) decides it.

    Both networks of a run move the same two averages, one after the other.
    """

    def __init__(self, num_classes, momentum=0.99):
        self.momentum = momentum
        self.confidence = 1 / num_classes  # moving mean of the largest probability
        self.share = torch.full((num_classes,), 1 / num_classes, dtype=torch.float64)  # of every class

    def pass_mask(self, z, s, epoch, num_epochs):
        """Booleans [N] after the averages have moved: largest probability of
        softmax((1 - a) s + a z) no smaller than the confidence, scaled down by how rare the
        predicted class is; a falls from 1 to 0 along a cosine over the epochs. And by how much
        each probability exceeds what it is compared with."""
        a = (1 + math.cos(math.pi * epoch / num_epochs)) / 2
        p = F.softmax((1 - a) * s + a * z, dim=1)
        best, label = p.max(dim=1)
        self.confidence = self.momentum * self.confidence + (1 - self.momentum) * float(best.mean())
        self.share = self.momentum * self.share + (1 - self.momentum) * p.mean(dim=0)
        surplus = best - self.confidence * (self.share / self.share.max())[label]
        return surplus >= 0, surplus


def update_prototypes(prototypes, q, z, mask, momentum=0.99):
    """Towards the class means of the samples in `mask`, with argmax z as class."""
    return bpt_plr.update_prototypes(prototypes, q[mask], z.argmax(dim=1)[mask], momentum)
