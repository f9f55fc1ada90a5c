"""Numbers for the text: a cell leaves them, a sentence shows them, nobody types them.

On a page the build puts them into the sentences; in a downloaded notebook `tell` does, from what
the reader's own run has left.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import IPython.display
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle

from dlnotes import contract
from dlnotes.contract import GLUE_MIME, GLUE_PREFIX
from dlnotes.stats import Interval, ratio_interval

NUMBERS: dict[str, str] = {}
RESULTS: dict[str, Mapping[str, Any]] = {}
CAPTIONS: dict[str, str] = {}
"""What this run has left so far: numbers by name, results of claims by id, captions by figure.
`number`, `claims.check` and `display` fill them, `tell` and `caption` read them."""
_told: dict[str, DisplayHandle] = {}
_LATER = "*(This text states results of cells further down; it appears when they have run.)*"


def tell(text: str) -> None:
    """Show text with what this run found, as Markdown; what is found later comes in later.

    Args:
        text: As for `dlnotes.contract.tell`.
    """
    handle = display(_markdown(text), raw=True, display_id=True)
    if handle:
        _told[text] = handle


def caption(figure: str, head: str = "", plain: Mapping[str, str] | None = None) -> None:
    """Show the caption that a figure was given in this run.

    Args:
        figure: Its name in the lecture.
        head: What stands before it, such as ``Figure 2``.
        plain: What to write in place of the parts that only the page understands.
    """
    text = " ".join(CAPTIONS[figure].split())
    for part, words in (plain or {}).items():
        text = text.replace(part, words)
    tell(f"{head} {text}".strip())


def keep(kind: dict[str, Any], name: str, value: Any) -> None:
    """Keep what a cell left, and say again what was told about it."""
    kind[name] = value
    for text, handle in _told.items():
        if f"`{name}" in text:
            handle.update(_markdown(text), raw=True)


def display(shown: Any, **options: Any) -> DisplayHandle | None:
    """Show something as IPython does; in a plain script print its text alone, if it has any.

    A figure's caption is kept for `caption`.
    """
    about = options.get("metadata", {}).get("dlnotes", {})
    if "caption" in about:
        CAPTIONS[about["figure"]] = about["caption"]
    if InteractiveShell.initialized():
        return IPython.display.display(shown, **options)
    text = shown.get("text/plain") if isinstance(shown, Mapping) else str(shown)
    if text:
        print(text)
    return None


def _markdown(text: str) -> dict[str, str]:
    try:
        said = contract.tell(text, NUMBERS, RESULTS)
    except ValueError:  # not yet known
        said = _LATER
    return {"text/markdown": said, "text/plain": said}


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
    text = format(value, spec)
    keep(NUMBERS, name, text)
    display(
        {GLUE_MIME: repr(text)},  # quoted, as myst_nb.glue leaves text
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
