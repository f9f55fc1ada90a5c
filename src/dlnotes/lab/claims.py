"""Findings attached to the claims of the book: shown under the cell, kept for the ledger."""

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from dlnotes.contract import CLAIM_MIME, RANGES, RUN_MIME, SYMBOLS, WORDS
from dlnotes.data.datasets import Dataset
from dlnotes.lab import prose
from dlnotes.lab.prose import display
from dlnotes.lab.settings import Settings
from dlnotes.lab.verdicts import Finding

SHOWN = 80
"""Characters of a printed line that a page shows without scrolling."""


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
        facts = (
            f"profile {run['profile']} on {run['device']} ({run['device_name']}), "
            f"{run['precision']}; data: {self.dataset}; seeds: {seeds}"
        )
        lines = (facts, *(data.note for data in self.data if data.note))
        whole = {"break_long_words": False, "break_on_hyphens": False}
        return "\n".join(textwrap.fill(line, SHOWN, **whole) for line in lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        fields = ("name", "source", "sha256", "stand_in_for")
        data = [{field: getattr(d, field) for field in fields} for d in self.data]
        run = {**self.settings.provenance(), "datasets": data}
        return {RUN_MIME: json.loads(json.dumps(run)), "text/plain": str(self)}


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
        text = "; ".join(part for part in (f.part, number, f.reason) if part)
        return f"{SYMBOLS[f.verdict]} {WORDS[f.verdict]}  {self.claim}: {text}"

    def as_json(self) -> dict[str, Any]:
        """Return the fields that the ledger keeps, None for what is infinite or not there."""
        settings, finding = self.context.settings, self.finding

        def finite(value: float) -> float | None:
            return value if math.isfinite(value) else None

        return {
            "id": self.claim,
            "verdict": finding.verdict,
            "effect": finding.effect,
            "interval": list(finding.interval) if finding.interval else None,
            "both": list(finding.both) if finding.both else None,
            "limit_low": finite(finding.limits[0]),
            "limit_high": finite(finding.limits[1]),
            "scale": finding.scale,
            "margin": finite(finding.margin),
            "unit": self.unit,
            "part": finding.part,
            "method": finding.method,
            "reason": finding.reason,
            "p_holds": finite(finding.p_holds),
            "p_fails": finite(finding.p_fails),
            "power": finding.power,
            "intervals": finding.intervals,
            "seeds": list(settings.seeds) if finding.interval else [],  # an identity has none
            "profile": settings.profile,
            "device": settings.torch_device.type,
            "dataset": self.context.dataset,
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            CLAIM_MIME: json.loads(json.dumps(self.as_json())),
            "text/html": f'<p class="claim-{self.finding.verdict}">{escape(str(self))}</p>',
            "text/plain": str(self),
        }


def check(claim: str, finding: Finding, context: Context, *, unit: str = "") -> None:
    """Attach a finding to a claim and show the verdict under the cell.

    The displayed verdict is also the record: the build reads the ledger from the notebook.

    Args:
        claim: Its id in the part's ``claims.yml``, written out as a literal.
        finding: From a verdict function of `dlnotes.lab.verdicts`.
        context: What it was measured on. On other data than the claim speaks about, and at profile
            ``smoke``, the verdict becomes "not run here"; the number stays visible.
        unit: Unit of effect and interval, such as ``"% accuracy"``; the finding's own, if it has
            one, comes first.

    Raises:
        ValueError: If the sample allows no verdict, or an interval leaves the range that its unit
            can have.
    """
    missing = [n for n in context.needs if n not in {d.name for d in context.data}]
    if missing or context.settings.profile == "smoke":
        why = f"needs {' and '.join(missing)}" if missing else "profile smoke is too small"
        here = f"here on {context.dataset}" if context.dataset else "here"
        reason = f"{why}; {here}: {finding.verdict}"
        finding = replace(finding, verdict="not-run", reason=reason)
    elif problem := _problem(finding, unit):
        raise ValueError(f"claim {claim}: {problem}")
    found = Check(claim=claim, finding=finding, context=context, unit=finding.unit or unit)
    prose.keep(prose.RESULTS, claim, found.as_json())
    display(found)


def _problem(finding: Finding, unit: str) -> str:
    """Say why a finding cannot be a verdict, or nothing."""
    if finding.verdict == "refused":
        return finding.reason
    for leaf in finding.leaves or (finding,):
        lowest, highest = RANGES.get(leaf.unit or unit, (-math.inf, math.inf))
        low, high = leaf.interval or (lowest, highest)
        if low < lowest or high > highest:
            where = f"{leaf.part}: " if leaf.part else ""
            return (
                f"{where}the interval [{low:.4g}, {high:.4g}] leaves what {leaf.unit or unit!r} "
                f"can be, {lowest:g} to {highest:g}; near an end, judge the small remainder on the "
                'scale "log", or by `mostly` what each seed reaches'
            )
    return ""
