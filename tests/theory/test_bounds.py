"""Every bound against its formula in 60 digits, at the edges too, and against values by hand."""

import math

import mpmath
import pytest
import torch
from mpmath import mpf

from dlnotes.rng import generator
from dlnotes.theory import bounds

mpmath.mp.dps = 60

RISKS = (0.0, 1e-12, 0.034, 0.5, 1 - 1e-12, 1.0)
NATS = (0.0, 1e-9, 1.0, 240.0, 1e9)
SIZES = (1, 8, 1000, 10**9)
DELTAS = (1e-300, 0.05, 1 - 1e-9)


def binary_kl(q, p):
    q, p = mpf(q), mpf(p)
    first = mpf(0) if q == 0 else q * (mpmath.log(q) - mpmath.log(p))
    return first + (mpf(0) if q == 1 else (1 - q) * (mpmath.log(1 - q) - mpmath.log(1 - p)))


def root(nats):
    return mpmath.sqrt(mpf(nats))


def log(value):
    return mpmath.log(mpf(value))


FORMULAS = {
    "finite_class": (
        ("log_size",),
        lambda r, k, n, d: r + root((mpf(k) + log(1 / mpf(d))) / (2 * n)),
    ),
    "rademacher": (
        ("complexity",),
        lambda r, k, n, d: r + 2 * mpf(k) + 3 * root(log(2 / mpf(d)) / (2 * n)),
    ),
    "stability": (
        ("change",),
        lambda r, k, n, d: r + 2 * mpf(k) + (4 * n * mpf(k) + 1) * root(log(1 / mpf(d)) / (2 * n)),
    ),
    "mcallester": (
        ("kl",),
        lambda r, k, n, d: r + root((mpf(k) + log(2 * root(n) / mpf(d))) / (2 * n)),
    ),
    "catoni": (
        ("kl",),
        lambda r, k, n, d: (
            (1 - mpmath.exp(-mpf(0.7) * r - (mpf(k) + log(1 / mpf(d))) / n))
            / (1 - mpmath.exp(-mpf(0.7)))
        ),
    ),
}
MORE = {"catoni": {"constant": 0.7}}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("risk", RISKS)
def test_a_bound_is_its_formula_rounded_upward_and_never_above_the_range(name, risk):
    (size,), formula = FORMULAS[name]
    for nats in NATS:
        for n in SIZES:
            for delta in DELTAS:
                exact = formula(mpf(risk), nats, n, delta)
                given = {size: nats, **MORE.get(name, {})}
                found = getattr(bounds, name)(risk, n=n, delta=delta, loss_range=1.0, **given)
                assert found == 1.0 if exact >= 1 else exact <= found <= exact * (1 + 1e-9) + 1e-15


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("n", SIZES)
def test_a_bound_by_inversion_solves_its_equation_from_above(risk, n):
    for nats in NATS:
        for delta in DELTAS:
            most = (mpf(nats) + log(2 * root(n) / mpf(delta))) / n
            found = bounds.seeger(risk, kl=nats, n=n, delta=delta, loss_range=1.0)
            assert found >= risk
            if found < 1:
                assert binary_kl(risk, found) >= most
                assert binary_kl(risk, risk + (found - risk) * (1 - 1e-6)) < most


@pytest.mark.parametrize("q", [0.0, 1e-300, 1e-9, 0.034, 0.5, 1 - 1e-9])
def test_the_inverse_is_never_below_the_true_root(q):
    for exponent in range(-40, 3):
        most = 3 * 10.0**exponent
        found = bounds.kl_inverse(q, most)
        assert found == 1.0 or binary_kl(q, found) >= mpf(most), most
        lower = q + (found - q) * (1 - 1e-5)
        near = found - q < 1e-7 * q  # here rounding, not the root, decides
        assert near or binary_kl(q, lower) < mpf(most), most
    assert bounds.kl_inverse(1.0, 0.3) == 1.0
    assert bounds.kl_inverse(q, math.inf) == 1.0


@pytest.mark.parametrize("q", [0.0, 1e-12, 0.3, 1.0])
@pytest.mark.parametrize("p", [1e-320, 1e-12, 0.3, 0.3 + 1e-9, 1 - 1e-16])
def test_the_binary_divergence_has_all_its_digits(q, p):
    exact = binary_kl(q, p)
    assert bounds.binary_kl(q, p) == pytest.approx(float(exact), rel=1e-12, abs=1e-23)


def test_the_binary_divergence_is_infinite_where_it_must_be():
    assert bounds.binary_kl(0.1, 0.0) == bounds.binary_kl(0.9, 1.0) == math.inf
    assert bounds.binary_kl(0.0, 0.0) == bounds.binary_kl(1.0, 1.0) == 0.0


@pytest.mark.parametrize(("n", "d"), [(10, 3), (10, 10), (10, 40), (7, 0), (400, 60)])
def test_the_growth_function_is_the_sum_of_binomials(n, d):
    exact = sum(math.comb(n, i) for i in range(min(n, d) + 1))
    assert bounds.log_growth(n, d) == pytest.approx(float(log(exact)), rel=1e-12)


@pytest.mark.parametrize("d", [0, 1, 9, 10**12])
@pytest.mark.parametrize("n", SIZES)
def test_the_vc_bound_is_its_formula_and_the_whole_sum_is_not_above_it(n, d):
    for delta in DELTAS:
        given = {"dimension": d, "n": n, "delta": delta, "loss_range": 1.0}
        exact = root(mpf(8) / n * log(4 * (mpf(2 * n) ** d + 1) / mpf(delta)))
        found = bounds.vc(0.0, **given)
        assert found == 1.0 if exact >= 1 else exact <= found <= exact * (1 + 1e-9)
        if d < 100:
            assert bounds.vc_sauer(0.0, **given) <= found * (1 + 1e-11)


def test_thresholds_on_a_line_by_hand():
    # dimension 1, n = 10,000, delta = 0.05: ln(4 * 20,001 / 0.05) = 14.2855..., times 8 / 10,000
    found = bounds.vc(0.1, dimension=1, n=10_000, delta=0.05, loss_range=1.0)
    assert found == pytest.approx(0.1 + math.sqrt(8e-4 * 14.28559), abs=1e-6)


def test_a_table_worked_by_hand():
    given = {"n": 1000, "delta": 0.05, "loss_range": 1.0}
    # ln(2 sqrt(1000) / 0.05) = 7.14170; (50 + 7.14170) / 2000 = 0.0285709
    assert bounds.mcallester(0.1, kl=50.0, **given) == pytest.approx(0.1 + 0.169029, abs=1e-5)
    # ln(1000 / 0.05) = 9.903488, over 2000
    assert bounds.finite_class(0.1, log_size=math.log(1000), **given) == pytest.approx(
        0.1 + 0.0703686, abs=1e-6
    )
    # 3 sqrt(ln(40) / 2000) = 3 * 0.0429470
    assert bounds.rademacher(0.1, complexity=0.05, **given) == pytest.approx(0.3288410, abs=1e-6)


@pytest.mark.parametrize("n", range(1, 65))
def test_maurers_constant_is_large_enough_for_every_number_of_examples(n):
    # the mean of exp(n kl(k/n || p)) over a binomial k is the same for every p; Maurer's lemma
    exact = mpmath.fsum(
        mpmath.binomial(n, k) * mpf(k) ** k * mpf(n - k) ** (n - k) for k in range(n + 1)
    )
    assert exact / mpf(n) ** n <= 2 * root(n)


@pytest.mark.parametrize(("n", "wrong"), [(1, 0), (1, 1), (50, 0), (50, 7), (9999, 340)])
def test_the_bound_by_held_out_examples_is_the_binomial_tail(n, wrong):
    delta = 0.05
    found = bounds.held_out(wrong / n, n=n, delta=delta, loss_range=1.0)
    if wrong == n:
        assert found == 1.0
    else:
        tail = mpmath.fsum(
            mpmath.binomial(n, k) * mpf(found) ** k * (1 - mpf(found)) ** (n - k)
            for k in range(wrong + 1)
        )
        assert tail <= delta
        assert tail == pytest.approx(delta, rel=1e-4)


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("risk", [0.02, 0.4])
def test_bounds_hold_as_often_as_they_promise(n, risk):
    draws = torch.rand(20_000, n, generator=generator(0, "bounds", n), dtype=torch.float64)
    means = (draws < risk).double().mean(1).unique(return_counts=True)
    one = {"n": n, "delta": 0.1, "loss_range": 1.0}
    for bound in (
        lambda m: bounds.finite_class(m, log_size=0.0, **one),
        lambda m: bounds.seeger(m, kl=0.0, **one),
        lambda m: bounds.catoni(m, kl=0.0, constant=1.0, **one),
        lambda m: bounds.sampled(m, draws=n, delta=0.1, loss_range=1.0),
        lambda m: bounds.held_out(m, **one),
    ):
        pairs = zip(*(part.tolist() for part in means), strict=True)
        missed = sum(count for mean, count in pairs if bound(mean) < risk) / len(draws)
        assert missed <= 0.1


@pytest.mark.parametrize("q", [0.0, 0.03, 0.4])
@pytest.mark.parametrize("c", [0.01, 0.3])
def test_the_inverse_is_the_least_of_catonis_bounds(q, c):
    def at(log_constant):
        return bounds.catoni(
            q, kl=1e6 * c, constant=math.exp(log_constant), n=10**6, delta=1 - 1e-15, loss_range=1.0
        )

    least = min(at(step / 500) for step in range(-3000, 2000))
    assert least == pytest.approx(bounds.kl_inverse(q, c), rel=2e-5)


@pytest.mark.parametrize("name", ["seeger", "mcallester"])
def test_a_larger_range_scales_the_bound(name):
    bound, given = getattr(bounds, name), {"kl": 3.0, "n": 100, "delta": 0.05}
    assert bound(0.8, loss_range=4.0, **given) == pytest.approx(
        4 * bound(0.2, loss_range=1.0, **given)
    )


def test_a_margin_that_was_seen_costs_a_logarithm():
    given = {"complexity": 0.01, "n": 10_000, "loss_range": 1.0}
    for margin, power in ((1.99, 1.0), (2.0, 2.0), (0.3, 0.25)):
        j = abs(int(math.log2(power)))
        share = 0.05 / (1.5 * (j + 1) * (j + 2))
        assert bounds.margin_seen(0.1, margin=margin, delta=0.05, **given) == bounds.margin_fixed(
            0.1, margin=power, delta=share, **given
        )
    shares = [1 / (1.5 * (abs(j) + 1) * (abs(j) + 2)) for j in range(-100_000, 100_001)]
    assert sum(shares) == pytest.approx(1.0, abs=1e-4)


def test_bounds_on_the_mean_gap_by_hand():
    assert bounds.mutual_information(information=2.0, n=100, loss_range=1.0) == pytest.approx(0.1)
    assert bounds.mutual_information(information=math.inf, n=100, loss_range=1.0) == 1.0
    assert bounds.evaluated_cmi([0.02, 0.08], loss_range=2.0) == pytest.approx(0.6)
    assert bounds.evaluated_cmi([math.log(2)] * 3, loss_range=1.0) == 1.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"risk": 1.1}, "mean loss must be in"),
        ({"risk": math.nan}, "mean loss must be in"),
        ({"n": 0}, "at least 1"),
        ({"delta": 0.0}, "delta must be in"),
        ({"delta": 1.0}, "delta must be in"),
        ({"delta": math.nan}, "delta must be in"),
        ({"loss_range": math.inf}, "must be clipped first"),
        ({"loss_range": 0.0}, "must be positive"),
        ({"kl": -1.0}, "kl must be at least 0"),
        ({"kl": math.nan}, "kl must be at least 0"),
    ],
)
@pytest.mark.parametrize("name", ["seeger", "mcallester", "catoni"])
def test_what_no_bound_can_be_made_of_is_refused(name, change, said):
    given = {"risk": 0.1, "kl": 1.0, "n": 100, "delta": 0.05, "loss_range": 1.0}
    given |= {"constant": 1.0} if name == "catoni" else {}
    given |= change
    with pytest.raises(ValueError, match=said):
        getattr(bounds, name)(given.pop("risk"), **given)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bounds.kl_inverse(1.2, 0.1), "rate in"),
        (lambda: bounds.kl_inverse(0.2, -0.1), "at least 0 nats"),
        (lambda: bounds.binary_kl(0.2, -0.1), "p must be a rate"),
        (lambda: bounds.held_out(0.123, n=10, delta=0.1, loss_range=1.0), "whole number"),
        (lambda: bounds.evaluated_cmi([0.8], loss_range=1.0), "in .0, ln 2."),
        (lambda: bounds.evaluated_cmi([], loss_range=1.0), "at least 1"),
        (
            lambda: bounds.catoni(0.1, kl=1.0, constant=0.0, n=9, delta=0.1, loss_range=1.0),
            "C must",
        ),
        (
            lambda: bounds.margin_fixed(
                0.1, complexity=1.0, margin=0.0, n=9, delta=0.1, loss_range=1.0
            ),
            "margin must",
        ),
    ],
)
def test_other_impossible_numbers_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
