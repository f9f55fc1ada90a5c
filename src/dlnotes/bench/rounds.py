"""How time is taken: all rivals of a point in turn, round after round, each round begun by another.

Setting up, compiling and the first run of each are not timed. What is timed is training alone: the
same number of optimizer steps on the same number of examples for every rival. Loops train one
network a timing, stacks all of theirs; the time is divided by networks and steps.
"""

import gc
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dlnotes.bench.grids import Point, flops, problem
from dlnotes.bench.limits import Product
from dlnotes.bench.pytorch import Contestant
from dlnotes.bench.report import spread
from dlnotes.bench.rivals import RIVALS

LIMIT_WIDTH = 512
"""From this width on the limit is measured in the same rounds."""


def seconds(go: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    go()
    return time.perf_counter() - start


def net(racer: Contestant) -> float:
    """Return the seconds that a contestant trains, without its setting up."""
    return seconds(racer.go) - (seconds(racer.setup) if racer.setup else 0.0)


def fastest(ways: Sequence[Contestant]) -> Contestant:
    """Return the way that trains a network fastest, after a first run of each."""
    for way in ways:
        way.go()
    if len(ways) == 1:
        return ways[0]
    return min(ways, key=lambda way: seconds(way.go) / way.networks)


def in_turn(calls: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Make every call in each of ``repeats`` rounds; round r begins with call r.

    Returns:
        What each call returned, one entry a round.

    Example:
        >>> log = []
        >>> calls = {"a": lambda: log.append("a"), "b": lambda: log.append("b")}
        >>> out = in_turn(calls, 2)
        >>> log
        ['a', 'b', 'b', 'a']
    """
    names = list(calls)
    results: dict[str, list[float]] = {name: [] for name in names}
    for round_ in range(repeats):
        first = round_ % len(names)
        for name in names[first:] + names[:first]:
            results[name].append(calls[name]())
    return results


def measure(
    point: Point, device: str, repeats: int, limit: Product | None = None
) -> list[dict[str, Any]]:
    """Time every rival at a point.

    Args:
        point: What is trained.
        device: ``"cpu"`` or ``"cuda"``.
        repeats: Rounds, >= 1.
        limit: The machine's fastest matrix product; timed along with the rivals where networks
            are wide.

    Returns:
        One row a rival: milliseconds per network and step, and GFLOP/s, as median, smallest and
        largest of the rounds; or why the rival is missing.
    """
    task, work = problem(point, device), flops(point)
    racers, rows = {}, []
    for rival in RIVALS:
        if absent := rival.absent(point, device):
            rows.append(_row(point, rival.name) | {"absent": absent})
            continue
        ways = rival.make(task, point.models if rival.stacked else 1)
        racers[rival.name] = fastest(ways if isinstance(ways, list) else [ways])
    gc.collect()
    calls = {name: partial(net, racer) for name, racer in racers.items()}
    if limit and point.hidden and point.hidden[0] >= LIMIT_WIDTH:
        calls["limit"] = lambda: limit.rate(0.2)
    times = in_turn(calls, repeats)
    if "limit" in times:
        rates = {"gflops": spread(times.pop("limit")), "variant": _named(limit)}
        rows.append(_row(point, "limit") | rates | {"repeats": repeats})
    for name, racer in racers.items():
        steps = racer.networks * point.steps * point.epochs
        each = [t / steps for t in times[name]]
        rates = {
            "ms": spread([1e3 * t for t in each]),
            "gflops": spread([work / t / 1e9 for t in each]),
        }
        ran = {"variant": racer.variant, "networks": racer.networks, "repeats": repeats}
        rows.append(_row(point, name) | rates | ran)
    return rows


def _row(point: Point, rival: str) -> dict[str, Any]:
    return {"grid": point.grid, "point": point.record(), "rival": rival}


def _named(limit: Product) -> str:
    return f"{limit.library}, {limit.size} x {limit.size}"
