"""The ledger: every claim of the book with the verdict of the last run, and what it amounts to."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlnotes.press import cache, notebooks
from dlnotes.press.execute import Outcome
from dlnotes.press.lectures import repeated
from dlnotes.press.sources import VERDICTS

Row = dict[str, Any]
MEASURED = ("verdict", "effect", "interval", "unit", "seeds", "profile", "device", "dataset")
FIELDS = (
    *("id", "statement", "lecture", "sources", "kind", "verdict", "expected", "effect"),
    *("interval", "unit", "method", "reason", "seeds", "profile", "device", "dataset"),
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
) -> list[Row]:
    """Enter every claim of the book.

    Args:
        outcomes: What became of the lectures, each `checked`.
        claims: The claims of the book, as `sources.load_claims` gives them.
        profile: The profile of the run; None means that of the first lecture that ran.

    Returns:
        One row per claim, in the order of ``claims.yml``, with all of `FIELDS`. ``expected`` is the
        verdict expected at the row's profile, or None. A claim whose lecture failed or was not
        run is "not-run", with the reason.
    """
    runs = [outcome.run for outcome in outcomes if outcome.run]
    profile = profile or (runs[0]["profile"] if runs else "cpu")
    found = {record["id"]: record for outcome in outcomes for record in _records(outcome)}
    by_lecture = {outcome.lecture: outcome for outcome in outcomes}
    return [
        _row(claim, found.get(i) or _not_run(claim, by_lecture.get(claim["lecture"]), profile))
        for i, claim in claims.items()
    ]


def contradictions(rows: Iterable[Row]) -> list[str]:
    """Return one line per verdict against the expected one, or expected and never recorded."""
    return [
        f"{_surprise(row)}: {_told(row)}; {row['statement']!r}"
        for row in rows
        if {row["verdict"], row["expected"]} == {"holds", "fails"}
        or (row["reason"] == NEVER and row["expected"] not in {None, "not-run"})
    ]


def undecided(rows: Iterable[Row]) -> list[str]:
    """Return one line per verdict that was expected and is undecided or was not run on purpose."""
    return [
        f"{_surprise(row)}: {row['reason'] or evidence(row)}"
        for row in rows
        if row["expected"] in {"holds", "fails"}
        and row["verdict"] in {"undecided", "not-run"}
        and row["reason"] not in {FAILED, NEVER}
    ]


def evidence(row: Row) -> str:
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


def table(rows: Sequence[Row]) -> str:
    """Write the rows as lines of aligned text: id, verdict, mark of surprise, evidence."""
    width = max((len(row["id"]) for row in rows), default=0)
    lines = []
    for row in rows:
        asked = row["expected"] and row["expected"] != row["verdict"]
        mark = f" (expected {row['expected']})" if asked else ""
        lines.append(f"{row['id']:<{width}}  {row['verdict']:<9}{mark}  {_told(row)}".rstrip())
    return "\n".join(lines)


def compare(old: Iterable[Row], new: Iterable[Row]) -> list[dict[str, Any]]:
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


def write(root: Path, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
    """Write ``_build/ledger.json`` and ``_build/runs.json``, each only if its content changed."""
    runs = [{**outcome.run, "cached": outcome.cached} for outcome in outcomes if outcome.run]
    for name, content in (("ledger", rows), ("runs", runs)):
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        cache.write_if_changed(Path(root) / "_build" / f"{name}.json", text)


def read(path: Path) -> list[Row]:
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


def _surprise(row: Row) -> str:
    expected = f"was expected to be {row['expected']!r} at profile {row['profile']}"
    return f"{row['id']} ({row['lecture']}) {expected} but is {row['verdict']!r}"


def _told(row: Row) -> str:
    return row["reason"] if row["verdict"] == "not-run" else evidence(row)


def _records(outcome: Outcome) -> list[Row]:
    if outcome.notebook is None:
        return []
    return notebooks.records(notebooks.read_left(outcome.notebook), notebooks.CLAIM)


def _problem(record: Row, lecture: str, claims: dict[str, dict[str, Any]]) -> str | None:
    """Return what is wrong with a recorded claim, or None."""
    if problem := _malformed(record, ("id", *MEASURED)):
        return problem
    if record["id"] not in claims or claims[record["id"]]["lecture"] != lecture:
        return f"recorded claim {record['id']!r}, which claims.yml does not give to it"
    return None


def _malformed(record: Row, fields: Iterable[str]) -> str | None:
    """Return what is wrong with the fields of a record or of a row, or None."""
    i = record.get("id")
    missing = [name for name in fields if name not in record]
    if missing:
        return f"claim {i} lacks {', '.join(missing)}"
    if record["verdict"] not in VERDICTS:
        return f"claim {i}: verdict must be one of {', '.join(VERDICTS)}; got {record['verdict']!r}"
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


def _not_run(claim: dict[str, Any], outcome: Outcome | None, profile: str) -> Row:
    if outcome is None:
        reason = "its lecture was not selected"
    elif outcome.error:
        reason = FAILED
    else:
        reason = NEVER
    empty = {"verdict": "not-run", "effect": None, "interval": None, "seeds": [], "method": ""}
    device = outcome.run["device"] if outcome and outcome.run else None
    return {**empty, "reason": reason, "profile": profile, "device": device, "dataset": None}


def _row(claim: dict[str, Any], record: Row) -> Row:
    expected = (claim.get("expected") or {}).get(record["profile"])
    merged = {"method": "", "reason": "", **claim, **record, "expected": expected}
    return {name: merged[name] for name in FIELDS}
