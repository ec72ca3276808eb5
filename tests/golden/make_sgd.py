"""sgd.safetensors: PyTorch's SGD with momentum and weight decay, and learning-rate schedules."""

import math

import numpy as np
import torch

from common import float32, float64, normal, put


def _steps(rng, out):
    momentum, weight_decay = 0.9, 5e-4
    lrs = [0.02, 0.02, 0.019, 0.017, 0.015, 0.01, 0.01, 0.001, 0.0005, 0.0002]
    start = {"a": normal(rng, 5, 3, 3, 3), "b": normal(rng, 7)}
    grads = {name: normal(rng, len(lrs), *p.shape) for name, p in start.items()}

    parameters = {name: torch.nn.Parameter(float64(p)) for name, p in start.items()}
    optimiser = torch.optim.SGD(parameters.values(), lr=lrs[0], momentum=momentum, weight_decay=weight_decay)
    history = {name: ([], []) for name in start}
    for step, lr in enumerate(lrs):
        optimiser.param_groups[0]["lr"] = lr
        for name, p in parameters.items():
            p.grad = float64(grads[name][step])
        optimiser.step()
        for name, p in parameters.items():
            history[name][0].append(float32(p))
            history[name][1].append(float32(optimiser.state[p]["momentum_buffer"]))

    for name in start:
        put(out, f"sgd/{name}", p0=start[name], grads=grads[name],
            p=np.stack(history[name][0]), momentum=np.stack(history[name][1]))
    put(out, "sgd", lr=np.asarray(lrs), hyper=np.asarray([momentum, weight_decay]))


def _schedule(epochs, make_scheduler, lr):
    """Learning rate in force during each epoch, the scheduler stepped after each."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=lr)
    scheduler = make_scheduler(optimiser)
    values = []
    for _ in range(epochs):
        values.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return np.asarray(values)


def _schedules(out):
    lr, t_max = 0.02, 380
    eta_min = lr / 100
    cosine = _schedule(
        401, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=t_max, eta_min=eta_min), lr)
    closed = np.asarray([eta_min + (lr - eta_min) * (1 + math.cos(math.pi * e / t_max)) / 2
                         for e in range(401)])

    def animal_factor(e):
        return 1 if e < 80 else 1 / 10 if e < 140 else 1 / 100 if e < 200 else 1 / 200

    def clothing_factor(e):
        return 1 if e < 40 else 1 / 10 if e < 80 else 1 / 100

    put(out, "schedule", cosine=cosine, cosine_closed_form=closed,
        step_animal=np.asarray([0.01 * animal_factor(e) for e in range(201)]),
        step_clothing=np.asarray([0.004 * clothing_factor(e) for e in range(100)]))


def make():
    rng, out = np.random.default_rng(404), {}
    _steps(rng, out)
    _schedules(out)
    return out
