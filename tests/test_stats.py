import numpy as np
import pytest
from scipy import stats as scipy_stats

from dlnotes.stats import mean_interval, ratio_interval, share_interval


def test_mean_interval_equals_scipy():
    values = [1.0, 2.5, 2.0, 4.0]
    ours = mean_interval(values)
    theirs = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.estimate == pytest.approx(np.mean(values))


def test_mean_interval_covers_the_truth_as_often_as_it_says():
    gen = np.random.default_rng(0)
    draws = gen.normal(3.0, 2.0, (4000, 6))
    hits = sum(i.low <= 3.0 <= i.high for i in map(mean_interval, draws))
    measured = scipy_stats.binomtest(hits, len(draws)).proportion_ci(0.999)
    assert measured.low <= 0.95 <= measured.high


def test_ratio_interval_by_hand():
    # logs of 1, e^2: mean 1, standard error 1; Student's t with one degree of freedom: 12.7062
    ours = ratio_interval([1.0, np.e**2])
    assert ours.estimate == pytest.approx(np.e)
    assert ours.high == pytest.approx(np.exp(13.7062), rel=1e-4)
    assert ours.low == pytest.approx(np.exp(-11.7062), rel=1e-4)


@pytest.mark.parametrize("successes", [0, 1, 5, 6])
def test_share_interval_solves_the_binomial_tails(successes):
    interval = share_interval(successes, 6)
    if successes < 6:
        assert scipy_stats.binom.cdf(successes, 6, interval.high) == pytest.approx(0.025)
    if successes > 0:
        assert scipy_stats.binom.sf(successes - 1, 6, interval.low) == pytest.approx(0.025)
    assert interval.low <= interval.estimate <= interval.high
    assert (interval.low == 0) == (successes == 0)
    assert (interval.high == 1) == (successes == 6)


def test_equal_values_give_a_point():
    assert mean_interval([2.0, 2.0]).low == mean_interval([2.0, 2.0]).high == 2.0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: mean_interval([1.0]), "at least two seeds"),
        (lambda: mean_interval([1.0, float("nan")]), "must be finite"),
        (lambda: ratio_interval([1.0, 0.0]), "positive"),
        (lambda: ratio_interval([1.0, float("inf")]), "finite"),
        (lambda: share_interval(7, 6), "got 7 of 6"),
        (lambda: share_interval(0, 0), "got 0 of 0"),
        (lambda: mean_interval([1.0, 2.0], level=95), "95 % is 0.95"),
        (lambda: share_interval(1, 2, level=0.0), "level must lie in"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(ValueError, match=match):
        call()
