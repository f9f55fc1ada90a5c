"""The evidence beside a sentence: what it says in words, and its HTML, LaTeX and plain text.

All of it is phrasing content: anything else would end the paragraph that the sentence stands in.
"""

import html
import math
from collections.abc import Iterator
from typing import Any

from dlnotes.contract import SYMBOLS, WORDS
from dlnotes.press import bars, labels
from dlnotes.press.numerals import measured, number, prose, span


def lead(row: dict[str, Any]) -> str:
    r"""Return the evidence in one or two sentences.

    Example:
        >>> lead({"verdict": "holds", "kind": "statistical", "scale": "log", "effect": 2.55,
        ...       "unit": "times", "seeds": list(range(8)), "p_holds": 2**-8, "p_fails": 1.0})
        'On average 2.55\xa0times (geometric mean). All 8 seeds lie where the sentence is true.'
    """
    if row["verdict"] == "not-run" or row.get("effect") is None:
        return f"{WORDS[row['verdict']].capitalize()}: {prose(row.get('reason') or 'no number')}."
    seeds = len(row["seeds"])
    if row["kind"] == "identity":
        compared = f" ({prose(row['reason'])})" if row["reason"] else ""
        return f"The largest error is {measured(row['effect'], row['unit'])}{compared}."
    if row["scale"] == "share" and row["unit"] == "% of seeds":
        count = round(row["effect"] / 100 * seeds)
        return f"{_part(row)}It was so in {count} of {seeds} seeds."
    many = _all_seeds(row)
    over = f" over {seeds} seeds" * bool(seeds and not many)
    kind = " (geometric mean)" * (row["scale"] == "log")
    return f"{_part(row)}On average {measured(row['effect'], row['unit'])}{kind}{over}.{many}"


def _part(row: dict[str, Any]) -> str:
    """Say which part of a claim the number belongs to, if it has several."""
    if not row.get("part"):
        return ""
    which = "Clearest part against it" if row["verdict"] == "fails" else "Weakest part"
    return f"{which} ({row['part']}): "


def _all_seeds(row: dict[str, Any]) -> str:
    """Say that no seed is on the other side: only then is the sign-flip test as clear as can be."""
    seeds = len(row["seeds"])
    least = 2.0**-seeds
    if row["scale"] == "share" or not seeds:
        return ""
    if row["verdict"] == "holds" and row.get("p_holds") == least:
        return f" All {seeds} seeds lie where the sentence is true."
    if row["verdict"] == "fails" and row.get("p_fails") == least:
        return f" All {seeds} seeds lie where it is false."
    return ""


def must(row: dict[str, Any]) -> str:
    r"""Return where the number must lie for the sentence to be true.

    >>> must({"limit_low": 1.0, "limit_high": 10.0, "unit": "times", "kind": "statistical"})
    'true if between 1 and 10\xa0times'
    """
    low, high = bars.limits(row)
    unit = row["unit"]
    if math.isfinite(low) and math.isfinite(high):
        return f"true if between {number(low, 4)} and {measured(high, unit, 4)}"
    if math.isfinite(low):
        return f"true if above {measured(low, unit, 4)}"
    if math.isfinite(high):
        rule = "true if at most" if row["kind"] == "identity" else "true if below"
        return f"{rule} {measured(high, unit, 4)}"
    return ""


def details(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what else is known of a verdict: the name of a fact and the fact."""
    facts = {
        "Predicted": labels.foreseen(row),
        "Decided by": row["part"],
        "Rule": prose(row["method"]),
        "Reason": prose(row["reason"]) if row["verdict"] != "not-run" else "",
        "Distance": labels.distance(row),
        "Other test images": row.get("both") and span(row["both"]),
        "Seeds": labels.spans(row["seeds"]),
        "Intervals": row.get("intervals") and str(row["intervals"]),
        "p": _p(row),
        "q": row.get("q") is not None and labels.small(row["q"]).removeprefix("= "),
        "Power": row.get("power") is not None and f"{number(100 * row['power'])}\u00a0%",
        "Profile": row["profile"],
        "Device": row["device"],
        "Data": row["dataset"],
    }
    yield from ((name, str(fact)) for name, fact in facts.items() if fact)


def _p(row: dict[str, Any]) -> str:
    if row.get("p_holds") is None:
        return ""
    told = (labels.small(row[name]).removeprefix("= ") for name in ("p_holds", "p_fails"))
    return "{} for it, {} against it".format(*told)


def otherwise(row: dict[str, Any]) -> bool:
    """Return whether something else was predicted than was found."""
    return bool(
        row["predicted"] and row["verdict"] != "not-run" and row["predicted"] != row["verdict"]
    )


def found(row: dict[str, Any]) -> str:
    """Return the verdict as HTML, and the prediction where it differs."""
    sign = f'<span aria-hidden="true">{SYMBOLS[row["verdict"]]}</span>'
    told = WORDS[row["predicted"]] if otherwise(row) else ""
    was = f' <span class="was">predicted: {told}</span>' if told else ""
    return f'<span class="is">{sign} {WORDS[row["verdict"]]}</span>{was}'


def listed(row: dict[str, Any]) -> str:
    """Return the details as HTML, each with its name."""
    return "".join(
        f'<span class="fact"><b>{name}</b> {html.escape(fact)}</span>'
        for name, fact in details(row)
    )


def short_facts(row: dict[str, Any]) -> list[str]:
    """Return what stands under the drawing: interval, limit, seeds."""
    if row.get("effect") is None:
        return []
    interval = f"95\u00a0% interval: {span(row['interval'])}" if row["interval"] else ""
    return [fact for fact in (interval, must(row), labels.spans(row["seeds"])) if fact]


def beside(row: dict[str, Any], sentence: str, card: str, to_root: str) -> str:
    """Return the HTML that stands beside a sentence: a button, and the one element it opens.

    On a wide screen the style sheet shows that element in the margin, and no button.

    Args:
        row: A row of the ledger.
        sentence: What the claim says, as plain text.
        card: An id that no other element of the page has.
        to_root: The way from the page to the site's first folder.
    """
    name = html.escape(f"Evidence for: {sentence}", quote=True)
    word, sign = WORDS[row["verdict"]], SYMBOLS[row["verdict"]]
    facts = "".join(f"<span>{html.escape(fact)}</span>" for fact in short_facts(row))
    link = f"{to_root}book/ledger.html#{row['id'].replace('.', '-')}"
    return (
        f'<span class="beside verdict-{row["verdict"]}">'
        f'<button type="button" class="verdict" popovertarget="{card}" '
        f'aria-label="{name} {word}"><span aria-hidden="true">{sign}</span> {word}'
        f"{bars.svg(row, 56, small=True)}</button>"
        f'<span class="beside-mark" aria-hidden="true">{sign}</span>'
        f'<span class="evidence" id="{card}" popover role="note" aria-label="{name}">'
        f'{found(row)} <span class="lead">{html.escape(lead(row))}</span> {bars.svg(row)}'
        f'<span class="facts">{facts}</span> <span class="more">{listed(row)}</span>'
        f'<a href="{link}">{html.escape(row["id"])} in the ledger</a></span></span>'
    )


def plain(row: dict[str, Any]) -> str:
    """Return the evidence as text.

    >>> row = {"verdict": "undecided", "effect": 62.5, "interval": [24.5, 91.5], "unit": "%"}
    >>> plain(row)
    '[undecided: 62.5 (24.5 to 91.5) %]'
    """
    numbers = labels.numbers(row)
    return f"[{WORDS[row['verdict']]}{f': {numbers}' if numbers else ''}]"
