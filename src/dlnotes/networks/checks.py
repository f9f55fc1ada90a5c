"""What cannot be trained is refused here, before any work is spent."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from dlnotes.networks import metrics, stacks
from dlnotes.networks.models import ModelConfig
from dlnotes.networks.recipe import NOISES, RATES, Gens, TrainConfig, each
from dlnotes.networks.stacks import Params


def refuse(
    model: ModelConfig,
    config: TrainConfig,
    params: Params,
    x: Float[Tensor, "examples ..."],
    y: Shaped[Tensor, "..."],
    gens: Gens,
    noise: Sequence[torch.Generator],
    rows: Int64[Tensor, "models rows"] | None,
) -> None:
    """Refuse what cannot be trained, before any work is spent.

    Raises:
        ValueError: If models, examples, labels, rates or batch size do not fit together.
    """
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
        if len(values := each(getattr(config, name))) not in (1, models):
            raise ValueError(
                f"{name} must be one number or one for each of the {models} models, got "
                f"{len(values)}: {values}"
            )
    noisy = [name for name in NOISES if any(each(getattr(config, name)))]
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
