"""Numbers for the text: a cell leaves them, a sentence shows them, nobody types them.

On a page the build puts them into the sentences; in a downloaded notebook `tell` does, from what
the reader's own run has left.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import IPython.display
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle

from dlnotes import contract
from dlnotes.contract import GLUE_MIME, GLUE_PREFIX
from dlnotes.stats import Interval, mean_interval, ratio_interval

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


def number(name: str, value: float | str, spec: str = "", *, behind: str = "") -> None:
    """Leave a number under a name, for prose: ``{glue:text}`name``` prints it on the page.

    Args:
        name: Unique within the lecture.
        value: The number (or text); it must be finite.
        spec: Format such as ``".1%"``.
        behind: What it is made of, in words; the page says it on hover.

    Raises:
        ValueError: If the number is nan or infinite, or ``behind`` has a mark of the markup.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a number in prose must be finite, got {name} = {value}")
    if set(behind) & set("<>`"):
        raise ValueError(f"what is behind a number must do without <, > and `, got {behind!r}")
    text = format(value, spec)
    keep(NUMBERS, name, text)
    about = {"name": name, "mime_prefix": GLUE_PREFIX}
    display(
        {GLUE_MIME: repr(text)},  # quoted, as myst_nb.glue leaves text
        raw=True,
        metadata={"scrapbook": about | ({"behind": behind} if behind else {})},
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
    middle, ends = _written(found.estimate, spec), _ends(found, spec)
    number(name, middle, behind=f"95 % interval {ends}")
    number(f"{name}-interval", ends)


def mean(name: str, values: Sequence[float], spec: str = ".1f") -> None:
    """Leave the mean over seeds under a name, for prose; a hyphen becomes a minus sign.

    The page shows the seeds, and a 95 % t interval of the mean, on hover.

    Raises:
        ValueError: If a value is nan or infinite, or there is none.
    """
    if not len(values):
        raise ValueError(f"a mean needs values, got none for {name}")
    average = float(sum(values) / len(values))
    if not math.isfinite(average):
        raise ValueError(f"a number in prose must be finite, got {name} = {average}")
    number(name, _written(average, spec), behind=_behind("mean", values, spec, mean_interval))


def ratio(name: str, ratios: Sequence[float], spec: str = ".1f") -> None:
    """Leave the geometric mean of ratios over seeds under a name, for prose.

    A run that was stopped before it was done has no ratio: where one of them is nan or infinite,
    the number is unknown, and the text says so.

    Args:
        name: As for `number`.
        ratios: One a seed, positive.
        spec: Format.
    """
    if not (len(ratios) and all(map(math.isfinite, ratios))):
        number(name, "an unknown number of")
        return
    text = format(ratio_interval(ratios).estimate, spec)
    number(name, text, behind=_behind("geometric mean", ratios, spec, ratio_interval))


def _behind(
    kind: str, values: Sequence[float], spec: str, estimate: Callable[[Sequence[float]], Interval]
) -> str:
    """Return in words what a number over seeds is made of."""
    if len(values) < 2:
        return "one seed"
    seeds = [_written(float(value), spec) for value in values]
    shown = (
        ", ".join(seeds) if len(seeds) <= 16 else f"{min(values):{spec}} to {max(values):{spec}}"
    )
    return f"{kind} of {len(seeds)} seeds: {shown}; 95 % interval {_ends(estimate(values), spec)}"


def _ends(found: Interval, spec: str) -> str:
    return f"{_written(found.low, spec)} to {_written(found.high, spec)}"


def _written(value: float, spec: str) -> str:
    return format(value, spec).replace("-", "−")
