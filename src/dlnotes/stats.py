"""Intervals and tests over seeds, exact or with a stated assumption. Floats in, floats out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats as scipy_stats
from scipy.special import stdtrit

LEVEL = 0.95
"""The confidence level of every interval in the book, two-sided."""

EXACT_SEEDS = 16
"""Up to so many seeds all 2^n signs are tried; with more, a fixed sample of 2^16 of them."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        estimate: The point estimate.
        low: Lower end, at most ``estimate``.
        high: Upper end, at least ``estimate``.
        method: How the interval was computed, in words.
    """

    estimate: float
    low: float
    high: float
    method: str


def _checked(values: Sequence[float], level: float) -> np.ndarray:
    """Return finite values of at least two seeds as float64."""
    _check_level(level)
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(
            f"an interval needs one value each of at least two seeds, got shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"values must be finite, got {array.tolist()}; look at the run that broke")
    return array


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}; 95 % is 0.95")


def mean_interval(values: Sequence[float], *, level: float = LEVEL) -> Interval:
    """Return the mean with Student's t interval (Student 1908).

    Exact if the values are independent and normal. Five seeds cannot show that they are; equal
    values give an interval of width zero, which claims more than was measured.

    Args:
        values: One value a seed, any unit.
        level: Confidence level in (0, 1).

    Returns:
        Mean and ends, in the unit of ``values``.

    Raises:
        ValueError: If there are fewer than two values or one is not finite.

    Example:
        For the values 0 and 2: mean 1, standard error 1, and Student's t with one degree of
        freedom leaves 95 % within 12.706:

        >>> round(mean_interval([0.0, 2.0]).high, 3)
        13.706
    """
    array = _checked(values, level)
    mean = float(array.mean())
    error = float(array.std(ddof=1)) / len(array) ** 0.5
    half = float(stdtrit(len(array) - 1, (1 + level) / 2)) * error
    return Interval(
        estimate=mean, low=mean - half, high=mean + half, method="t interval of the mean over seeds"
    )


def ratio_interval(ratios: Sequence[float], *, level: float = LEVEL) -> Interval:
    """Return the geometric mean of ratios with Student's t interval on their logarithms.

    Args:
        ratios: One positive ratio a seed, numerator and denominator from the same seed.
        level: Confidence level in (0, 1).

    Returns:
        A factor, without unit.

    Raises:
        ValueError: If there are fewer than two ratios or one is not positive and finite.

    Example:
        >>> round(ratio_interval([2.0, 8.0]).estimate, 6)  # the square root of 2 times 8
        4.0
    """
    array = _checked(ratios, level)
    if array.min() <= 0:
        raise ValueError(f"ratios must be positive, got {array.tolist()}")
    logs = mean_interval(np.log(array).tolist(), level=level)
    estimate, low, high = (float(np.exp(v)) for v in (logs.estimate, logs.low, logs.high))
    method = "t interval of the mean log ratio over seeds"
    return Interval(estimate=estimate, low=low, high=high, method=method)


def share_interval(successes: int, trials: int, *, level: float = LEVEL) -> Interval:
    """Return a share with its exact interval (Clopper and Pearson 1934).

    Args:
        successes: Runs that did it, in [0, trials].
        trials: All runs, >= 1.
        level: Confidence level in (0, 1).

    Returns:
        A share in [0, 1].

    Raises:
        ValueError: If ``successes`` is not in [0, trials] or ``trials`` is below 1.

    Example:
        With no failure in n runs the lower end solves p^n = 0.025; here n = 6:

        >>> round(share_interval(6, 6).low ** 6, 9)
        0.025
    """
    _check_level(level)
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"need 0 <= successes <= trials >= 1, got {successes} of {trials}")
    ends = scipy_stats.binomtest(successes, trials).proportion_ci(level, method="exact")
    return Interval(
        estimate=successes / trials,
        low=float(ends.low),
        high=float(ends.high),
        method="Clopper-Pearson interval of the share of seeds",
    )


def sign_flip(values: Sequence[float]) -> tuple[float, float]:
    """Return the one-sided p values of the sign-flip test of "the mean is 0" (Fisher 1935, 21).

    If the values are symmetric about 0, each could as well have had the other sign. So the sum is
    compared with the sums under all signs: exact for up to `EXACT_SEEDS` values, and without any
    assumption of normality.

    Args:
        values: One value a seed, any unit.

    Returns:
        The share of signs under which the sum is at least as large as it is, and at least as small.

    Raises:
        ValueError: If there are fewer than two values or one is not finite.

    Example:
        Of the 2^6 signs of six positive values, only their own make the sum as large:

        >>> sign_flip([1.0, 2.0, 1.5, 0.5, 3.0, 1.0])[0] * 2**6
        1.0
    """
    array = _checked(values, LEVEL)
    sums, own = _signs(len(array)) @ array, array.sum()
    rounding = 1e-12 * float(np.abs(array).sum())
    larger, smaller = int((sums >= own - rounding).sum()), int((sums <= own + rounding).sum())
    one = int(len(array) > EXACT_SEEDS)  # a sample counts the signs that were seen, too
    return (larger + one) / (len(sums) + one), (smaller + one) / (len(sums) + one)


@cache
def _signs(count: int) -> np.ndarray:
    """Return all rows of ``count`` signs, or a fixed sample of them."""
    if count <= EXACT_SEEDS:
        return 1.0 - 2.0 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    return np.random.default_rng(0).choice([-1.0, 1.0], (2**EXACT_SEEDS, count))


def two_way_interval(differences: np.ndarray, *, level: float = LEVEL) -> Interval:
    """Return a mean over seeds and test examples, with an interval for others of *both*.

    A t interval over seeds speaks of other seeds and the same test examples. This one adds what
    another test set would change: with one value for each seed and example,
    Var = s2_seed / S + s2_example / M + s2_rest / (S M), the components by the method of moments
    (two-way random effects without replication, Searle, Casella and McCulloch 1992, section 4.5),
    never below 0; Student's t with min(S, M) - 1 degrees of freedom.

    Args:
        differences: ``[seeds, examples]``, such as (hit of one network) - (hit of the other), in
            {-1, 0, 1}; at least 2 x 2.
        level: Confidence level in (0, 1).

    Returns:
        Mean and ends, in the unit of ``differences``.

    Raises:
        ValueError: If the array is not two-dimensional and finite, or too small.

    Example:
        Where all seeds agree on every example, only the examples make the interval: here the values
        0 and 2, as in `mean_interval`.

        >>> round(two_way_interval(np.array([[0.0, 2.0], [0.0, 2.0]])).high, 3)
        13.706
    """
    _check_level(level)
    table = np.asarray(differences, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise ValueError(
            f"need finite values [seeds, examples], at least 2 x 2, got shape {table.shape}"
        )
    seeds, examples = table.shape
    mean, by_seed, by_example = table.mean(), table.mean(1), table.mean(0)
    rest = table - by_seed[:, None] - by_example[None] + mean
    error = (rest**2).sum() / ((seeds - 1) * (examples - 1))
    of_seeds = max(0.0, by_seed.var(ddof=1) - error / examples)
    of_examples = max(0.0, by_example.var(ddof=1) - error / seeds)
    spread = of_seeds / seeds + of_examples / examples + error / (seeds * examples)
    t = scipy_stats.t.ppf((1 + level) / 2, min(seeds, examples) - 1)
    half = float(t * spread**0.5)
    method = "two-way interval of the mean over seeds and test examples"
    return Interval(
        estimate=float(mean), low=float(mean - half), high=float(mean + half), method=method
    )
