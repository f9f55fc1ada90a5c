"""Accuracy and loss per model, from logits and labels."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from dlnotes.models import ModelConfig, forward
from dlnotes.params import Params


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
    losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
    mean = losses.view(y.shape).mean(1)
    if label_smoothing is None:
        return mean
    even = -logits.log_softmax(2).mean(2).mean(1)
    return mean.lerp(even, label_smoothing)


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
    share = (logits.argmax(2) == y).double().mean(1)
    return share.where(logits.isfinite().all(2).all(1), torch.nan)


def evaluate(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Int64[Tensor, "..."],
    *,
    batch_size: int = 1000,
) -> tuple[Float64[Tensor, "models"], Float64[Tensor, "models"]]:
    """Return loss (nats per example) and accuracy ([0, 1]) of each model on a whole data set.

    Args:
        config: The shape of the models.
        params: Their parameters.
        x: Inputs, ``[examples, ...]`` or ``[models, examples, ...]``.
        y: Labels, ``[examples]`` or ``[models, examples]``.
        batch_size: Examples at a time; changes the memory, and the result by rounding only. The
            last batch may be short.

    Returns:
        Two tensors of length ``models``: means over all examples, summed in float64.

    Raises:
        ValueError: If there are no examples, or ``batch_size`` is below 1.
    """
    models = len(params["dense0.bias"])
    examples = y.shape[-1]
    if examples == 0 or batch_size < 1:
        raise ValueError(
            f"need at least one example and batch_size >= 1, got {examples} and {batch_size}"
        )
    y = y.expand(models, examples)
    own = tuple(x.shape[1:]) != config.input_shape
    loss, right = torch.zeros(2, models, dtype=torch.float64, device=y.device)
    with torch.no_grad():
        for start in range(0, examples, batch_size):
            rows = slice(start, start + batch_size)
            logits = forward(config, params, x[:, rows] if own else x[rows])
            loss += cross_entropy(logits, y[:, rows]).double() * logits.shape[1]
            right += accuracy(logits, y[:, rows]) * logits.shape[1]
    return loss / examples, right / examples
