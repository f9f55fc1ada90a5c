"""Ridge regression and the Lasso's two formulas, against scikit-learn and brute force."""

import pytest
import torch
from sklearn import linear_model

from dlnotes.rng import generator
from dlnotes.theory import penalties

PENALTIES = (1e-3, 0.03, 0.3)


def problem(n=40, d=12, seed=0):
    gen = generator(seed, "penalties")
    x = torch.randn(n, d, generator=gen, dtype=torch.float64)
    w = torch.randn(d, generator=gen, dtype=torch.float64)
    return x, x @ w + torch.randn(n, generator=gen, dtype=torch.float64)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize(("n", "d"), [(40, 12), (12, 30)])
def test_ridge_is_that_of_scikit_learn(penalty, n, d):
    x, y = problem(n, d)
    other = linear_model.Ridge(alpha=n * penalty, fit_intercept=False, solver="svd").fit(x, y)
    found = penalties.ridge(x, y, penalty)
    assert torch.allclose(found, torch.from_numpy(other.coef_), atol=1e-10)


def test_least_squares_is_ridge_without_a_penalty():
    x, y = problem()
    assert torch.allclose(penalties.ridge(x, y, 0.0), torch.linalg.lstsq(x, y[:, None])[0][:, 0])


def test_problems_of_a_batch_are_solved_one_by_one():
    pairs = [problem(seed=s) for s in range(3)]
    x, y = (torch.stack(parts) for parts in zip(*pairs, strict=True))
    alone = torch.stack([penalties.ridge(a, b, 0.1) for a, b in pairs])
    assert torch.allclose(penalties.ridge(x, y, 0.1), alone, atol=1e-8)


def test_from_some_penalty_on_all_is_zero():
    x, y = problem()
    limit = penalties.all_zero_from(x, y).item()
    for factor, kept in ((1 + 1e-12, 0), (0.99, 1)):
        other = linear_model.Lasso(alpha=factor * limit, fit_intercept=False, tol=1e-12).fit(x, y)
        assert (other.coef_ != 0).sum() == kept


def test_a_dead_column_gets_exactly_zero():
    x, y = problem()
    x[:, 3] = 0
    assert penalties.ridge(x, y, 0.01)[3] == 0


def test_soft_threshold_is_the_best_of_all_points():
    grid = torch.linspace(-3, 3, 60_001, dtype=torch.float64)
    for value in (-2.0, -0.4, 0.0, 0.7, 1.9):
        best = grid[((grid - value) ** 2 / 2 + 0.8 * grid.abs()).argmin()]
        found = penalties.soft_threshold(torch.tensor(value, dtype=torch.float64), 0.8)
        assert abs(found - best) < 1e-4


def test_what_cannot_be_solved_is_refused():
    x, y = problem(5, 9)
    with pytest.raises(ValueError, match=r"penalty must be >= 0, got -1\.0"):
        penalties.ridge(x, y, -1.0)
    with pytest.raises(ValueError, match="take a penalty > 0"):
        penalties.ridge(torch.ones(5, 2, dtype=torch.float64), y, 0.0)
