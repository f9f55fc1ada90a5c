"""The interval of a claim, drawn: where the sentence is true, what was measured, how surely.

A grey band where the sentence is true, a thin line at its limit, a thick line for the interval,
and a mark at the effect whose shape differs by verdict: disc, diamond, hollow disc. The words
beside the drawing say the same, so it is hidden from screen readers.
"""

import math
from dataclasses import dataclass
from typing import Any

from dlnotes.contract import RANGES
from dlnotes.press.numerals import number

LEAST_ERROR = 1e-17
"""Where the axis of errors begins; an error of zero stands there."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A stretch of numbers, and how distances on it are measured.

    Attributes:
        left: The number at its left end, > 0 where ``log``.
        right: The number at its right end, above ``left``.
        log: Whether equal distances are equal ratios.
    """

    left: float
    right: float
    log: bool

    def share(self, value: float) -> float:
        """Return where a number lies: 0 at the left end or before it, 1 at the right or after it.

        Example:
            >>> Axis(left=1.0, right=100.0, log=True).share(10.0)
            0.5
        """
        if value <= self.left:
            return 0.0
        if value >= self.right:
            return 1.0
        at = math.log if self.log else float
        return (at(value) - at(self.left)) / (at(self.right) - at(self.left))


def limits(row: dict[str, Any]) -> tuple[float, float]:
    """Return the ends of the range in which the sentence is true; infinite where there is none."""
    low, high = row.get("limit_low"), row.get("limit_high")
    return (-math.inf if low is None else low), (math.inf if high is None else high)


def axis(row: dict[str, Any]) -> Axis:
    """Return the axis on which all finite numbers of a claim can be seen.

    Ratios, and errors of equalities, stand on a logarithmic axis, shares of seeds on 0 to 100.
    """
    seen = [v for v in (*limits(row), row["effect"], *(row["interval"] or ())) if math.isfinite(v)]
    high = limits(row)[1]
    if row["kind"] == "identity" and 0 < high < 0.1:
        return Axis(left=LEAST_ERROR, right=30 * max(seen), log=True)
    if row["scale"] == "share":
        return Axis(left=0.0, right=100.0, log=False)
    positive = [math.log(v) for v in seen if v > 0]
    if row["scale"] == "log" and positive:
        pad = max(0.14 * (max(positive) - min(positive)), 0.12)
        return Axis(
            left=math.exp(min(positive) - pad), right=math.exp(max(positive) + pad), log=True
        )
    pad = 0.16 * (max(seen) - min(seen)) or 0.1 * abs(seen[0]) or 1.0
    least, most = RANGES.get(row["unit"], (-math.inf, math.inf))
    left, right = max(min(seen) - pad, least), min(max(seen) + pad, most)
    return Axis(left=min(left, *seen), right=max(right, *seen), log=False)


def svg(row: dict[str, Any], width: int = 240, *, small: bool = False) -> str:
    """Return the drawing of a claim; empty if nothing was measured.

    Args:
        row: A row of the ledger.
        width: In pixels.
        small: Whether it stands in a line of text, without labels.
    """
    if row["verdict"] == "not-run" or row.get("effect") is None:
        return ""
    height, middle, top, foot = (14, 7, 1, 13) if small else (36, 11, 2, 20)
    line = axis(row)
    parts = [
        f'<svg class="iv{" iv-small" * small}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" aria-hidden="true" focusable="false">',
        _band(row, line, width, top, foot),
        f'<path class="iv-axis" d="M0 {middle}H{width}"/>',
        *_limit_lines(row, line, width, top, foot, small),
        _interval(row, line, width, middle, small),
        _mark(row["verdict"], line.share(row["effect"]) * width, width, middle, small),
    ]
    return "".join(parts) + "</svg>"


def _band(row: dict[str, Any], line: Axis, width: int, top: int, foot: int) -> str:
    ends = limits(row)
    if not any(math.isfinite(end) for end in ends):
        return ""
    left, right = (line.share(end) * width for end in ends)
    return (
        f'<rect class="iv-band" x="{left:.1f}" y="{top}" width="{right - left:.1f}" '
        f'height="{foot - top}"/>'
    )


def _limit_lines(
    row: dict[str, Any], line: Axis, width: int, top: int, foot: int, small: bool
) -> list[str]:
    drawn = []
    for limit in (end for end in limits(row) if math.isfinite(end)):
        x = line.share(limit) * width
        below = foot if small else foot + 3
        drawn.append(f'<path class="iv-limit" d="M{x:.1f} {top - 1}V{below}"/>')
        if not small:
            anchor = "start" if x < 30 else "end" if x > width - 30 else "middle"
            drawn.append(
                f'<text class="iv-text" x="{x:.1f}" y="34" text-anchor="{anchor}">'
                f"{number(limit, 4)}{short(row['unit'])}</text>"
            )
    if row["scale"] == "share" and not small:
        drawn.append('<text class="iv-text" x="0" y="34">0</text>')
        drawn.append(f'<text class="iv-text" x="{width}" y="34" text-anchor="end">100</text>')
    return drawn


def short(unit: str) -> str:
    r"""Return a unit in the little room under a line; empty if it does not fit.

    >>> short("times"), short("% of seeds"), short("log sharpness")
    ('\xa0×', '\xa0%', '')
    """
    if unit.startswith("%"):
        return "\u00a0%"
    return {"times": "\u00a0×", "percentage points": "\u00a0points"}.get(unit, "")


def _interval(row: dict[str, Any], line: Axis, width: int, middle: int, small: bool) -> str:
    if not row["interval"]:
        return ""
    left, right = (f"{line.share(end) * width:.1f}" for end in row["interval"])
    bar = f'<path class="iv-bar" d="M{left} {middle}H{right}"/>'
    ends = f'<path class="iv-ends" d="M{left} {middle - 4}v8M{right} {middle - 4}v8"/>'
    return bar if small else bar + ends


def _mark(verdict: str, x: float, width: int, middle: int, small: bool) -> str:
    """Return the mark of the effect, wholly inside the drawing."""
    r = 3.2 if small else 4.5
    x = min(max(x, r + 1), width - r - 1)
    if verdict == "fails":
        d = 1.15 * r
        corners = f"M{x - d:.1f} {middle}l{d:.1f} {-d:.1f}l{d:.1f} {d:.1f}l{-d:.1f} {d:.1f}z"
        return f'<path class="iv-mark" d="{corners}"/>'
    hollow = " iv-hollow" * (verdict == "undecided")
    return f'<circle class="iv-mark{hollow}" cx="{x:.1f}" cy="{middle}" r="{r}"/>'
