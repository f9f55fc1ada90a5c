"""One optimizer step for a whole stack, every model with rates of its own.

``sgd`` is stochastic gradient descent with momentum (Sutskever et al. 2013), ``adam`` is Adam
(Kingma and Ba 2015) with the L2 penalty in the loss, ``adamw`` decays the parameters apart from the
gradient (Loshchilov and Hutter 2019). Each is the formula of the class of that name in
``torch.optim``.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from dlnotes.params import Params

Optimizer = Literal["sgd", "adam", "adamw"]
State = dict[str, Params]
BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Decay of Adam's two moments a step, and the number that keeps its division finite."""


def init(optimizer: Optimizer, params: Params) -> State:
    """Return the state of an optimizer before its first step: all zeros.

    Example:
        >>> init("sgd", {"bias": torch.ones(2, 1)})["velocity"]["bias"].tolist()
        [[0.0], [0.0]]
    """
    moments = ("velocity",) if optimizer == "sgd" else ("mean", "square")
    return {m: {name: torch.zeros_like(p) for name, p in params.items()} for m in moments}


def step(
    optimizer: Optimizer,
    params: Params,
    gradients: Params,
    state: State,
    rates: dict[str, Float[Tensor, "models"]],
    count: int,
) -> None:
    """Change parameters and state in place by one step.

    Args:
        optimizer: Which formula.
        params: Parameters of the stack.
        gradients: The gradient of each model's own loss, in the same order.
        state: From `init`, as the last step left it.
        rates: ``learning_rate``, ``momentum`` (used by ``sgd``), ``weight_decay`` and ``l1``, one
            value a model; one that is left out is 0 for all.
        count: Steps so far, this one included; 1 at first.

    Example:
        One step of plain gradient descent at learning rates 0.1 and 0.2:

        >>> params, ones = {"bias": torch.zeros(2, 1)}, torch.ones(2, 1)
        >>> rates = {"learning_rate": torch.tensor([0.1, 0.2])}
        >>> step("sgd", params, {"bias": ones}, init("sgd", params), rates, 1)
        >>> params["bias"].flatten()
        tensor([-0.1000, -0.2000])
    """
    for name, p in params.items():
        column = {r: value.view(-1, *[1] * (p.ndim - 1)) for r, value in rates.items()}
        rate, decay, gradient = column["learning_rate"], column.get("weight_decay"), gradients[name]
        if decay is not None and optimizer == "adamw":
            p.mul_(1 - rate * decay)
        elif decay is not None:
            gradient = gradient.addcmul(p, decay)
        if optimizer == "sgd":
            velocity = state["velocity"][name].mul_(column.get("momentum", 0.0)).add_(gradient)
            p.addcmul_(velocity, rate, value=-1)
        else:
            mean, square = state["mean"][name], state["square"][name]
            mean.lerp_(gradient, 1 - BETAS[0])
            square.lerp_(gradient.square(), 1 - BETAS[1])
            scale = (square / (1 - BETAS[1] ** count)).sqrt_().add_(EPSILON)
            p.addcmul_(mean / scale, rate / (1 - BETAS[0] ** count), value=-1)
        if "l1" in column:
            p.copy_(soft_threshold(p, rate * column["l1"]))


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
