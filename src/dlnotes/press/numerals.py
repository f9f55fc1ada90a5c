"""Numbers as prose writes them: a true minus, thousands with commas, powers of ten as powers."""

import math
import re
from collections.abc import Sequence

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_TYPED = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?e[+-]?\d+\b|(?<=[\s(\[])-(?=\d)")


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, in the notation of prose.

    >>> number(2567.0), number(-0.7077), number(1.91e-14), number(1e-9), number(0.0)
    ('2,570', '−0.708', '1.91 × 10⁻¹⁴', '10⁻⁹', '0')
    """
    if not math.isfinite(value):
        return "no number" if math.isnan(value) else "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{abs(value):.{digits - 1}e}".partition("e")
    power, sign = int(exponent), "−" if value < 0 else ""
    if not -4 < power < 7:
        ten = f"10{str(power).translate(_RAISED)}"
        return sign + (ten if float(mantissa) == 1 else f"{_short(mantissa)} × {ten}")
    return sign + _short(f"{float(f'{mantissa}e{power}'):,.{max(digits - 1 - power, 0)}f}")


def _short(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def prose(text: str) -> str:
    """Return a text in which typed numbers are written as prose writes them.

    >>> prose("it must not exceed 1e-09, or lie above -1")
    'it must not exceed 10⁻⁹, or lie above −1'
    """
    return _TYPED.sub(lambda m: "−" if m[0] == "-" else number(float(m[0]), 4), text)


def measured(value: float, unit: str | None, digits: int = 3) -> str:
    r"""Return a number with its unit, which no line's end parts from it.

    >>> measured(62.5, "% of seeds")
    '62.5\xa0% of seeds'
    """
    return f"{number(value, digits)}\u00a0{unit}" if unit else number(value, digits)


def span(ends: Sequence[float]) -> str:
    """Return an interval in words.

    >>> span([-3.089, 0.5541])
    '−3.09 to 0.554'
    """
    return f"{number(ends[0])} to {number(ends[1])}"
