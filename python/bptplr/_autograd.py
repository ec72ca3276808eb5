"""PLR in PyTorch's autograd. Imported by the first call that needs it: PyTorch is optional."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from bptplr._plr import plr_loss_and_gradient


class PlrLoss(torch.autograd.Function):
    """Computes the gradient together with the value; the backward pass only scales it."""

    @staticmethod
    def forward(
        ctx: Any,
        features: torch.Tensor,
        class_sets: torch.Tensor | None,
        tau: float,
        flat: bool,
    ) -> torch.Tensor:
        loss, gradient = plr_loss_and_gradient(features, class_sets, tau, flat)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_output, None, None, None
