import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from dlnotes import stats
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


@pytest.mark.parametrize("count", [2, 6, 9])
def test_sign_flips_are_those_of_scipy(count):
    values = np.random.default_rng(count).normal(0.4, 1.0, count)
    for p, alternative in zip(stats.sign_flip(values), ("greater", "less"), strict=True):
        theirs = scipy_stats.permutation_test(
            (values,),
            np.mean,
            permutation_type="samples",
            alternative=alternative,
            n_resamples=2**count,
        )
        assert p == pytest.approx(theirs.pvalue)


def test_many_seeds_get_a_fixed_sample_of_signs():
    values = np.random.default_rng(0).normal(0.5, 1.0, 40)
    larger, smaller = stats.sign_flip(values)
    assert (larger, smaller) == stats.sign_flip(values)
    score = values.sum() / np.sqrt((values**2).sum())  # normal, nearly, by the signs alone
    assert larger == pytest.approx(scipy_stats.norm.sf(score), abs=0.002)
    assert larger + smaller > 1


def test_a_two_way_interval_covers_other_seeds_and_other_examples():
    """Against what was put in: seeds, examples and rest of known spread, and 400 repetitions."""
    gen, hits = np.random.default_rng(3), 0
    for _ in range(400):
        table = (
            gen.normal(0, 0.3, (8, 1)) + gen.normal(0, 1.0, (1, 60)) + gen.normal(0, 0.5, (8, 60))
        )
        found = stats.two_way_interval(table)
        one_way = stats.mean_interval(table.mean(1))
        assert found.estimate == pytest.approx(one_way.estimate)
        hits += found.low < 0 < found.high
    assert scipy_stats.binomtest(hits, 400, 0.95).pvalue > 0.01 or hits > 380  # rather too wide


def test_a_two_way_interval_without_examples_that_differ_is_that_of_the_seeds():
    seeds = np.array([1.0, 2.0, 4.0, 3.0])
    found = stats.two_way_interval(np.repeat(seeds[:, None], 50, axis=1))
    one_way = stats.mean_interval(seeds)
    assert (found.low, found.high) == pytest.approx((one_way.low, one_way.high))


@pytest.mark.parametrize("table", [[[1.0, 2.0]], [1.0, 2.0], [[math.nan, 1], [1, 1]]])
def test_a_two_way_interval_needs_two_of_each(table):
    with pytest.raises(ValueError, match="at least 2 x 2"):
        stats.two_way_interval(np.array(table))
