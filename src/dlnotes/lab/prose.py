"""Numbers for the text: a cell leaves them, a sentence shows them, nobody types them."""

import math
from collections.abc import Sequence

from IPython.display import display

from dlnotes.contract import GLUE_MIME, GLUE_PREFIX
from dlnotes.stats import Interval, ratio_interval


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
    display(
        {GLUE_MIME: repr(format(value, spec))},  # quoted, as myst_nb.glue leaves text
        raw=True,
        metadata={"scrapbook": {"name": name, "mime_prefix": GLUE_PREFIX}},
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


def mean(name: str, values: Sequence[float], spec: str = ".1f") -> None:
    """Leave the mean over seeds under a name, for prose; a hyphen becomes a minus sign.

    Raises:
        ValueError: If a value is nan or infinite, or there is none.
    """
    if not len(values):
        raise ValueError(f"a mean needs values, got none for {name}")
    average = float(sum(values) / len(values))
    if not math.isfinite(average):
        raise ValueError(f"a number in prose must be finite, got {name} = {average}")
    number(name, format(average, spec).replace("-", "−"))


def ratio(name: str, ratios: Sequence[float], spec: str = ".1f") -> None:
    """Leave the geometric mean of ratios over seeds under a name, for prose.

    A run that was stopped before it was done has no ratio: where one of them is nan or infinite,
    the number is unknown, and the text says so.

    Args:
        name: As for `number`.
        ratios: One a seed, positive.
        spec: Format.
    """
    known = len(ratios) > 0 and all(map(math.isfinite, ratios))
    text = format(ratio_interval(ratios).estimate, spec) if known else "an unknown number of"
    number(name, text)
