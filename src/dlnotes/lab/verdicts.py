"""From one number a seed to a verdict: what holds, what does not, what these runs cannot tell.

A statement about a mean *holds* if both the t interval and the exact sign-flip test put it on the
stated side, *fails* if both put it on the other, each at one-sided 2.5 %; else it is *undecided*.
The t interval alone errs in a tenth of all samples with a long tail, the signs alone see no more
than symmetry. Samples that allow no verdict at all are *refused*: with a finding that says so, and
that `dlnotes.lab.claims.check` raises with the name of its claim.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Literal, Self

import numpy as np
from scipy import stats as scipy_stats
from scipy.special import stdtr

from dlnotes.contract import ADVISED_SEEDS, LEAST_SEEDS, Scale, Verdict
from dlnotes.stats import mean_interval, ratio_interval, share_interval, sign_flip, two_way_interval

LEVEL = 0.025
"""A verdict errs at most this often on either side, one-sided."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the runs say about one statement.

    Attributes:
        verdict: The answer; "refused" if the sample allows none.
        effect: The measured number, in the claim's unit.
        interval: Its 95 % confidence interval, or None for an identity.
        limits: Where the quantity must lie, in the same unit; infinite where it is not limited.
        scale: Whether distances are differences, ratios, or those of a share in percent.
        method: How interval and verdict were computed, in words.
        reason: What the number is, or why there is none.
        part: Which part of a conjunction decided, in words; empty for a single statement.
        unit: Of effect and interval, if it is not the claim's.
        p_holds: One-sided p value of "it does not hold"; nan without a test.
        p_fails: One-sided p value of "it holds": the larger one of the two tests.
        p_fails_t: The same by t alone; nan for a share.
        p_fails_signs: The same by the signs alone; nan for a share.
        seeds: How many seeds the number rests on; 0 for an identity.
        power: How often the design would decide if there were no difference; for `alike`.
        both: A second interval, for other seeds *and* other test examples.
        leaves: The single findings that this one is made of; none for a single statement.
    """

    verdict: Verdict | Literal["refused"]
    effect: float | None
    interval: tuple[float, float] | None
    method: str
    limits: tuple[float, float] = (-math.inf, math.inf)
    scale: Scale = "linear"
    reason: str = ""
    part: str = ""
    unit: str = ""
    p_holds: float = math.nan
    p_fails: float = math.nan
    p_fails_t: float = math.nan
    p_fails_signs: float = math.nan
    seeds: int = 0
    power: float | None = None
    both: tuple[float, float] | None = None
    leaves: tuple["Finding", ...] = ()

    @property
    def margin(self) -> float:
        """How far inside its limits the interval ends, in half-widths of the interval.

        Negative if it reaches outside; nan for an identity.
        """
        if self.interval is None:
            return math.nan
        at = math.log if self.scale == "log" else float
        low, high = map(at, self.interval)
        if low == high:  # all seeds were equal: refused
            return math.nan
        first, last = (_at_limit(limit, self.scale) for limit in self.limits)
        return min(low - first, last - high) / ((high - low) / 2)

    @property
    def intervals(self) -> int:
        """How many intervals the verdict rests on."""
        return sum(leaf.interval is not None for leaf in self.leaves or (self,))

    def beside(self, table: np.ndarray) -> Self:
        """Return the finding with a second interval: for other seeds *and* other test examples.

        Args:
            table: ``[seeds, examples]``, the values on each of the test examples that all seeds
                share; their means over examples are what was judged.

        Raises:
            ValueError: If their mean is not the effect.
        """
        found = two_way_interval(table)
        if not math.isclose(found.estimate, self.effect, rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(
                f"the table's mean must be the effect {self.effect:g}, got {found.estimate:g}; "
                "give the same differences, example by example"
            )
        return replace(self, both=(found.low, found.high))


def _at_limit(limit: float, scale: Scale) -> float:
    """Return a limit on the scale that the verdict is taken on."""
    if scale != "log":
        return limit
    return math.log(limit) if limit > 0 else -math.inf


def undecided(why: str) -> Finding:
    """Return the finding of runs that cannot tell, such as runs stopped too early.

    Example:
        >>> undecided("3 runs were stopped early").verdict
        'undecided'
    """
    method = "none: the runs do not allow one"
    return Finding(verdict="undecided", effect=None, interval=None, method=method, reason=why)


# -- means over seeds ---------------------------------------------------------------------------


def within(
    values: Sequence[float],
    low: float,
    high: float,
    *,
    scale: Scale = "linear",
    reason: str = "",
    unit: str = "",
) -> Finding:
    """Judge "the mean over seeds lies between ``low`` and ``high``".

    Two one-sided tests at 2.5 % each, stricter than the customary 5 % (Schuirmann 1987).

    Args:
        values: One value a seed, paired differences or ratios where arms are compared.
        low: Lower end of the stated range, in the unit of ``values``; may be ``-math.inf``.
        high: Upper end; may be ``math.inf``.
        scale: ``"linear"`` for a mean, ``"log"`` for the geometric mean of positive ratios.
        reason: What the number is.
        unit: Its unit, if it is not the claim's.

    Returns:
        The finding; refused if there are fewer than 6 seeds or all values are equal.

    Raises:
        ValueError: If ``low`` is not below ``high``, or a value is not finite (or not positive on
            the scale ``"log"``).

    Example:
        >>> tens = [9.0, 11.0, 10.0, 9.5, 10.5, 10.0, 9.8, 10.2]
        >>> within(tens, 8, 12).verdict, within(tens, 10, 12).verdict, within(tens, 11, 12).verdict
        ('holds', 'undecided', 'fails')
    """
    if not low < high:
        raise ValueError(f"a range needs low < high, got [{low}, {high}]")
    found = (ratio_interval if scale == "log" else mean_interval)(values)
    told = Finding(
        verdict="refused",
        effect=found.estimate,
        interval=(found.low, found.high),
        limits=(low, high),
        scale=scale,
        method=f"{found.method} and sign-flip test; it must lie {_range(low, high)}",
        reason=reason,
        unit=unit,
        seeds=len(values),
    )
    if why := _refusal(values):
        return replace(told, reason=why)
    logs = np.log(values) if scale == "log" else np.asarray(values, dtype=np.float64)
    (above_low, below_low), (above_high, below_high) = (
        _p_values(logs - _at_limit(limit, scale)) for limit in (low, high)
    )
    p_holds = max(*above_low, *below_high)
    against = min(below_low, above_high, key=max)
    verdict = "holds" if p_holds < LEVEL else "fails" if max(against) < LEVEL else "undecided"
    return replace(
        told,
        verdict=verdict,
        p_holds=p_holds,
        p_fails=max(against),
        p_fails_t=against[0],
        p_fails_signs=against[1],
    )


def above(
    values: Sequence[float],
    bound: float,
    *,
    scale: Scale = "linear",
    reason: str = "",
    unit: str = "",
) -> Finding:
    """Judge "the mean over seeds lies above ``bound``"; see `within`.

    Example:
        >>> above([1.0, 1.1, 0.9, 1.2, 0.8, 1.0], 0.0).verdict
        'holds'
    """
    return within(values, bound, math.inf, scale=scale, reason=reason, unit=unit)


def below(
    values: Sequence[float],
    bound: float,
    *,
    scale: Scale = "linear",
    reason: str = "",
    unit: str = "",
) -> Finding:
    """Judge "the mean over seeds lies below ``bound``"; see `within`.

    Example:
        >>> below([1.0, 1.1, 0.9, 1.2, 0.8, 1.0], 2.0).verdict
        'holds'
    """
    return within(values, -math.inf, bound, scale=scale, reason=reason, unit=unit)


def ratio(
    ratios: Sequence[float],
    low: float = 0.0,
    high: float = math.inf,
    *,
    reason: str = "",
    unit: str = "",
) -> Finding:
    """Judge "the geometric mean of the ratios lies between ``low`` and ``high``"; see `within`.

    Args:
        ratios: One a seed; nan or infinite where a run was stopped before it was done.
        low: Lower end of the stated range.
        high: Upper end.
        reason: What the number is.
        unit: Its unit, if it is not the claim's.

    Returns:
        The finding; undecided where a ratio is not finite: see `sooner` and `above_censored` for
        statements that count such runs.

    Example:
        >>> ratio([2.0, 2.2, 1.9, 2.1, 2.0, 2.3, 1.8, 2.0], 1).verdict
        'holds'
        >>> ratio([2.0, float("inf")], 1).verdict
        'undecided'
    """
    if not len(ratios) or not all(map(math.isfinite, ratios)):
        return undecided("a run was stopped before it was done, so it has no ratio")
    return within(ratios, low, high, scale="log", reason=reason, unit=unit)


def alike(
    differences: Sequence[float], margin: float, *, reason: str = "", unit: str = ""
) -> Finding:
    """Judge "the two arms are alike": equivalence within a margin, not a failure to find a gap.

    Args:
        differences: One paired difference a seed.
        margin: Largest mean difference that still counts as none, > 0, set before the run.
        reason: What the number is.
        unit: Its unit, if it is not the claim's.

    Returns:
        The finding of `within` the margin on both sides, with the power of this design: how often
        it would hold if there were no difference at all, given the spread that was seen.

    Raises:
        ValueError: If ``margin`` is not positive.

    Example:
        >>> alike([0.1, -0.1, 0.2, -0.2, 0.1, 0.0], 1.0).verdict
        'holds'
    """
    if not margin > 0:
        raise ValueError(f"margin must be > 0, got {margin}; say which difference counts as none")
    found = within(differences, -margin, margin, reason=reason, unit=unit)
    if found.verdict == "refused":
        return found
    power = alike_power(float(np.std(differences, ddof=1)), len(differences), margin)
    method = f"equivalence: {found.method}; power {power:.0%} if there is no difference"
    return replace(found, method=method, power=power)


def alike_power(deviation: float, seeds: int, margin: float) -> float:
    """Return how often two arms without any difference are found `alike` by the t interval.

    Exact for normal differences: averaged over the distribution of the estimated deviation.

    Args:
        deviation: Standard deviation of the paired differences over seeds, > 0.
        seeds: How many seeds, >= 2.
        margin: Largest difference that counts as none, in the unit of ``deviation``.

    Returns:
        A probability.

    Example:
        >>> round(alike_power(0.5, 8, 1.0), 3)
        0.995
    """
    freedom = seeds - 1
    t = scipy_stats.t.ppf(1 - LEVEL, freedom)

    def covered(ratio: np.ndarray) -> np.ndarray:  # estimated over true deviation, times sqrt(n-1)
        room = margin / deviation * seeds**0.5 - t * ratio / freedom**0.5
        return np.maximum(0.0, 2 * scipy_stats.norm.cdf(room) - 1)

    return float(scipy_stats.chi(freedom).expect(covered))


def rising(table: Mapping[float, Sequence[float]], *, reason: str = "") -> Finding:
    """Judge "the quantity rises from each level to the next", seed by seed.

    Args:
        table: Level -> one value a seed, seeds in the same order at every level.
        reason: What the number is.

    Returns:
        The smallest mean step between neighboring levels, judged by `above` zero and `all_of`.

    Raises:
        ValueError: If there are fewer than two levels or the levels differ in their seeds.

    Example:
        >>> seeds = [0.0, 0.1, 0.2, 0.0, 0.1, 0.3]
        >>> rising({level: [level + s * level for s in seeds] for level in (0, 1, 2)}).verdict
        'holds'
    """
    levels = sorted(table)
    if len(levels) < 2:
        raise ValueError(f"a rise needs at least two levels, got {levels}")
    steps = {}
    for low, high in itertools.pairwise(levels):
        pairs = zip(table[low], table[high], strict=True)
        steps[f"from {low:g} to {high:g}"] = above([b - a for a, b in pairs], 0.0, reason=reason)
    return all_of(steps)


def _refusal(values: Sequence[float]) -> str:
    """Say why a sample allows no verdict, or nothing."""
    if len(values) < LEAST_SEEDS:
        return (
            f"{len(values)} seeds can decide nothing (their signs alone come by chance more often "
            f"than {LEVEL:.1%}); run at least {LEAST_SEEDS}, better {ADVISED_SEEDS}"
        )
    array = np.asarray(values, dtype=np.float64)
    if np.ptp(array) <= 1e-12 * np.abs(array).max():
        return (
            f"all {len(array)} seeds have the same value {array[0]:g}, which gives no interval; "
            "judge what each seed does by `mostly`, or an equality by `identity`"
        )
    return ""


def _p_values(values: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return two p values, of t and of the signs: of "the mean is not above 0", "not below 0"."""
    if not np.isfinite(values).all():  # an infinite limit is always kept
        kept, broken = (0.0, 0.0), (1.0, 1.0)
        return (kept, broken) if values[0] > 0 else (broken, kept)
    score = float(values.mean() / (values.std(ddof=1) / len(values) ** 0.5))
    larger, smaller = sign_flip(values)
    freedom = len(values) - 1
    return (float(stdtr(freedom, -score)), larger), (float(stdtr(freedom, score)), smaller)


def _range(low: float, high: float) -> str:
    """Say where an interval has to lie."""
    if math.isinf(high):
        return f"above {low:g}"
    return f"below {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


# -- shares of seeds ----------------------------------------------------------------------------


def mostly(successes: Sequence[bool | None], *, reason: str = "") -> Finding:
    """Judge "more than half of all such runs do it" by the exact interval of the share.

    Args:
        successes: Whether each seed's run did it; None where its run was stopped before it could
            be told. Such a run counts against "holds", and against "fails" as well.
        reason: What was counted.

    Returns:
        The share in percent, with Clopper and Pearson's interval; if some runs cannot be told, from
        the lower end without them to the upper end with all of them. Refused below 6 seeds.

    Raises:
        ValueError: If a success is neither True, False nor None.

    Example:
        Six runs out of six are just enough: the interval begins at 54 %.

        >>> mostly([True] * 6).verdict, mostly([True] * 8 + [False]).verdict
        ('holds', 'holds')
        >>> mostly([True] * 6 + [None] * 4).verdict
        'undecided'
    """
    told = [None if s is None else bool(s) if s in (True, False) else s for s in successes]
    if wrong := [s for s in told if s is not None and not isinstance(s, bool)]:
        raise ValueError(f"each run succeeds (True), not (False), or cannot tell, got {wrong}")
    sure, possible = told.count(True), len(told) - told.count(False)
    lower, upper = share_interval(sure, len(told)), share_interval(possible, len(told))
    p_holds = scipy_stats.binomtest(sure, len(told), 0.5, alternative="greater").pvalue
    p_fails = scipy_stats.binomtest(possible, len(told), 0.5, alternative="less").pvalue
    open_ = f"; {possible - sure} runs could not be told" if possible > sure else ""
    verdict = "holds" if p_holds < LEVEL else "fails" if p_fails < LEVEL else "undecided"
    why = (reason or f"{sure} of {len(told)} seeds") + open_
    if len(told) < LEAST_SEEDS:
        verdict = "refused"
        why = (
            f"a share of {len(told)} seeds can decide nothing; run at least {LEAST_SEEDS}, "
            f"better {ADVISED_SEEDS}"
        )
    return Finding(
        verdict=verdict,
        effect=100 * lower.estimate,
        interval=(100 * lower.low, 100 * upper.high),
        limits=(50.0, math.inf),
        scale="share",
        method=f"{lower.method}, which must lie above 50",
        reason=why,
        unit="% of seeds",
        p_holds=float(p_holds),
        p_fails=float(p_fails),
        seeds=len(told),
    )


def sooner(first: Sequence[float], second: Sequence[float]) -> list[bool | None]:
    """Say of each seed whether the first time is the shorter one, for `mostly`.

    Args:
        first: One time a seed, such as steps to fit; ``math.inf`` if the run was stopped before.
        second: The same of the other arm, stopped after as long.

    Returns:
        None where both were stopped: which one would have been sooner cannot be told.

    Example:
        >>> sooner([30, 30, math.inf, math.inf], [40, math.inf, 40, math.inf])
        [True, True, False, None]
    """
    return [
        None if math.isinf(a) and math.isinf(b) else bool(a < b)
        for a, b in zip(first, second, strict=True)
    ]


def above_censored(
    lowest: Sequence[float],
    highest: Sequence[float],
    bound: float,
    *,
    reason: str = "",
) -> Finding:
    """Judge "the ratio lies above ``bound``" though some runs were stopped before they got there.

    A time that was censored is known from below only, so a ratio of such times lies between two
    values. If none was, the geometric mean is judged. If some were, there is no mean; then the
    median is: does the ratio exceed the bound in most runs (`mostly`)? A ratio that may lie on
    either side counts against both verdicts, so that no run is left out for being slow.

    Args:
        lowest: Smallest value that each seed's ratio may have, >= 0.
        highest: Largest; ``math.inf`` where nothing limits it, equal to ``lowest`` where known.
        bound: What it is compared with, > 0.
        reason: What the number is.

    Raises:
        ValueError: If a highest value is below its lowest.

    Example:
        >>> above_censored([3.0] * 8, [math.inf] * 8, 2.0).verdict
        'holds'
    """
    ends = list(zip(lowest, highest, strict=True))
    if wrong := [end for end in ends if not 0 <= end[0] <= end[1]]:
        raise ValueError(f"each ratio needs 0 <= lowest <= highest, got {wrong}")
    if all(low == high for low, high in ends):
        return above(lowest, bound, scale="log", reason=reason, unit="times")
    exceeds = [True if low > bound else False if high <= bound else None for low, high in ends]
    stopped = sum(low != high for low, high in ends)
    told = f"{stopped} runs were stopped early, so the median is judged: above {bound:g} in most"
    return mostly(exceeds, reason=f"{reason}; {told}" if reason else told)


# -- equalities and conjunctions ----------------------------------------------------------------


def identity(error: float, tolerance: float, *, reason: str = "") -> Finding:
    """Judge an equality by its largest numerical error; no statistics.

    Args:
        error: Largest deviation from equality, >= 0; nan fails.
        tolerance: What rounding explains, > 0, fixed before the run.
        reason: What was compared.

    Returns:
        Holds if ``error <= tolerance``, else fails.

    Raises:
        ValueError: If ``error`` is negative or ``tolerance`` is not positive.

    Example:
        >>> identity(1e-16, 1e-12).verdict
        'holds'
    """
    if error < 0 or not tolerance > 0:
        raise ValueError(f"need error >= 0 and tolerance > 0, got {error} and {tolerance}")
    return Finding(
        verdict="holds" if error <= tolerance else "fails",
        effect=error,
        interval=None,
        limits=(-math.inf, tolerance),
        method=f"largest error, which must not exceed {tolerance:g}",
        reason=reason,
    )


def all_of(parts: Mapping[str, Finding]) -> Finding:
    """Judge "every part holds" (intersection-union test, Berger 1982).

    *Holds* needs no correction: if the statement is wrong, at least one part is wrong, and that one
    alone holds by chance no more often than the level allows. *Fails* does: of k parts that are
    true, one fails by chance up to k times as often; so a part must fail at 2.5 % / k (Bonferroni),
    by t and by the signs; where so few seeds cannot make the signs that rare, all on one side do.

    Args:
        parts: A finding for each part, by its name; a part may be a conjunction itself.

    Returns:
        The finding of the part that decides, named in ``part``: the first refused one, or the one
        that fails most clearly, or else the one whose interval ends least inside its limits.

    Raises:
        ValueError: If there are no parts.

    Example:
        >>> found = all_of({"a": identity(0.0, 1.0), "b": identity(2.0, 1.0)})
        >>> found.verdict, found.part
        ('fails', 'b')
    """
    if not parts:
        raise ValueError("a conjunction needs at least one part, got none")
    leaves = tuple(leaf for name, part in parts.items() for leaf in _leaves(name, part))
    if bad := [leaf for leaf in leaves if leaf.verdict == "refused"]:
        return replace(bad[0], reason=f"{bad[0].part}: {bad[0].reason}", leaves=leaves)
    tested = [leaf for leaf in leaves if leaf.interval is not None]
    plain = {leaf.verdict: leaf for leaf in reversed(leaves) if leaf.interval is None}
    if "fails" in plain or not tested:
        shown = next(plain[v] for v in ("fails", "undecided", "holds") if v in plain)
        return replace(shown, leaves=leaves)
    count = len(tested)
    p_fails, clearest = min(((_p_of_many(leaf, count), leaf) for leaf in tested), key=itemgetter(0))
    p_holds = 1.0 if "undecided" in plain else max(leaf.p_holds for leaf in tested)
    if p_fails < LEVEL:
        shown, verdict = clearest, "fails"
    elif "undecided" in plain:
        shown, verdict = plain["undecided"], "undecided"
    else:
        shown = min(tested, key=lambda leaf: leaf.margin)
        verdict = "holds" if p_holds < LEVEL else "undecided"
    which = f"the clearest of {count}, judged at 2.5 % / {count}" * (verdict == "fails")
    which = which or f"the weakest of {count}"
    return replace(
        shown,
        verdict=verdict,
        method=f"{shown.method}; {which}" if count > 1 else shown.method,
        p_holds=p_holds,
        p_fails=p_fails,
        leaves=leaves,
    )


def _p_of_many(leaf: Finding, count: int) -> float:
    """Return the p value of "it holds" of one part of so many, the clearest one picked afterwards.

    Bonferroni: ``count`` times that of the part. Few seeds cannot make the signs that rare, however
    clear the part is: if all of them are on one side, it is left to t.
    """
    if leaf.p_fails_signs <= 2.0**-leaf.seeds * (1 + 1e-9):  # no signs are rarer; nan is not
        return max(leaf.p_fails_signs, min(1.0, count * leaf.p_fails_t))
    return min(1.0, count * leaf.p_fails)


def _leaves(name: str, part: Finding) -> list[Finding]:
    """Return the single findings of a part, each named."""
    if not part.leaves:
        return [replace(part, part=f"{name}: {part.part}" if part.part else name)]
    return [replace(leaf, part=f"{name}, {leaf.part}") for leaf in part.leaves]
