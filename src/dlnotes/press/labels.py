"""What the book says of a claim and of a run: words, numbers, badges, labels.

Rows are those of ``ledger.json`` and ``runs.json``; every function returns text or HTML.
"""

import datetime
import html
import itertools
from collections.abc import Sequence
from typing import Any

from dlnotes.contract import SYMBOLS, WORDS
from dlnotes.press.numerals import number, span

PLANNED = "its lecture is not written yet"
"""Why a claim has no verdict that was predicted for a lecture to come."""

LedgerRow = dict[str, Any]
RunRow = dict[str, Any]


def planned(row: LedgerRow) -> bool:
    """Return whether a claim waits for its lecture; it is then a prediction and nothing more."""
    return row["reason"] == PLANNED


def count(rows: Sequence[LedgerRow]) -> str:
    """Return how many claims got each verdict, and how many of them are no findings.

    >>> count([{"verdict": "holds", "kind": "identity"}, {"verdict": "not-run", "kind": "placebo"}])
    '2 claims: 1 holds, 0 do not hold, 0 undecided, 1 not run here. 1 equality, 1 placebo.'
    """
    total = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in WORDS}
    hold = "holds" if total["holds"] == 1 else "hold"
    fail = "does not hold" if total["fails"] == 1 else "do not hold"
    named = {
        "identity": ("equality", "equalities"),
        "calibration": ("calibration", "calibrations"),
        "placebo": ("placebo", "placebos"),
    }
    counts = {kind: sum(row["kind"] == kind for row in rows) for kind in named}
    others = ", ".join(f"{n} {named[kind][n != 1]}" for kind, n in counts.items() if n)
    return (
        f"{len(rows)} claim{'s' * (len(rows) != 1)}: {total['holds']} {hold}, "
        f"{total['fails']} {fail}, {total['undecided']} undecided, "
        f"{total['not-run']} not run here." + f" {others}." * bool(others)
    )


def score(rows: Sequence[LedgerRow]) -> str:
    """Return how the predictions did, against what was found.

    >>> rows = [{"predicted": "holds", "verdict": v} for v in ("holds", "fails", "undecided")]
    >>> score(rows)[:74]
    'Of 3 predictions, 1 came true, 1 did not, and 1 could not be decided here.'
    """
    told = [r for r in rows if r["predicted"] and r["verdict"] != "not-run"]
    if not told:
        return "Nothing that was predicted has been run here."
    right = sum(row["predicted"] == row["verdict"] for row in told)
    wrong = sum({row["predicted"], row["verdict"]} == {"holds", "fails"} for row in told)
    return (
        f"Of {len(told)} predictions, {right} came true, {wrong} did not, and "
        f"{len(told) - right - wrong} could not be decided here. A prediction is what was written "
        "down before the first run; it is never edited."
    )


def expect(rows: Sequence[LedgerRow]) -> str:
    """Return on how many intervals the verdicts rest, and how many of them may mislead."""
    tested = [row for row in rows if row["verdict"] != "not-run" and row["intervals"]]
    intervals = sum(row["intervals"] for row in tested)
    if not intervals:
        return "No verdict of this build rests on an interval over seeds."
    decided = [row for row in tested if row["verdict"] in ("holds", "fails")]
    clear = sum(row["q"] is not None and row["q"] <= 0.05 for row in decided)
    parts = [
        f"The {len(tested)} verdicts over seeds rest on {intervals} intervals of 95\u00a0%. Such "
        "an interval misses the true value in about 5 of 100 repetitions, so about "
        f"{0.05 * intervals:.1f} of them may be expected to miss. Of the {len(decided)} claims "
        f"decided, {clear} keep their verdict when the share of wrong ones among them is held "
        "below 5\u00a0% (q\u00a0≤\u00a00.05, Benjamini and Hochberg)."
    ]
    known = [row for row in tested if row["kind"] == "calibration"]
    if known:
        held = sum(row["verdict"] == "holds" for row in known)
        parts.append(f"Where the truth is known, {held} of {len(known)} claims got it right.")
    alike = [row for row in tested if row["kind"] == "placebo"]
    if alike:
        wrong = sum(row["verdict"] == "fails" for row in alike)
        parts.append(
            f"Placebos declared different: {wrong} of {len(alike)} "
            f"(about {0.05 * len(alike):.1f} expected)."
        )
    return " ".join(parts)


def numbers(row: LedgerRow) -> str:
    """Return a claim's effect and interval with their unit; empty if it was not measured.

    >>> numbers({"effect": 2.5, "interval": [2.0, 3.0], "unit": "steps"})
    '2.5 (2 to 3) steps'
    """
    if row.get("effect") is None:
        return ""
    interval = f" ({span(row['interval'])})" if row.get("interval") else ""
    return f"{number(row['effect'])}{interval} {row.get('unit') or ''}".strip()


def distance(row: LedgerRow) -> str:
    """Say where the interval lies to its limit; -2 half-widths are the whole of it.

    >>> distance({"margin": 1.5}), distance({"margin": -0.5})
    ('ends 1.5 half-widths inside the limit', 'reaches 0.5 half-widths past the limit')
    >>> distance({"margin": -2.5})
    'lies 0.5 half-widths past the limit'
    """
    margin = row.get("margin")
    if margin is None:
        return ""
    if margin >= 0:
        return f"ends {number(margin, 2)} half-widths inside the limit"
    verb, past = ("reaches", -margin) if margin > -2 else ("lies", -margin - 2)
    return f"{verb} {number(past, 2)} half-widths past the limit"


def small(value: float) -> str:
    """Return a small number as a reader takes it in.

    >>> small(0.03125), small(0.00001)
    ('= 0.031', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"= {number(value, 2)}"


def foreseen(row: LedgerRow) -> str:
    """Return what was predicted, and why something else may be expected."""
    if not row["predicted"]:
        return "no prediction"
    told = WORDS[row["predicted"]]
    if row["expected"] and row["expected"] != row["predicted"]:
        told += f"; since then expected: {WORDS[row['expected']]}, because {row['because']}"
    return f"{told}. {row['note']}" if row.get("note") else told


def sentence(row: LedgerRow) -> str:
    """Return the sentence of a claim, no number parted from its percent sign."""
    return row["statement"].replace(" %", "\u00a0%")


def spans(seeds: Sequence[int]) -> str:
    """Return a list of seeds, runs of neighbors as spans.

    >>> spans([0, 1, 2, 7])
    '4 seeds: 0–2, 7'
    """
    if not seeds:
        return ""
    groups = itertools.groupby(enumerate(sorted(seeds)), key=lambda pair: pair[1] - pair[0])
    blocks = [[seed for _, seed in group] for _, group in groups]
    names = [f"{b[0]}–{b[-1]}" if len(b) > 1 else f"{b[0]}" for b in blocks]
    return f"{len(seeds)} seed{'s' * (len(seeds) != 1)}: {', '.join(names)}"


def run_facts(run: RunRow) -> list[str]:
    """Return profile, device, time, memory, data, date and key of a run, as text."""
    return [
        run["profile"],
        run.get("device_name") or run["device"],
        duration(run["seconds"]),
        f"{run['peak_mb']:,.0f} MB" if run["peak_mb"] else "memory not measured",
        data_used(run),
        run["date"][:10],
        run["key"][:8],
    ]


def total(runs: Sequence[RunRow]) -> str:
    """Return what the runs took together, and by the clock if they were made in one go.

    >>> one = {"seconds": 60.0, "date": "2026-11-20T08:01:00+00:00"}
    >>> total([one, one | {"date": "2026-11-20T08:01:20+00:00"}])
    '2 lectures ran for 2 min 0 s together, in 1 min 20 s by the clock.'
    >>> total([one, one | {"date": "2026-11-21T08:01:20+00:00"}])
    '2 lectures ran for 2 min 0 s together, not all of them in one go.'
    """
    together = sum(run["seconds"] for run in runs)
    ends = [datetime.datetime.fromisoformat(run["date"]).timestamp() for run in runs]
    starts = [end - run["seconds"] for end, run in zip(ends, runs, strict=True)]
    clock = max(ends, default=0.0) - min(starts, default=0.0)
    in_one_go = clock <= 1.05 * together  # a pause between two shows as more
    by_clock = f"in {duration(clock)} by the clock" if in_one_go else "not all of them in one go"
    count = f"{len(runs)} lecture{'s' * (len(runs) != 1)}"
    return f"{count} ran for {duration(together)} together, {by_clock}."


def duration(seconds: float) -> str:
    """Return seconds as a reader says them.

    >>> duration(83.2), duration(9.44)
    ('1 min 23 s', '9.4 s')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def data_used(run: RunRow) -> str:
    """Return the names of the data sets a run used, each stand-in named as one."""
    names = []
    for dataset in run.get("datasets") or []:
        instead = dataset.get("stand_in_for")
        names.append(f"{dataset['name']}{f' (stand-in for {instead})' if instead else ''}")
    return ", ".join(dict.fromkeys(names)) or "none"


def badge(verdict: str) -> str:
    """Return a verdict as a pill of symbol, word and color."""
    return f'<span class="verdict verdict-{verdict}">{_pill(verdict)}</span>'


def _pill(verdict: str) -> str:
    return f'<span aria-hidden="true">{SYMBOLS[verdict]}</span> {WORDS[verdict]}'


def cost_label(run: RunRow, to_root: str) -> str:
    """Return the line under a lecture's title."""
    profile, device, time, memory, data, date, key = (html.escape(f) for f in run_facts(run))
    facts = [f"{time} on {device}", memory, f"profile {profile}", spans(run.get("seeds") or [])]
    stand_in = any(d.get("stand_in_for") for d in run.get("datasets") or [])
    warning = '<strong class="stand-in">⚠ Stand-in data.</strong> ' if stand_in else ""
    items = [*filter(None, facts), f"data: {data}", date, f"key {key}"]
    links = "".join(
        f' <a href="{to_root}downloads/{run["lecture"]}.{ending}" download>{label}</a>'
        for ending, label in (("ipynb", "Notebook"), ("py", "Source (py)"))
    )
    line = '<span class="dot" aria-hidden="true"> · </span>'.join(
        f'<span class="cost-fact">{item}</span>' for item in items
    )
    return (
        f'<div class="cost-label"><p>{warning}<span class="cost-lead">This page was run:</span> '
        f"{line}</p><p>Download:{links}</p></div>"
    )


def versions(run: RunRow) -> str:
    """Return the package versions of a run, folded away."""
    pairs = sorted((run.get("versions") or {}).items())
    listed = ", ".join(html.escape(f"{name} {version}") for name, version in pairs)
    how = [f"Precision: {run.get('precision') or 'not stated'}"]
    how += [f"{name} {run[name]}" for name in ("products", "threads") if run.get(name)]
    told = html.escape(", ".join(how))
    return (
        f"<details class='versions'><summary>{html.escape(run['lecture'])}: versions and precision"
        f"</summary><p>{listed}. {told}. Full key: <code>{run['key']}</code>, "
        f"commit <code>{html.escape(str(run.get('commit') or 'unknown'))}</code>.</p></details>"
    )
