"""Accuracy and loss per model, from logits and labels."""

from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float64, Int64, Shaped
from torch import Tensor

from dlnotes.networks.models import ModelConfig, forward
from dlnotes.networks.stacks import Params

Loss = Literal["cross_entropy", "squared_error"]


def cross_entropy(
    logits: Float[Tensor, "models batch classes"],
    y: Int64[Tensor, "models batch"],
    *,
    label_smoothing: Float[Tensor, "models"] | None = None,
) -> Float[Tensor, "models"]:
    """Return the mean cross-entropy of each model, in nats per example.

    Args:
        logits: One row an example.
        y: Labels in ``[0, classes)``.
        label_smoothing: Share e of the target spread evenly over all classes, in [0, 1]: the target
            is 1 - e + e / classes at the label and e / classes elsewhere (Szegedy et al. 2016,
            section 7). None means 0.

    Returns:
        One mean a model.

    Example:
        Equal logits say nothing, so the loss is the log of the number of classes:

        >>> cross_entropy(torch.zeros(1, 2, 8), torch.tensor([[0, 3]])).item()  # ln 8
        2.0794...
    """
    mean = F.cross_entropy(logits.mT, y, reduction="none").mean(1)
    if label_smoothing is None:
        return mean
    even = -logits.log_softmax(2).mean(2).mean(1)
    return mean.lerp(even, label_smoothing)


def squared_error(
    outputs: Float[Tensor, "models batch outputs"], y: Shaped[Tensor, "models batch ..."]
) -> Float[Tensor, "models"]:
    """Return half the squared distance between outputs and targets, the mean over examples.

    Args:
        outputs: One row an example.
        y: Targets ``[models, batch, outputs]``, or int64 labels ``[models, batch]``, which stand
            for the target 1 at the label and 0 elsewhere.

    Example:
        >>> squared_error(torch.tensor([[[3.0, 4.0]]]), torch.zeros(1, 1, 2)).item()
        12.5
    """
    if not y.is_floating_point():
        y = F.one_hot(y, outputs.shape[2]).to(outputs.dtype)
    return (outputs - y).square().sum(2).mean(1) / 2


LOSSES = {"cross_entropy": cross_entropy, "squared_error": squared_error}


def accuracy(
    logits: Float[Tensor, "models batch classes"], y: Int64[Tensor, "models batch"]
) -> Float64[Tensor, "models"]:
    """Return the share of examples whose largest logit is the label's, in [0, 1].

    A model with a logit that is not finite has no accuracy: it gets nan, not the share that a
    comparison with nan would happen to give.

    Example:
        >>> logits = torch.tensor([[[2.0, 1.0], [0.0, 1.0]]])
        >>> accuracy(logits, torch.tensor([[0, 0]]))
        tensor([0.5000], dtype=torch.float64)
    """
    # argmax would find the same places, several times slower where the classes are not together.
    share = (logits.max(2).indices == y).double().mean(1)
    return share.where(logits.isfinite().all(2).all(1), torch.nan)


def evaluate(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    loss: Loss = "cross_entropy",
    rows: Int64[Tensor, "models rows"] | None = None,
    batch_size: int = 1000,
) -> tuple[Float64[Tensor, "models"], Float64[Tensor, "models"]]:
    """Return mean loss an example and accuracy ([0, 1]) of each model on a whole data set.

    Args:
        config: The shape of the models.
        params: Their parameters.
        x: Inputs, ``[examples, ...]`` or ``[models, examples, ...]``.
        y: Labels, ``[examples]`` or ``[models, examples]``; for ``squared_error`` also targets,
            with a last axis of outputs. Targets have no accuracy: it is nan.
        loss: ``"cross_entropy"`` (nats) or ``"squared_error"`` (half the squared distance).
        rows: The examples that count, one row of indices a model; None for all.
        batch_size: Examples at a time; changes the memory, and the result by rounding only. The
            last batch may be short.

    Returns:
        Two tensors of length ``models``: means over all examples, summed in float64.

    Raises:
        ValueError: If there are no examples, or ``batch_size`` is below 1.
    """
    loss_sum, right, seen = 0.0, 0.0, 0
    with torch.no_grad():
        for part_loss, part_right, count in _sums(config, params, x, y, loss, rows, batch_size):
            loss_sum, right, seen = loss_sum + part_loss, right + part_right, seen + count
    return loss_sum / seen, right / seen


def reaches(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    loss: Loss = "cross_entropy",
    rows: Int64[Tensor, "models rows"] | None = None,
    batch_size: int = 1000,
) -> Bool[Tensor, "models"]:
    """Return which models reach a loss and an accuracy: what `met` says of `evaluate`.

    It ends as soon as the examples seen have cost every model more than it may lose on all, which
    is soon where the models are far from the limits and the batches are small.

    Args:
        config: As for `evaluate`, like all that is not named here.
        params: As there.
        x: As there.
        y: As there.
        at_most: The mean loss that is enough; None asks for none.
        at_least: The accuracy that is enough; None asks for none.
        loss: As there.
        rows: As there.
        batch_size: Examples from one look to the next.

    Raises:
        ValueError: As for `evaluate`.

    Example:
        >>> config = ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
        >>> params = {"dense0.weight": torch.tensor([[[1.0], [-1.0]]])}
        >>> x, y = torch.tensor([[3.0], [-3.0]]), torch.tensor([0, 0])
        >>> reaches(config, params, x, y, at_least=0.5), reaches(config, params, x, y, at_least=0.6)
        (tensor([True]), tensor([False]))
    """
    examples = _examples(y, rows)
    loss_sum, wrong = 0.0, 0.0
    with torch.no_grad():
        for part_loss, part_right, count in _sums(config, params, x, y, loss, rows, batch_size):
            loss_sum, wrong = loss_sum + part_loss, wrong + count - part_right
            # What is still to come adds no loss and no error, at best.
            can = met(loss_sum / examples, 1 - wrong / examples, at_most=at_most, at_least=at_least)
            if not can.any():
                break
    return can


def met(
    loss: Float[Tensor, "*shape"],
    accuracy: Float[Tensor, "*shape"],
    *,
    at_most: float | None,
    at_least: float | None,
) -> Bool[Tensor, "*shape"]:
    """Return where the loss is at most, and the accuracy at least, what is asked for.

    A number that is not finite meets nothing; None asks for nothing.

    Example:
        >>> met(torch.tensor([0.1, 0.3]), torch.tensor([1.0, 1.0]), at_most=0.2, at_least=None)
        tensor([ True, False])
    """
    found = torch.ones_like(loss, dtype=torch.bool)
    if at_most is not None:
        found &= loss <= at_most
    if at_least is not None:
        # A share of n examples is exact to far less than 1/n; 1e-9 absorbs rounding.
        found &= accuracy >= at_least - 1e-9
    return found


def _examples(y: Shaped[Tensor, "..."], rows: Int64[Tensor, "models rows"] | None) -> int:
    """Return how many examples of each model count."""
    return y.shape[own_labels(y)] if rows is None else rows.shape[1]


def _sums(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    loss: Loss,
    rows: Int64[Tensor, "models rows"] | None,
    batch_size: int,
) -> Iterator[tuple[Float64[Tensor, "models"], Float64[Tensor, "models"], int]]:
    """Yield, batch by batch, the sum of losses and of right answers, and how many examples."""
    models, examples = len(params["dense0.weight"]), _examples(y, rows)
    own_x = tuple(x.shape[1:]) != config.input_shape
    y = y if own_labels(y) else y.expand(models, *y.shape)
    if examples == 0 or batch_size < 1:
        raise ValueError(
            f"need at least one example and batch_size >= 1, got {examples} and {batch_size}"
        )
    each = torch.arange(models, device=y.device)[:, None]
    for start in range(0, examples, batch_size):
        some = slice(start, start + batch_size)
        if rows is None:
            batch_x, batch_y = x[:, some] if own_x else x[some], y[:, some]
        else:
            some = rows[:, some]
            batch_x, batch_y = x[each, some] if own_x else x[some], y[each, some]
        logits, count = forward(config, params, batch_x), batch_y.shape[1]
        losses = LOSSES[loss](logits, batch_y).double()
        shares = accuracy(logits, batch_y) if batch_y.ndim == 2 else losses * torch.nan
        yield losses * count, shares * count, count


def hits(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Int64[Tensor, "examples"],
    *,
    batch_size: int = 1000,
) -> Bool[Tensor, "models examples"]:
    """Return which examples each model gets right: what `evaluate` averages to an accuracy.

    Two models compared example by example tell how much another test set would change
    (`dlnotes.stats.two_way_interval`).

    Args:
        config: The shape of the models.
        params: Their parameters.
        x: Inputs, the same for all models.
        y: Labels.
        batch_size: Examples at a time, >= 1; changes the memory only.

    Example:
        >>> config = ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
        >>> params = {"dense0.weight": torch.tensor([[[1.0], [-1.0]]])}
        >>> hits(config, params, torch.tensor([[3.0], [-3.0]]), torch.tensor([0, 0]))
        tensor([[ True, False]])
    """
    with torch.no_grad():
        some = [forward(config, params, part).argmax(2) for part in x.split(batch_size)]
    return torch.cat(some, 1) == y


def own_labels(y: Shaped[Tensor, "..."]) -> bool:
    """Return whether labels or targets have an axis ``models``: int64 2-D, or float 3-D.

    Example:
        >>> own_labels(torch.tensor([3, 1])), own_labels(torch.zeros(5, 2, 1))
        (False, True)
    """
    return y.ndim == (3 if y.is_floating_point() else 2)
