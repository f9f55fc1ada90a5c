"""Whether the engine's cost grows linearly, over two decades of models and of examples."""

import dataclasses
from functools import partial
from typing import Any

from dlnotes.bench.grids import Point, flops, problem
from dlnotes.bench.report import spread
from dlnotes.bench.rivals import engine
from dlnotes.bench.rounds import in_turn, net

MODELS = (1, 2, 5, 10, 20, 50, 100)
EXAMPLES = (600, 2_000, 6_000, 20_000, 60_000)
BASE = Point(hidden=(128,) * 2, batch=200, steps=30, models=10)
"""What does not vary: 10 networks, 6,000 examples, batches of 200, an epoch."""


def lines(*, quick: bool = False) -> dict[str, list[Point]]:
    """Return the points of both lines, by what varies along them; three each if ``quick``."""
    models = [dataclasses.replace(BASE, models=m) for m in MODELS]
    steps = [n // BASE.batch for n in EXAMPLES]
    examples = [dataclasses.replace(BASE, steps=s) for s in steps]
    if quick:
        return {"models": models[::3], "examples": examples[::2]}
    return {"models": models, "examples": examples}


def measure(device: str, repeats: int, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time one training run at every point, all in turn, round after round."""
    found = lines(quick=quick)
    rows = []
    for along, points in found.items():
        racers = {str(i): engine(problem(p, device), p.models)[0] for i, p in enumerate(points)}
        for racer in racers.values():
            racer.go()
        times = in_turn({name: partial(net, racer) for name, racer in racers.items()}, repeats)
        for point, own in zip(points, times.values(), strict=True):
            at = point.record() | {"examples": point.examples}
            rate = [flops(point) * point.models * point.steps / t / 1e9 for t in own]
            told = {"grid": "scaling", "along": along, "point": at, "rival": "dlnotes"}
            rows.append(told | {"seconds": spread(own), "gflops": spread(rate), "repeats": repeats})
    return rows
