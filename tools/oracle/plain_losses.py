"""Losses of two baselines that train one network on all noisy labels."""

import torch.nn.functional as F

import bpt_plr


def gce(logits, labels, q=0.7):
    """Generalised cross-entropy (Zhang and Sabuncu, NeurIPS 2018): mean_i (1 - p_i(y_i)^q) / q.

    It goes from cross-entropy (q -> 0) to 1 - p (q = 1), which a wrong label pulls at less.
    """
    log_p = F.log_softmax(logits, dim=1).gather(1, labels[:, None])
    return ((1 - (q * log_p).exp()) / q).mean()


def mixup_ce(logits, labels, perm, l):
    """MixUp (Zhang et al., ICLR 2018): cross-entropy with mixed labels, of logits of mixed images."""
    one_hot = F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return bpt_plr.soft_ce(logits, l * one_hot + (1 - l) * one_hot[perm])
