"""Capacities against brute force, closed forms and what the theorems say."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from dlnotes.rng import generator
from dlnotes.theory import capacity


def drawn(n, d, *names):
    return torch.randn(n, d, generator=generator(0, *names), dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_all_signs_are_there_once(n):
    found = {tuple(row) for row in capacity.signs(n).tolist()}
    assert found == set(itertools.product((1.0, -1.0), repeat=n))


@pytest.mark.parametrize("n", [0, 21])
def test_too_many_signs_are_refused(n):
    with pytest.raises(ValueError, match="1 to 20"):
        capacity.signs(n)


def test_a_finite_class_equals_a_loop_over_signs():
    values = drawn(7, 6, "finite").numpy()
    loop = [max(np.dot(s, f) for f in values) / 6 for s in itertools.product((1, -1), repeat=6)]
    assert capacity.of_finite(torch.from_numpy(values)) == pytest.approx(np.mean(loop), rel=1e-12)


def test_all_labelings_have_complexity_one_and_one_function_none():
    assert capacity.of_finite(capacity.signs(6)) == 1.0
    assert abs(capacity.of_finite(drawn(1, 6, "one"))) < 1e-15


def test_blocks_of_signs_change_nothing():
    x = drawn(16, 3, "blocks")  # four blocks
    whole = (capacity.signs(16) @ x).norm(dim=1).mean().item() / 16
    assert capacity.of_linear(x, radius=1.0) == pytest.approx(whole, rel=1e-12)


def test_linear_functions_equal_the_best_of_many_directions():
    """In the plane a fine circle of weights is the class, but for 1 - cos of half a step."""
    x = drawn(5, 2, "plane")
    angle = 2 * math.pi * torch.arange(5000).double() / 5000
    circle = 1.7 * torch.stack([angle.cos(), angle.sin()], 1)
    brute = capacity.of_finite(circle @ x.T)
    exact = capacity.of_linear(x, radius=1.7)
    assert brute <= exact * (1 + 1e-12)
    assert brute == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "share"),
    [
        (torch.eye(4), 1.0),  # orthogonal: the upper end
        (torch.ones(2, 3), math.sqrt(0.5)),  # two equal inputs: the lower end
        (torch.ones(4, 1), 0.75),  # E|s1 + ... + s4| = 3/2, over sqrt(4)
    ],
)
def test_share_of_the_bound_in_closed_form(x, share):
    found = capacity.of_linear(x, radius=1.0) / capacity.linear_bound(x, radius=1.0)
    assert found == pytest.approx(share, rel=1e-12)


def test_drawn_signs_agree_with_all_signs():
    x = drawn(12, 4, "drawn")
    gen = generator(0, "signs")
    found = capacity.of_linear_drawn(x, radius=2.0, draws=40_000, gen=gen)
    exact = capacity.of_linear(x, radius=2.0)
    assert found.low < exact < found.high
    assert found.high - found.low < 0.02 * exact


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_random_relu_networks_stay_below_their_bound(layers):
    x = drawn(6, 3, "inputs")
    values = []
    for i in range(2000):
        h, gen = x, generator(i, "weights", layers)
        for j in range(layers):
            out = 4 if j < layers - 1 else 1
            w = torch.randn(out, h.shape[1], generator=gen, dtype=torch.float64)
            z = h @ (w / w.norm()).T
            h = z.relu() if j < layers - 1 else z
        values.append(h[:, 0])
    found = capacity.of_finite(torch.stack(values))
    assert 0 < found < capacity.relu_bound([1.0] * layers, x)
    scaled = capacity.relu_bound([2.0] + [3.0] * (layers - 1), x)
    assert scaled == pytest.approx(2 * 3 ** (layers - 1) * capacity.relu_bound([1.0] * layers, x))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_grid_is_in_the_ball_and_near_to_all_of_it(d):
    spacing = 0.3
    grid = capacity.ball_grid(d, spacing)
    assert grid.norm(dim=1).max() <= 1 + 1e-12
    inside = drawn(3000, d, "ball")
    inside /= inside.norm(dim=1, keepdim=True).clamp(min=1.0)
    nearest = cdist(inside, grid).min(1)
    assert nearest.max() <= spacing * math.sqrt(d) / 2 + 1e-12


@pytest.mark.parametrize("radius", [0.2, 0.5, 1.0])
def test_a_net_covers_and_its_members_are_apart(radius):
    points = drawn(400, 2, "net")
    members = points[capacity.greedy_net(points, radius)]
    assert cdist(points, members).min(1).max() <= radius
    between = cdist(members, members)[~np.eye(len(members), dtype=bool)]
    assert between.min() > radius


def test_a_net_has_between_the_covering_numbers_of_radius_and_half():
    points = drawn(9, 2, "few").numpy()
    distances = cdist(points, points)

    def covering(radius):
        near = distances <= radius
        sizes = range(1, 10)
        return next(
            k
            for k in sizes
            for centers in itertools.combinations(range(9), k)
            if near[list(centers)].any(0).all()
        )

    for radius in (0.3, 0.8, 1.5):
        size = len(capacity.greedy_net(torch.from_numpy(points), radius))
        assert covering(radius) <= size <= covering(radius / 2)


def test_dudley_equals_an_integral_summed_otherwise():
    """N(e) = the least whole number that is not below exp(1/e)."""
    radii = [1.2, *np.linspace(1.0, 0.05, 4000).tolist()]
    counts = [1, *(math.ceil(math.exp(1 / e)) for e in radii[1:])]
    middles = 0.05 + (np.arange(10**6) + 0.5) * (1.2 - 0.05) / 10**6
    roots = np.where(middles > 1, math.log(3) ** 0.5, np.log(np.ceil(np.exp(1 / middles))) ** 0.5)
    beyond = np.cumsum(roots[::-1])[::-1] * (middles[1] - middles[0])  # from each middle to 1.2
    for n in (9, 14_400):
        best = min(4 * 1.2, float((4 * middles + 12 / math.sqrt(n) * beyond).min()))
        found = capacity.dudley(radii, counts, n=n)
        assert found == pytest.approx(best, rel=2e-3)
        assert found >= best * (1 - 1e-6)


def test_dudley_is_above_the_complexity_of_a_finite_class():
    values = drawn(30, 8, "class")
    scaled = values / math.sqrt(8)
    radii = [float(torch.cdist(scaled, scaled[:1]).max()), 1.0, 0.7, 0.4, 0.2, 0.01]
    counts = [1, *(len(capacity.greedy_net(scaled, r)) for r in radii[1:])]
    assert capacity.dudley(radii, counts, n=8) > capacity.of_finite(values)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: capacity.of_finite(torch.zeros(0, 3)), "at least one"),
        (lambda: capacity.of_linear(torch.ones(2, 1), radius=-1.0), "radius"),
        (lambda: capacity.linear_bound(torch.ones(0, 1), radius=1.0), "at least one input"),
        (lambda: capacity.relu_bound([], torch.ones(1, 1)), "at least one layer"),
        (lambda: capacity.relu_bound([math.nan], torch.ones(1, 1)), "norm"),
        (lambda: capacity.ball_grid(0, 1.0), "dimension"),
        (lambda: capacity.greedy_net(torch.ones(1, 1), 0.0), "radius"),
        (lambda: capacity.dudley([1.0, 2.0], [1, 2], n=1), "falling"),
        (lambda: capacity.dudley([1.0, 0.5], [2, 2], n=1), "first of them 1"),
        (lambda: capacity.dudley([1.0], [1], n=0), "n = 0"),
        (
            lambda: capacity.of_linear_drawn(
                torch.ones(1, 1), radius=1.0, draws=1, gen=generator(0, "x")
            ),
            "two draws",
        ),
    ],
)
def test_what_is_out_of_range_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
