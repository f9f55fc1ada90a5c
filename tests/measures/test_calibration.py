"""Calibration error and temperature against a loop, closed forms and scipy."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy import optimize

from dlnotes.measures import calibration
from dlnotes.rng import generator


def answers(models=3, examples=200, classes=4):
    gen = generator(0, "calibration")
    logits = 2 * torch.randn(models, examples, classes, generator=gen)
    return logits, torch.randint(classes, (models, examples), generator=gen)


def error_by_loop(logits, y, bins):
    """One model, one bin, one example at a time."""
    total = 0.0
    for m in range(1, bins + 1):
        confidences, hits = [], []
        for z, label in zip(logits.double(), y.tolist(), strict=True):
            p = z.softmax(0)
            if (m - 1) / bins < p.max() <= m / bins:
                confidences.append(float(p.max()))
                hits.append(float(p.argmax() == label))
        if hits:
            total += abs(sum(hits) - sum(confidences))
    return total / len(y)


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_the_error_is_that_of_a_loop(bins):
    logits, y = answers()
    found = calibration.calibration_error(logits, y, bins=bins)
    exact = [error_by_loop(z, labels, bins) for z, labels in zip(logits, y, strict=True)]
    assert found.tolist() == pytest.approx(exact, abs=1e-12)


def test_the_bins_hold_all_examples_and_their_means():
    logits, y = answers()
    found = calibration.reliability(logits, y)
    assert found.count.sum(1).tolist() == [200] * 3
    share = (found.accuracy.nan_to_num(0) * found.count).sum(1) / 200
    torch.testing.assert_close(share, (logits.argmax(2) == y).double().mean(1))
    assert (found.accuracy.isnan() == (found.count == 0)).all()
    inside = found.confidence * 15 - torch.arange(15)
    assert ((inside > 0) & (inside <= 1 + 1e-12) | found.confidence.isnan()).all()


def test_one_bin_compares_the_means_and_a_limit_belongs_to_the_lower_bin():
    logits, y = answers()
    p = logits.double().softmax(2).max(2).values.mean(1)
    gap = (p - (logits.argmax(2) == y).double().mean(1)).abs()
    torch.testing.assert_close(calibration.calibration_error(logits, y, bins=1), gap)
    even = torch.zeros(1, 5, 2)  # confidence 1/2 exactly
    count = calibration.reliability(even, torch.zeros(5, dtype=torch.int64), bins=2).count
    assert count.tolist() == [[5, 0]]


def test_labels_drawn_from_the_probabilities_leave_little_error():
    gen = generator(0, "calibrated")
    logits = 2 * torch.randn(1, 100_000, 3, generator=gen)
    y = torch.multinomial(logits[0].softmax(1), 1, generator=gen)[:, 0]
    # A bin of n_m examples is off by about sqrt(n_m) / 2 of them: 15 bins by 0.006 at most.
    assert calibration.calibration_error(logits, y).item() < 0.006


def test_labels_may_be_shared():
    logits, y = answers()
    own = calibration.calibration_error(logits, y[[0, 0, 0]])
    torch.testing.assert_close(calibration.calibration_error(logits, y[0]), own)
    warm = [calibration.fit_temperature(sharp(logits, y), labels) for labels in (y[0], y[[0] * 3])]
    torch.testing.assert_close(*warm)


def sharp(logits, y):
    """Logits that know the labels a little."""
    return logits + 1.5 * F.one_hot(y[0], logits.shape[2])


@pytest.mark.parametrize("factor", [0.01, 1.0, 300.0])
def test_the_temperature_is_that_of_scipy(factor):
    logits, y = answers()
    logits = factor * sharp(logits, y)
    found = calibration.fit_temperature(logits, y[0])
    for z, t in zip(logits.double(), found.tolist(), strict=True):

        def loss(log_t, z=z):
            return F.cross_entropy(z / math.exp(log_t), y[0]).item()

        best = optimize.minimize_scalar(
            loss, bracket=(math.log(factor) - 2, math.log(factor) + 2), tol=1e-10
        )
        assert t == pytest.approx(math.exp(best.x), rel=1e-5)


def test_dividing_by_the_temperature_leaves_one_that_is_one():
    logits, y = answers()
    z = sharp(logits, y).double()
    t = calibration.fit_temperature(z, y[0])
    torch.testing.assert_close(
        calibration.fit_temperature(z / t[:, None, None], y[0]), torch.ones(3).double()
    )


def test_what_has_no_answer_is_refused():
    logits, y = answers()
    with pytest.raises(ValueError, match="bins >= 1"):
        calibration.calibration_error(logits, y, bins=0)
    with pytest.raises(ValueError, match="finite logits"):
        calibration.calibration_error(logits * math.inf, y)
    perfect = F.one_hot(y, 4).float()
    for z in (perfect, -perfect, logits * math.nan):
        with pytest.raises(ValueError, match="a temperature needs"):
            calibration.fit_temperature(z, y)
