"""The fastest BPT-PLR iteration that we know how to write in PyTorch.

It computes what published.iteration computes, but
- network k sees its four weak views as one batch whose BatchNorm layers work on four groups, each
  with statistics of its own and an update of the running ones, in the same order;
- network j, which stays as it is, sees both of its views as one batch, in bfloat16 weights;
- activations are bfloat16 in channels_last memory, weights and statistics float32;
- torch.compile fuses what lies between convolutions, and one CUDA graph holds the whole iteration,
  from the drawing of views to the SGD step, so that the host does nothing but launch it;
- SGD is one fused kernel; losses are summed on the device and read when somebody asks.
Every one of these is an option, so that each can be switched off where it fails or does not pay.
"""

import contextlib
import copy
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from .losses import plr_loss, semi_supervised_terms, sharpen
from .published import TERMS

COMPILE_MODES = ("default", "reduce-overhead", "max-autotune")


@dataclass(frozen=True)
class Options:
    precision: str = "float32"  # float32, tf32 or bf16
    masters: bool = False       # bf16: weights in bfloat16 beside float32 masters, not autocast
    separate: bool = False      # forwards of k one after the other, as published
    compile: str = ""           # one of COMPILE_MODES; empty: eager
    graph: bool = False         # one CUDA graph of the whole iteration


class BatchNorm(nn.BatchNorm2d):
    """BatchNorm2d that takes its batch as `groups` batches, one after the other."""
    groups = 1

    def forward(self, x):
        # num_batches_tracked, which costs a kernel a layer, is not kept: nothing reads it.
        parts = [F.batch_norm(part, self.running_mean, self.running_var, self.weight, self.bias,
                              self.training, self.momentum, self.eps)
                 for part in (x.chunk(self.groups) if self.training else [x])]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _use_own_batch_norm(net):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = BatchNorm


def _twin(net, groups):
    """A network of the same parameters and buffers whose BatchNorm layers see `groups` batches."""
    twin = copy.deepcopy(net)
    for module, original in zip(twin.modules(), net.modules()):
        module._parameters, module._buffers = original._parameters, original._buffers
        if isinstance(module, BatchNorm):
            module.groups = groups
    return twin


def _convert_weights(net, dtype):
    """Convolutions and linear layers in `dtype`, BatchNorm in float32; returns the converted."""
    converted = [p for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))
                 for p in module.parameters(recurse=False)]
    for p in converted:
        p.data = p.data.to(dtype)
    return converted


def _fused_sgd(parameters, **hyper):
    for how in ({"fused": True}, {"foreach": True}):
        try:
            return torch.optim.SGD(parameters, **hyper, **how)
        except (TypeError, RuntimeError):  # this torch, or this device, has none
            continue
    return torch.optim.SGD(parameters, **hyper)


def _copy_all(targets, sources):
    if hasattr(torch, "_foreach_copy_"):
        torch._foreach_copy_(targets, sources)
    else:
        for target, source in zip(targets, sources):
            target.copy_(source)


class Strongest:
    """Trains network k on what `feed` hands out. Takes both networks over, on their device."""

    def __init__(self, net_k, net_j, feed, options, warmup=3, temperature=0.5, tau=1.0,
                 lr=0.02, momentum=0.9, weight_decay=5e-4):
        self.k, self.j, self.feed, self.options = net_k, net_j, feed, options
        self.temperature, self.tau = temperature, tau
        self.device = next(net_k.parameters()).device
        self._prepare_networks()
        with torch.no_grad():
            self.low = _convert_weights(self.k, torch.bfloat16) if options.masters else []
            low = set(self.low)
            masters = {p: p.detach().float().requires_grad_() for p in self.low}
            self.masters = list(masters.values())
            # In the order of the network's parameters.
            self.trained = [masters[p] if p in low else p for p in self.k.parameters()]
        self.k_grouped = _twin(self.k, 1 if options.separate else 4)
        self.optimiser = _fused_sgd(self.trained, lr=lr, momentum=momentum, weight_decay=weight_decay)
        self.sums = torch.zeros(len(TERMS), device=self.device)
        self.forward = self._forward
        if options.compile:
            self._compile()
        if options.graph and self.device.type != "cuda":
            raise RuntimeError("a CUDA graph needs a GPU; leave the option graph out")
        self._step = self._eager_step
        for _ in range(warmup):  # compiles, lets cuDNN choose, makes the momentum
            self._eager_step()
        if options.graph:
            self._capture()

    def _prepare_networks(self):
        for net in (self.k, self.j):
            net.to(memory_format=torch.channels_last)
            _use_own_batch_norm(net)
        self.k.train()
        self.j.eval().requires_grad_(False)
        if self.options.precision == "bf16":
            _convert_weights(self.j, torch.bfloat16)

    def _compile(self):
        if not hasattr(torch, "compile"):
            raise RuntimeError(f"torch {torch.__version__} has no torch.compile; use 2.0 or later")
        mode = self.options.compile
        if self.options.graph and mode == "max-autotune":
            mode = "max-autotune-no-cudagraphs"  # a graph cannot be captured within another
        how = {"mode": mode, "fullgraph": True, "dynamic": False}
        self.forward = torch.compile(self._forward, **how)
        self.feed.compile(**how)

    def _autocast(self):
        if self.options.precision != "bf16" or self.options.masters:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _probabilities(self, net, images):
        """[n,C] for each of n images, in float32."""
        return F.softmax(net.classify(images).float(), dim=1)

    def _targets(self, batch):
        """t_x and t_u, [B,C] each."""
        size = len(batch.labels)
        with torch.no_grad(), self._autocast():
            if self.options.separate:
                own = torch.cat([self._probabilities(self.k_grouped, view)
                                 for view in batch.weak.chunk(4)])
            else:
                own = self._probabilities(self.k_grouped, batch.weak)
        with torch.no_grad():
            u1, u2, x1, x2 = own.chunk(4)
            u3, u4 = self._probabilities(self.j, batch.weak[: 2 * size]).chunk(2)
            t_u = sharpen((u1 + u2 + u3 + u4) / 4, self.temperature)
            # Not F.one_hot, which may look at the labels on the host.
            classes = torch.arange(own.shape[1], device=own.device)
            labels = (batch.labels[:, None] == classes).float()
            w = batch.w[:, None]
            t_x = sharpen(w * labels + (1 - w) * (x1 + x2) / 2, self.temperature)
        return t_x, t_u

    def _forward(self, batch):
        """The total loss, and all terms as one tensor without gradient, in the order of TERMS."""
        size = len(batch.labels)
        t_x, t_u = self._targets(batch)
        targets = torch.cat([t_x, t_x, t_u, t_u])
        mix, perm = batch.mix, batch.perm
        mixed_targets = mix * targets + (1 - mix) * targets[perm]
        mixed = (mix * batch.strong + (1 - mix) * batch.strong[perm]).to(batch.strong.dtype)
        images = torch.cat([mixed, batch.strong])
        with self._autocast():
            h = self.k.features(images)
            logits = self.k.linear(h[: 4 * size])
            projections = self.k.projector(h[4 * size :])
        terms = semi_supervised_terms(logits.float(), mixed_targets, 2 * size)
        x3, x4, u3, u4 = F.normalize(projections.float(), dim=1).chunk(4)
        terms += (plr_loss(torch.cat([x3, u3, x4, u4]), batch.member, self.tau),)
        loss = terms[0] + batch.lam * terms[1] + terms[2] + terms[3]
        return loss, torch.stack([*terms, loss]).detach()

    def _update(self):
        if self.masters:
            for master, p in zip(self.masters, self.low):
                master.grad = p.grad.float()
        self.optimiser.step()
        if self.masters:
            with torch.no_grad():
                _copy_all(self.low, self.masters)

    def _eager_step(self):
        if self.options.compile == "reduce-overhead" and hasattr(torch, "compiler"):
            torch.compiler.cudagraph_mark_step_begin()
        self.k.zero_grad(set_to_none=True)
        loss, terms = self.forward(self.feed.next())
        loss.backward()
        self._update()
        self.sums += terms

    def _capture(self):
        """The whole iteration as one CUDA graph; everything that it touches stays where it is."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # what is set up on first use must not be captured
            for _ in range(2):
                self._eager_step()
        torch.cuda.current_stream().wait_stream(stream)
        self.k.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._eager_step()
        self._step = graph.replay

    def step(self):
        """One iteration, queued; nothing waits for it."""
        self._step()

    def take_sums(self):
        """Sums of the losses since the last call, named as in TERMS. Waits for the device."""
        sums = dict(zip(TERMS, self.sums.tolist()))
        self.sums.zero_()
        return sums

    @torch.no_grad()
    def load(self, k, j, momentum):
        """Sets weights, statistics and momentum, by name, in place; the feed starts again."""
        for net, state in ((self.k, k), (self.j, j)):
            for name, tensor in net.state_dict().items():
                if name in state:
                    tensor.copy_(state[name])
        names = [name for name, _ in self.k.named_parameters()]
        for name, p, trained in zip(names, self.k.parameters(), self.trained):
            if trained is not p:
                trained.copy_(k[name])
            self.optimiser.state[trained]["momentum_buffer"].copy_(momentum[name])
        self.feed.counter.zero_()
        self.sums.zero_()

    def state(self):
        """Weights (float32 ones) and running statistics of network k, by name."""
        names = [name for name, _ in self.k.named_parameters()]
        weights = {name: p.detach() for name, p in zip(names, self.trained)}
        return {**{name: p for name, p in self.k.named_buffers() if "running" in name}, **weights}
