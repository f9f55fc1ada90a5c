"""Stacked training: one loop trains many networks of equal shape.

Labels, subset, rates, penalties, noise, dropout and the order of the examples may differ from model
to model. A model that has met the stop rule leaves the stack, so that it costs no more time; a
stack that is too large to be fast, or to fit, is trained in parts, one after another.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, get_args

import psutil
import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from dlnotes.networks import backprop, metrics, optimizers, stacks
from dlnotes.networks.models import ModelConfig, forward, layers
from dlnotes.networks.stacks import Params

PerModel = float | tuple[float, ...]
"""One number for all models of a stack, or one a model."""

Gens = torch.Generator | Sequence[torch.Generator]
Measure = Callable[[Params, Int64[Tensor, "some"]], dict[str, Float[Tensor, "some"]]]
"""``measure(params, models)`` returns numbers, one for each model of ``params``; ``models`` are
their places in the whole stack."""

NEAR_BYTES = 16 * 2**20
"""On a CPU, as many models are trained at once as keep one layer within this: about half of the
last cache of a large processor."""


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
    curve_every: int | None = None

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
            "0 <= dropout < 1": all(0 <= v < 1 for v in _each(self.dropout)),
            "0 <= input_dropout < 1": all(0 <= v < 1 for v in _each(self.input_dropout)),
            "input_noise >= 0": all(v >= 0 for v in _each(self.input_noise)),
            "weight_noise >= 0": all(v >= 0 for v in _each(self.weight_noise)),
            f"loss in {get_args(metrics.Loss)}": self.loss in get_args(metrics.Loss),
            "0 < stop_accuracy <= 1": self.stop_accuracy is None or 0 < self.stop_accuracy <= 1,
            "curve_every >= 0": self.curve_every is None or self.curve_every >= 0,
            "curve_every > 0 for stop_accuracy": self.stop_accuracy is None
            or self.curve_every != 0,
            "label_smoothing = 0 for squared_error": self.loss == "cross_entropy"
            or not any(_each(self.label_smoothing)),
        }
        if broken := [limit for limit, held in limits.items() if not held]:
            raise ValueError(f"training needs {' and '.join(broken)}, got {self}")


RATES = ("learning_rate", "momentum", "weight_decay", "l1", "label_smoothing")
NOISES = ("input_noise", "input_dropout", "weight_noise", "dropout")


def _each(value: PerModel) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a stacked training run leaves.

    Attributes:
        params: Final parameters of every model, each as it was when it stopped.
        points: Optimizer steps at which the learning curves have their points; the first is 0.
            There are none with ``curve_every`` 0.
        loss: Mean training loss at each point, an example (nats for cross-entropy); a model that
            has stopped keeps its last value.
        accuracy: Training accuracy at each point, in [0, 1], laid out like ``loss``; nan for a
            model whose outputs are not finite.
        measured: What ``measure`` returned, laid out like ``loss``.
        steps: Optimizer steps each model was trained for.
        fitted: Whether each model met the stop rule (all False without one).
        diverged: Whether each model ended with a loss or a parameter that is not finite.
        steps_per_epoch: Optimizer steps in an epoch.
    """

    params: Params
    points: Int64[Tensor, "points"]
    loss: Float[Tensor, "models points"]
    accuracy: Float[Tensor, "models points"]
    measured: dict[str, Float[Tensor, "models points"]] = field(default_factory=dict)
    steps: Int64[Tensor, "models"]
    fitted: Bool[Tensor, "models"]
    diverged: Bool[Tensor, "models"]
    steps_per_epoch: int

    @property
    def epochs(self) -> Float[Tensor, "models"]:
        """Passes over the training set each model was trained for."""
        return self.steps.double() / self.steps_per_epoch

    def summary(self, model: int) -> dict[str, Any]:
        """Return what one model's run came to, as plain values for a record.

        Args:
            model: Its place in the stack.

        Returns:
            ``epochs``, ``steps``, ``fitted``, ``diverged``; and, if there is a learning curve, the
            final ``train loss`` (nats for cross-entropy) and ``train accuracy`` ([0, 1]), ``curve
            steps``, ``loss curve``, ``accuracy curve`` and the curve of each measured number: one
            value a point, from the start to the last one trained.
        """
        found = {
            "epochs": self.epochs[model].item(),
            "steps": int(self.steps[model]),
            "fitted": bool(self.fitted[model]),
            "diverged": bool(self.diverged[model]),
        }
        if not len(self.points):
            return found
        mine = self.points <= self.steps[model]
        curves = {"loss": self.loss, "accuracy": self.accuracy, **self.measured}
        return (
            found
            | {
                "train loss": self.loss[model, -1].item(),
                "train accuracy": self.accuracy[model, -1].item(),
                "curve steps": self.points[mine].tolist(),
            }
            | {f"{name} curve": curve[model, mine].tolist() for name, curve in curves.items()}
        )


def train(
    model: ModelConfig,
    config: TrainConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    gens: Gens,
    noise: Sequence[torch.Generator] = (),
    rows: Int64[Tensor, "models rows"] | None = None,
    measure: Measure | None = None,
) -> Run:
    """Train every model of the stack; each ends where it would end alone, to rounding error.

    Args:
        model: The shape of the models.
        config: How to train them.
        params: Initial parameters, left unchanged.
        x: Inputs, ``[examples, *input_shape]`` for all or ``[models, examples, *input_shape]``.
        y: Labels in ``[0, num_classes)``, ``[examples]`` for all or ``[models, examples]``; for
            ``squared_error`` also targets, with a last axis of ``num_classes`` outputs.
        gens: What draws the order of the examples, anew each epoch: one CPU generator for all,
            then all models see the same batches (and, where ``x`` is for all, share the first
            product, which is fast), or one a model. They are left as they were.
        noise: One generator a model for dropout and noise, on the device of ``params``; not needed
            without. A model draws only what it uses: in each step input noise, input dropout,
            weight noise (tensor by tensor), dropout (layer by layer, ``[batch, width]``).
        rows: Subset: the examples each model is trained and evaluated on, indices into the
            examples; None for all.
        measure: Called at each point of the learning curve, see `Measure`; what it returns is kept
            on the device until the end.

    Returns:
        The run, on the device of ``params``.

    Raises:
        ValueError: If models, examples, labels or batch size do not fit together.
    """
    models, shared = stacks.num_models(params), tuple(x.shape[1:]) == model.input_shape
    _check(model, config, params, x if shared else x[0], y, gens, noise, rows)
    if not metrics.own_labels(y):
        y = y.expand(models, *y.shape)
    final = {name: p.detach().clone() for name, p in params.items()}
    size = _at_once(model, config, models, final["dense0.weight"])
    parts = []
    for places in torch.arange(models).split(size):
        own = slice(int(places[0]), int(places[-1]) + 1)
        part = _Part(
            model=model,
            config=_of(config, own, models),
            places=places.to(y.device),
            params={name: p[own] for name, p in final.items()},
            x=x if shared else x[own].contiguous(),
            y=y[own],
            gens=gens.clone_state()
            if isinstance(gens, torch.Generator)
            else [gen.clone_state() for gen in gens[own]],
            noise=noise[own],
            rows=None if rows is None else rows[own],
            measure=measure,
        )
        parts.append(part.train())
    return _join(final, parts)


class _Part:
    """Models that are trained at once; those that are done leave."""

    def __init__(
        self,
        *,
        model: ModelConfig,
        config: TrainConfig,
        places: Tensor,
        params: Params,
        x: Tensor,
        y: Tensor,
        gens: Gens,
        noise: Sequence[torch.Generator],
        rows: Tensor | None,
        measure: Measure | None,
    ) -> None:
        self.model, self.config, self.places, self.measure = model, config, places, measure
        self.x, self.y, self.rows, self.gens, self.noise = x, y, rows, gens, noise
        self.final = self.now = params  # views of the result, changed in place until one leaves
        self.alive = torch.arange(len(y), device=y.device)  # places in `final` of those still in
        self.here = list(range(len(y)))  # the same on the host, so that nobody waits for a GPU
        like, self.rates = params["dense0.weight"], {}
        for name in (*RATES, *NOISES):
            if any(values := _each(getattr(config, name))):
                one = torch.tensor(values, dtype=like.dtype, device=like.device)
                self.rates[name] = one.expand(len(y))
        self.noisy = {name: _spread(getattr(config, name), len(y)) for name in NOISES}
        self.state = optimizers.init(config.optimizer, stacks.trained(params), self.rates)
        self.room: backprop.Room = {}
        # What changes the gradient beyond what the written-out formulas know goes to autograd.
        self.by_hand = (
            backprop.covers(model)
            and config.loss == "cross_entropy"
            and "dropout" not in self.rates
        )

    def train(self) -> Run:
        config, models = self.config, len(self.y)
        examples = self.y.shape[1] if self.rows is None else self.rows.shape[1]
        per_epoch = math.ceil(examples / config.batch_size)
        every = per_epoch if config.curve_every is None else config.curve_every
        last = per_epoch * config.max_epochs
        self.curves: dict[str, list[Tensor]] = {"loss": [], "accuracy": []}
        points, step = [], 0
        if every:
            self._point()
            points.append(step)
        steps = torch.zeros(models, dtype=torch.int64, device=self.y.device)
        fitted = torch.zeros(models, dtype=torch.bool, device=self.y.device)
        while step < last and self.here:
            for rows in self._epoch(examples).split(config.batch_size, dim=-1):
                optimizers.step(
                    config.optimizer,
                    stacks.trained(self.now),
                    partial(self._add_gradients, *self._batch(rows)),
                    self.state,
                    self.rates,
                )
                step += 1
                if not every or (step % every and step < last):
                    continue
                self._point()
                points.append(step)
                steps[self.alive] = step
                if config.stop_accuracy is not None:
                    loss, accuracy = (self.curves[k][-1][self.alive] for k in ("loss", "accuracy"))
                    # A share of n examples is exact to far less than 1/n; 1e-9 absorbs rounding.
                    fits = accuracy >= config.stop_accuracy - 1e-9
                    fitted[self.alive] = fits
                    self._keep(~fits & loss.isfinite())
                    if not self.here:
                        break
        self._store()
        if not every:
            steps += step
        none = self.final["dense0.weight"].new_empty(models, 0)
        curves = {n: torch.stack(curve, 1) if curve else none for n, curve in self.curves.items()}
        finite = torch.stack([p.flatten(1).isfinite().all(1) for p in self.final.values()]).all(0)
        if every:
            finite &= curves["loss"][:, -1].isfinite()
        return Run(
            params=self.final,
            points=torch.tensor(points, dtype=torch.int64, device=self.y.device),
            loss=curves.pop("loss"),
            accuracy=curves.pop("accuracy"),
            measured=curves,
            steps=steps,
            fitted=fitted,
            diverged=~finite,
            steps_per_epoch=per_epoch,
        )

    def _epoch(self, examples: int) -> Int64[Tensor, "... examples"]:
        """Draw the order of the examples: one for all models, or one row a model (0 if it left)."""
        if isinstance(self.gens, torch.Generator):
            order = torch.randperm(examples, generator=self.gens)
        else:
            order = torch.zeros(len(self.gens), examples, dtype=torch.int64)
            for m in self.here:
                order[m] = torch.randperm(examples, generator=self.gens[m])
        return order.to(self.y.device, non_blocking=True)

    def _batch(self, order: Int64[Tensor, "... batch"]) -> tuple[Tensor, Tensor]:
        """Return inputs (with an axis ``models`` only where they differ) and labels."""
        own_x = tuple(self.x.shape[1:]) != self.model.input_shape
        each = self.alive[:, None]
        order = order if order.ndim == 1 else order[self.alive]
        rows = order if self.rows is None else self.rows[each, order]
        # On a CPU, index_select is several times as fast as indexing.
        all_alike = rows.ndim == 1 and len(self.alive) == len(self.y)
        y = self.y.index_select(1, rows) if all_alike else self.y[each, rows]
        if own_x:
            at = each * self.x.shape[1] + rows
            x = self.x.flatten(0, 1).index_select(0, at.flatten()).unflatten(0, at.shape)
        else:
            x = self.x.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        drawn = {"input_noise", "input_dropout"} & self.rates.keys()
        if drawn and x.ndim == 1 + len(self.model.input_shape):
            x = x.expand(len(self.alive), *x.shape)
        if "input_noise" in drawn:
            x = x + self._noise("input_noise", x)
        if "input_dropout" in drawn:
            x = x * self._kept("input_dropout", x)
        return x, y

    def _draw(
        self, kind: str, sample: Callable[..., Tensor], like: Float[Tensor, "models ..."]
    ) -> Float[Tensor, "models ..."]:
        """Draw for each model from its own generator; nothing, but zeros, where its level is 0."""
        draws = []
        for m, one in zip(self.here, like, strict=True):
            kwargs = {"dtype": like.dtype, "device": like.device}
            draws.append(
                sample(one.shape, generator=self.noise[m], **kwargs)
                if self.noisy[kind][m]
                else torch.zeros_like(one)
            )
        return torch.stack(draws)

    def _noise(self, kind: str, like: Float[Tensor, "models ..."]) -> Float[Tensor, "models ..."]:
        """Draw normal noise of each model's own level."""
        level = self.rates[kind].view(-1, *[1] * (like.ndim - 1))
        return self._draw(kind, torch.randn, like) * level

    def _kept(self, kind: str, like: Float[Tensor, "models ..."]) -> Float[Tensor, "models ..."]:
        """Draw what dropout multiplies with, at each model's own rate: 0 or 1 / (1 - rate)."""
        rate = self.rates[kind].view(-1, *[1] * (like.ndim - 1))
        return (self._draw(kind, torch.rand, like) >= rate) / (1 - rate)

    def _masks(self, batch: int) -> list[Float[Tensor, "models batch _"]]:
        """Draw what dropout multiplies each dense hidden layer with."""
        if "dropout" not in self.rates:
            return []
        like = self.rates["dropout"].view(-1, 1, 1)
        return [self._kept("dropout", like.expand(-1, batch, width)) for width in self.model.hidden]

    def _add_gradients(self, x: Tensor, y: Tensor, into: Params, scale: Tensor) -> None:
        """Add ``scale`` times the gradient of each model's mean loss on its batch to ``into``."""
        at = stacks.trained(self.now)
        if "weight_noise" in self.rates:
            at = {n: p + self._noise("weight_noise", p) for n, p in at.items()}
        smoothing = self.rates.get("label_smoothing")
        if self.by_hand:
            backprop.add_gradients(
                self.model,
                at,
                x,
                y,
                into=into,
                scale=scale,
                label_smoothing=smoothing,
                room=self.room,
            )
            return
        # The models share no parameter: the gradient of the sum of losses is each model's own.
        leaves = {name: p.detach().requires_grad_() for name, p in at.items()}
        masks = self._masks(y.shape[1])
        logits = forward(self.model, {**self.now, **leaves}, x, train=True, masks=masks)
        options = {} if smoothing is None else {"label_smoothing": smoothing}
        losses = metrics.LOSSES[self.config.loss](logits, y, **options)
        gradients = torch.autograd.grad(losses @ scale, list(leaves.values()))
        for name, gradient in zip(leaves, gradients, strict=True):
            into[name].add_(gradient)

    def _point(self) -> None:
        """Add a point to every learning curve; models that have left keep their last value."""
        alive = self.alive
        all_here = len(alive) == len(self.y)
        own_x = tuple(self.x.shape[1:]) != self.model.input_shape
        loss, accuracy = metrics.evaluate(
            self.model,
            self.now,
            self.x[alive] if own_x and not all_here else self.x,
            self.y if all_here else self.y[alive],
            loss=self.config.loss,
            rows=None if self.rows is None else self.rows[alive],
            batch_size=max(self.config.batch_size, 1000),
        )
        values = {"loss": loss, "accuracy": accuracy}
        if self.measure:
            values |= self.measure(self.now, self.places[alive])
        for name, value in values.items():
            curve = self.curves.setdefault(name, [])
            point = curve[-1].clone() if curve else value.new_empty(len(self.y))
            point[alive] = value
            curve.append(point)

    def _keep(self, staying: Bool[Tensor, "models"]) -> None:
        """Go on with some of the models; the others are stored."""
        if staying.all():
            return
        self._store()
        self.alive, self.now = self.alive[staying], stacks.select(self.now, staying)
        self.here = self.alive.tolist()
        self.state = {part: stacks.select(of, staying) for part, of in self.state.items()}
        self.rates = stacks.select(self.rates, staying)

    def _store(self) -> None:
        """Write the parameters of the models still trained to their places."""
        if self.now is not self.final:
            for name, p in self.now.items():
                self.final[name][self.alive] = p


def _spread(value: PerModel, models: int) -> tuple[float, ...]:
    each = _each(value)
    return each * models if len(each) == 1 else each


def _of(config: TrainConfig, own: slice, models: int) -> TrainConfig:
    """Return the config with the rates of some models."""
    names = (*RATES, *NOISES)
    return replace(config, **{name: _spread(getattr(config, name), models)[own] for name in names})


def _join(params: Params, parts: Sequence[Run]) -> Run:
    """Return the runs of a stack's parts as one; a shorter curve goes on with its last value."""
    longest = max(parts, key=lambda part: len(part.points))
    length = len(longest.points)

    def joined(curves: Sequence[Tensor]) -> Tensor:
        tails = [c[:, -1:].expand(len(c), length - c.shape[1]) for c in curves]
        return torch.cat([torch.cat(both, 1) for both in zip(curves, tails, strict=True)])

    return Run(
        params=params,
        points=longest.points,
        loss=joined([part.loss for part in parts]),
        accuracy=joined([part.accuracy for part in parts]),
        measured={n: joined([part.measured[n] for part in parts]) for n in longest.measured},
        steps=torch.cat([part.steps for part in parts]),
        fitted=torch.cat([part.fitted for part in parts]),
        diverged=torch.cat([part.diverged for part in parts]),
        steps_per_epoch=longest.steps_per_epoch,
    )


def memory(model: ModelConfig, config: TrainConfig, models: int, *, itemsize: int = 4) -> int:
    """Return the bytes that training a stack at once takes, without the data set.

    They are parameters, gradients, the optimizer's state and the activations of one step.

    Args:
        model: The shape of the models.
        config: How they are trained.
        models: How many.
        itemsize: Bytes a number: 4 for float32, 8 for float64.

    Example:
        A linear model with 4 inputs and 2 classes has 10 parameters, updated in place; a batch of 3
        brings 3 * 4 inputs, and 3 * 2 numbers each for logits and their derivative:

        >>> linear = ModelConfig(kind="mlp", input_shape=(4,), num_classes=2, hidden=())
        >>> memory(linear, TrainConfig(batch_size=3, max_epochs=1, learning_rate=1.0), 1)
        136
    """
    shapes = layers(model)
    weights = sum(math.prod(layer.weight) for layer in shapes)
    units = [math.prod(layer.outputs) for layer in shapes]
    biases = sum(units) if model.kind == "mlp" else sum(layer.outputs[0] for layer in shapes)
    parameters = weights + model.bias * biases
    plain = backprop.covers(model) and not any(_each(config.dropout))
    if config.optimizer == "sgd":
        copies = 1 + any((*_each(config.momentum), *_each(config.weight_decay))) + (not plain)
    else:
        copies = 4 + (not plain)
    kept = sum(units[:-1]) * (1 + model.batch_norm + 2 * (not plain)) + 2 * max(units[-2:])
    own_inputs = any((*_each(config.input_noise), *_each(config.input_dropout)))
    inputs = math.prod(model.input_shape) * (models if own_inputs else 1)
    return itemsize * (
        models * (copies * parameters + kept * config.batch_size) + inputs * config.batch_size
    )


def _at_once(model: ModelConfig, config: TrainConfig, models: int, like: Tensor) -> int:
    """Return how many models to train at once: what fits, and on a CPU what stays near it."""
    one = memory(model, config, 1, itemsize=like.element_size())
    if like.is_cuda:
        return max(1, min(models, int(0.8 * torch.cuda.mem_get_info(like.device)[0] / one)))
    fits = int(0.8 * psutil.virtual_memory().available / one)
    largest = max(
        math.prod(layer.weight) + math.prod(layer.outputs) * config.batch_size
        for layer in layers(model)
    )
    size = max(1, min(fits, NEAR_BYTES // (largest * like.element_size())))
    # In a batched product each thread takes models of its own, and one left over idles the rest; a
    # convolution is spread over the threads by itself.
    threads = 1 if model.kind == "cnn" else torch.get_num_threads()
    return min(models, max(1, size // threads) * threads)


def _check(
    model: ModelConfig,
    config: TrainConfig,
    params: Params,
    x: Float[Tensor, "examples ..."],
    y: Shaped[Tensor, "..."],
    gens: Gens,
    noise: Sequence[torch.Generator],
    rows: Int64[Tensor, "models rows"] | None,
) -> None:
    """Refuse what cannot be trained, before any work is spent."""
    models, weight = stacks.num_models(params), params["dense0.weight"]
    if models == 0:
        raise ValueError("a stack needs at least one model, got 0; see models.init")
    targets = y.is_floating_point() and config.loss == "squared_error"
    if (y.dtype != torch.int64 and not targets) or x.dtype != weight.dtype:
        raise ValueError(
            f"labels must be int64 and inputs {weight.dtype} like the parameters, got {y.dtype} "
            f"and {x.dtype}; convert them with .to"
        )
    own = metrics.own_labels(y)
    if y.ndim != 1 + own + targets or (own and len(y) != models):
        raise ValueError(
            f"labels must be [examples] or [{models} models, examples], got {tuple(y.shape)}"
        )
    if not isinstance(gens, torch.Generator) and len(gens) != models:
        raise ValueError(f"each of the {models} models needs a generator, got {len(gens)}")
    for name in (*RATES, *NOISES):
        if len(values := _each(getattr(config, name))) not in (1, models):
            raise ValueError(
                f"{name} must be one number or one for each of the {models} models, got "
                f"{len(values)}: {values}"
            )
    noisy = [name for name in NOISES if any(_each(getattr(config, name)))]
    if noisy and len(noise) != models:
        raise ValueError(
            f"{' and '.join(noisy)} need `noise`, one generator for each of the {models} models; "
            f"got {len(noise)}"
        )
    examples = y.shape[own]
    if tuple(x.shape[1:]) != model.input_shape or len(x) != examples:
        raise ValueError(
            f"x must hold {examples} examples of shape {model.input_shape} (one a label), got "
            f"{tuple(x.shape)}; a leading `models` axis of {models} may stand before them"
        )
    if rows is not None:
        if rows.ndim != 2 or len(rows) != models or rows.dtype != torch.int64:
            raise ValueError(
                f"rows must be int64 [{models} models, rows], got {rows.dtype} {tuple(rows.shape)}"
            )
        if rows.numel() and not 0 <= int(rows.min()) <= int(rows.max()) < examples:
            raise ValueError(
                f"rows must lie in [0, {examples}), got {int(rows.min())} to {int(rows.max())}"
            )
        examples = rows.shape[1]
    if config.batch_size > examples:
        raise ValueError(
            f"batch_size must be <= the number of examples, got {config.batch_size} > {examples}; "
            "lower batch_size"
        )
    if model.batch_norm and 1 in (config.batch_size, examples % config.batch_size):
        raise ValueError(
            f"batch normalization needs at least 2 examples in every batch, got {examples} "
            f"examples in batches of {config.batch_size}, which leaves one; change batch_size"
        )
    if targets:
        if y.shape[-1] != model.num_classes:
            raise ValueError(
                f"targets must have {model.num_classes} outputs (num_classes), got {y.shape[-1]}"
            )
        return
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= model.num_classes:
        raise ValueError(
            f"labels must lie in [0, {model.num_classes}), got {low} to {high}; "
            "check num_classes or the labels"
        )
