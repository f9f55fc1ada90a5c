import numpy as np
import pytest
import scipy.linalg
import torch
from scipy.spatial.distance import cdist, pdist
from sklearn.kernel_ridge import KernelRidge

from dlnotes.rng import generator
from dlnotes.theory import linear


def draw(*shape, name="x"):
    return torch.randn(*shape, generator=generator(0, "kernels", name), dtype=torch.float64)


@pytest.mark.parametrize("bandwidth", [0.1, 2.0, 50.0])
def test_gaussian_equals_the_formula_on_distances_of_scipy(bandwidth):
    a, b = draw(7, 3), draw(4, 3, name="b")
    expected = np.exp(-(cdist(a, b) ** 2) / (2 * bandwidth**2))
    np.testing.assert_allclose(linear.gaussian(a, b, bandwidth=bandwidth), expected, atol=1e-13)


def test_gaussian_of_equal_examples_far_from_zero_is_one():
    a = draw(20, 5) + 1e3  # rounding of |a|^2 must not make a squared distance negative
    gram = linear.gaussian(a, a, bandwidth=1.0)
    assert gram.max() <= 1
    torch.testing.assert_close(gram.diagonal(), torch.ones(20).double(), atol=1e-8, rtol=0)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_median_distance_is_the_lower_median_of_scipys_distances(count):
    x = draw(count, 4)
    distances = np.sort(pdist(x))
    expected = distances[(len(distances) - 1) // 2]
    assert linear.median_distance(x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 20), (8, 8)])
def test_min_norm_equals_lstsq(shape):
    x, y = draw(*shape), draw(shape[0], 3, name="y")
    expected, *_ = scipy.linalg.lstsq(x, y, lapack_driver="gelsd")
    np.testing.assert_allclose(linear.min_norm(x, y), expected, rtol=1e-7, atol=1e-9)


def test_min_norm_satisfies_the_optimality_conditions():
    x, y = draw(5, 20), draw(5, 3, name="y")
    weights = linear.min_norm(x, y)
    torch.testing.assert_close(x @ weights, y)  # feasible
    multipliers = torch.linalg.lstsq(x.T, weights).solution  # the gradient lies in the row space
    torch.testing.assert_close(x.T @ multipliers, weights)


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
def test_fit_equals_kernel_ridge_of_sklearn(penalty):
    x, y, new = draw(30, 4), draw(30, 2, name="y"), draw(6, 4, name="new")
    ridge = KernelRidge(alpha=penalty, kernel="rbf", gamma=1 / (2 * 1.5**2)).fit(x, y)
    alpha = linear.fit(linear.gaussian(x, x, bandwidth=1.5), y, penalty=penalty)
    predicted = linear.gaussian(new, x, bandwidth=1.5) @ alpha
    np.testing.assert_allclose(alpha, ridge.dual_coef_, rtol=1e-8)
    np.testing.assert_allclose(predicted, ridge.predict(new), rtol=1e-8, atol=1e-10)


def test_fit_without_penalty_goes_through_the_targets_and_leaves_the_matrix_as_it_was():
    gram, y = linear.gaussian(draw(30, 4), draw(30, 4), bandwidth=1.0), draw(30, 2, name="y")
    kept = gram.clone()
    alpha = linear.fit(gram, y)
    torch.testing.assert_close(gram @ alpha, y)
    linear.fit(gram, y, penalty=3.0)
    assert torch.equal(gram, kept)


def test_norm_is_that_of_the_weights_behind_the_kernel():
    x, y = draw(5, 20), draw(5, 3, name="y")
    gram = x @ x.T
    expected = np.linalg.norm(np.linalg.pinv(x.numpy()) @ y.numpy())
    assert linear.norm(linear.fit(gram, y), gram) == pytest.approx(expected, rel=1e-10)


def test_no_other_interpolant_in_the_kernels_space_has_a_smaller_norm():
    x, y = draw(6, 2), draw(6, 1, name="y")
    more = torch.cat([x, draw(3, 2, name="more")])  # centers that the targets do not ask for
    gram = linear.gaussian(more, more, bandwidth=1.0)
    least = linear.norm(linear.fit(gram[:6, :6], y), gram[:6, :6])
    for seed in range(5):
        extra = torch.randn(3, 1, generator=generator(seed, "extra"), dtype=torch.float64)
        alpha = linear.fit(gram, torch.cat([y, extra]))
        assert linear.norm(alpha, gram) > least


@pytest.mark.untyped
def test_bad_values_are_refused():
    x = draw(3, 2)
    with pytest.raises(ValueError, match=r"bandwidth must be > 0, got 0\.0"):
        linear.gaussian(x, x, bandwidth=0.0)
    with pytest.raises(ValueError, match="at least two examples, got 1"):
        linear.median_distance(x[:1])
    with pytest.raises(ValueError, match=r"penalty must be >= 0, got -1"):
        linear.fit(torch.eye(3), x.float(), penalty=-1.0)
    with pytest.raises(ValueError, match="equal examples, or more examples than features"):
        linear.min_norm(torch.cat([x, x]), torch.cat([x, x]))
