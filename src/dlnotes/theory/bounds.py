"""Upper bounds on the risk: numbers in, one number out.

Every bound speaks of the mean loss of new examples (the risk) and takes what was measured on n
examples drawn independently from the same distribution. ``loss_range`` is the largest value of the
loss; the smallest is 0. A bound is never below the exact value of its formula (what floating point
lost is added), and never above ``loss_range``: there it says nothing, and is called vacuous. Except
for `mutual_information` and `evaluated_cmi`, which bound a mean over training sets, each holds with
a probability of at least ``1 - delta`` over the draw of the n examples.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp
from scipy.stats import beta

_LOST = 1e-12
"""No formula of this module loses more than this share of its value to rounding (tests)."""


def binary_kl(q: float, p: float) -> float:
    """Return the divergence in nats of a coin that falls with rate q from one with rate p.

    That is ``q ln(q/p) + (1-q) ln((1-q)/(1-p))``, infinite where p excludes what q allows.

    Args:
        q: In [0, 1].
        p: In [0, 1].

    Raises:
        ValueError: If a rate is not in [0, 1].

    Example:
        >>> binary_kl(0.0, 0.5) == math.log(2)
        True
    """
    for name, rate in (("q", q), ("p", p)):
        if not 0 <= rate <= 1:
            raise ValueError(f"{name} must be a rate in [0, 1], got {rate}")
    return max(0.0, _weighted_log(q, p, p - q) + _weighted_log(1 - q, 1 - p, q - p))


def kl_inverse(q: float, most: float) -> float:
    """Return the largest rate whose divergence from ``q`` is at most ``most``, rounded upward.

    Args:
        q: Rate seen, in [0, 1].
        most: Nats, >= 0.

    Raises:
        ValueError: If ``q`` is not in [0, 1] or ``most`` is negative or nan.

    Example:
        With q = 0 the divergence is -ln(1 - p), so that p = 1 - exp(-most):

        >>> round(kl_inverse(0.0, math.log(4)), 9)
        0.75
    """
    if not 0 <= q <= 1:
        raise ValueError(f"q must be a rate in [0, 1], got {q}")
    if not most >= 0:
        raise ValueError(f"the divergence must be at least 0 nats, got {most}")
    low, high = q, 1.0
    while low < (middle := (low + high) / 2) < high:
        found = binary_kl(q, middle)
        if found - 8 * math.ulp(1.0) * (middle - q + found) > most:  # surely above
            high = middle
        else:
            low = middle
    return high


def finite_class(risk: float, *, log_size: float, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of every member of a finite class at once (Hoeffding 1963, union bound).

    It is ``risk + loss_range sqrt((ln |H| + ln(1/delta)) / (2n))``.

    Args:
        risk: Mean loss on the n examples, in [0, loss_range].
        log_size: ``ln |H|``, >= 0; the class is chosen before the examples are seen.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        With one member, n = 50 and delta = exp(-1) the root is 1/10:

        >>> round(finite_class(0.0, log_size=0.0, n=50, delta=math.exp(-1), loss_range=1.0), 9)
        0.1
    """
    _refuse(n, delta, loss_range, risk=risk)
    _at_least_zero(log_size=log_size)
    gap = math.sqrt((log_size - math.log(delta)) / (2 * n))
    return _capped(risk + loss_range * gap, loss_range)


def log_growth(n: int, dimension: int) -> float:
    """Return the logarithm of the most labelings of n examples at a VC dimension (Sauer 1972).

    That is ``ln sum_(i <= dimension) C(n, i)``, and n ln 2 where the dimension reaches n.

    Args:
        n: Examples, >= 1.
        dimension: VC dimension, >= 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        Thresholds on a line, of dimension 1, label 3 points in 1 + 3 ways:

        >>> round(math.exp(log_growth(3, 1)), 9)
        4.0
    """
    _refuse(n, 0.5, 1.0)
    _at_least_zero(dimension=float(dimension))
    if dimension >= n:
        return n * math.log(2)
    i = np.arange(dimension)
    terms = np.cumsum(np.log((n - i) / (i + 1)))  # ln C(n, 1), ln C(n, 2), ...
    return float(logsumexp([0.0, *terms]))


def vc(risk: float, *, dimension: int, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of every member of a class by its VC dimension d.

    It is ``risk + sqrt(8/n ln(4 ((2n)^d + 1) / delta))``, Vapnik and Chervonenkis's theorem (1971)
    with the constants and the growth function of Abu-Mostafa, Magdon-Ismail and Lin (2012, section
    2.2). The loss is 0 for a right answer and ``loss_range`` for a wrong one.

    Args:
        risk: Mean loss on the n examples, in [0, loss_range].
        dimension: VC dimension, >= 0.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Price of a wrong answer, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        With d = 0 and delta = 8 exp(-8) the logarithm is 8, and with n = 256 the root 1/2:

        >>> round(vc(0.0, dimension=0, n=256, delta=8 * math.exp(-8), loss_range=1.0), 9)
        0.5
    """
    _refuse(n, delta, loss_range, risk=risk)
    _at_least_zero(dimension=float(dimension))
    growth = math.log1p(math.exp(-dimension * math.log(2 * n))) + dimension * math.log(2 * n)
    return _by_growth(risk, growth, n, delta, loss_range)


def vc_sauer(risk: float, *, dimension: int, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk as `vc` does, with the whole sum of binomials in the growth function.

    It is ``risk + sqrt(8/n (ln(4/delta) + log_growth(2n, d)))``; never above `vc` for d >= 1.

    Args:
        risk: Mean loss on the n examples, in [0, loss_range].
        dimension: VC dimension, >= 0.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Price of a wrong answer, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> round(vc_sauer(0.0, dimension=0, n=128, delta=4 * math.exp(-4), loss_range=1.0), 9)
        0.5
    """
    _refuse(n, delta, loss_range, risk=risk)
    return _by_growth(risk, log_growth(2 * n, dimension), n, delta, loss_range)


def rademacher(risk: float, *, complexity: float, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of every member of a class by its empirical Rademacher complexity.

    It is ``risk + 2 complexity + 3 loss_range sqrt(ln(2/delta) / (2n))`` (Bartlett and Mendelson
    2002; Mohri, Rostamizadeh and Talwalkar 2018, theorem 3.3).

    Args:
        risk: Mean loss on the n examples, in [0, loss_range].
        complexity: Of the losses of the class, on the same n examples, >= 0. For the 0-1 loss of
            functions with values -1 and 1 that is half the complexity of the functions.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        With delta = 2/e and n = 50 the root is 1/10:

        >>> round(rademacher(0.1, complexity=0.1, n=50, delta=2 / math.e, loss_range=1.0), 9)
        0.6
    """
    _refuse(n, delta, loss_range, risk=risk)
    _at_least_zero(complexity=complexity)
    gap = 3 * loss_range * math.sqrt((math.log(2) - math.log(delta)) / (2 * n))
    return _capped(risk + 2 * complexity + gap, loss_range)


def margin_fixed(
    risk: float, *, complexity: float, margin: float, n: int, delta: float, loss_range: float
) -> float:
    """Bound the rate of wrong signs by the rate of margins that are too small.

    It is ``risk + 2 complexity / margin + 3 sqrt(ln(2/delta) / (2n))`` (Mohri, Rostamizadeh and
    Talwalkar 2018, theorem 5.8), for one margin that was fixed before the examples were seen.

    Args:
        risk: Price times share of the n examples whose margin is below ``margin``.
        complexity: Empirical Rademacher complexity of the real-valued functions, >= 0.
        margin: > 0.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Price of a wrong answer, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> values = dict(n=50, delta=2 / math.e, loss_range=1.0)
        >>> round(margin_fixed(0.1, complexity=0.1, margin=2.0, **values), 9)
        0.5
    """
    if not margin > 0:
        raise ValueError(f"the margin must be positive, got {margin}")
    scaled = loss_range * complexity / margin
    return rademacher(risk, complexity=scaled, n=n, delta=delta, loss_range=loss_range)


def margin_seen(
    risk: float, *, complexity: float, margin: float, n: int, delta: float, loss_range: float
) -> float:
    """Bound as `margin_fixed` does, for a margin chosen after the examples were seen.

    The margin is rounded down to a power of two ``2^j``. The bounds of all whole j hold at once
    when that of j is taken at ``delta / (1.5 (|j| + 1) (|j| + 2))``, as these add up to delta.

    Args:
        risk: Price times share of the n examples whose margin is below ``margin``.
        complexity: Empirical Rademacher complexity of the real-valued functions, >= 0.
        margin: > 0.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Price of a wrong answer, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> values = dict(complexity=0.01, n=10_000, loss_range=1.0)
        >>> late = margin_seen(0.1, margin=1.5, delta=0.1, **values)
        >>> late == margin_fixed(0.1, margin=1.0, delta=0.1 / 3, **values)
        True
    """
    if not 0 < margin < math.inf:
        raise ValueError(f"the margin must be positive and finite, got {margin}")
    _refuse(n, delta, loss_range, risk=risk)
    j = math.frexp(margin)[1] - 1
    share = delta / (1.5 * (abs(j) + 1) * (abs(j) + 2))
    fixed = {"complexity": complexity, "margin": 2.0**j, "n": n, "loss_range": loss_range}
    return margin_fixed(risk, delta=share, **fixed)


def stability(risk: float, *, change: float, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of an algorithm whose losses change little with one example.

    It is ``risk + 2 b + (4 n b + loss_range) sqrt(ln(1/delta) / (2n))`` for b = ``change``
    (Bousquet and Elisseeff 2002, theorem 12).

    Args:
        risk: Mean loss on the n examples, in [0, loss_range].
        change: Uniform stability: the most that leaving out any example of any training set
            changes the loss of any example, >= 0. A measured change is no such bound.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> round(stability(0.0, change=0.0, n=50, delta=math.exp(-1), loss_range=1.0), 9)
        0.1
    """
    _refuse(n, delta, loss_range, risk=risk)
    _at_least_zero(change=change)
    gap = 2 * change + (4 * n * change + loss_range) * math.sqrt(-math.log(delta) / (2 * n))
    return _capped(risk + gap, loss_range)


def mcallester(risk: float, *, kl: float, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of a posterior by its divergence from the prior, with a square root.

    It is ``risk + loss_range sqrt((kl + ln(2 sqrt(n) / delta)) / (2n))`` (McAllester 1999, with the
    constant of Maurer 2004), for all posteriors at once; `seeger` is never above it.

    Args:
        risk: Mean loss of the posterior on the n examples, in [0, loss_range].
        kl: Divergence of the posterior from a prior that does not depend on the n examples, in
            nats, >= 0.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        With delta = 2 sqrt(n) exp(-2) and n = 9 that is sqrt((kl + 2) / 18):

        >>> round(mcallester(0.0, kl=2.5, n=9, delta=6 * math.exp(-2), loss_range=1.0), 9)
        0.5
    """
    most = _nats(risk, kl, n, delta, loss_range)
    return _capped(risk + loss_range * math.sqrt(most / 2), loss_range)


def seeger(risk: float, *, kl: float, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of a posterior by inversion of the binary divergence.

    The risk is at most `kl_inverse` ``(risk, (kl + ln(2 sqrt(n) / delta)) / n)`` (Seeger 2002,
    theorem 1, with the constant of Maurer 2004, theorem 5), for all posteriors at once.

    Args:
        risk: Mean loss of the posterior on the n examples, in [0, loss_range].
        kl: Divergence of the posterior from a prior that does not depend on the n examples, in
            nats, >= 0.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        With risk 0, n = 9 and kl + ln(2 sqrt(n)/delta) = 9 ln 2 the bound is 1 - 1/2:

        >>> delta = 6 * math.exp(-2)
        >>> round(seeger(0.0, kl=9 * math.log(2) - 2, n=9, delta=delta, loss_range=1.0), 9)
        0.5
    """
    most = _nats(risk, kl, n, delta, loss_range)
    return _capped(loss_range * kl_inverse(min(1.0, risk / loss_range), most), loss_range)


def catoni(
    risk: float, *, kl: float, constant: float, n: int, delta: float, loss_range: float
) -> float:
    """Bound the risk of a posterior with one constant C that was fixed beforehand.

    It is ``(1 - exp(-C risk - (kl + ln(1/delta)) / n)) / (1 - exp(-C))`` (Catoni 2007, theorem
    1.2.6), for all posteriors at once, but for one C.

    Args:
        risk: Mean loss of the posterior on the n examples, in [0, loss_range].
        kl: Divergence of the posterior from a prior that does not depend on the n examples, in
            nats, >= 0.
        constant: C > 0, fixed before the examples were seen.
        n: Examples, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        With risk 0, C = ln 2 and (kl + ln(1/delta)) / n = ln(4/3) it is (1 - 3/4) / (1/2):

        >>> given = dict(constant=math.log(2), n=1, delta=0.75, loss_range=1.0)
        >>> round(catoni(0.0, kl=0.0, **given), 9)
        0.5
    """
    _refuse(n, delta, loss_range, risk=risk)
    _at_least_zero(kl=kl)
    if not 0 < constant < math.inf:
        raise ValueError(f"the constant C must be positive and finite, got {constant}")
    nats = constant * risk / loss_range + (kl - math.log(delta)) / n
    return _capped(loss_range * math.expm1(-nats) / math.expm1(-constant), loss_range)


def sampled(risk: float, *, draws: int, delta: float, loss_range: float) -> float:
    """Bound the mean loss of a posterior on given examples from independent draws.

    It is `kl_inverse` ``(risk, ln(1/delta) / draws)``, Hoeffding's bound (1963, theorem 1) for
    independent values in [0, loss_range], whose distributions may differ.

    Args:
        risk: Mean of the values drawn, in [0, loss_range].
        draws: Independent draws, >= 1.
        delta: In (0, 1).
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> round(sampled(0.0, draws=2, delta=0.25, loss_range=1.0), 9)
        0.5
    """
    _refuse(draws, delta, loss_range, risk=risk)
    most = -math.log(delta) / draws * (1 + _LOST)
    return _capped(loss_range * kl_inverse(min(1.0, risk / loss_range), most), loss_range)


def held_out(risk: float, *, n: int, delta: float, loss_range: float) -> float:
    """Bound the risk of one fixed function from examples it was not trained on.

    The exact binomial bound (Clopper and Pearson 1934, one-sided; Langford 2005).

    Args:
        risk: Price times share of wrong answers; n times the share is a whole number.
        n: Examples, >= 1, that were not used to find the function.
        delta: In (0, 1).
        loss_range: Price of a wrong answer, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        Without a wrong answer it solves (1 - p)^n = delta:

        >>> round(held_out(0.0, n=2, delta=0.25, loss_range=1.0), 6)
        0.5
    """
    _refuse(n, delta, loss_range, risk=risk)
    wrong = round(n * risk / loss_range)
    if abs(wrong - n * risk / loss_range) > 1e-6 * max(1, wrong):
        raise ValueError(
            f"the share of wrong answers of {n} must be a whole number of them, got "
            f"{n * risk / loss_range:.6g}; pass the mean of a 0-1 loss on these {n} examples"
        )
    bound = 1.0 if wrong == n else float(beta.isf(delta, wrong + 1, n - wrong))
    return _capped(loss_range * bound * (1 + 1e-9), loss_range)


def mutual_information(*, information: float, n: int, loss_range: float) -> float:
    """Bound the mean gap between risk and training loss over training sets.

    It is ``loss_range sqrt(information / (2n))`` (Xu and Raginsky 2017, theorem 1).

    Args:
        information: Mutual information of weights and training set in nats, >= 0.
        n: Examples, >= 1.
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> round(mutual_information(information=4.0, n=8, loss_range=1.0), 9)
        0.5
    """
    _refuse(n, 0.5, loss_range)
    _at_least_zero(information=information)
    return _capped(loss_range * math.sqrt(information / (2 * n)), loss_range)


def evaluated_cmi(informations: Sequence[float], *, loss_range: float) -> float:
    """Bound the mean gap between risk and training loss by what predictions tell.

    For each of n pairs of examples a coin decides which one is trained on; ``informations`` holds
    for each pair the information in nats, at most ln 2, of the predictions for both about the coin.
    The bound is ``loss_range`` times the mean of ``sqrt(2 information)`` (Harutyunyan et al. 2021,
    for single examples).

    Args:
        informations: One number a pair, in [0, ln 2].
        loss_range: Largest value of the loss, > 0.

    Raises:
        ValueError: If an argument is outside its range, or there is no pair.

    Example:
        >>> round(evaluated_cmi([0.125, 0.0], loss_range=1.0), 9)
        0.25
    """
    _refuse(len(informations), 0.5, loss_range)
    for value in informations:
        if not 0 <= value <= math.log(2) * (1 + _LOST):
            raise ValueError(f"an information about one coin is in [0, ln 2] nats, got {value}")
    mean = math.fsum(math.sqrt(2 * value) for value in informations) / len(informations)
    return _capped(loss_range * mean, loss_range)


def _weighted_log(a: float, b: float, difference: float) -> float:
    """Return a ln(a/b), where ``difference`` is b - a; near each other no digits cancel."""
    if a == 0:
        return 0.0
    if b == 0:
        return math.inf
    near = abs(difference) < a / 2
    return a * (-math.log1p(difference / a) if near else math.log(a) - math.log(b))


def _by_growth(risk: float, growth: float, n: int, delta: float, loss_range: float) -> float:
    gap = math.sqrt(8 / n * (math.log(4) - math.log(delta) + growth))
    return _capped(risk + loss_range * gap, loss_range)


def _nats(risk: float, kl: float, n: int, delta: float, loss_range: float) -> float:
    _refuse(n, delta, loss_range, risk=risk)
    _at_least_zero(kl=kl)
    return (kl + math.log(2) + math.log(n) / 2 - math.log(delta)) / n * (1 + _LOST)


def _capped(bound: float, loss_range: float) -> float:
    return min(loss_range, bound * (1 + _LOST))


def _refuse(n: int, delta: float, loss_range: float, risk: float = 0.0) -> None:
    if not 1 <= n < math.inf or n != int(n):
        raise ValueError(f"a bound needs a whole number of examples, at least 1, got {n}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must be in (0, 1), got {delta}; 0.05, say, for 95 of 100 draws")
    if not 0 < loss_range < math.inf:
        raise ValueError(
            f"loss_range must be positive and finite, got {loss_range}; a loss without a largest "
            "value, like cross-entropy, must be clipped first"
        )
    if not 0 <= risk <= loss_range:
        raise ValueError(f"the mean loss must be in [0, {loss_range}], its range, got {risk}")


def _at_least_zero(**values: float) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} must be at least 0, got {value}")
