"""From recorded results to verdicts: what holds, what does not, what these runs cannot tell.

A verdict function takes one number a seed and returns a `Finding`. The statement *holds* if the
interval lies wholly on the stated side, *fails* if it lies wholly on the other, and is *undecided*
if it straddles. `check` attaches a finding to the claim it speaks about.
"""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal

from IPython.display import display

from dlnotes.data.datasets import Dataset
from dlnotes.lab.settings import Settings
from dlnotes.stats import Interval, mean_interval, share_interval

Verdict = Literal["holds", "fails", "undecided", "not-run"]
WORDS = {
    "holds": "✓ holds",
    "fails": "✗ does not hold",
    "undecided": "? undecided",
    "not-run": "– not run here",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the runs say about one statement.

    Attributes:
        verdict: The answer.
        effect: The measured number, in the claim's unit.
        interval: Its confidence interval, or None for an identity.
        method: How interval and verdict were computed, in words.
        reason: What the number is, or why there is none.
        margin: How far inside the statement the nearest end of the interval lies; negative outside.
    """

    verdict: Verdict
    effect: float | None
    interval: tuple[float, float] | None
    method: str
    reason: str = ""
    margin: float = math.nan


def within(interval: Interval, low: float, high: float, *, reason: str = "") -> Finding:
    """Judge the statement "the quantity lies in [low, high]".

    Args:
        interval: From `dlnotes.stats`.
        low: Lower end of the stated range, in the interval's unit; may be ``-math.inf``.
        high: Upper end; may be ``math.inf``.
        reason: What the number is.

    Returns:
        Holds if the interval lies inside the range, fails if it lies outside, else undecided.

    Raises:
        ValueError: If ``low`` is not below ``high``.

    Example:
        >>> about_ten = Interval(estimate=10.0, low=9.0, high=11.0, method="")
        >>> within(about_ten, 8, 12).verdict, within(about_ten, 10, 12).verdict
        ('holds', 'undecided')
    """
    if not low < high:
        raise ValueError(f"a range needs low < high, got [{low}, {high}]")
    margin = min(interval.low - low, high - interval.high)
    outside = interval.high < low or interval.low > high
    return Finding(
        verdict="holds" if margin > 0 else "fails" if outside else "undecided",
        effect=interval.estimate,
        interval=(interval.low, interval.high),
        method=f"{interval.method}, which must lie {_range(low, high)}",
        reason=reason,
        margin=margin,
    )


def _range(low: float, high: float) -> str:
    """Say where an interval has to lie."""
    if math.isinf(high):
        return f"above {low:g}"
    return f"below {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"


def unknown(reason: str) -> Finding:
    """Return the finding of runs that cannot tell, such as runs stopped too early.

    Example:
        >>> unknown("3 runs were censored").verdict
        'undecided'
    """
    method = "none: the runs do not allow one"
    return Finding(verdict="undecided", effect=None, interval=None, method=method, reason=reason)


def above(values: Sequence[float], bound: float, *, reason: str = "") -> Finding:
    """Judge "the mean over seeds lies above ``bound``" by its t interval.

    Example:
        >>> above([1.0, 1.1, 0.9], 0.0).verdict
        'holds'
    """
    return within(mean_interval(values), bound, math.inf, reason=reason)


def mostly(successes: Sequence[bool], *, reason: str = "") -> Finding:
    """Judge "more than half of all such runs do it" by the exact interval of the share.

    The effect is the share in percent. Six runs out of six are just enough: the interval then
    begins at 54 %. A t interval would not do, since runs that all succeed show no spread.

    Example:
        >>> mostly([True] * 6).verdict, mostly([True] * 5).verdict
        ('holds', 'undecided')
    """
    if wrong := [s for s in successes if s not in (True, False)]:
        raise ValueError(f"each run succeeds (True) or not (False), got {wrong}")
    share = share_interval(sum(successes), len(successes))
    ends = {name: 100 * getattr(share, name) for name in ("estimate", "low", "high")}
    return within(Interval(**ends, method=share.method), 50, math.inf, reason=reason)


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
        method=f"largest error, which must not exceed {tolerance:g}",
        reason=reason,
        margin=tolerance - error,
    )


def all_of(parts: Mapping[str, Finding]) -> Finding:
    """Judge "every part holds" (intersection-union test, Berger 1982).

    Each part is judged at the full level: if the statement is wrong, at least one part is wrong,
    and that one alone holds by chance no more often than the level allows. "Fails" is the weaker
    verdict: the more parts, the likelier one of them fails by chance.

    Args:
        parts: A finding for each part, by its name.

    Returns:
        The finding of the weakest part, named in the reason.

    Raises:
        ValueError: If there are no parts.

    Example:
        >>> all_of({"a": identity(0.0, 1.0), "b": identity(2.0, 1.0)}).reason
        'weakest of 2: b'
    """
    if not parts:
        raise ValueError("a conjunction needs at least one part, got none")
    order = ("fails", "not-run", "undecided", "holds")
    name, worst = min(parts.items(), key=lambda p: (order.index(p[1].verdict), p[1].margin))
    reason = f"{name}: {worst.reason}" if worst.reason else name
    return replace(worst, reason=f"weakest of {len(parts)}: {reason}")


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
        >>> rising({0: [0.0, 0.1], 1: [1.0, 1.2], 2: [2.1, 2.2]}).verdict
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


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the claims of a lecture were measured on.

    As the last expression of a cell it prints itself, and leaves what the run page shows.

    Attributes:
        settings: The run's profile, device and seeds.
        data: The data sets used.
        needs: Names of the data sets that the claims speak about; measured on others, a claim is
            "not run here".
    """

    settings: Settings
    data: Sequence[Dataset]
    needs: tuple[str, ...]

    @property
    def dataset(self) -> str:
        """Names of the data sets used, joined by a comma."""
        return ", ".join(data.name for data in self.data)

    def __str__(self) -> str:
        run = self.settings.provenance()
        seeds = ", ".join(map(str, self.settings.seeds))
        notes = "".join(f"\n{data.note}" for data in self.data if data.note)
        return (
            f"profile {run['profile']} on {run['device']} ({run['device_name']}), "
            f"{run['precision']}; data: {self.dataset}; seeds: {seeds}{notes}"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        fields = ("name", "source", "sha256", "stand_in_for")
        data = [{field: getattr(d, field) for field in fields} for d in self.data]
        run = {**self.settings.provenance(), "datasets": data}
        return {
            "application/vnd.dlnotes.run+json": json.loads(json.dumps(run)),
            "text/plain": str(self),
        }


@dataclass(frozen=True, kw_only=True)
class Check:
    """A finding attached to a claim; displays itself and leaves its numbers in the notebook."""

    claim: str
    finding: Finding
    context: Context
    unit: str

    def __str__(self) -> str:
        f = self.finding
        number = "" if f.effect is None else f"{f.effect:.4g} {self.unit}".rstrip()
        if f.interval:
            number += f" [{f.interval[0]:.4g}, {f.interval[1]:.4g}]"
        text = "; ".join(part for part in (number, f.reason) if part)
        return f"{WORDS[f.verdict]}  {self.claim}: {text}"

    def as_json(self) -> dict[str, Any]:
        """Return the fields that the ledger keeps."""
        settings, finding = self.context.settings, self.finding
        return {
            "id": self.claim,
            "verdict": finding.verdict,
            "effect": finding.effect,
            "interval": list(finding.interval) if finding.interval else None,
            "unit": self.unit,
            "method": finding.method,
            "reason": finding.reason,
            "seeds": list(settings.seeds) if finding.interval else [],  # an identity has none
            "profile": settings.profile,
            "device": settings.torch_device.type,
            "dataset": self.context.dataset,
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "application/vnd.dlnotes.claim+json": json.loads(json.dumps(self.as_json())),
            "text/html": f'<p class="claim-{self.finding.verdict}">{escape(str(self))}</p>',
            "text/plain": str(self),
        }


def check(claim: str, finding: Finding, context: Context, *, unit: str = "") -> None:
    """Attach a finding to a claim and show the verdict under the cell.

    The displayed verdict is also the record: the build reads the ledger from the notebook.

    Args:
        claim: Its id in ``book/claims.yml``, written out as a literal.
        finding: From a verdict function of this module.
        context: What it was measured on. On other data than the claim speaks about, and at profile
            ``smoke``, the verdict becomes "not run here"; the number stays visible.
        unit: Unit of effect and interval, such as ``"% accuracy"``.
    """
    missing = [n for n in context.needs if n not in {d.name for d in context.data}]
    if missing or context.settings.profile == "smoke":
        why = f"needs {' and '.join(missing)}" if missing else "profile smoke is too small"
        reason = f"{why}; here on {context.dataset}: {finding.verdict}"
        finding = replace(finding, verdict="not-run", reason=reason)
    display(Check(claim=claim, finding=finding, context=context, unit=unit))


def number(name: str, value: float | str, spec: str = "") -> None:
    """Leave a number under a name, for prose: ``{glue:text}`name``` prints it on the page.

    Args:
        name: Unique within the lecture.
        value: The number (or text); it must be finite.
        spec: Format such as ``".1%"``.

    Raises:
        ValueError: If the number is nan or infinite.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a number in prose must be finite, got {name} = {value}")
    prefix = "application/papermill.record/"
    display(
        {f"{prefix}text/plain": repr(format(value, spec))},  # quoted, as myst_nb.glue leaves text
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": prefix}},
    )


def interval(name: str, found: Interval, spec: str = ".1f") -> None:
    """Leave an estimate under ``name`` and its ends, "low to high", under ``name-interval``.

    Args:
        name: As for `number`.
        found: From `dlnotes.stats`.
        spec: Format of all three; a hyphen becomes a minus sign.

    Raises:
        ValueError: If one of them is nan or infinite.
    """
    numbers = (found.estimate, found.low, found.high)
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"a number in prose must be finite, got {name} = {found}")
    middle, low, high = (format(value, spec).replace("-", "−") for value in numbers)
    number(name, middle)
    number(f"{name}-interval", f"{low} to {high}")
