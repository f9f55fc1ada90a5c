import math
from dataclasses import replace

import pytest
import torch

from dlnotes.data.datasets import Dataset
from dlnotes.lab import claims, verdicts
from dlnotes.lab.settings import Settings

CLEAR = [1.0, 1.1, 0.9, 1.2, 0.8, 1.05]


def context(profile="cpu", name="mnist", **kwargs):
    data = Dataset(
        x=torch.zeros(2, 1, 2, 2),
        y=torch.zeros(2, dtype=torch.int64),
        num_classes=1,
        name=name,
        source="made here",
        **kwargs,
    )
    run = Settings(profile=profile, device="cpu", seeds=(3, 4))
    return claims.Context(settings=run, data=[data], needs=("mnist",))


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: one pair of arguments and keywords a call."""
    calls = []
    monkeypatch.setattr(claims, "display", lambda *args, **kwargs: calls.append((args, kwargs)))
    return calls


def test_check_leaves_what_the_ledger_keeps(shown):
    # nothing is returned: a cell that ends on a check would show it twice
    assert claims.check("fit.true", verdicts.above(CLEAR, 0.0), context(), unit="points") is None
    bundle = shown[0][0][0]._repr_mimebundle_()
    left = bundle["application/vnd.dlnotes.claim+json"]
    named = (left["id"], left["verdict"], left["unit"], left["seeds"])
    assert named == ("fit.true", "holds", "points", [3, 4])
    assert left["interval"][0] < left["effect"] < left["interval"][1]
    assert (left["profile"], left["device"], left["dataset"]) == ("cpu", "cpu", "mnist")
    assert "fit.true" in bundle["text/plain"]
    assert "claim-holds" in bundle["text/html"]


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (context(profile="smoke"), "profile smoke is too small; here on mnist: holds"),
        (context(name="digits", stand_in_for="mnist"), "needs mnist; here on digits: holds"),
    ],
)
def test_a_claim_is_not_judged_on_other_data_than_it_speaks_about(where, reason, shown):
    claims.check("fit.true", verdicts.above(CLEAR, 0.0), where)
    finding = shown[0][0][0].finding
    assert (finding.verdict, finding.reason) == ("not-run", reason)
    assert finding.effect == pytest.approx(sum(CLEAR) / 6)


def test_context_leaves_what_the_run_page_shows():
    where = context(name="digits", stand_in_for="mnist", note="mnist is not on this machine")
    run = where._repr_mimebundle_()["application/vnd.dlnotes.run+json"]
    assert run["datasets"] == [
        {"name": "digits", "source": "made here", "sha256": [], "stand_in_for": "mnist"}
    ]
    assert (run["profile"], run["device"], run["seeds"]) == ("cpu", "cpu", [3, 4])
    assert "mnist is not on this machine" in str(where)


def test_what_a_context_prints_fits_the_page():
    where = context(note="https://example.org/" + "long" * 20)
    where = replace(where, settings=replace(where.settings, seeds=tuple(range(40))))
    lines = str(where).splitlines()
    assert [line for line in lines if len(line) > 80] == [where.data[0].note]
    assert "seeds: 0, 1, 2, " in " ".join(lines)
    assert "38, 39" in lines[-2]


def test_what_is_infinite_or_missing_is_null_in_the_record(shown):
    claims.check("fit.true", verdicts.above(CLEAR, 0.0), context(), unit="times")
    claims.check("fit.same", verdicts.identity(0.0, 1.0), context())
    of_seeds, equal = (args[0].as_json() for args, _ in shown)
    assert (of_seeds["limit_low"], of_seeds["limit_high"]) == (0.0, None)
    assert 0 < of_seeds["p_holds"] < 0.025
    assert of_seeds["margin"] > 0
    assert (equal["p_holds"], equal["margin"], equal["intervals"]) == (None, None, 0)
    assert equal["seeds"] == []


def test_the_part_that_decides_is_told_with_its_own_unit(shown):
    parts = {"steps": verdicts.above(CLEAR, 0.0, unit="times"), "same": verdicts.identity(0.0, 1.0)}
    claims.check("fit.true", verdicts.all_of(parts), context(), unit="points")
    left = shown[0][0][0].as_json()
    assert (left["part"], left["unit"], left["intervals"]) == ("steps", "times", 1)
    assert "steps" in str(shown[0][0][0])


@pytest.mark.parametrize(
    ("finding", "unit", "match"),
    [
        (verdicts.mostly([True] * 5), "% of seeds", "fit.true: a share of 5 seeds"),
        (verdicts.above([3.0] * 8, 0.0), "", "fit.true: all 8 seeds have the same value 3"),
        (
            verdicts.above([99.9, 100.0, 99.6, 100.0, 100.0, 99.9], 99),
            "% accuracy",
            r"fit.true: the interval \[99.74, 100.1\] leaves what '% accuracy' can be, 0 to 100",
        ),
        (
            verdicts.all_of({"low": verdicts.below([0.1, 0.0, 0.4, 0.0, 0.0, 0.1], 9)}),
            "% test error",
            "fit.true: low: the interval",
        ),
    ],
)
def test_what_allows_no_verdict_is_refused_by_the_claims_name(finding, unit, match, shown):
    with pytest.raises(ValueError, match=match):
        claims.check("fit.true", finding, context(), unit=unit)
    assert not shown
    claims.check("fit.true", finding, context(profile="smoke"), unit=unit)  # a quick look may
    assert shown[0][0][0].finding.verdict == "not-run"


def test_an_interval_may_leave_a_range_that_its_unit_does_not_have(shown):
    values = [99.9, 100.0, 99.6, 100.0, 100.0, 99.9]
    claims.check("fit.true", verdicts.above(values, 99), context(), unit="% of the way")
    assert shown[0][0][0].finding.verdict == "holds"
    assert math.isinf(shown[0][0][0].finding.limits[1])
