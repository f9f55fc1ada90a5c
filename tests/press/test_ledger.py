"""The ledger: rows, contradictions, warnings, changes."""

import json
import math

import nbformat
import numpy as np
import pytest
import scipy.stats

from dlnotes.contract import CLAIM_MIME
from dlnotes.press import ledger, notebooks
from dlnotes.press.execute import Outcome

CLAIM = {"kind": "statistical", "unit": "nats", "sources": ["zhang2017"], "statement": "It is so."}


def claims(**expected):
    """Claims a.one, a.two ... of lectures a/one, a/two ..., expected to hold as given."""
    return {
        f"a.{name}": {
            **CLAIM,
            **{"id": f"a.{name}", "lecture": f"a/{name}"},
            **{"predicted": verdicts, "expected": verdicts},
        }
        for name, verdicts in expected.items()
    }


def record(claim, **changes):
    about = {"unit": "bits", "method": "t interval", "reason": "", "seeds": [1, 2, 3]}
    where = {"profile": "cpu", "device": "cpu", "dataset": "mnist"}
    measured = {"verdict": "holds", "effect": 0.5, "interval": [0.25, 0.75]}
    return {"id": claim, **measured, **about, **where} | changes


@pytest.fixture
def outcome(tmp_path):
    """Make the outcome of a lecture whose notebook shows these records."""

    def make(lecture, *records, error=None):
        if error:
            return Outcome(lecture, None, None, False, 1.0, error)
        outputs = [
            nbformat.v4.new_output("display_data", {CLAIM_MIME: record, "text/plain": ""})
            for record in records
        ]
        path = tmp_path / f"{lecture.replace('/', '-')}.ipynb"
        cell = nbformat.v4.new_code_cell("", outputs=outputs)
        notebooks.write(nbformat.v4.new_notebook(cells=[cell]), path)
        run = {"lecture": lecture, "profile": "cpu", "device": "cpu"}
        return Outcome(lecture, run, path, False, 1.0, None)

    return make


def test_a_row_has_the_fields_of_claim_and_record(outcome):
    (row,) = ledger.collect([outcome("a/one", record("a.one"))], claims(one={"cpu": "holds"}))
    assert row == {
        "id": "a.one",
        "statement": "It is so.",
        "lecture": "a/one",
        "sources": ["zhang2017"],
        "kind": "statistical",
        "verdict": "holds",
        "predicted": "holds",
        "expected": "holds",
        "effect": 0.5,
        "interval": [0.25, 0.75],
        "unit": "bits",
        "method": "t interval",
        "reason": "",
        "seeds": [1, 2, 3],
        "profile": "cpu",
        "device": "cpu",
        "dataset": "mnist",
        "part": "",
        **dict.fromkeys(["because", "note", "both", "limit_low", "limit_high", "scale"]),
        **dict.fromkeys(["margin", "p_holds", "p_fails", "power", "intervals", "q"]),
    }
    assert tuple(row) == ledger.FIELDS


def test_q_values_are_those_of_scipy():
    p_values = np.random.default_rng(0).random(40) ** 3
    expected = scipy.stats.false_discovery_control(p_values)
    assert ledger.q_values(p_values.tolist()) == pytest.approx(expected.tolist())
    assert ledger.q_values([]) == []


def test_a_row_that_was_tested_has_its_q_value(outcome):
    clear, open_ = ({"p_holds": p, "p_fails": 1 - p, "intervals": 1} for p in (0.001, 0.2))
    records = [record("a.one", **clear), record("a.two", verdict="undecided", **open_)]
    outcomes = [outcome("a/one", records[0]), outcome("a/two", records[1]), outcome("a/three")]
    rows = ledger.collect(outcomes, claims(one={}, two={}, three={}))
    assert [row["q"] for row in rows] == [0.004, 0.4, None]


def test_a_planned_claim_waits_for_its_lecture():
    known = claims(one={"cpu": "holds"})
    known["a.one"]["planned"] = True
    (row,) = ledger.collect([], known, "cpu")
    assert (row["verdict"], row["reason"]) == ("not-run", "its lecture is not written yet")
    assert ledger.undecided([row]) == ledger.contradictions([row]) == []
    assert ledger.table([row]) == "and 1 predicted for lectures that are not written yet"


def test_claims_that_were_not_run_say_why(outcome):
    outcomes = [
        outcome("a/one", record("a.one", interval=None)),
        outcome("a/two", error="cell 4: the kernel died"),
        outcome("a/three"),
    ]
    known = claims(one={}, two={"cpu": "holds"}, three={"gpu": "holds"}, four={"cpu": "fails"})
    rows = {row["id"]: row for row in ledger.collect(outcomes, known)}
    assert list(rows) == list(known)
    assert [row["verdict"] for row in rows.values()] == ["holds", *["not-run"] * 3]
    assert [row["expected"] for row in rows.values()] == [None, "holds", None, "fails"]
    assert rows["a.two"]["reason"] == "its lecture failed"
    assert rows["a.three"]["reason"] == "its lecture ran without evaluating it"
    assert rows["a.four"]["reason"] == "its lecture was not selected"
    assert all(tuple(row) == ledger.FIELDS for row in rows.values())
    assert rows["a.one"]["interval"] is None
    warned = ledger.undecided(rows.values())
    assert warned == [
        "a.four (a/four) was expected to be 'fails' at profile cpu but is 'not-run':"
        " its lecture was not selected"
    ]
    assert ledger.contradictions(rows.values()) == []


def test_the_profile_of_claims_not_run_is_that_of_the_run(outcome):
    (row,) = ledger.collect([], claims(one={"gpu": "holds"}), "gpu")
    assert (row["profile"], row["expected"]) == ("gpu", "holds")


@pytest.mark.parametrize(
    ("verdict", "expected", "contradicts", "warns"),
    [
        ("holds", "holds", False, False),
        ("fails", "fails", False, False),
        ("fails", "holds", True, False),
        ("holds", "fails", True, False),
        ("undecided", "holds", False, True),
        ("undecided", "fails", False, True),
        ("not-run", "holds", False, True),
        ("undecided", "undecided", False, False),
        ("holds", "undecided", False, False),
        ("fails", None, False, False),
        ("undecided", None, False, False),
    ],
)
def test_what_contradicts_and_what_warns(outcome, verdict, expected, contradicts, warns):
    known = claims(one={"cpu": expected} if expected else {})
    rows = ledger.collect([outcome("a/one", record("a.one", verdict=verdict))], known)
    assert bool(ledger.contradictions(rows)) == contradicts
    assert bool(ledger.undecided(rows)) == warns


def test_a_contradiction_names_claim_expectation_and_numbers(outcome):
    known = claims(one={"cpu": "holds"})
    rows = ledger.collect([outcome("a/one", record("a.one", verdict="fails"))], known)
    assert ledger.contradictions(rows) == [
        "a.one (a/one) was expected to be 'holds' at profile cpu but is 'fails': effect 0.5 bits,"
        " interval [0.25, 0.75], 3 seeds; 'It is so.'"
    ]


@pytest.mark.parametrize(
    ("expected", "fails"), [("holds", True), ("not-run", False), (None, False)]
)
def test_an_expected_verdict_that_a_lecture_never_recorded_is_a_contradiction(
    outcome, expected, fails
):
    known = claims(one={"cpu": expected} if expected else {})
    rows = ledger.collect([outcome("a/one")], known)
    told = (
        "a.one (a/one) was expected to be 'holds' at profile cpu but is 'not-run':"
        " its lecture ran without evaluating it; 'It is so.'"
    )
    assert ledger.contradictions(rows) == ([told] if fails else [])
    assert ledger.undecided(rows) == []


BAD = [
    ({"effect": math.nan}, "a.one: effect must be made of finite numbers, or null; got nan"),
    ({"effect": "nan"}, "got 'nan'"),
    ({"effect": True}, "got True"),
    ({"interval": [0.0, math.inf]}, "interval must be made of finite numbers"),
    ({"interval": [None, 1.0]}, "interval must be made of finite numbers"),
    ({"interval": [1.0]}, "interval must be [low, high] or null"),
    ({"interval": 5}, "interval must be [low, high] or null"),
    ({"seeds": None}, "seeds must be a list; got None"),
    ({"unit": 5}, "unit must be a str; got 5"),
    ({"id": ["a.one"]}, "id must be a str; got ['a.one']"),
    ({"verdict": "hold"}, "verdict must be one of holds, fails, undecided, not-run"),
]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        *BAD,
        ({"id": "a.two"}, "recorded claim 'a.two', which claims.yml does not give to it"),
        ({"id": "a.three"}, "recorded claim 'a.three', which"),
    ],
)
def test_a_lecture_with_a_bad_record_failed(outcome, changes, problem):
    bad = ledger.checked(outcome("a/one", record("a.one", **changes)), claims(one={}, two={}))
    assert problem in bad.error
    assert (bad.run, bad.notebook) == (None, None)


def test_bad_records_affect_their_lecture_alone(outcome):
    short = record("a.two")
    del short["seeds"], short["unit"]
    known = claims(one={}, two={}, three={"cpu": "holds"})
    outcomes = [
        outcome("a/one", record("a.one"), record("a.one")),
        outcome("a/two", short, record("a.three")),
        outcome("a/three", record("a.three", verdict="fails")),
    ]
    outcomes = [ledger.checked(outcome, known) for outcome in outcomes]
    assert [outcome.error for outcome in outcomes] == [
        "recorded claim a.one twice; check it once, and let no cell end on the check's value",
        "claim a.two lacks unit, seeds;"
        " recorded claim 'a.three', which claims.yml does not give to it",
        None,
    ]
    rows = ledger.collect(outcomes, known)
    assert [row["verdict"] for row in rows] == ["not-run", "not-run", "fails"]
    assert len(ledger.contradictions(rows)) == 1


def test_ledger_and_runs_are_written_only_if_they_change(outcome, tmp_path):
    outcomes = [outcome("a/one", record("a.one")), outcome("a/two", error="no")]
    rows = ledger.collect(outcomes, claims(one={}, two={}))
    ledger.write(tmp_path, rows, outcomes)
    paths = [tmp_path / "_build" / name for name in ("ledger.json", "runs.json")]
    before = [path.stat().st_mtime_ns for path in paths]
    ledger.write(tmp_path, rows, outcomes)
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert ledger.read(paths[0]) == rows
    assert json.loads(paths[1].read_text()) == [{**outcomes[0].run, "cached": False}]


@pytest.mark.parametrize("changes", [changes for changes, _ in BAD])
def test_a_ledger_with_a_malformed_row_is_refused(outcome, tmp_path, changes):
    (row,) = ledger.collect([outcome("a/one", record("a.one"))], claims(one={}))
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps([row]))
    assert ledger.read(path) == [row]
    path.write_text(json.dumps([row | changes]))
    with pytest.raises(ledger.LedgerError, match="is no ledger: claim "):
        ledger.read(path)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"id": "a.b"}]'])
def test_what_is_no_ledger_is_refused(tmp_path, text):
    (tmp_path / "ledger.json").write_text(text)
    with pytest.raises(ledger.LedgerError, match="ledger"):
        ledger.read(tmp_path / "ledger.json")


def test_changed_verdicts_are_listed(outcome):
    def rows(**verdicts):
        outcomes = [
            outcome(f"a/{name}", record(f"a.{name}", verdict=verdict))
            for name, verdict in verdicts.items()
        ]
        return ledger.collect(outcomes, claims(**{name: {} for name in verdicts}))

    old, new = (
        rows(one="holds", two="holds", gone="holds"),
        rows(one="fails", two="holds", new="fails"),
    )
    assert ledger.compare(old, new) == [
        {
            "id": "a.one",
            "lecture": "a/one",
            "statement": "It is so.",
            "old": "holds",
            "new": "fails",
            "evidence": "effect 0.5 bits, interval [0.25, 0.75], 3 seeds",
        }
    ]
    assert ledger.compare(new, new) == []


def test_the_table_marks_surprises(outcome):
    known = claims(one={"cpu": "holds"}, two={"cpu": "holds"}, three={})
    outcomes = [
        outcome("a/one", record("a.one")),
        outcome("a/two", record("a.two", verdict="fails", effect=None, interval=None, seeds=[1])),
        outcome("a/three", error="it died"),
    ]
    assert ledger.table(ledger.collect(outcomes, known)).splitlines() == [
        "a.one    holds      effect 0.5 bits, interval [0.25, 0.75], 3 seeds",
        "a.two    fails     (expected holds)  1 seed",
        "a.three  not-run    its lecture failed",
    ]
