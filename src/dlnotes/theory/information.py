"""Information in the weights: a formula for Gaussian channels, and two measures of networks.

All informations are in nats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int64, Shaped
from torch import Tensor

from dlnotes.networks import metrics, stacks
from dlnotes.networks.models import ModelConfig
from dlnotes.networks.stacks import Params
from dlnotes.theory import posterior


def channel(
    gain: Float64[Tensor, "weights data"], covariance: Float64[Tensor, "data data"], noise: float
) -> float:
    """Return the mutual information of normal data and weights that are linear in them, plus noise.

    For weights ``gain @ data + noise * z``, z standard normal, it is
    ``ln det(I + gain covariance gain^T / noise^2) / 2`` (Cover and Thomas 2006, section 9.4).

    Args:
        gain: What makes the weights of the data: for ridge regression
            ``(x^T x / n + penalty I)^-1 x^T / n``, with the targets as data.
        covariance: Of the data.
        noise: Standard deviation of the noise on the weights, > 0.

    Returns:
        Nats; it grows without limit as the noise goes to 0.

    Raises:
        ValueError: If ``noise`` is not positive, or the covariance is not positive semidefinite.

    Example:
        One weight, signal and noise of the same size: ln(1 + 1) / 2.

        >>> one = torch.ones(1, 1, dtype=torch.float64)
        >>> channel(one, one, 1.0) == math.log(2) / 2
        True
    """
    if not 0 < noise < math.inf:
        raise ValueError(
            f"the noise must be positive and finite, got {noise}: without noise the "
            "weights carry infinite information"
        )
    signal = gain @ covariance @ gain.T / noise**2
    values = torch.linalg.eigvalsh((signal + signal.T) / 2)
    if values[0] < -1e-9 * max(1.0, float(values[-1])):
        raise ValueError(
            "the covariance must be positive semidefinite, but one direction of the weights has "
            f"variance {float(values[0]) * noise**2:.3g}"
        )
    return float(values.clamp(min=0).log1p().sum() / 2)


@dataclass(frozen=True)
class Evaluated:
    """What predictions tell of which example of each pair was trained on.

    Attributes:
        nats: Plug-in estimate for each pair, in [0, ln 2]. Too large on average where predictions
            vary without regard to the coin, slightly too small where they always tell it, since so
            few tosses are rarely half heads.
        bias: How much too large their mean is, by the jackknife over trainings; may be negative.
        error: Standard error of their mean, by the jackknife over trainings.
    """

    nats: Float64[Tensor, "pairs"]
    bias: float
    error: float

    @property
    def mean(self) -> float:
        """The mean over pairs without its bias."""
        return float(self.nats.mean()) - self.bias


def evaluated(
    predictions: Int64[Tensor, "..."], coins: Bool[Tensor, "trainings pairs"]
) -> Evaluated:
    """Estimate the evaluated conditional mutual information from repeated trainings.

    Pairs of examples are fixed. For each training a fair coin decides for each pair which of the
    two is trained on. For each pair the information of the two predictions about the coin is
    estimated by the frequencies (plug-in), as Harutyunyan et al. (2021) do.

    Args:
        predictions: Class that each training's network gives to both examples of a pair,
            ``[trainings, pairs, 2]``.
        coins: Whether the second one was trained on.

    Raises:
        ValueError: If there are fewer than 3 trainings, or the shapes do not fit.

    Example:
        Predictions that tell the coin, and others that do not:

        >>> coins = torch.tensor([[False, True], [True, False], [False, True], [True, False]])
        >>> telling = torch.stack([coins.long(), torch.zeros(4, 2).long()], 2)
        >>> telling[:, 1] = 0  # the second pair's predictions are always the same
        >>> (evaluated(telling, coins).nats / math.log(2)).tolist()
        [1.0, 0.0]
    """
    trainings, pairs = coins.shape
    if trainings < 3 or predictions.shape != (trainings, pairs, 2):
        raise ValueError(
            f"need at least 3 trainings and predictions [trainings, pairs, 2], got coins "
            f"{tuple(coins.shape)} and predictions {tuple(predictions.shape)}"
        )
    classes = int(predictions.max()) + 1
    said = predictions[..., 0] * classes + predictions[..., 1]
    cell = said * 2 + coins.long()
    counts = torch.zeros(pairs, classes * classes * 2, dtype=torch.float64)
    counts.scatter_add_(1, cell.T, torch.ones(pairs, trainings, dtype=torch.float64))
    counts = counts.view(pairs, -1, 2)
    whole = _plug_in(counts)
    left_out = []
    for k in range(trainings):
        fewer = counts.clone()
        fewer[torch.arange(pairs), said[k], coins[k].long()] -= 1
        left_out.append(_plug_in(fewer).mean())
    means = torch.stack(left_out)
    bias = (trainings - 1) * float(means.mean() - whole.mean())
    spread = (trainings - 1) * float((means - means.mean()).square().mean())
    return Evaluated(nats=whole, bias=bias, error=math.sqrt(spread))


def _plug_in(counts: Float64[Tensor, "pairs said 2"]) -> Float64[Tensor, "pairs"]:
    joint = counts / counts.sum((1, 2), keepdim=True)
    apart = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
    return torch.where(joint > 0, joint * (joint / apart).log(), 0.0).sum((1, 2)).clamp(min=0)


@dataclass(frozen=True)
class AtTolerance:
    """How much the weights have to say, if noise may raise the loss by a given amount.

    Attributes:
        nats: Divergence of the noisy weights from the prior.
        scale: Standard deviation of the noise that the loss tolerates.
        prior_scale: Standard deviation of the prior, the best of its grid.
        distance: Length of the way from the center to the weights.
    """

    nats: Float64[Tensor, "models"]
    scale: Float64[Tensor, "models"]
    prior_scale: Float64[Tensor, "models"]
    distance: Float64[Tensor, "models"]


def at_tolerance(
    model: ModelConfig,
    params: Params,
    center: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    gens: Sequence[torch.Generator],
    prior_scales: Sequence[float],
    rows: Int64[Tensor, "models rows"] | None = None,
    most: float = 0.1,
    draws: int = 5,
    low: float = 1e-4,
    high: float = 3.0,
    steps: int = 14,
) -> AtTolerance:
    """Return the divergence at tolerance: what N(weights, s^2) costs against N(center, t^2).

    s is where normal noise on all weights raises the mean training cross-entropy by ``most`` nats
    an example, found by halving; t is the one of a grid fixed beforehand that makes the divergence
    least. It is the length of a message with the weights, as exact as the loss needs them (Hinton
    and van Camp 1993), and the ``kl`` of a PAC-Bayes bound. It depends on how the function is
    written down: rescaling two layers changes it.

    Args:
        model: The shape of the models.
        params: Trained weights.
        center: Where the prior is centered: the initial weights, or zeros.
        x: Inputs of the training examples, as in `metrics.evaluate`.
        y: Their labels, as there.
        gens: One CPU generator a model; left as they were. All sizes of noise share their draws.
        prior_scales: The grid for t, each > 0.
        rows: The examples of each model, indices; None for all.
        most: Rise of the loss that is tolerated, > 0.
        draws: Draws of the noise whose mean loss counts, >= 1.
        low: Smallest size of noise looked at; there the loss must rise by less than ``most``.
        high: Largest one; there it must rise by more.
        steps: Halvings of the interval in logarithms.

    Raises:
        ValueError: If ``low`` and ``high`` do not enclose the size that is tolerated, or a prior
            scale is not positive.

    Example:
        Two weights at the center of a prior of scale 1: each costs ln(1/s) + (s^2 - 1) / 2.

        >>> config = ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
        >>> zero = {"dense0.weight": torch.zeros(1, 2, 1)}
        >>> x, y, gens = torch.ones(2, 1), torch.tensor([0, 1]), [torch.Generator().manual_seed(0)]
        >>> found = at_tolerance(config, zero, zero, x, y, gens=gens, prior_scales=[1.0])
        >>> s = float(found.scale[0])
        >>> round(float(found.nats[0]) - (s**2 - 1 - 2 * math.log(s)), 6)
        0.0
    """
    models = stacks.num_models(params)
    if not prior_scales or not all(0 < t < math.inf for t in prior_scales) or most <= 0:
        raise ValueError(
            f"prior scales and tolerated rise must be positive, got {list(prior_scales)}, {most}"
        )
    around = posterior.gaussian({name: torch.zeros_like(p) for name, p in params.items()}, 1.0)
    gens = [gen.clone_state() for gen in gens]
    noise = [posterior.sample(around, gens) for _ in range(draws)]
    before, _ = metrics.evaluate(model, params, x, y, rows=rows)

    def rise(scale: Tensor) -> Tensor:
        total = torch.zeros(models, dtype=torch.float64, device=before.device)
        for z in noise:
            moved = {
                name: p + scale.to(p).view(-1, *[1] * (p.ndim - 1)) * z[name]
                for name, p in params.items()
            }
            total += metrics.evaluate(model, moved, x, y, rows=rows)[0]
        return (total / draws - before).nan_to_num(math.inf)

    ends = torch.tensor([[low], [high]], dtype=torch.float64).log().expand(2, models).clone()
    ends = ends.to(before.device)
    if not bool((rise(ends[0].exp()) < most).all() and (rise(ends[1].exp()) > most).all()):
        raise ValueError(
            f"noise of size {low} must raise the loss by less than {most} and noise of size {high} "
            "by more in every model, but does not; choose a smaller `low` or a larger `high`"
        )
    for _ in range(steps):
        middle = ends.mean(0)
        above = rise(middle.exp()) > most
        ends = torch.stack([ends[0].where(above, middle), middle.where(above, ends[1])])
    scale = ends[0].exp().cpu()
    count = stacks.num_parameters(params)
    squared = sum(
        (p.double() - center[name].double()).square().flatten(1).sum(1)
        for name, p in params.items()
    ).cpu()
    t = torch.tensor(list(prior_scales), dtype=torch.float64)[:, None]
    share = (scale / t).square()
    nats = (count * (share - 1 - share.log()) + squared / t.square()) / 2
    least = nats.min(0)
    return AtTolerance(least.values, scale, t[:, 0][least.indices], squared.sqrt())
