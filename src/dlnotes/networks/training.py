"""Stacked training: one loop trains many networks of equal shape.

Labels, subset, rates, penalties, noise, dropout and the order of the examples may differ from model
to model (`dlnotes.networks.recipe`). A model that has met the stop rule leaves the stack, so that
it costs no more time; a stack that is too large to be fast, or to fit, is trained in parts, one
after another (`dlnotes.networks.sizes`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from dlnotes.networks import backprop, checks, metrics, optimizers, recipe, sizes, stacks
from dlnotes.networks.batches import Batches
from dlnotes.networks.models import ModelConfig, forward
from dlnotes.networks.noise import Noise
from dlnotes.networks.recipe import Gens, TrainConfig
from dlnotes.networks.stacks import Params

Measure = Callable[[Params, Int64[Tensor, "some"]], dict[str, Float[Tensor, "some"]]]
"""``measure(params, models)`` returns numbers, one for each model of ``params``; ``models`` are
their places in the whole stack."""


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
    checks.refuse(model, config, params, x if shared else x[0], y, gens, noise, rows)
    if not metrics.own_labels(y):
        y = y.expand(models, *y.shape)
    final = {name: p.detach().clone() for name, p in params.items()}
    size = sizes.at_once(model, config, models, final["dense0.weight"])
    parts = []
    for places in torch.arange(models).split(size):
        own = slice(int(places[0]), int(places[-1]) + 1)
        part = _Part(
            model=model,
            config=recipe.part(config, own, models),
            places=places.to(y.device),
            params={name: p[own] for name, p in final.items()},
            batches=Batches(
                model.input_shape,
                x if shared else x[own].contiguous(),
                y[own],
                gens=gens if isinstance(gens, torch.Generator) else gens[own],
                rows=None if rows is None else rows[own],
            ),
            noise=noise[own],
            measure=measure,
        )
        parts.append(part.train())
    return _join(final, parts)


class _Part:
    """Models that are trained at once; those that are done leave.

    ``final`` are the results, ``now`` the parameters of the models still trained: views of
    ``final``, changed in place, until the first of them leaves.
    """

    def __init__(
        self,
        *,
        model: ModelConfig,
        config: TrainConfig,
        places: Tensor,
        params: Params,
        batches: Batches,
        noise: Sequence[torch.Generator],
        measure: Measure | None,
    ) -> None:
        self.model, self.config, self.places, self.measure = model, config, places, measure
        self.final = self.now = params
        self.batches, self.noise = batches, Noise(config, noise, len(places))
        self.alive = torch.arange(len(places), device=places.device)
        self.here = self.alive.tolist()  # the same on the host, so that nobody waits for a GPU
        like, self.rates = params["dense0.weight"], {}
        for name in (*recipe.RATES, *recipe.NOISES):
            if any(values := recipe.each(getattr(config, name))):
                one = torch.tensor(values, dtype=like.dtype, device=like.device)
                self.rates[name] = one.expand(len(places))
        self.state = optimizers.init(config.optimizer, stacks.trained(params), self.rates)
        self.curves: dict[str, list[Tensor]] = {"loss": [], "accuracy": []}
        self.room: backprop.Room = {}
        # What changes the gradient beyond what the written-out formulas know goes to autograd.
        plain = config.loss == "cross_entropy" and "dropout" not in self.rates
        self.by_hand = backprop.covers(model) and plain

    def train(self) -> Run:
        config, models, device = self.config, len(self.places), self.places.device
        examples = self.batches.examples
        per_epoch = math.ceil(examples / config.batch_size)
        every = per_epoch if config.curve_every is None else config.curve_every
        last = per_epoch * config.max_epochs
        points, step = [], 0
        if every:
            self._point()
            points.append(step)
        steps = torch.zeros(models, dtype=torch.int64, device=device)
        fitted = torch.zeros(models, dtype=torch.bool, device=device)
        while step < last and self.here:
            for rows in self.batches.order(self.here).split(config.batch_size, dim=-1):
                optimizers.step(
                    config.optimizer,
                    stacks.trained(self.now),
                    partial(self._add_gradients, *self._batch(rows)),
                    self.state,
                    self.rates,
                )
                step += 1
                if not every or not (step % every == 0 or step == last or self._stops_at(step)):
                    continue
                self._point()
                points.append(step)
                steps[self.alive] = step
                if config.stops:
                    loss, accuracy = (self.curves[k][-1][self.alive] for k in ("loss", "accuracy"))
                    fits = metrics.met(
                        loss, accuracy, at_most=config.stop_loss, at_least=config.stop_accuracy
                    )
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
            points=torch.tensor(points, dtype=torch.int64, device=device),
            loss=curves.pop("loss"),
            accuracy=curves.pop("accuracy"),
            measured=curves,
            steps=steps,
            fitted=fitted,
            diverged=~finite,
            steps_per_epoch=per_epoch,
        )

    def _batch(self, rows: Int64[Tensor, "... batch"]) -> tuple[Tensor, Tensor]:
        """Return inputs, with their noise, and labels."""
        x, y = self.batches.take(rows, self.alive)
        drawn = {"input_noise", "input_dropout"} & self.rates.keys()
        if drawn and x.ndim == 1 + len(self.model.input_shape):
            x = x.expand(len(self.alive), *x.shape)
        if "input_noise" in drawn:
            x = x + self._drawn(self.noise.normal, "input_noise", x)
        if "input_dropout" in drawn:
            x = x * self._drawn(self.noise.kept, "input_dropout", x)
        return x, y

    def _drawn(self, how: Callable[..., Tensor], kind: str, like: Tensor) -> Tensor:
        """Draw noise of a kind for the models still trained."""
        return how(kind, like, self.rates[kind], self.here)

    def _masks(self, batch: int) -> list[Float[Tensor, "models batch _"]]:
        """Draw what dropout multiplies each dense hidden layer with."""
        if "dropout" not in self.rates:
            return []
        like = self.rates["dropout"].view(-1, 1, 1)
        shapes = [like.expand(-1, batch, width) for width in self.model.hidden]
        return [self._drawn(self.noise.kept, "dropout", one) for one in shapes]

    def _add_gradients(self, x: Tensor, y: Tensor, into: Params, scale: Tensor) -> None:
        """Add ``scale`` times the gradient of each model's mean loss on its batch to ``into``."""
        at = stacks.trained(self.now)
        if "weight_noise" in self.rates:
            at = {n: p + self._drawn(self.noise.normal, "weight_noise", p) for n, p in at.items()}
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

    def _stops_at(self, step: int) -> bool:
        """Return whether the stop rules are looked at after this step, and a model meets them."""
        if self.config.stop_every is None or step % self.config.stop_every:
            return False
        meets = metrics.reaches(
            self.model,
            self.now,
            *self.batches.all(self.alive),
            at_most=self.config.stop_loss,
            at_least=self.config.stop_accuracy,
            loss=self.config.loss,
            rows=self.batches.own_rows(self.alive),
            batch_size=self.config.batch_size,
        )
        return bool(meets.any())

    def _point(self) -> None:
        """Add a point to every learning curve; models that have left keep their last value."""
        loss, accuracy = metrics.evaluate(
            self.model,
            self.now,
            *self.batches.all(self.alive),
            loss=self.config.loss,
            rows=self.batches.own_rows(self.alive),
            batch_size=max(self.config.batch_size, 1000),
        )
        values = {"loss": loss, "accuracy": accuracy}
        if self.measure:
            values |= self.measure(self.now, self.places[self.alive])
        for name, value in values.items():
            curve = self.curves.setdefault(name, [])
            point = curve[-1].clone() if curve else value.new_empty(len(self.places))
            point[self.alive] = value
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
