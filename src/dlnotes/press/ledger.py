"""The ledger: every claim of the book with the verdict of the last run, and what it amounts to."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlnotes.contract import CLAIM_MIME, WORDS
from dlnotes.press import disk, notebooks
from dlnotes.press.execute import Outcome
from dlnotes.press.labels import PLANNED, LedgerRow, planned
from dlnotes.press.lectures import repeated

MEASURED = ("verdict", "effect", "interval", "unit", "seeds", "profile", "device", "dataset")
JUDGED = (
    *("both", "limit_low", "limit_high", "scale", "margin", "part", "method", "reason"),
    *("p_holds", "p_fails", "power", "intervals"),
)
"""What a record may say beside `MEASURED`."""
FIELDS = (
    *("id", "statement", "lecture", "sources", "kind", "predicted", "expected", "because", "note"),
    *(*MEASURED, *JUDGED, "q"),
)
FAILED = "its lecture failed"
NEVER = "its lecture ran without evaluating it"


class LedgerError(ValueError):
    """A file is no ledger."""


def checked(outcome: Outcome, claims: dict[str, dict[str, Any]]) -> Outcome:
    """Return an outcome; one that failed if the lecture recorded claims that cannot be entered.

    Args:
        outcome: What became of a lecture.
        claims: The claims of the book, as `sources.load_claims` gives them.
    """
    records = _records(outcome)
    problems = [p for record in records if (p := _problem(record, outcome.lecture, claims))]
    ids = [record["id"] for record in records if "id" in record]
    twice = "check it once, and let no cell end on the check's value"
    problems += [f"recorded claim {i} twice; {twice}" for i in repeated(ids)]
    if not problems:
        return outcome
    return replace(outcome, run=None, notebook=None, error="; ".join(problems))


def collect(
    outcomes: Sequence[Outcome], claims: dict[str, dict[str, Any]], profile: str | None = None
) -> list[LedgerRow]:
    """Enter every claim of the book.

    Args:
        outcomes: What became of the lectures, each `checked`.
        claims: The claims of the book, as `sources.load_claims` gives them.
        profile: The profile of the run; None means that of the first lecture that ran.

    Returns:
        One row per claim, in the order of ``claims.yml``, with all of `FIELDS`. ``predicted`` and
        ``expected`` are the verdicts at the row's profile, or None. A claim whose lecture failed
        or was not run is "not-run", with the reason. ``q`` is the share of wrong verdicts to be
        expected among those that are decided as clearly as this one (`q_values`).
    """
    runs = [outcome.run for outcome in outcomes if outcome.run]
    profile = profile or (runs[0]["profile"] if runs else "cpu")
    found = {record["id"]: record for outcome in outcomes for record in _records(outcome)}
    by_lecture = {outcome.lecture: outcome for outcome in outcomes}
    rows = [
        _row(claim, found.get(i) or _not_run(claim, by_lecture.get(claim["lecture"]), profile))
        for i, claim in claims.items()
    ]
    tested = [row for row in rows if row["verdict"] != "not-run" and row["p_holds"] is not None]
    both = [min(1.0, 2 * min(row["p_holds"], row["p_fails"])) for row in tested]
    for row, q in zip(tested, q_values(both), strict=True):
        row["q"] = q
    return rows


def q_values(p_values: Sequence[float]) -> list[float]:
    """Return the q value of each p value (Benjamini and Hochberg 1995).

    Of the verdicts with a q value of at most q, a share of q is expected to be wrong at most.

    Example:
        >>> q_values([0.01, 0.04, 0.03])
        [0.03, 0.04, 0.04]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    q, least = [0.0] * len(p_values), 1.0
    for rank, i in zip(range(len(order), 0, -1), order, strict=True):
        least = min(least, p_values[i] * len(order) / rank)
        q[i] = least
    return q


def contradictions(rows: Iterable[LedgerRow]) -> list[str]:
    """Return one line per verdict against the expected one, or expected and never recorded."""
    return [
        f"{_surprise(row)}: {_told(row)}; {row['statement']!r}"
        for row in rows
        if {row["verdict"], row["expected"]} == {"holds", "fails"}
        or (row["reason"] == NEVER and row["expected"] not in {None, "not-run"})
    ]


def undecided(rows: Iterable[LedgerRow]) -> list[str]:
    """Return one line per verdict that was expected and is undecided or was not run on purpose."""
    return [
        f"{_surprise(row)}: {row['reason'] or evidence(row)}"
        for row in rows
        if row["expected"] in {"holds", "fails"}
        and row["verdict"] in {"undecided", "not-run"}
        and row["reason"] not in {FAILED, NEVER, PLANNED}
    ]


def evidence(row: LedgerRow) -> str:
    """Write the numbers behind a verdict in one phrase.

    >>> evidence({"effect": 0.25, "interval": [0.2, 0.3], "unit": "nats", "seeds": [1, 2]})
    'effect 0.25 nats, interval [0.2, 0.3], 2 seeds'
    """
    unit = f" {row['unit']}" if row["unit"] else ""
    parts = [f"effect {row['effect']:.4g}{unit}"] if row["effect"] is not None else []
    if row["interval"] is not None:
        parts.append(f"interval [{row['interval'][0]:.4g}, {row['interval'][1]:.4g}]")
    if row["seeds"]:
        parts.append(f"{len(row['seeds'])} seed{'s' * (len(row['seeds']) != 1)}")
    return ", ".join(parts)


def table(rows: Sequence[LedgerRow]) -> str:
    """Write the rows as lines of aligned text: id, verdict, mark of surprise, evidence.

    Claims that wait for their lecture are counted in a last line.
    """
    waiting, rows = [r for r in rows if planned(r)], [r for r in rows if not planned(r)]
    width = max((len(row["id"]) for row in rows), default=0)
    lines = []
    for row in rows:
        asked = row["expected"] and row["expected"] != row["verdict"]
        mark = f" (expected {row['expected']})" if asked else ""
        lines.append(f"{row['id']:<{width}}  {row['verdict']:<9}{mark}  {_told(row)}".rstrip())
    more = f"and {len(waiting)} predicted for lectures that are not written yet"
    return "\n".join([*lines, *([more] if waiting else [])])


def compare(old: Iterable[LedgerRow], new: Iterable[LedgerRow]) -> list[dict[str, Any]]:
    """Return the claims whose verdict changed, each with its old and its new verdict.

    Args:
        old: Rows of an earlier ledger.
        new: Rows of a later one.

    Returns:
        One entry per change, in the order of the new ledger; a claim that only one of the two
        knows is no change.
    """
    before = {row["id"]: row for row in old}
    return [
        {
            **{name: row[name] for name in ("id", "lecture", "statement")},
            "old": before[row["id"]]["verdict"],
            "new": row["verdict"],
            "evidence": evidence(row),
        }
        for row in new
        if row["id"] in before and before[row["id"]]["verdict"] != row["verdict"]
    ]


def write(root: Path, rows: Sequence[LedgerRow], outcomes: Sequence[Outcome]) -> None:
    """Write ``_build/ledger.json`` and ``_build/runs.json``, each only if its content changed."""
    runs = [{**outcome.run, "cached": outcome.cached} for outcome in outcomes if outcome.run]
    for name, content in (("ledger", rows), ("runs", runs)):
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        disk.write_if_changed(Path(root) / "_build" / f"{name}.json", text)


def read(path: Path) -> list[LedgerRow]:
    """Read the rows of a ledger.

    Raises:
        LedgerError: The file is missing or is no ledger, or a row of it is malformed.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LedgerError(f"there is no ledger at {path}; run: dlnotes build") from error
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path} cannot be read as a ledger: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LedgerError(f"{path} is no ledger: it must be a list of claims")
    problems = [problem for row in rows if (problem := _malformed(row, FIELDS))]
    if problems:
        raise LedgerError(f"{path} is no ledger: {problems[0]}")
    return rows


def _surprise(row: LedgerRow) -> str:
    expected = f"was expected to be {row['expected']!r} at profile {row['profile']}"
    return f"{row['id']} ({row['lecture']}) {expected} but is {row['verdict']!r}"


def _told(row: LedgerRow) -> str:
    return row["reason"] if row["verdict"] == "not-run" else evidence(row)


def _records(outcome: Outcome) -> list[LedgerRow]:
    if outcome.notebook is None:
        return []
    return notebooks.records(notebooks.read_left(outcome.notebook), CLAIM_MIME)


def _problem(record: LedgerRow, lecture: str, claims: dict[str, dict[str, Any]]) -> str | None:
    """Return what is wrong with a recorded claim, or None."""
    if problem := _malformed(record, ("id", *MEASURED)):
        return problem
    if record["id"] not in claims or claims[record["id"]]["lecture"] != lecture:
        return f"recorded claim {record['id']!r}, which claims.yml does not give to it"
    return None


def _malformed(record: LedgerRow, fields: Iterable[str]) -> str | None:
    """Return what is wrong with the fields of a record or of a row, or None."""
    i = record.get("id")
    missing = [name for name in fields if name not in record]
    if missing:
        return f"claim {i} lacks {', '.join(missing)}"
    if record["verdict"] not in WORDS:
        return f"claim {i}: verdict must be one of {', '.join(WORDS)}; got {record['verdict']!r}"
    for name, kind in (("id", str), ("unit", str), ("seeds", list)):
        if not isinstance(record[name], kind):
            return f"claim {i}: {name} must be a {kind.__name__}; got {record[name]!r}"
    interval = record["interval"]
    if interval is not None and not (isinstance(interval, list) and len(interval) == 2):
        return f"claim {i}: interval must be [low, high] or null; got {interval!r}"
    for name, number in (("effect", record["effect"]), *(("interval", n) for n in interval or ())):
        if not (number is None and name == "effect") and not _finite(number):
            return f"claim {i}: {name} must be made of finite numbers, or null; got {number!r}"
    return None


def _finite(number: object) -> bool:
    real = isinstance(number, int | float) and not isinstance(number, bool)
    return real and math.isfinite(number)


def _not_run(claim: dict[str, Any], outcome: Outcome | None, profile: str) -> LedgerRow:
    if claim.get("planned"):
        reason = PLANNED
    elif outcome is None:
        reason = "its lecture was not selected"
    else:
        reason = FAILED if outcome.error else NEVER
    device = outcome.run["device"] if outcome and outcome.run else None
    told = {"verdict": "not-run", "effect": None, "interval": None, "seeds": [], "reason": reason}
    return {**told, "profile": profile, "device": device, "dataset": None}


def _row(claim: dict[str, Any], record: LedgerRow) -> LedgerRow:
    empty = dict.fromkeys(FIELDS) | {"method": "", "reason": "", "part": ""}
    at = {
        name: (claim.get(name) or {}).get(record["profile"]) for name in ("predicted", "expected")
    }
    merged = {**empty, **claim, **record, **at}
    return {name: merged[name] for name in FIELDS}
