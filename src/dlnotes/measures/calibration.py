"""Whether a network is right as often as it says: calibration, and the one number that mends it.

The *confidence* of a network in its answer is the largest of its probabilities. A network is
calibrated if of the answers given with confidence c a share c is right, for every c.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

_HALVINGS = 80
_WIDEST = 30.0  # bounds of the logarithm of a temperature: e^30 is about 10^13


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Confidence and accuracy of each model, in bins of equal width from confidence 0 to 1.

    Attributes:
        count: Examples whose confidence falls into the bin.
        confidence: Their mean confidence, in [0, 1]; nan in an empty bin.
        accuracy: The share of them that is right, in [0, 1]; nan in an empty bin.
    """

    count: Int64[Tensor, "models bins"]
    confidence: Float64[Tensor, "models bins"]
    accuracy: Float64[Tensor, "models bins"]


def reliability(
    logits: Float[Tensor, "models examples classes"], y: Int64[Tensor, "..."], *, bins: int = 15
) -> Reliability:
    """Sort the answers of each model by confidence, and compare it with how often they are right.

    Bin m of M holds the confidences in ((m - 1)/M, m/M] (Guo et al. 2017, section 2).

    Args:
        logits: Scores before softmax.
        y: Labels, ``[examples]`` for all models or ``[models, examples]``.
        bins: How many, >= 1.

    Returns:
        What a reliability diagram shows.

    Raises:
        ValueError: If ``bins`` is below 1, there are no examples, or a logit is not finite.

    Example:
        Probabilities 3/4 and 1/4, four times, and three answers are right:

        >>> logits = torch.tensor([3.0, 1.0]).log().expand(1, 4, 2)
        >>> found = reliability(logits, torch.tensor([0, 0, 0, 1]), bins=2)
        >>> found.count.tolist(), found.accuracy[0, 1].item()
        ([[0, 4]], 0.75)
    """
    if bins < 1 or logits.shape[1] < 1 or not logits.isfinite().all():
        raise ValueError(
            f"calibration needs bins >= 1, at least one example and finite logits, got {bins} bins "
            f"and logits of shape {tuple(logits.shape)}; leave out models that diverged"
        )
    confidence, answer = logits.double().softmax(2).max(2)
    right = (answer == y).double()
    place = ((confidence * bins).ceil().long() - 1).clamp(0, bins - 1)
    empty = confidence.new_zeros(len(logits), bins)
    count = empty.scatter_add(1, place, torch.ones_like(right))
    return Reliability(
        count=count.long(),
        confidence=empty.scatter_add(1, place, confidence) / count,
        accuracy=empty.scatter_add(1, place, right) / count,
    )


def calibration_error(
    logits: Float[Tensor, "models examples classes"], y: Int64[Tensor, "..."], *, bins: int = 15
) -> Float64[Tensor, "models"]:
    """Return the expected calibration error of each model (Naeini et al. 2015).

    It is ``sum_m (n_m / n) |accuracy_m - confidence_m|`` over bins of equal width (Guo et al. 2017,
    equation 3). Few examples make it too large: chance alone moves each bin away from zero.

    Args:
        logits: Scores before softmax.
        y: Labels, ``[examples]`` for all models or ``[models, examples]``.
        bins: How many, >= 1.

    Returns:
        One number in [0, 1] a model; 0 is best.

    Raises:
        ValueError: As `reliability`.

    Example:
        Four answers with probability 3/4, and all of them are right: too modest by 1/4.

        >>> logits = torch.tensor([3.0, 1.0]).log().expand(1, 4, 2)
        >>> round(calibration_error(logits, torch.zeros(4, dtype=torch.int64)).item(), 6)
        0.25
    """
    found = reliability(logits, y, bins=bins)
    gaps = (found.accuracy - found.confidence).abs().nan_to_num(0.0)
    return (gaps * found.count).sum(1) / logits.shape[1]


def fit_temperature(
    logits: Float[Tensor, "models examples classes"], y: Int64[Tensor, "..."]
) -> Float64[Tensor, "models"]:
    """Return the temperature T > 0 with the smallest cross-entropy of ``logits / T``, each model's.

    Dividing all logits by one number changes how sure a network is, and none of its answers (Guo
    et al. 2017, section 4.2). The loss is convex in 1/T, so its slope has at most one zero, which
    is found by halving.

    Args:
        logits: Scores before softmax on validation examples, which training has not seen.
        y: Their labels, ``[examples]`` for all models or ``[models, examples]``.

    Returns:
        One temperature a model; above 1 for a network that was too sure.

    Raises:
        ValueError: If a loss has no minimum: every label has the largest logit (the colder the
            better), or labels have no larger logits than the other classes on average.

    Example:
        Logits ln 9 and 0 stand for the probabilities 9/10 and 1/10. If three of four answers are
        right, 3/4 and 1/4 would be best, with the logits ln 3 and 0, which are half as large:

        >>> logits = torch.tensor([9.0, 1.0]).log().expand(1, 4, 2)
        >>> round(fit_temperature(logits, torch.tensor([0, 0, 0, 1])).item(), 6)
        2.0
    """
    z = logits.double()
    labels = y.expand(z.shape[:2])[..., None]
    z = z - z.gather(2, labels)  # the label's own is 0 from here on
    rises = z.max(2).values.mean(1) > 0
    falls = z.mean(2).mean(1) < 0
    if not (rises & falls & z.isfinite().all(2).all(1)).all():
        raise ValueError(
            "a temperature needs finite logits, an example whose label has not the largest one, "
            "and labels with larger logits than the average class; some model lacks one of these"
        )
    low, high = (z.new_full((len(z),), end) for end in (-_WIDEST, _WIDEST))  # of ln(1/T)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        p = (z * middle.exp()[:, None, None]).softmax(2)
        rising = (p * z).sum(2).mean(1) > 0  # the slope of the loss by 1/T
        low, high = low.where(rising, middle), middle.where(rising, high)
    return (-(low + high) / 2).exp()
