"""The losses, the training iteration and the prototype update of BPT-PLR, said plainly.

An oracle: clarity and independence from the C++ code come before speed, so masks are
built pair by pair and everything else is left to PyTorch's autograd. Step numbers are
those of the method's description in docs/.

Conventions: logits [N,C]; contrastive features [2n,D] with unit rows, rows 0..n-1 one view
of n samples and rows n..2n-1 another view of the same samples, so that the positive of
anchor a is a + n or a - n.
"""

import numpy as np
import torch
import torch.nn.functional as F

# ---- classification losses -------------------------------------------------------------

def ce(logits, labels):
    """Mean over i of -log softmax(z_i)[y_i]."""
    return F.cross_entropy(logits, labels)


def soft_ce(logits, targets):
    """Mean over i of -sum_c t_ic log softmax(z_i)_c."""
    return -(targets * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


def neg_entropy(logits):
    """Mean over i of sum_c p_ic log p_ic: punishes confidence (asymmetric warm-up)."""
    log_p = F.log_softmax(logits, dim=1)
    return (log_p.exp() * log_p).sum(dim=1).mean()


def l_u(logits, targets):
    """Squared error of probabilities, mean over all N * C elements."""
    return ((F.softmax(logits, dim=1) - targets) ** 2).mean()


def penalty(logits):
    """KL(uniform || mean prediction): sum_c (1/C) log((1/C) / mean_i p_ic)."""
    mean_p = F.softmax(logits, dim=1).mean(dim=0)
    prior = 1 / logits.shape[1]
    return (prior * torch.log(prior / mean_p)).sum()


def lambda_u_ramp(lambda_u, epoch, iteration, size_x, batch_size, warmup_epochs):
    """lambda_u * clip((e + b / num_iter - W) / 16, 0, 1), num_iter = floor(|X| / B) + 1."""
    num_iter = size_x // batch_size + 1
    return lambda_u * float(np.clip((epoch + iteration / num_iter - warmup_epochs) / 16, 0, 1))


# ---- contrastive losses ----------------------------------------------------------------

def top_classes(logits, kappa):
    """[n, kappa] classes with the largest logits, largest first."""
    return torch.topk(logits, kappa, dim=1).indices


def class_sets(top, labels):
    """Class set of every sample: its top classes united with its noisy label."""
    return [set(row) | {label} for row, label in zip(top.tolist(), labels.tolist())]


def negative_mask(sets):
    """[2n, 2n] booleans: do the samples behind rows a and b have disjoint class sets?

    A row's own sample, and so itself and its positive, always shares its set.
    """
    n = len(sets)
    mask = torch.zeros(2 * n, 2 * n, dtype=torch.bool)
    for a in range(2 * n):
        for b in range(2 * n):
            mask[a, b] = sets[a % n].isdisjoint(sets[b % n])
    return mask


def _positive(count):
    """Row of the other view of every anchor."""
    n = count // 2
    return torch.tensor([a + n if a < n else a - n for a in range(count)])


def _flat(similarities, negatives):
    """FlatNCE (Chen et al. 2021) over anchors with a negative: value 1, the gradient of
    v_a = logsumexp over negatives b of (f_a.f_b - f_a.f_pos), here already over tau."""
    count = len(similarities)
    terms = []
    for a, pos in enumerate(_positive(count).tolist()):
        if negatives[a].any():
            v = torch.logsumexp(similarities[a][negatives[a]] - similarities[a, pos], dim=0)
            terms.append(torch.exp(v - v.detach()))
    # Without a single negative there is nothing to learn from: 0 with a zero gradient.
    return torch.stack(terms).mean() if terms else similarities.sum() * 0


def _softmax_contrast(similarities, negatives):
    """Mean over all anchors of -s_pos + log(sum over pos and negatives of exp s)."""
    count = len(similarities)
    terms = []
    for a, pos in enumerate(_positive(count).tolist()):
        kept = negatives[a].clone()
        kept[pos] = True
        terms.append(torch.logsumexp(similarities[a][kept], dim=0) - similarities[a, pos])
    return torch.stack(terms).mean()


def plr(features, sets, tau=1.0):
    """Pseudo-label relaxed contrastive loss; an anchor without negatives contributes 0."""
    return _softmax_contrast(features @ features.t() / tau, negative_mask(sets))


def flat_plr(features, sets, tau=1.0):
    """FlatNCE form of `plr`; anchors without negatives are left out of the mean."""
    return _flat(features @ features.t() / tau, negative_mask(sets))


def _all_other_samples(count):
    """Negatives of instance discrimination: everything but the anchor and its positive."""
    mask = ~torch.eye(count, dtype=torch.bool)
    mask[torch.arange(count), _positive(count)] = False
    return mask


def flat_nce(features, temperature=0.1):
    """Warm-up contrast of the paper preset."""
    return _flat(features @ features.t() / temperature, _all_other_samples(len(features)))


def info_nce(features, temperature=0.1):
    """Cross-entropy with the positive as the right class among all other rows."""
    return _softmax_contrast(features @ features.t() / temperature, _all_other_samples(len(features)))


# ---- targets ---------------------------------------------------------------------------

def sharpen(p, temperature=0.5):
    powered = p ** (1 / temperature)
    return powered / powered.sum(dim=1, keepdim=True)


def co_guess(logits_k1, logits_k2, logits_j1, logits_j2, temperature=0.5):
    """(p_u, t_u): mean prediction of both networks over both weak views, and sharpened."""
    p = sum(F.softmax(z, dim=1) for z in (logits_k1, logits_k2, logits_j1, logits_j2)) / 4
    return p, sharpen(p, temperature)


def co_refine(logits_k1, logits_k2, labels, w, temperature=0.5):
    """(p_x, t_x): noisy label and own prediction weighed by the clean probability w."""
    guess = (F.softmax(logits_k1, dim=1) + F.softmax(logits_k2, dim=1)) / 2
    one_hot = F.one_hot(labels, guess.shape[1]).to(guess.dtype)
    p = w[:, None] * one_hot + (1 - w[:, None]) * guess
    return p, sharpen(p, temperature)


def mixup(images, targets, perm, l):
    return l * images + (1 - l) * images[perm], l * targets + (1 - l) * targets[perm]


# ---- iterations ------------------------------------------------------------------------

def warmup_iteration(net, optimiser, weak, strong1, strong2, labels, asymmetric=True,
                     contrastive="flat_nce", temperature=0.1):
    """One warm-up step. Forwards in train mode: weak, then one of [strong1; strong2]."""
    net.train()
    optimiser.zero_grad()
    logits = net.classify(weak)
    terms = {"loss_ce": ce(logits, labels), "neg_entropy": neg_entropy(logits)}
    (terms["loss_ce"] + (terms["neg_entropy"] if asymmetric else 0)).backward()
    if contrastive != "none":
        _, q = net(torch.cat([strong1, strong2]))
        loss = {"flat_nce": flat_nce, "info_nce": info_nce}[contrastive](q, temperature)
        loss.backward()
        terms["contrastive"] = loss
    optimiser.step()
    return {name: value.detach() for name, value in terms.items()}


def make_targets(net_k, net_j, views, y, w, temperature=0.5):
    """Targets of a batch from its weak views x1, x2, u1, u2: p_u, t_u, p_x, t_x.

    Network k, in train mode, sees u1, u2, x1, x2 in this order, each normalised by its own batch
    statistics and each moving the running statistics once; network j is in eval mode.
    """
    net_k.train()
    net_j.eval()
    with torch.no_grad():
        k_u1, k_u2, k_x1, k_x2 = [net_k.classify(views[v]) for v in ("u1", "u2", "x1", "x2")]
        j_u1, j_u2 = net_j.classify(views["u1"]), net_j.classify(views["u2"])
        p_u, t_u = co_guess(k_u1, k_u2, j_u1, j_u2, temperature)
        p_x, t_x = co_refine(k_x1, k_x2, y, w, temperature)
    return {"p_u": p_u, "t_u": t_u, "p_x": p_x, "t_x": t_x}


def mix_batch(views, trained, targets, perm, l):
    """A, mixed A and its targets; A = the two views `trained` of X, then those of U."""
    t_x, t_u = targets["t_x"], targets["t_u"]
    a = torch.cat([views[side + number] for side in "xu" for number in trained])
    return a, *mixup(a, torch.cat([t_x, t_x, t_u, t_u]), perm, l)


def semi_supervised_terms(logits, targets, labelled):
    """L_X over the first `labelled` rows, L_U over the others, R over all."""
    return {
        "loss_x": soft_ce(logits[:labelled], targets[:labelled]),
        "loss_u": l_u(logits[labelled:], targets[labelled:]),
        "penalty": penalty(logits),
    }


def take_step(optimiser, terms, targets):
    """One SGD step on terms["loss"]; returns the values of all terms and targets."""
    optimiser.zero_grad()
    terms["loss"].backward()
    optimiser.step()
    return {name: value.detach() for name, value in {**terms, **targets}.items()}


def training_iteration(net_k, net_j, optimiser, views, y, y_u, w, z_x, z_u, kappa, l, perm, lam,
                       temperature=0.5, tau=1.0, contrastive="plr"):
    """One iteration of step 5 for network k; `views` has x1..x4 and u1..u4, [B,3,H,W] each.

    After the forwards of make_targets network k sees [mixed; A] as one batch.
    """
    targets = make_targets(net_k, net_j, views, y, w, temperature)
    batch = len(y)
    a, mixed, mixed_targets = mix_batch(views, "34", targets, perm, l)
    logits, projections = net_k(torch.cat([mixed, a]))
    logits, projections = logits[: 4 * batch], projections[4 * batch :]

    x3, x4, u3, u4 = projections.split(batch)
    features = torch.cat([x3, u3, x4, u4])
    sets = class_sets(top_classes(torch.cat([z_x, z_u]), kappa), torch.cat([y, y_u]))
    terms = semi_supervised_terms(logits, mixed_targets, 2 * batch)
    terms["loss_plr"] = {"plr": plr, "flat_plr": flat_plr}[contrastive](features, sets, tau)
    terms["loss"] = terms["loss_x"] + lam * terms["loss_u"] + terms["penalty"] + terms["loss_plr"]
    return take_step(optimiser, terms, targets)


# ---- prototypes ------------------------------------------------------------------------

def initial_prototypes(q, labels, num_classes):
    """P_c = normalize(mean of q with label c)."""
    rows = []
    for c in range(num_classes):
        if not (labels == c).any():
            raise ValueError(f"class {c} has no sample")
        rows.append(q[labels == c].mean(dim=0))
    return F.normalize(torch.stack(rows), dim=1)


def pseudo_labels(s, z, threshold=0.8):
    """argmax of the mean of both softmaxes where it exceeds the threshold, else argmax z."""
    best, label = ((F.softmax(s, dim=1) + F.softmax(z, dim=1)) / 2).max(dim=1)
    return torch.where(best > threshold, label, z.argmax(dim=1))


def update_prototypes(prototypes, q, pseudo, momentum=0.99):
    """Exponential moving average towards the class means; classes without samples stay."""
    updated = prototypes.clone()
    for c in range(len(prototypes)):
        if (pseudo == c).any():
            mean = F.normalize(q[pseudo == c].mean(dim=0), dim=0)
            updated[c] = F.normalize(momentum * prototypes[c] + (1 - momentum) * mean, dim=0)
    return updated
