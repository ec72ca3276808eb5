"""One iteration as the published script runs it: eager PyTorch, one launch after the other.

Kept from the script: six separate no-grad forwards, class sets by top-k in every iteration, plain
SGD, a permutation drawn on the host, and three losses read every time, which waits for the GPU.
The views are arguments, so whoever times it decides whether making them counts.
"""

import contextlib

import torch
import torch.nn.functional as F

from .losses import class_membership, plr_loss, semi_supervised_terms, sharpen

TERMS = ("loss_x", "loss_u", "penalty", "loss_plr", "loss")
PRINTED = ("loss_x", "loss_u", "loss_plr")  # by the script, in every iteration


def iteration(net_k, net_j, optimiser, views, y, y_u, w, z, kappa, mix, perm, lam,
              temperature=0.5, tau=1.0, autocast=contextlib.nullcontext):
    """Trains `net_k` one step and returns the losses named in TERMS.

    views: x1..x4, u1..u4 [B,3,H,W]; y, y_u [B] noisy labels; w [B]; z [2B,C] kept logits of the X
    and the U samples; mix: MixUp's l; perm [4B], on the host as in the script or not; lam: the
    weight of L_U. `autocast` makes the context that a forward runs in.
    """
    net_k.train()
    net_j.eval()
    size, classes = len(y), z.shape[1]
    labels = F.one_hot(y, classes).float()
    weight = w[:, None]

    def predict(net, view):
        return torch.softmax(net.classify(views[view]).float(), dim=1)

    with torch.no_grad(), autocast():
        p_u = (predict(net_k, "u1") + predict(net_k, "u2")
               + predict(net_j, "u1") + predict(net_j, "u2")) / 4
        t_u = sharpen(p_u, temperature)
        p_x = (predict(net_k, "x1") + predict(net_k, "x2")) / 2
        t_x = sharpen(weight * labels + (1 - weight) * p_x, temperature)

    images = torch.cat([views["x3"], views["x4"], views["u3"], views["u4"]])
    targets = torch.cat([t_x, t_x, t_u, t_u])
    mixed = mix * images + (1 - mix) * images[perm]
    mixed_targets = mix * targets + (1 - mix) * targets[perm]

    with autocast():
        logits, projections = net_k(torch.cat([mixed, images]))
    logits, projections = logits[: 4 * size].float(), projections[4 * size :].float()
    loss_x, loss_u, penalty = semi_supervised_terms(logits, mixed_targets, 2 * size)
    x3, x4, u3, u4 = projections.chunk(4)
    member = class_membership(z, torch.cat([y, y_u]), kappa)
    loss_plr = plr_loss(torch.cat([x3, u3, x4, u4]), member, tau)
    loss = loss_x + lam * loss_u + penalty + loss_plr

    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    terms = dict(zip(TERMS, (loss_x, loss_u, penalty, loss_plr, loss)))
    return {name: value.item() if name in PRINTED else value.detach() for name, value in terms.items()}
