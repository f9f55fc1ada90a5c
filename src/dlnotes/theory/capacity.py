"""How rich a set of functions is on given inputs: Rademacher complexities, nets, norms.

The empirical Rademacher complexity of a set of functions on n inputs is the mean, over all 2^n sign
vectors s, of the largest ``(1/n) sum_i s_i f(x_i)`` that a function f of the set reaches.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from dlnotes.stats import Interval, mean_interval

MOST = 20
"""Up to so many inputs all 2^n signs are tried."""
BLOCK = 1 << 14
"""Sign vectors at a time."""


def signs(n: int) -> Float64[Tensor, "signs n"]:
    """Return all 2^n vectors of n signs, 1 or -1.

    Args:
        n: From 1 to 20.

    Raises:
        ValueError: If n is not in this range.

    Example:
        >>> signs(2).tolist()
        [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]
    """
    if not 1 <= n <= MOST:
        raise ValueError(f"all signs are tried of 1 to {MOST} inputs, got {n}; draw signs instead")
    bits = torch.arange(2**n)[:, None] >> torch.arange(n) & 1
    return 1.0 - 2.0 * bits.double()


def of_finite(values: Float[Tensor, "functions n"]) -> float:
    """Return the Rademacher complexity of finitely many functions, by all signs.

    Args:
        values: What each function says on each of n <= 20 inputs.

    Returns:
        In the unit of ``values``, from 0 to the largest absolute value.

    Raises:
        ValueError: If there is no function, or n is not in 1 to 20.

    Example:
        Two functions with opposite values 1 and -1 on one input fit any sign of it:

        >>> of_finite(torch.tensor([[1.0], [-1.0]]))
        1.0
    """
    if len(values) == 0:
        raise ValueError("a set of functions needs at least one, got none")
    n = values.shape[1]
    best = [(s @ values.double().T).amax(1) for s in signs(n).split(BLOCK)]
    return float(torch.cat(best).mean()) / n


def of_linear(x: Float[Tensor, "n ..."], *, radius: float) -> float:
    """Return the Rademacher complexity of linear functions of bounded length, by all signs.

    For given signs the best w points along ``v = sum_i s_i x_i``, so that the supremum is
    ``radius |v| / n``.

    Args:
        x: At most 20 inputs.
        radius: Largest length of w, >= 0.

    Raises:
        ValueError: If there are no inputs or more than 20, or ``radius`` is negative.

    Example:
        Of orthogonal inputs every signed sum has the same length, here 5:

        >>> of_linear(torch.tensor([[3.0, 0.0], [0.0, 4.0]]), radius=2.0)
        5.0
    """
    _refuse_negative(radius=radius)
    flat = x.flatten(1).double()
    lengths = [(s @ flat).norm(dim=1) for s in signs(len(x)).split(BLOCK)]
    return radius * float(torch.cat(lengths).mean()) / len(x)


def of_linear_drawn(
    x: Float[Tensor, "n ..."], *, radius: float, draws: int, gen: torch.Generator
) -> Interval:
    """Estimate what `of_linear` computes from drawn signs, for any number of inputs.

    Args:
        x: Inputs, at least one.
        radius: Largest length of w, >= 0.
        draws: Sign vectors, >= 2.
        gen: CPU generator.

    Returns:
        The mean with its t interval over the draws.

    Raises:
        ValueError: If there are no inputs or fewer than two draws, or ``radius`` is negative.

    Example:
        >>> one = torch.tensor([[3.0, 4.0]])
        >>> of_linear_drawn(one, radius=1.0, draws=9, gen=torch.Generator()).estimate
        5.0
    """
    _refuse_negative(radius=radius)
    if len(x) == 0 or draws < 2:
        raise ValueError(f"need an input and two draws at least, got {len(x)} and {draws}")
    drawn = 1.0 - 2.0 * torch.randint(2, (draws, len(x)), generator=gen).double()
    lengths = (drawn @ x.flatten(1).double().cpu()).norm(dim=1)
    return mean_interval((radius / len(x) * lengths).tolist())


def linear_bound(x: Float[Tensor, "n ..."], *, radius: float) -> float:
    """Return ``(radius / n) sqrt(sum_i |x_i|^2)``: `of_linear` is never above it.

    By Jensen's inequality (Bartlett and Mendelson 2002, lemma 22); and `of_linear` is never below
    this divided by sqrt(2) (Latala and Oleszkiewicz 1994).

    Args:
        x: Inputs, at least one.
        radius: Largest length of w, >= 0.

    Raises:
        ValueError: If there are no inputs or ``radius`` is negative.

    Example:
        >>> linear_bound(torch.tensor([[3.0, 0.0], [0.0, 4.0]]), radius=2.0)
        5.0
    """
    _refuse_negative(radius=radius)
    if len(x) == 0:
        raise ValueError("the bound needs at least one input, got none")
    return radius / len(x) * float(x.double().norm())


def relu_bound(norms: Sequence[float], x: Float[Tensor, "n ..."]) -> float:
    """Bound the Rademacher complexity of ReLU networks by the norms of their layers.

    It is ``(1/n) prod_j norms[j] (sqrt(2 ln 2 L) + 1) sqrt(sum_i |x_i|^2)`` for L layers of weights
    (Golowich, Rakhlin and Shamir 2018, theorem 1), for all networks of this depth without biases,
    with one output and any widths, whose layers have at most these Frobenius norms.

    Args:
        norms: The largest Frobenius norm of each layer's weights, >= 0.
        x: Inputs, at least one.

    Raises:
        ValueError: If there are no layers or no inputs, or a norm is negative.

    Example:
        >>> one = torch.tensor([[3.0, 4.0]])
        >>> round(relu_bound([2.0, 0.5], one) / 5 - 1, 6) == round(math.sqrt(4 * math.log(2)), 6)
        True
    """
    if not norms:
        raise ValueError("a network needs at least one layer, got no norms")
    for norm in norms:
        _refuse_negative(norm=norm)
    depth = math.sqrt(2 * math.log(2) * len(norms)) + 1
    return math.prod(norms) * depth * linear_bound(x, radius=1.0)


# -- nets and covering numbers ------------------------------------------------------------------


def ball_grid(dimension: int, spacing: float) -> Float64[Tensor, "points dimension"]:
    """Return points of the unit ball of which one is near to every point of it.

    They are a grid, with what lies just outside put back onto the sphere; no point of the ball is
    farther than ``spacing sqrt(dimension) / 2`` from the nearest.

    Args:
        dimension: >= 1.
        spacing: Of the grid, > 0.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
        >>> ball_grid(1, 0.5).flatten().tolist()
        [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    if dimension < 1 or not spacing > 0:
        raise ValueError(f"need dimension >= 1 and spacing > 0, got {dimension} and {spacing}")
    far = spacing * math.sqrt(dimension) / 2
    steps = math.floor((1 + far) / spacing + 1e-9)
    line = spacing * torch.arange(-steps, steps + 1).double()
    points = torch.cartesian_prod(*[line] * dimension).view(-1, dimension)
    lengths = points.norm(dim=1, keepdim=True)
    return (points / lengths.clamp(min=1.0))[lengths.flatten() <= 1 + far + 1e-9]


def greedy_net(points: Float[Tensor, "points d"], radius: float) -> Int64[Tensor, "members"]:
    """Return members of an epsilon-net: each point is within ``radius`` of one of them.

    The first point that no member covers becomes a member, until there is none. So any two members
    are more than ``radius`` apart.

    Args:
        points: At least one.
        radius: Euclidean distance epsilon, > 0.

    Returns:
        Indices into ``points``, in the order in which they were taken. Their number is at least
        the covering number of the points, and at most that for ``radius / 2``.

    Raises:
        ValueError: If there are no points or ``radius`` is not positive.

    Example:
        >>> greedy_net(torch.tensor([[0.0], [1.0], [2.0], [3.0]]), 1.0).tolist()
        [0, 2]
    """
    if len(points) == 0 or not radius > 0:
        raise ValueError(f"need a point and radius > 0, got {len(points)} points and {radius}")
    left, index, members = points, torch.arange(len(points)), []
    while len(left):
        members.append(index[0])
        far = (left - left[0]).square().sum(1) > radius**2
        left, index = left[far], index[far]
    return torch.stack(members)


def dudley(radii: Sequence[float], counts: Sequence[int], *, n: int) -> float:
    """Bound a Rademacher complexity by covering numbers: Dudley's integral, cut off below.

    The complexity is at most ``4 a + (12 / sqrt(n)) times the integral of sqrt(ln N(e)) from e = a
    to the first radius`` for every a >= 0 (Dudley 1967; in this form Srebro and Sridharan 2010),
    where N(e) counts the functions that cover the set within e, in the distance ``sqrt(mean_i (f -
    g)(x_i)^2)``. The smallest of these over the given radii is returned. The integral is taken from
    above: as N falls with e, each piece counts with the N of its lower end.

    Args:
        radii: Falling; at the first one a single function covers the set.
        counts: N at each radius, or anything above it; the first is 1.
        n: Inputs, >= 1.

    Raises:
        ValueError: If these do not hold.

    Example:
        If 2 functions cover at radius 0, that is (12 / sqrt(144)) sqrt(ln 2):

        >>> math.isclose(dudley([1.0, 0.0], [1, 2], n=144), math.sqrt(math.log(2)))
        True
    """
    fall = all(a > b >= 0 for a, b in itertools.pairwise(radii))
    if not (fall and len(radii) == len(counts) >= 1 and counts[0] == 1 and min(counts) >= 1):
        raise ValueError(
            f"need falling radii >= 0 and as many counts >= 1, the first of them 1, got "
            f"{list(radii)} and {list(counts)}"
        )
    if n < 1:
        raise ValueError(f"need at least one input, got n = {n}")
    best, area = 4 * radii[0], 0.0
    for (upper, lower), count in zip(itertools.pairwise(radii), counts[1:], strict=True):
        area += (upper - lower) * math.sqrt(math.log(count))
        best = min(best, 4 * lower + 12 / math.sqrt(n) * area)
    return best


def _refuse_negative(**values: float) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} must be at least 0, got {value}")
