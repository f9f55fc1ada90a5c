"""How much memory training takes, measured, against what the engine's `memory` computes.

A process of its own does each measurement: only a fresh one has a peak that nothing else raised.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from dlnotes.bench.grids import Point, Problem, problem
from dlnotes.networks import sizes, training
from dlnotes.rng import generator

POINTS = [
    Point(hidden=(2048,) * 6, batch=4096, steps=2, models=1),
    Point(hidden=(), channels=(64, 128), batch=4096, steps=2, models=1),
    Point(hidden=(1024,) * 4, batch=1024, steps=2),
    Point(hidden=(), channels=(16, 32), batch=1024, steps=2),
]
"""One large network each, which cannot be trained in parts, and stacks, which can; all far above
an allocator's noise."""


def measure(points: list[Point], device: str) -> list[dict[str, Any]]:
    """Return one row a point: peak, computed and their ratio.

    Raises:
        RuntimeError: A measuring process failed.
    """
    rows = []
    for point in points:
        shape = {"hidden": point.hidden, "channels": point.channels, "batch": point.batch}
        asked = json.dumps(shape | {"steps": point.steps, "models": point.models})
        call = [sys.executable, "-m", __name__, device, asked]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise RuntimeError(f"measuring memory failed at {point.name}: {said[-1]}")
        found = json.loads(done.stdout)
        ratio = found["peak_bytes"] / found["computed_bytes"]
        rows.append(
            {"grid": "memory", "point": point.record(), "rival": "dlnotes", **found, "ratio": ratio}
        )
    return rows


def peak(point: Point, device: str) -> dict[str, int]:
    """Train for two steps; return the bytes above those held before, and those computed.

    On the CPU this is resident memory as Linux counts it, with its high-water mark set back right
    before training; on a GPU what PyTorch's allocator held at most.
    """
    task = problem(point, device)
    _train(problem(Point(hidden=(4,), batch=2, steps=1), device))  # what a library loads once
    before = _level(device, highest=False)
    _train(task)
    used = _level(device, highest=True) - before
    computed = sizes.memory(point.model, point.training, point.models)
    return {"peak_bytes": used, "computed_bytes": computed}


def _train(task: Problem) -> None:
    point = task.point
    gen = generator(0, "bench", "batches")
    training.train(point.model, point.training, task.params, task.x, task.y, gens=gen)


def _level(device: str, *, highest: bool) -> int:
    """Return the bytes in use; first set back their high-water mark, or return that instead."""
    if device == "cuda":
        if highest:
            return torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    if not highest:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM
        return psutil.Process().memory_info().rss
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024


def supported(device: str) -> bool:
    """Return whether the peak can be measured here: on a GPU, or on Linux."""
    return device == "cuda" or Path("/proc/self/clear_refs").exists()


if __name__ == "__main__":
    asked = json.loads(sys.argv[2])
    shape = {key: tuple(v) if isinstance(v, list) else v for key, v in asked.items()}
    print(json.dumps(peak(Point(**shape), sys.argv[1])))
