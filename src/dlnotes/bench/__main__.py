"""Run the benchmark: ``python -m dlnotes.bench '{"grid": "mlp", "quick": true}'``.

The one argument holds the fields of `Ask` as JSON; ``dlnotes bench`` makes it from its options.
Rows go to the file asked for as soon as they exist, progress to stderr, the report to stdout.
"""

import contextlib
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

import psutil

from dlnotes.bench.report import BenchRow

Grid = Literal["mlp", "cnn", "memory", "scaling", "all"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ask:
    """What is to be measured.

    Attributes:
        grid: One of the grids, or all.
        quick: A few points of each grid, in about two minutes.
        repeats: Rounds, >= 1; None means 5, and 3 if ``quick``.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for cuda where there is one.
        threads: Threads of every rival, >= 1; None means one a core.
        json: File for the rows, one JSON object a line; an existing one is replaced.
        plot: File for the picture, ``.svg`` or ``.png``; a second one goes beside it.
    """

    grid: Grid = "all"
    quick: bool = False
    repeats: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = None
    json: str | None = None
    plot: str | None = None

    def __post_init__(self) -> None:
        if self.grid not in get_args(Grid):
            raise ValueError(f"grid must be one of {', '.join(get_args(Grid))}; got {self.grid!r}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"device must be one of auto, cpu, cuda; got {self.device!r}")
        for name in ("repeats", "threads"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")
        if self.plot and Path(self.plot).suffix not in (".svg", ".png"):
            raise ValueError(f"plot must end in .svg or .png, got {self.plot!r}")
        for path in filter(None, (self.json, self.plot)):
            _check_writable(Path(path))

    def wants(self, grid: Grid) -> bool:
        """Return whether a grid is to be measured."""
        return self.grid in (grid, "all")


def _check_writable(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is measured.

    Raises:
        ValueError: It cannot.
    """
    new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror}; name another file") from error
    if new:
        path.unlink()


def set_threads(threads: int | None, device: str) -> int:
    """Give every library the same number of threads; before any of them is imported."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = threads or min(psutil.cpu_count(logical=False) or 1, usable or 1)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
        os.environ[name] = str(count)  # PyTorch, its MKL, numpy and scikit-learn, JAX
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # leave room on a GPU for the others
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    return count


def prepare(ask: Ask, threads: int) -> str:
    """Set threads and precision, equal for all, and return the device.

    Raises:
        ValueError: A GPU was asked for and there is none.
    """
    import torch

    from dlnotes.lab.settings import Settings

    settings = Settings(profile="cpu", device=ask.device, seeds=(0, 1)).prepare()
    torch.set_num_threads(threads)
    device = settings.torch_device.type
    if device == "cuda":
        with contextlib.suppress(ImportError):
            import jax

            jax.config.update("jax_default_matmul_precision", "float32")  # no TF32
    return device


def measure(ask: Ask, device: str, say: Callable[[str], None]) -> Iterator[list[BenchRow]]:
    """Yield the rows of each point as soon as they are measured."""
    from dlnotes.bench import grids, limits, memory, rounds, scaling

    repeats = ask.repeats or (3 if ask.quick else 5)
    limit = None
    if ask.wants("mlp"):
        say("the fastest matrix product")
        limit, rows = limits.search(device, limits.SIZES[:3] if ask.quick else limits.SIZES)
        yield rows
    speed = grids.GPU if device == "cuda" else grids.CPU
    names = [name for name in ("mlp", "cnn") if ask.wants(name)]
    points = [point for name in names for point in grids.grid(name, speed, quick=ask.quick)]
    for i, point in enumerate(points):
        say(f"point {i + 1} of {len(points)}: {point.name}")
        yield rounds.measure(point, device, repeats, limit)
    if ask.wants("memory") and memory.supported(device):
        say("memory")
        yield memory.measure(memory.POINTS[: 2 if ask.quick else None], device)
    if ask.wants("scaling"):
        say("cost against models and examples")
        yield scaling.measure(device, repeats, quick=ask.quick)


def run(ask: Ask) -> list[BenchRow]:
    """Measure, write rows and pictures, and return the rows.

    Raises:
        ValueError: Something was asked for that this machine does not have.
    """
    device = prepare(ask, set_threads(ask.threads, ask.device))
    from dlnotes.bench import provenance

    facts, start, rows = provenance.facts(device), time.perf_counter(), []

    def say(text: str) -> None:
        print(f"{time.perf_counter() - start:6.0f} s  {text}", file=sys.stderr, flush=True)

    if facts["load"] > 0.5:
        say(f"others are computing (load {facts['load']}): wait for them, or trust no ratio")
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(ask.json, "w", encoding="utf-8")) if ask.json else None
        for new in measure(ask, device, say):
            told = [facts | row for row in new]
            rows += told
            if file:
                file.writelines(json.dumps(row) + "\n" for row in told)
                file.flush()
    say("done")
    if ask.plot:
        from dlnotes.bench import pictures

        for path in pictures.write(rows, Path(ask.plot)).values():
            say(f"picture: {path}")
    return rows


def main(text: str) -> int:
    """Run the benchmark and print the report; return the exit code."""
    try:
        ask = Ask(**json.loads(text))
        rows = run(ask)
    except (ValueError, TypeError) as error:
        print(f"dlnotes bench: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(f"dlnotes bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    from dlnotes.bench import pages, tables

    print(pages.machine(rows), end="\n\n")
    for table in tables.all_tables(rows):
        print(table.text())
    for line in tables.absent(rows):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "{}"))
