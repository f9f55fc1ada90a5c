"""Networks that are written down, not trained: weights for any labels whatsoever.

All of them look at an input x through one number, its projection a.x on a direction a, and are
piecewise linear functions of it. The two-layer network is that of Zhang et al. (2017), theorem 1;
spread over more layers it proves their corollary 1. With two hidden layers far fewer units do
(Yun, Sra and Jadbabaie 2019).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64, Shaped
from torch import Tensor

from dlnotes.networks.models import ModelConfig
from dlnotes.networks.stacks import Params

ROWS, UNITS = 500, 4000
"""Examples and units at a time, so that a block of their products stays in the cache."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Memorizer:
    """The network f(x) = sum_j weights[j] * relu(direction . x - kinks[j]): 2n + d numbers.

    Attributes:
        direction: What every hidden unit multiplies the input with.
        kinks: Where the units begin to respond, in rising order.
        weights: What the output multiplies them with.
    """

    direction: Float64[Tensor, "inputs"]
    kinks: Float64[Tensor, "units"]
    weights: Float64[Tensor, "units"]

    @property
    def num_weights(self) -> int:
        """How many numbers the network consists of."""
        return len(self.direction) + len(self.kinks) + len(self.weights)

    def __call__(self, x: Float[Tensor, "examples ..."]) -> Float64[Tensor, "examples"]:
        """Return the network's output, one number an example."""
        return on_the_line(project(x, self.direction), self.kinks, self.weights)


def project(
    x: Float[Tensor, "examples ..."], direction: Float64[Tensor, "inputs"]
) -> Float64[Tensor, "examples"]:
    """Return direction . x of every example, summed in float64.

    Example:
        >>> project(torch.ones(1, 2, 2), torch.tensor([1.0, 2.0, 3.0, 4.0]).double()).item()
        10.0
    """
    return torch.cat([part.flatten(1).double() @ direction for part in x.split(ROWS)])


def on_the_line(
    z: Float64[Tensor, "examples"],
    kinks: Float64[Tensor, "units"],
    weights: Float64[Tensor, "units"],
) -> Float64[Tensor, "examples"]:
    """Return sum_j weights[j] * relu(z - kinks[j]), term by term.

    Units whose kink lies beyond an example add zero to it and are passed over.

    Args:
        z: Where to evaluate.
        kinks: In rising order.
        weights: One a kink.

    Example:
        >>> z, kinks, weights = torch.tensor([[0.5, 3.0], [0.0, 2.0], [1.0, -5.0]]).double()
        >>> on_the_line(z, kinks, weights)
        tensor([ 0.5000, -2.0000], dtype=torch.float64)
    """
    order = z.argsort()
    sorted_z, out = z[order], torch.zeros_like(z)
    for begin in range(0, len(z), ROWS):
        some = sorted_z[begin : begin + ROWS]
        active = int(torch.searchsorted(kinks, some[-1].contiguous()))
        total = torch.zeros_like(some)
        for unit in range(0, active, UNITS):
            part = slice(unit, min(unit + UNITS, active))
            total += (some[:, None] - kinks[part]).relu_() @ weights[part]
        out[order[begin : begin + ROWS]] = total
    return out


def join(
    z: Float64[Tensor, "examples"], y: Shaped[Tensor, "examples"]
) -> tuple[Float64[Tensor, "examples"], Float64[Tensor, "examples"]]:
    """Return the kinks and weights whose sum of ramps goes through every point (z, y).

    With z sorted, each kink but the first lies on the point before its own, so the function joins
    the points by straight lines; a weight is the change of slope there. This solves the triangular
    system of Zhang et al. (2017), lemma 1, by differences, in linear time.

    Args:
        z: Distinct, in any order.
        y: What the function shall be there, of any size.

    Returns:
        Kinks in rising order, and weights.

    Raises:
        ValueError: If there are no points, or two have the same z.

    Example:
        From 0 at the first kink up by 3, then down by 1; the first kink lies one mean gap before
        the first point:

        >>> join(torch.tensor([2.0, 1.0]).double(), torch.tensor([2, 3]))[1]
        tensor([ 3., -4.], dtype=torch.float64)
    """
    if len(z) == 0:
        raise ValueError("there must be at least one point, got none")
    z, y = _in_order(z, y)
    before = (z[-1] - z[0]) / (len(z) - 1) if len(z) > 1 else z.new_ones(())
    kinks = torch.cat([(z[0] - before)[None], z[:-1]])
    zero = y.new_zeros(1)
    slopes = y.diff(prepend=zero) / (z - kinks)
    return kinks, slopes.diff(prepend=zero)


def _in_order(
    z: Float64[Tensor, "examples"], y: Shaped[Tensor, "examples"]
) -> tuple[Float64[Tensor, "examples"], Float64[Tensor, "examples"]]:
    """Return projections in rising order, with their targets; refuse equal ones."""
    z, order = z.sort()
    if ties := int((z.diff() <= 0).sum()):
        raise ValueError(
            f"the projections must be distinct, got {ties} that equal their neighbor; draw another "
            "direction, and see whether two inputs are equal"
        )
    return z, y[order].double()


def memorize(
    x: Float[Tensor, "examples ..."],
    y: Shaped[Tensor, "examples"],
    direction: Float64[Tensor, "inputs"],
) -> Memorizer:
    """Return a network with 2n + d weights that maps each of the n examples to its label.

    Zhang et al. (2017), theorem 1. In exact arithmetic it fits exactly. In float64 the error is of
    the order of 1e-16 times the largest label times the range of the projections over their
    smallest gap.

    Args:
        x: Examples, no two alike.
        y: Labels or any other real targets.
        direction: Such that no two projections are equal, as is almost surely the case for one
            drawn from a continuous distribution.

    Raises:
        ValueError: If two projections are equal.

    Example:
        >>> x, y = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]]), torch.tensor([7, -3, 5])
        >>> net = memorize(x, y, torch.tensor([1.0, 0.25]).double())
        >>> net.num_weights, net(x)
        (8, tensor([ 7., -3.,  5.], dtype=torch.float64))
    """
    kinks, weights = join(project(x, direction), y)
    return Memorizer(direction=direction, kinks=kinks, weights=weights)


def deep(net: Memorizer, depth: int) -> tuple[ModelConfig, Params]:
    """Spread a network over more layers: the same function, with n / (depth - 1) + 3 units each.

    Each hidden layer holds its share of the n ramps and three units that hand on what has been
    found: the projection (minus the first kink), and the sum so far, as positive and negative part.
    Zhang et al. (2017), corollary 1.

    Args:
        net: From `memorize`.
        depth: Layers of weights, >= 2; one less than that are hidden.

    Returns:
        Shape and float64 parameters of one model, for `models.forward`; one output.

    Raises:
        ValueError: If ``depth`` is below 2.

    Example:
        >>> x = torch.tensor([[1.0], [2.0], [3.0], [4.0]]).double()
        >>> config, params = deep(memorize(x, x[:, 0] ** 2, torch.ones(1).double()), 3)
        >>> config.hidden
        (5, 5)
    """
    if depth < 2:
        raise ValueError(f"depth counts layers of weights and must be >= 2, got {depth}")
    inputs, layers = len(net.direction), depth - 1
    share = math.ceil(len(net.kinks) / layers)
    width, fill = share + 3, (0, layers * share - len(net.kinks))  # filled up with ramps times zero
    kinks = F.pad(net.kinks - net.kinks[0], fill).view(layers, share)
    ramps = F.pad(net.weights, fill).view(layers, share)

    zero, params = kinks.new_zeros, {}
    looks = [0, *range(3, width)]  # units that see the projection
    summing = zero(width)
    for i in range(layers):
        weight = zero(width, width if i else inputs)
        weight[looks] = torch.eye(width, dtype=kinks.dtype)[0] if i else net.direction
        if i:
            weight[1], weight[2] = summing, -summing
        bias = torch.cat([zero(3), -kinks[i]])
        bias[looks] -= zero(()) if i else net.kinks[0]
        params |= {f"dense{i}.weight": weight[None], f"dense{i}.bias": bias[None]}
        summing = torch.cat([kinks.new_tensor([0, 1, -1]), ramps[i]])
    params |= {f"dense{layers}.weight": summing[None, None], f"dense{layers}.bias": zero(1, 1)}
    config = ModelConfig(kind="mlp", input_shape=(inputs,), num_classes=1, hidden=(width,) * layers)
    return config, params


def boxed(
    x: Float[Tensor, "examples ..."],
    y: Int64[Tensor, "examples"],
    direction: Float64[Tensor, "inputs"],
    *,
    hidden: tuple[int, int],
    num_classes: int,
) -> tuple[ModelConfig, Params]:
    """Return a classifier with two hidden layers that gives each of the n examples its label.

    Yun, Sra and Jadbabaie (2019) proved that of the order of sqrt(n) units a layer are enough;
    here 2 sqrt(n) are, by a construction that differs from theirs in detail. The sorted projections
    are cut into boxes of m. A zigzag runs through all of them, one steep line a box; clamped to
    [-1, 1] it is constant but near the one point of each box at which it passes through the wanted
    value. The first layer bends the zigzags, m zigzags in the second take one point of each box,
    and since their signs alternate, what the others add there cancels. Their sum u is the label as
    a number; of the logits k u - k^2 / 2 the label's is the largest.

    Args:
        x: Examples, no two alike.
        y: Labels in ``[0, num_classes)``.
        direction: Such that no two projections are equal.
        hidden: Units of the two layers: two a box, and two a zigzag, whose number is odd.
        num_classes: Number of logits, >= 2.

    Returns:
        Shape and float64 parameters of one model, for `dlnotes.networks.models.forward`.

    Raises:
        ValueError: If the layers are too small, or two projections are equal.

    Example:
        Two boxes of three zigzags hold six examples:

        >>> x, y = torch.arange(6.0)[:, None], torch.tensor([0, 1, 1, 0, 0, 1])
        >>> options = {"hidden": (4, 6), "num_classes": 2}
        >>> config, params = boxed(x, y, torch.ones(1).double(), **options)
        >>> params["dense1.weight"].shape
        torch.Size([1, 6, 4])
    """
    boxes, zigzags = hidden[0] // 2, (hidden[1] // 2 - 1) // 2 * 2 + 1
    if boxes * zigzags < len(y) or zigzags < 3 or num_classes < 2:
        raise ValueError(
            f"{len(y)} examples need hidden[0] // 2 boxes times an odd number, 3 or more and at "
            f"most hidden[1] // 2, of zigzags, and num_classes >= 2; got hidden = {hidden} and "
            f"num_classes = {num_classes}"
        )
    z, y = _in_order(project(x, direction), y)
    nodes, values = _zigzags(z, 2 * y / (num_classes - 1) - 1, boxes, zigzags)

    slopes = values.diff(dim=0) / nodes.diff()[:, None]
    bends = torch.cat([slopes[:1], slopes.diff(dim=0)])  # one a node but the last
    zero = nodes.new_zeros
    first, second = zero(hidden[0], len(direction)), zero(hidden[1], hidden[0])
    bias1, bias2, last = zero(hidden[0]), zero(hidden[1]), zero(hidden[1])
    first[: len(bends)], bias1[: len(bends)] = direction, -nodes[:-1]
    signs = _signs(zigzags)
    for begin, shift in ((0, 1.0), (zigzags, -1.0)):  # relu(g + 1) - relu(g - 1) is a clamp
        part = slice(begin, begin + zigzags)
        second[part, : len(bends)], bias2[part] = bends.T, values[0] + shift
        last[part] = shift * signs * (num_classes - 1) / 2
    k = torch.arange(num_classes, dtype=nodes.dtype)
    layers = ((first, bias1), (second, bias2), (torch.outer(k, last), -k.square() / 2))
    params = {}
    for i, (weight, bias) in enumerate(layers):
        params |= {f"dense{i}.weight": weight[None], f"dense{i}.bias": bias[None]}
    shape = {"input_shape": tuple(x.shape[1:]), "num_classes": num_classes, "hidden": hidden}
    return ModelConfig(kind="mlp", **shape), params


def _signs(count: int) -> Float64[Tensor, "count"]:
    """Return 1, -1, 1, ..."""
    return 1.0 - 2.0 * (torch.arange(count) % 2).double()


def _cut(z: Float64[Tensor, "examples"], boxes: int, most: int) -> list[slice]:
    """Cut sorted points into boxes of at most so many, at the widest gaps there is room for.

    Lines are bent between boxes; the wider the gap, the smaller the weights that bend them.
    """
    least, parts, begin = math.ceil(len(z) / boxes), [], 0
    while begin < len(z):
        gaps = z[begin + least - 1 : begin + most + 1].diff()
        end = begin + least + int(gaps.argmax()) if len(gaps) else len(z)
        end = len(z) if begin + most >= len(z) else end
        parts.append(slice(begin, end))
        begin = end
    return parts


def _zigzags(
    z: Float64[Tensor, "examples"], y: Float64[Tensor, "examples"], boxes: int, zigzags: int
) -> tuple[Float64[Tensor, "nodes"], Float64[Tensor, "nodes zigzags"]]:
    """Return where the zigzags bend, just outside each box, and their values there.

    All lines have one slope, upwards in every other box: so steep that over the smallest gap they
    climb by 2, and a line that is in [-1, 1] at its own point is outside, or just at the end, at
    all others of the box. Where lines fall, points are taken from the right, so that a line that
    ends high meets one that begins high. A zigzag without a point in a box is given one beyond it.
    """
    gap, signs = z.diff().min() if len(z) > 1 else z.new_ones(()), _signs(zigzags)
    nodes, values = [], []
    for i, part in enumerate(_cut(z, boxes, zigzags)):
        upwards = 1 if i % 2 == 0 else -1
        points, wanted = (v[part] if i % 2 == 0 else v[part].flip(0) for v in (z, y))
        missing = zigzags - len(points)
        beyond = points[-1] + upwards * gap * torch.arange(1, missing + 1)
        points, wanted = torch.cat([points, beyond]), torch.cat([wanted, y.new_zeros(missing)])
        ends = torch.stack([z[part][0] - gap / 4, z[part][-1] + gap / 4])
        nodes.append(ends)
        values.append(wanted * signs + upwards * 2 / gap * (ends[:, None] - points))
    return torch.cat(nodes), torch.cat(values)
