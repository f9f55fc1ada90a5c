"""What the rows of a run say: ratios, their means, shares of the limit, and targets met or not.

Pure arithmetic on rows as `dlnotes.bench` writes them, so that the same words and numbers stand in
the terminal and on the page of the book.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

BenchRow = dict[str, Any]
TITLES = {
    "loop": "loop with DataLoader",
    "indexed": "loop on tensors",
    "vmap": "torch.func.vmap",
    "jax": "JAX",
    "sklearn": "scikit-learn",
}


def spread(values: list[float]) -> dict[str, float]:
    """Return median, smallest and largest.

    Example:
        >>> spread([3.0, 1.0, 2.0])
        {'median': 2.0, 'min': 1.0, 'max': 3.0}
    """
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


@dataclass(frozen=True)
class Match:
    """The engine and its rivals at one point.

    Attributes:
        grid: ``"mlp"`` or ``"cnn"``.
        point: What was trained.
        engine: The engine's row.
        ratios: Rival -> its median time over the engine's; above 1 the engine is faster.
        share: The engine's rate over that of the fastest matrix product, or None.
    """

    grid: str
    point: dict[str, Any]
    engine: BenchRow
    ratios: dict[str, float]
    share: float | None

    @property
    def name(self) -> str:
        """The point in words."""
        return named(self.point)


def named(point: dict[str, Any]) -> str:
    """Return a point in words.

    Example:
        >>> named({"width": 16, "depth": 2, "channels": [], "batch": 128})
        'batch 128, width 16, depth 2'
    """
    shape = [f"{key} {point[key]}" for key in ("width", "depth") if key in point]
    if point["channels"]:
        shape.insert(0, f"channels {'-'.join(map(str, point['channels']))}")
    return ", ".join([f"batch {point['batch']}", *shape])


def matches(rows: Iterable[BenchRow], grid: str | None = None) -> list[Match]:
    """Return every point that the engine was timed at, in the order of the rows."""
    points: dict[str, dict[str, BenchRow]] = {}
    for row in rows:
        if row["grid"] in ("mlp", "cnn") and grid in (None, row["grid"]):
            points.setdefault(named(row["point"]), {})[row["rival"]] = row
    found = []
    for there in points.values():
        engine = there.get("dlnotes")
        if not engine:
            continue
        mine = engine["ms"]["median"]
        ratios = {
            name: there[name]["ms"]["median"] / mine
            for name in TITLES
            if "ms" in there.get(name, ())
        }
        limit = there.get("limit")
        share = engine["gflops"]["median"] / limit["gflops"]["median"] if limit else None
        found.append(Match(engine["grid"], engine["point"], engine, ratios, share))
    return found


def mean(values: Sequence[float]) -> float:
    """Return the geometric mean: that of 2 and 1/2 is 1.

    Example:
        >>> mean([2.0, 0.5, 8.0])
        2.0
    """
    return round(math.exp(statistics.fmean(math.log(v) for v in values)), 12)


def slope(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the exponent of the power law nearest to the pairs; 1 is linear growth.

    Example:
        >>> round(slope([(1.0, 3.0), (10.0, 300.0)]), 9)
        2.0
    """
    x, y = ([math.log(v) for v in side] for side in zip(*pairs, strict=True))
    return statistics.linear_regression(x, y).slope


def lines(rows: Iterable[BenchRow]) -> dict[str, list[tuple[float, float]]]:
    """Return what the scaling grid measured: by what varies, pairs of its size and seconds."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["grid"] == "scaling":
            size = float(row["point"][row["along"]])
            found.setdefault(row["along"], []).append((size, row["seconds"]["median"]))
    return found


@dataclass(frozen=True)
class Target:
    """What the engine is to reach, and what was measured.

    Attributes:
        text: The target in words.
        measured: What was measured, in words.
        reached: Whether it was reached; None if it does not apply here.
    """

    text: str
    measured: str
    reached: bool | None


def at_least(
    text: str, wanted: float, values: Sequence[float], of: Callable = mean
) -> list[Target]:
    """Return a target on a number computed from ratios; none if nothing was measured."""
    if not values:
        return []
    value = of(values)
    told = f"{number(value)} ({len(values)} point{'s' * (len(values) != 1)})"
    return [Target(text, told, value >= wanted)]


def targets(rows: Sequence[BenchRow]) -> list[Target]:
    """Return every target that the rows say something about."""
    found = matches(rows, "mlp")
    device = rows[0]["device"] if rows else "cpu"
    if device == "cuda":
        every = _ratios(found, "loop")
        against = at_least("at least 50 times the loop with DataLoader, mean", 50.0, every)
    else:
        against = _against_loop(rows, found)
    return [*against, *_against_others(found), *_alone(rows, found)]


def _ratios(found: Iterable[Match], rival: str, **where: int) -> list[float]:
    """Return the ratios to a rival at points with these sizes."""
    return [
        match.ratios[rival]
        for match in found
        if rival in match.ratios and all(match.point.get(k) == v for k, v in where.items())
    ]


def _against_loop(rows: Sequence[BenchRow], found: Sequence[Match]) -> list[Target]:
    told = []
    for batch in (1024, 128):
        name = f"times the loop with DataLoader, mean at batch {batch}"
        ratios = _ratios(found, "loop", batch=batch)
        told += at_least(f"at least 4 {name}", 4.0, ratios)
        told += at_least(f"the goal beyond: 6 {name}", 6.0, ratios)
    narrow = _ratios(found, "loop", width=16)
    told += at_least("at least 15 times the loop with DataLoader, mean at width 16", 15.0, narrow)
    every = _ratios(found, "loop")
    told += at_least("at least 1.0 times the loop with DataLoader everywhere", 1.0, every, min)
    text = "at least 1.5 times everywhere, if PyTorch's own product is the slow one"
    slow = own_product_is_slow(rows)
    if every and not slow:
        why = "not so here" if slow is False else "products not compared"
        return [*told, Target(text, f"{why}; {number(min(every))}", None)]
    return told + at_least(text, 1.5, every, min)


def own_product_is_slow(rows: Iterable[BenchRow]) -> bool | None:
    """Return whether oneDNN multiplies at least 1.25 times as fast; None if not compared."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        if row["grid"] == "limit" and row["rival"].startswith(("torch.", "oneDNN")):
            rates[row["rival"].startswith("oneDNN")].append(row["gflops"]["median"])
    return max(rates[True]) >= 1.25 * max(rates[False]) if all(rates.values()) else None


def _against_others(found: Sequence[Match]) -> list[Target]:
    best = [
        min(own)
        for match in found
        if (own := [match.ratios[r] for r in ("indexed", "vmap", "jax") if r in match.ratios])
    ]
    text = "at least 0.95 times the best of the loop on tensors, vmap and JAX everywhere"
    told = at_least(text, 0.95, best, min)
    for rival, wanted in (("indexed", 1.5), ("vmap", 1.5), ("jax", 1.1)):
        ratios = _ratios(found, rival)
        told += at_least(f"above {wanted} times {TITLES[rival]}, mean", wanted, ratios)
    return told


def _alone(rows: Sequence[BenchRow], found: Sequence[Match]) -> list[Target]:
    told = []
    if shares := [match.share for match in found if match.share is not None]:
        said = f"{min(shares):.0%} to {max(shares):.0%} ({len(shares)} points)"
        text = "at least 70 % of the fastest matrix product at every width from 512"
        told.append(Target(text, said, min(shares) >= 0.7))
    if ratios := [row["ratio"] for row in rows if row["grid"] == "memory"]:
        text = "peak memory at most 1.5 times what is computed"
        told.append(Target(text, f"{number(max(ratios))} at most", max(ratios) <= 1.5))
    for along, pairs in lines(rows).items():
        said = f"grows as the power {slope(pairs):.2f}"
        told.append(Target(f"time no more than linear in {along}", said, slope(pairs) <= 1.1))
    return told


def number(value: float) -> str:
    """Return a ratio as it is printed; near 1 with one digit more.

    Example:
        >>> number(0.954), number(3.0), number(28.04)
        ('0.954', '3.00', '28.0')
    """
    if 0.9 < value < 1.1:
        return f"{value:.3f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
