"""The losses and target rules of an iteration, vectorised: no loop over samples, no host.

Shapes as in tools/oracle/bpt_plr.py: logits [N,C]; contrastive features [2n,D] with unit rows, one
view of n samples and then another view of the same.
"""

import torch
import torch.nn.functional as F


def sharpen(p, temperature):
    p = p ** (1 / temperature)
    return p / p.sum(dim=1, keepdim=True)


def class_membership(logits, labels, kappa):
    """[n,C] 0/1: the kappa classes with the largest logits united with the noisy label."""
    top = torch.topk(logits, kappa, dim=1).indices
    return torch.zeros_like(logits).scatter_(1, top, 1).scatter_(1, labels[:, None], 1)


def plr_loss(features, member, tau=1.0):
    """Pseudo-label relaxed contrastive loss of 2n anchors; `member` [n,C] as class_membership."""
    n = len(member)
    disjoint = member @ member.t() == 0
    anchor = torch.arange(2 * n, device=features.device)
    positive = (anchor + n) % (2 * n)
    keep = disjoint.repeat(2, 2) | (anchor[None, :] == positive[:, None])
    similarity = features @ features.t() / tau
    partition = torch.logsumexp(similarity.masked_fill(~keep, float("-inf")), dim=1)
    return (partition - similarity.gather(1, positive[:, None])[:, 0]).mean()


def semi_supervised_terms(logits, targets, rows_x):
    """(L_X over the first rows_x mixed samples, L_U over the others, R over all)."""
    log_p = F.log_softmax(logits, dim=1)
    p = log_p.exp()
    loss_x = -(targets[:rows_x] * log_p[:rows_x]).sum(dim=1).mean()
    loss_u = ((p[rows_x:] - targets[rows_x:]) ** 2).mean()
    prior = 1 / logits.shape[1]
    penalty = (prior * torch.log(prior / p.mean(dim=0))).sum()
    return loss_x, loss_u, penalty
