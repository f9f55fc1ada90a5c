from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.linalg import solve_triangular

from dlnotes.networks import models
from dlnotes.rng import generator
from dlnotes.theory import memorizers
from tests.reference import forward_one


def points(n, d, seed=0):
    x = torch.randn(n, d, generator=generator(seed, "x"), dtype=torch.float64)
    direction = torch.randn(d, generator=generator(seed, "direction"), dtype=torch.float64)
    return x, direction


def test_join_solves_the_triangular_system():
    z = torch.rand(300, generator=generator(0, "z"), dtype=torch.float64)
    y = torch.randn(300, generator=generator(0, "y"), dtype=torch.float64)
    kinks, weights = memorizers.join(z, y)
    order = z.argsort().numpy()
    ramps = np.maximum(z.numpy()[order][:, None] - kinks.numpy(), 0)
    assert np.array_equal(ramps, np.tril(ramps))
    solved = solve_triangular(ramps, y.numpy()[order], lower=True)
    np.testing.assert_allclose(weights.numpy(), solved, rtol=1e-7)  # slopes reach 1e5


@pytest.mark.parametrize("n", [1, 2, 7, 1203])
@pytest.mark.parametrize("d", [1, 5, 40])
def test_any_real_labels_are_fitted(n, d):
    x, direction = points(n, d)
    y = 100 * torch.randn(n, generator=generator(0, "y"), dtype=torch.float64)
    net = memorizers.memorize(x, y, direction)
    assert net.num_weights == 2 * n + d
    torch.testing.assert_close(net(x), y, rtol=0, atol=1e-5)  # 1e-16 * 100 * range over gap


def test_whole_numbers_are_fitted_exactly():
    z = torch.randperm(50, generator=generator(0, "z")).double() * 3
    y = torch.randint(10, (50,), generator=generator(0, "y"))
    kinks, _ = memorizers.join(z, y)
    labels = dict(zip(z.tolist(), y.tolist(), strict=True))
    exact = [Fraction(v) for v in kinks.tolist()]
    weights, slope, before = [], Fraction(0), Fraction(0)
    for at, kink in zip(sorted(labels), exact, strict=True):
        new = (labels[at] - before) / (Fraction(at) - kink)
        weights.append(new - slope)
        slope, before = new, labels[at]
    for at, label in labels.items():
        terms = zip(weights, exact, strict=True)
        assert sum(w * max(Fraction(at) - b, 0) for w, b in terms) == label


def test_the_sum_of_ramps_is_that_of_a_dense_computation():
    gen = generator(0, "ramps")
    z, kinks, weights = (torch.randn(n, generator=gen).double() for n in (1203, 4500, 4500))
    kinks = kinks.sort().values
    dense = np.maximum(z.numpy()[:, None] - kinks.numpy(), 0) @ weights.numpy()
    np.testing.assert_allclose(memorizers.on_the_line(z, kinks, weights), dense, atol=1e-9)


def test_equal_projections_are_refused():
    x, y = torch.tensor([[1.0, 2.0], [2.0, 1.0], [0.0, 0.0]]), torch.tensor([0, 1, 2])
    direction = torch.ones(2).double()
    with pytest.raises(ValueError, match="got 1 that equal their neighbor"):
        memorizers.memorize(x, y, direction)
    with pytest.raises(ValueError, match="got 1 that equal their neighbor"):
        memorizers.boxed(x, y, direction, hidden=(4, 6), num_classes=3)
    with pytest.raises(ValueError, match="at least one point"):
        memorizers.memorize(x[:0], y[:0], direction)


@pytest.mark.parametrize("depth", [2, 3, 6, 60])
@pytest.mark.parametrize("n", [1, 50])
def test_a_deep_network_is_the_same_function(n, depth):
    x, direction = points(n, 4)
    y = torch.randn(n, generator=generator(0, "y"), dtype=torch.float64)
    net = memorizers.memorize(x, y, direction)
    config, params = memorizers.deep(net, depth)
    assert config.hidden == (-(-n // (depth - 1)) + 3,) * (depth - 1)
    elsewhere, _ = points(200, 4, seed=1)
    for some, tolerance in ((x, 1e-10), (elsewhere, 1e-10)):
        output = forward_one(config, params, 0, some)[:, 0]
        torch.testing.assert_close(output, net(some), rtol=1e-9, atol=tolerance)
    torch.testing.assert_close(models.forward(config, params, x)[0, :, 0], y, rtol=0, atol=1e-9)


def test_depth_below_two_is_refused():
    x, direction = points(3, 2)
    with pytest.raises(ValueError, match="must be >= 2, got 1"):
        memorizers.deep(memorizers.memorize(x, x[:, 0], direction), 1)


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize(
    ("n", "hidden"),
    [
        (1, (4, 6)),
        (2, (2, 6)),
        (6, (4, 6)),
        (7, (6, 7)),
        (35, (10, 14)),
        (33, (20, 21)),
        (900, (64, 64)),
    ],
)
def test_boxes_hold_any_labels(n, hidden, classes):
    for seed in range(3):
        x, direction = points(n, 5, seed)
        y = torch.randint(classes, (n,), generator=generator(seed, "y"))
        config, params = memorizers.boxed(x, y, direction, hidden=hidden, num_classes=classes)
        logits = forward_one(config, params, 0, x)
        assert config.hidden == hidden
        k = torch.arange(classes)
        wanted = k * y[:, None] - k.square() / 2
        torch.testing.assert_close(logits, wanted.double(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("hidden", [(4, 4), (4, 6), (2, 14)])
def test_boxes_that_are_too_small_are_refused(hidden):
    x, direction = points(8, 2)
    with pytest.raises(ValueError, match="8 examples need"):
        memorizers.boxed(x, torch.zeros(8, dtype=int), direction, hidden=hidden, num_classes=2)
