"""How a stack is trained: one recipe, in which models may differ by their rates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import torch

from dlnotes.networks import metrics, optimizers

PerModel = float | tuple[float, ...]
"""One number for all models of a stack, or one a model."""

Gens = torch.Generator | Sequence[torch.Generator]
"""What draws the order of the examples: one generator for all models, or one a model."""

RATES = ("learning_rate", "momentum", "weight_decay", "l1", "label_smoothing")
NOISES = ("input_noise", "input_dropout", "weight_noise", "dropout")
"""The entries of a recipe in which models may differ: rates, and what draws random numbers."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a stack is trained.

    Attributes:
        batch_size: Examples a step, >= 1; the last batch of an epoch may be smaller.
        max_epochs: Passes over the data at most, >= 0.
        optimizer: See `dlnotes.networks.optimizers`.
        learning_rate: Step length, > 0 and finite; one number or one a model, as all that follow
            down to ``weight_noise``.
        momentum: Share of the velocity kept from one step to the next, in [0, 1); for ``sgd``.
        weight_decay: L2 coefficient on every parameter, >= 0.
        l1: L1 coefficient on every parameter, >= 0, applied as a proximal step.
        label_smoothing: Share of the target spread evenly over all classes, in [0, 1].
        dropout: Probability that a unit of a dense hidden layer is set to 0 in a step, in [0, 1);
            the others are divided by 1 minus it (Srivastava et al. 2014, section 10).
        input_dropout: The same for every input: in a step it is set to 0 or divided.
        input_noise: Standard deviation of the normal noise added to every input in a step, >= 0.
        weight_noise: The same for every parameter, while the gradient is computed.
        loss: ``"cross_entropy"`` or ``"squared_error"``; see `dlnotes.networks.metrics`.
        stop_accuracy: A model stops at the first point of its learning curve (after the start) at
            which its accuracy on its whole training set is at least this, in (0, 1]; also if its
            loss is no longer finite. None means never before ``max_epochs``.
        stop_loss: The same for its mean loss on its whole training set: at most this, > 0. With
            both, a model stops where both are met.
        stop_every: Optimizer steps from one more look at the stop rules to the next, between the
            points: it ends with the first examples that no model can make up for, so it costs far
            less than a point. Where a model has met them, all curves get a point. None means that
            only the points are looked at.
        curve_every: Optimizer steps from one point of the learning curve to the next; None means
            an epoch, 0 no curve at all. A point costs one pass over the training set. Start and
            end have points of their own.
    """

    batch_size: int
    max_epochs: int
    learning_rate: PerModel
    optimizer: optimizers.Optimizer = "sgd"
    momentum: PerModel = 0.0
    weight_decay: PerModel = 0.0
    l1: PerModel = 0.0
    label_smoothing: PerModel = 0.0
    dropout: PerModel = 0.0
    input_dropout: PerModel = 0.0
    input_noise: PerModel = 0.0
    weight_noise: PerModel = 0.0
    loss: metrics.Loss = "cross_entropy"
    stop_accuracy: float | None = None
    stop_loss: float | None = None
    stop_every: int | None = None
    curve_every: int | None = None

    def __post_init__(self) -> None:
        limits = {
            "batch_size >= 1": self.batch_size >= 1,
            "max_epochs >= 0": self.max_epochs >= 0,
            f"optimizer in {get_args(optimizers.Optimizer)}": self.optimizer
            in get_args(optimizers.Optimizer),
            "0 < learning_rate < inf": all(0 < v < math.inf for v in each(self.learning_rate)),
            "0 <= momentum < 1": all(0 <= v < 1 for v in each(self.momentum)),
            "weight_decay >= 0": all(v >= 0 for v in each(self.weight_decay)),
            "l1 >= 0": all(v >= 0 for v in each(self.l1)),
            "0 <= label_smoothing <= 1": all(0 <= v <= 1 for v in each(self.label_smoothing)),
            "0 <= dropout < 1": all(0 <= v < 1 for v in each(self.dropout)),
            "0 <= input_dropout < 1": all(0 <= v < 1 for v in each(self.input_dropout)),
            "input_noise >= 0": all(v >= 0 for v in each(self.input_noise)),
            "weight_noise >= 0": all(v >= 0 for v in each(self.weight_noise)),
            f"loss in {get_args(metrics.Loss)}": self.loss in get_args(metrics.Loss),
            "0 < stop_accuracy <= 1": self.stop_accuracy is None or 0 < self.stop_accuracy <= 1,
            "curve_every >= 0": self.curve_every is None or self.curve_every >= 0,
            "0 < stop_loss < inf": self.stop_loss is None or 0 < self.stop_loss < math.inf,
            "stop_every > 0": self.stop_every is None or self.stop_every > 0,
            "stop_accuracy or stop_loss for stop_every": self.stop_every is None or self.stops,
            "curve_every > 0 for stop_accuracy and stop_loss": not self.stops
            or self.curve_every != 0,
            "label_smoothing = 0 for squared_error": self.loss == "cross_entropy"
            or not any(each(self.label_smoothing)),
        }
        if broken := [limit for limit, held in limits.items() if not held]:
            raise ValueError(f"training needs {' and '.join(broken)}, got {self}")

    @property
    def stops(self) -> bool:
        """Whether a model may stop before the last epoch."""
        return self.stop_accuracy is not None or self.stop_loss is not None


def each(value: PerModel) -> tuple[float, ...]:
    """Return the numbers of an entry: one for all models, or one a model."""
    return value if isinstance(value, tuple) else (value,)


def spread(value: PerModel, models: int) -> tuple[float, ...]:
    """Return one number a model."""
    own = each(value)
    return own * models if len(own) == 1 else own


def part(config: TrainConfig, own: slice, models: int) -> TrainConfig:
    """Return the config with the rates of some models."""
    names = (*RATES, *NOISES)
    return replace(config, **{name: spread(getattr(config, name), models)[own] for name in names})
