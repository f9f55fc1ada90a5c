"""Stacked training: one loop trains many networks of equal shape, each on its own examples.

Rates and penalties may differ from model to model. A model that has met the stop rule leaves the
stack, so that it costs no more time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from dlnotes import metrics, optimizers
from dlnotes import params as stacks
from dlnotes.models import ModelConfig, forward
from dlnotes.params import Params

PerModel = float | tuple[float, ...]
"""One number for all models of a stack, or one a model."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a stack is trained.

    Attributes:
        batch_size: Examples a step, >= 1; the last batch of an epoch may be smaller.
        max_epochs: Passes over the data at most, >= 0.
        optimizer: See `dlnotes.optimizers`.
        learning_rate: Step length, > 0 and finite; one number or one a model, as the next four.
        momentum: Share of the velocity kept from one step to the next, in [0, 1); for ``sgd``.
        weight_decay: L2 coefficient on every parameter, >= 0.
        l1: L1 coefficient on every parameter, >= 0, applied as a proximal step.
        label_smoothing: Share of the target spread evenly over all classes, in [0, 1].
        stop_accuracy: A model stops at the end of the first epoch after which its accuracy on the
            whole training set is at least this, in (0, 1]; None means never before ``max_epochs``.
    """

    batch_size: int
    max_epochs: int
    learning_rate: PerModel
    optimizer: optimizers.Optimizer = "sgd"
    momentum: PerModel = 0.0
    weight_decay: PerModel = 0.0
    l1: PerModel = 0.0
    label_smoothing: PerModel = 0.0
    stop_accuracy: float | None = None

    def __post_init__(self) -> None:
        limits = {
            "batch_size >= 1": self.batch_size >= 1,
            "max_epochs >= 0": self.max_epochs >= 0,
            f"optimizer in {get_args(optimizers.Optimizer)}": self.optimizer
            in get_args(optimizers.Optimizer),
            "0 < learning_rate < inf": all(0 < v < math.inf for v in _each(self.learning_rate)),
            "0 <= momentum < 1": all(0 <= v < 1 for v in _each(self.momentum)),
            "weight_decay >= 0": all(v >= 0 for v in _each(self.weight_decay)),
            "l1 >= 0": all(v >= 0 for v in _each(self.l1)),
            "0 <= label_smoothing <= 1": all(0 <= v <= 1 for v in _each(self.label_smoothing)),
            "0 < stop_accuracy <= 1": self.stop_accuracy is None or 0 < self.stop_accuracy <= 1,
        }
        if broken := [limit for limit, held in limits.items() if not held]:
            raise ValueError(f"training needs {' and '.join(broken)}, got {self}")


RATES = ("learning_rate", "momentum", "weight_decay", "l1", "label_smoothing")


def _each(value: PerModel) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _rates(config: TrainConfig, models: int, like: Tensor) -> dict[str, Float[Tensor, "models"]]:
    """Return every rate that is not 0 for all as one number a model."""
    rates = {}
    for name in RATES:
        values = _each(getattr(config, name))
        if len(values) not in (1, models):
            raise ValueError(
                f"{name} must be one number or one for each of the {models} models, got "
                f"{len(values)}: {values}"
            )
        if any(values):
            one = torch.tensor(values, dtype=like.dtype, device=like.device)
            rates[name] = one.expand(models)
    return rates


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a stacked training run leaves.

    Attributes:
        params: Final parameters of every model, each at its own stopping epoch.
        loss: Mean training cross-entropy after each epoch, nats per example; column 0 is the
            initialization, and a model that has stopped keeps its last value.
        accuracy: Training accuracy after each epoch, in [0, 1], laid out like ``loss``.
        epochs: Epochs each model was trained for.
        fitted: Whether each model met the stop rule (all False without one).
        steps_per_epoch: Optimizer steps in an epoch.
    """

    params: Params
    loss: Float[Tensor, "models points"]
    accuracy: Float[Tensor, "models points"]
    epochs: Int64[Tensor, "models"]
    fitted: Bool[Tensor, "models"]
    steps_per_epoch: int

    def summary(self, model: int) -> dict[str, Any]:
        """Return what one model's run came to, as plain values for a record.

        Args:
            model: Its place in the stack.

        Returns:
            ``epochs``, ``fitted``, final ``train loss`` (nats) and ``train accuracy`` ([0, 1]), and
            ``loss curve`` and ``accuracy curve``: one value an epoch, from 0 to the last trained.
        """
        points = int(self.epochs[model]) + 1
        loss, accuracy = self.loss[model, :points].tolist(), self.accuracy[model, :points].tolist()
        return {
            "epochs": points - 1,
            "fitted": bool(self.fitted[model]),
            "train loss": loss[-1],
            "train accuracy": accuracy[-1],
            "loss curve": loss,
            "accuracy curve": accuracy,
        }


def train(
    model: ModelConfig,
    config: TrainConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Int64[Tensor, "..."],
    *,
    gens: Sequence[torch.Generator],
) -> Run:
    """Train every model of the stack; each ends where it would end alone, to rounding error.

    Args:
        model: The shape of the models.
        config: How to train them.
        params: Initial parameters, left unchanged.
        x: Inputs, ``[examples, *input_shape]`` for all or ``[models, examples, *input_shape]``.
        y: Labels in ``[0, num_classes)``, ``[examples]`` for all or ``[models, examples]``.
        gens: One CPU generator a model; it draws the order of the examples, anew each epoch.

    Returns:
        The run, on the device of ``params``.

    Raises:
        ValueError: If models, examples, labels or batch size do not fit together.
    """
    models = stacks.num_models(params)
    shared = tuple(x.shape[1:]) == model.input_shape
    _check(model, config, params, x if shared else x[0], y, gens)
    y = y.expand(models, y.shape[-1])
    examples, device = y.shape[1], y.device
    final = {name: p.detach().clone() for name, p in params.items()}
    alive = torch.arange(models, device=device)  # places, in `final`, of the models still trained
    now = stacks.select(final, alive)
    state = optimizers.init(config.optimizer, now)
    rates = _rates(config, models, params["dense0.bias"])
    steps = 0
    epochs = torch.zeros(models, dtype=torch.int64, device=device)
    fitted = torch.zeros(models, dtype=torch.bool, device=device)
    curve = [torch.stack(metrics.evaluate(model, final, x, y))]

    for epoch in range(1, config.max_epochs + 1):
        orders = [torch.randperm(examples, generator=gens[m]) for m in alive.tolist()]
        for rows in torch.stack(orders).to(device).split(config.batch_size, dim=1):
            batch_x = x[rows] if shared else x[alive[:, None], rows]
            batch_y = y[alive[:, None], rows]
            steps += 1
            # No name for the gradients: their memory is free again before the next ones are made.
            optimizers.step(
                config.optimizer,
                now,
                _gradients(model, now, batch_x, batch_y, rates),
                state,
                rates,
                steps,
            )
        mine = x if shared else x[alive] if len(alive) < models else x
        point = curve[-1].clone()
        point[:, alive] = torch.stack(metrics.evaluate(model, now, mine, y[alive]))
        curve.append(point)
        epochs[alive] = epoch
        if config.stop_accuracy is not None:
            # A share of n examples is exact to far less than 1/n; 1e-9 absorbs its rounding.
            done = point[1, alive] >= config.stop_accuracy - 1e-9
            if done.any():
                _store(final, now, alive)
                fitted[alive[done]] = True
                alive, now = alive[~done], stacks.select(now, ~done)
                state = {part: stacks.select(tensors, ~done) for part, tensors in state.items()}
                rates = stacks.select(rates, ~done)
        if len(alive) == 0:
            break
    _store(final, now, alive)
    loss, accuracy = torch.stack(curve, dim=2)
    return Run(
        params=final,
        loss=loss,
        accuracy=accuracy,
        epochs=epochs,
        fitted=fitted,
        steps_per_epoch=math.ceil(examples / config.batch_size),
    )


def _store(final: Params, now: Params, alive: Tensor) -> None:
    """Write the parameters of the models still trained to their places."""
    for name, p in now.items():
        final[name][alive] = p


def _gradients(
    model: ModelConfig,
    params: Params,
    x: Float[Tensor, "models batch ..."],
    y: Int64[Tensor, "models batch"],
    rates: dict[str, Float[Tensor, "models"]],
) -> Params:
    """Return the gradient of each model's mean loss on its batch.

    The models share no parameter, so the gradient of the *sum* of their losses is each model's own.
    """
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    logits = forward(model, leaves, x)
    loss = metrics.cross_entropy(logits, y, label_smoothing=rates.get("label_smoothing")).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


def _check(
    model: ModelConfig,
    config: TrainConfig,
    params: Params,
    x: Float[Tensor, "examples ..."],
    y: Int64[Tensor, "..."],
    gens: Sequence[torch.Generator],
) -> None:
    """Refuse what cannot be trained, before any work is spent."""
    models, bias = stacks.num_models(params), params["dense0.bias"]
    if y.dtype != torch.int64 or x.dtype != bias.dtype:
        raise ValueError(
            f"labels must be int64 and inputs {bias.dtype} like the parameters, got {y.dtype} and "
            f"{x.dtype}; convert them with .to"
        )
    if y.ndim not in (1, 2) or (y.ndim == 2 and len(y) != models):
        raise ValueError(
            f"labels must be [examples] or [{models} models, examples], got {tuple(y.shape)}"
        )
    if len(gens) != models:
        raise ValueError(f"each of the {models} models needs a generator, got {len(gens)}")
    if tuple(x.shape[1:]) != model.input_shape or len(x) != y.shape[-1]:
        raise ValueError(
            f"x must hold {y.shape[-1]} examples of shape {model.input_shape} (one a label), got "
            f"{tuple(x.shape)}; a leading `models` axis of {models} may stand before them"
        )
    if config.batch_size > len(x):
        raise ValueError(
            f"batch_size must be <= the number of examples, got {config.batch_size} > {len(x)}; "
            "lower batch_size"
        )
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= model.num_classes:
        raise ValueError(
            f"labels must lie in [0, {model.num_classes}), got {low} to {high}; "
            "check num_classes or the labels"
        )
