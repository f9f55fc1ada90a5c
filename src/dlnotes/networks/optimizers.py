"""One optimizer step for a whole stack, every model with rates of its own.

``sgd`` is stochastic gradient descent with momentum (Sutskever et al. 2013), ``adam`` is Adam
(Kingma and Ba 2015) with the L2 penalty in the loss, ``adamw`` decays the parameters apart from the
gradient (Loshchilov and Hutter 2019). Each is the formula of the class of that name in
``torch.optim``.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from dlnotes.networks.stacks import Params

Optimizer = Literal["sgd", "adam", "adamw"]
State = dict[str, Params]
Rates = dict[str, Float[Tensor, "models"]]
Accumulate = Callable[[Params, Float[Tensor, "models"]], None]
BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Decay of Adam's two moments a step, and the number that keeps its division finite."""


def init(optimizer: Optimizer, params: Params, rates: Rates) -> State:
    """Return the state of an optimizer before its first step: all zeros.

    Plain gradient descent keeps none; momentum or weight decay need a velocity, Adam two moments
    and room for the gradient.

    Example:
        >>> params, rates = {"bias": torch.ones(2, 1)}, {"momentum": torch.tensor([0.9, 0.5])}
        >>> init("sgd", params, rates)["velocity"]["bias"].tolist()
        [[0.0], [0.0]]
    """
    if optimizer == "sgd":
        parts = ("velocity",) if rates.keys() & {"momentum", "weight_decay"} else ()
    else:
        parts = ("gradient", "mean", "square")
    state = {part: {n: torch.zeros_like(p) for n, p in params.items()} for part in parts}
    first = next(iter(params.values()))
    return state | {"steps": {"count": first.new_zeros(len(first))}}


def step(
    optimizer: Optimizer, params: Params, accumulate: Accumulate, state: State, rates: Rates
) -> None:
    """Change parameters and state in place by one step.

    Args:
        optimizer: Which formula.
        params: Parameters of the stack.
        accumulate: Called once, as ``accumulate(into, scale)``: adds ``scale`` times the gradient
            of each model's own loss at ``params`` to the tensors of ``into``, in place. Plain
            gradient descent lets it add to the parameters themselves, with scale minus learning
            rate, so that no gradient is ever stored.
        state: From `init`, as the last step left it.
        rates: ``learning_rate``, ``momentum`` (used by ``sgd``), ``weight_decay`` and ``l1``, one
            value a model; one that is left out is 0 for all.

    Example:
        One step of plain gradient descent at learning rates 0.1 and 0.2; the gradient is 1:

        >>> params, rates = {"bias": torch.zeros(2, 1)}, {"learning_rate": torch.tensor([0.1, 0.2])}
        >>> def ones(into, scale):
        ...     into["bias"] += scale[:, None]
        >>> step("sgd", params, ones, init("sgd", params, rates), rates)
        >>> params["bias"].flatten()
        tensor([-0.1000, -0.2000])
    """
    rate = rates["learning_rate"]
    count = state["steps"]["count"].add_(1)
    if optimizer == "sgd" and "velocity" not in state:
        accumulate(params, -rate)
    else:
        into = state["velocity" if optimizer == "sgd" else "gradient"]
        for name, p in params.items():
            column = _columns(rates, p)
            into[name].mul_(column.get("momentum", 0.0) if optimizer == "sgd" else 0.0)
            if "weight_decay" in column and optimizer != "adamw":
                into[name].addcmul_(p, column["weight_decay"])
        accumulate(into, torch.ones_like(rate))
        for name, p in params.items():
            column, gradient = _columns(rates | {"count": count}, p), into[name]
            if optimizer == "sgd":
                p.addcmul_(gradient, column["learning_rate"], value=-1)
                continue
            if "weight_decay" in column and optimizer == "adamw":
                p.mul_(1 - column["learning_rate"] * column["weight_decay"])
            mean = state["mean"][name].lerp_(gradient, 1 - BETAS[0])
            square = state["square"][name].lerp_(gradient.square(), 1 - BETAS[1])
            scale = (square / (1 - BETAS[1] ** column["count"])).sqrt_().add_(EPSILON)
            rate_now = column["learning_rate"] / (1 - BETAS[0] ** column["count"])
            p.addcmul_(mean / scale, rate_now, value=-1)
    if "l1" in rates:
        for p in params.values():
            column = _columns(rates, p)
            p.copy_(soft_threshold(p, column["learning_rate"] * column["l1"]))


def _columns(rates: Rates, p: Tensor) -> dict[str, Tensor]:
    """Return the rates shaped so that each multiplies the numbers of its own model."""
    return {name: value.view(-1, *[1] * (p.ndim - 1)) for name, value in rates.items()}


def soft_threshold(
    p: Float[Tensor, "..."], threshold: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """Pull every number towards zero by ``threshold``, and to zero if it is closer than that.

    This is the proximal step of an L1 penalty (Parikh and Boyd 2014): it makes zeros that are
    exact, which a gradient step does not.

    Example:
        >>> soft_threshold(torch.tensor([3.0, -0.5, -2.0]), torch.tensor(1.0)).tolist()
        [2.0, 0.0, -1.0]
    """
    return p - p.clamp(-threshold, threshold)
