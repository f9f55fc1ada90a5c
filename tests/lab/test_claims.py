import math

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats

from dlnotes.data.datasets import Dataset
from dlnotes.lab import claims
from dlnotes.lab.settings import Settings
from dlnotes.stats import Interval, mean_interval


def interval(low, high):
    return Interval(estimate=(low + high) / 2, low=low, high=high, method="")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (2, 3, "holds"),
        (0, 5, "undecided"),
        (-1, 0.5, "fails"),
        (4.5, 6, "fails"),
        (3, 4.5, "undecided"),
    ],
)
def test_within(low, high, verdict):
    assert claims.within(interval(low, high), 1, 4).verdict == verdict


@pytest.mark.parametrize(
    ("judge", "truth"),
    [
        (lambda v: claims.above(v, 0.0), "boundary"),  # the mean is exactly 0: "above" is false
        (lambda v: claims.within(mean_interval(v), 0.0, 9.0), "boundary"),
        (lambda v: claims.within(mean_interval(v), -9.0, 0.0), "boundary"),
    ],
)
def test_false_positive_rate_at_the_worst_null_is_what_the_level_says(judge, truth):
    gen = np.random.default_rng(1)
    draws = gen.normal(0.0, 1.0, (4000, 6))
    verdicts = [judge(row).verdict for row in draws]
    for wrong in ("holds", "fails"):  # each side of a 95 % interval may err in 2.5 % of the cases
        count = verdicts.count(wrong)
        ends = scipy_stats.binomtest(count, len(draws)).proportion_ci(0.999)
        assert ends.low <= 0.025 <= ends.high


def test_mostly_errs_at_most_as_often_as_the_level_says():
    # exact, by summing the binomial: a coin that lands right half of the time, the worst null
    for trials in (5, 6, 9, 20):
        chance = sum(
            scipy_stats.binom.pmf(k, trials, 0.5)
            for k in range(trials + 1)
            if claims.mostly([True] * k + [False] * (trials - k)).verdict == "holds"
        )
        assert chance <= 0.025


def test_a_conjunction_errs_at_most_as_often_as_one_part():
    gen = np.random.default_rng(2)
    draws = gen.normal([0.0, 5.0, 5.0], 1.0, (2000, 6, 3))  # the first part is false, barely
    parts = [{str(i): claims.above(row[:, i], 0.0) for i in range(3)} for row in draws]
    wrong = sum(claims.all_of(p).verdict == "holds" for p in parts)
    assert scipy_stats.binomtest(wrong, len(draws), 0.025, alternative="greater").pvalue > 1e-3


def test_power_of_a_clear_effect():
    gen = np.random.default_rng(3)
    draws = gen.normal(3.0, 1.0, (500, 6))
    assert np.mean([claims.above(row, 0.0).verdict == "holds" for row in draws]) > 0.99


def test_all_of_reports_the_weakest_part():
    strong, weak = claims.above([5.0, 5.1, 4.9], 0.0), claims.above([1.0, 1.1, 0.9], 0.0)
    unclear, wrong = claims.above([1.0, -1.0], 0.0), claims.above([-5.0, -5.1], 0.0)
    assert claims.all_of({"s": strong, "w": weak}).effect == weak.effect
    assert claims.all_of({"s": strong, "u": unclear}).verdict == "undecided"
    assert claims.all_of({"u": unclear, "x": wrong, "s": strong}).verdict == "fails"


def test_rising_looks_at_every_step():
    up = {0.0: [1.0, 1.1, 0.9], 0.5: [2.0, 2.1, 1.9], 1.0: [3.0, 3.1, 2.9]}
    assert claims.rising(up).verdict == "holds"
    dip = up | {0.75: [1.5, 1.6, 1.4]}
    assert claims.rising(dip).verdict == "fails"
    assert "from 0.5 to 0.75" in claims.rising(dip).reason


@pytest.mark.parametrize(
    ("error", "verdict"), [(0.0, "holds"), (2.0, "fails"), (math.nan, "fails")]
)
def test_identity(error, verdict):
    assert claims.identity(error, 1.0).verdict == verdict


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: claims.within(interval(0, 1), 2, 1), "low < high"),
        (lambda: claims.identity(-1.0, 1.0), "error >= 0"),
        (lambda: claims.identity(1.0, 0.0), "tolerance > 0"),
        (lambda: claims.all_of({}), "at least one part"),
        (lambda: claims.rising({0: [1.0, 2.0]}), "at least two levels"),
        (lambda: claims.above([1.0], 0.0), "at least two seeds"),
        (lambda: claims.mostly([math.nan] * 6), "True"),
        (lambda: claims.mostly([0.2] * 6), "got .0.2"),
        (lambda: claims.number("share", math.nan, ".1f"), "must be finite, got share = nan"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()


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
    assert claims.check("fit.true", claims.above([1.0, 1.1], 0.0), context(), unit="%") is None
    bundle = shown[0][0][0]._repr_mimebundle_()
    left = bundle["application/vnd.dlnotes.claim+json"]
    named = (left["id"], left["verdict"], left["unit"], left["seeds"])
    assert named == ("fit.true", "holds", "%", [3, 4])
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
    claims.check("fit.true", claims.above([1.0, 1.1], 0.0), where)
    finding = shown[0][0][0].finding
    assert (finding.verdict, finding.reason) == ("not-run", reason)
    assert finding.effect == pytest.approx(1.05)


def test_context_leaves_what_the_run_page_shows():
    where = context(name="digits", stand_in_for="mnist", note="mnist is not on this machine")
    run = where._repr_mimebundle_()["application/vnd.dlnotes.run+json"]
    assert run["datasets"] == [
        {"name": "digits", "source": "made here", "sha256": [], "stand_in_for": "mnist"}
    ]
    assert (run["profile"], run["device"], run["seeds"]) == ("cpu", "cpu", [3, 4])
    assert "mnist is not on this machine" in str(where)


def test_numbers_are_left_as_myst_nb_leaves_them(shown):
    """The output must be what ``myst_nb.glue`` writes for the same text."""
    assert claims.number("share", 0.4567, ".1%") is None
    (data,), kwargs = shown[0]
    prefix = "application/papermill.record/"
    assert data == {f"{prefix}text/plain": "'45.7%'"}
    assert kwargs["metadata"]["scrapbook"] == {"name": "share", "mime_prefix": prefix}


def test_an_interval_is_left_as_two_numbers(shown):
    claims.interval("gain", Interval(estimate=-0.123, low=-1.5, high=2.0, method="t"), "+.1f")
    left = {
        kwargs["metadata"]["scrapbook"]["name"]: next(iter(data.values()))
        for (data,), kwargs in shown
    }
    assert left == {"gain": "'−0.1'", "gain-interval": "'−1.5 to +2.0'"}
