"""``dlnotes bench``: measure the engine against its peers; and what was archived, for its page.

Measuring and drawing happen in processes of their own: the press imports nothing numerical.
"""

import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dlnotes.press.options import DEVICE, OneOf, examples
from dlnotes.press.stage import StageError

GRIDS = ("all", "mlp", "cnn", "memory", "scaling")
ARCHIVE = Path("results") / "bench"
PAGE, PART = "book/bench.md", "book/_generated/bench.md"
NOTHING = (
    "## What was measured\n\nNothing yet: this copy of the book has no archived run. The section "
    "below says how to make one.\n"
)


class BenchError(StageError):
    """Archived rows that cannot be made a page."""


@click.command(
    "bench",
    epilog=examples(
        "dlnotes bench --quick                        four points, about two minutes",
        "dlnotes bench --json results/bench/cpu.jsonl everything; the book shows it",
        "dlnotes bench --grid mlp --plot ratios.svg   one grid, with its picture",
        "dlnotes bench --device cuda                  all on the GPU",
    ),
)
@click.option(
    *("--grid", "-g"),
    type=OneOf("grid", lambda: GRIDS),
    default="all",
    show_default=True,
    help="mlp (width x depth x batch), cnn, memory, scaling, or all.",
)
@click.option("--quick", is_flag=True, help="A few points of each grid, about two minutes.")
@click.option(
    "--repeats", type=click.IntRange(min=1), help="Rounds; by default 5, and 3 with --quick."
)
@click.option(
    *("--device", "-d"),
    type=DEVICE,
    default="auto",
    show_default=True,
    help="Where to compute: auto, cpu or cuda.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of each rival; by default one a core."
)
@click.option("--json", metavar="FILE", help="Write the rows there, one JSON object a line.")
@click.option("--plot", metavar="FILE", help="Write the pictures there, .svg or .png.")
def bench(**options: Any) -> None:
    """Measure the engine against its peers, interleaved and repeated.

    The same networks are trained by dlnotes, by the ordinary PyTorch loop with and without
    DataLoader, by torch.func.vmap, by JAX and by scikit-learn; the fastest matrix product of the
    machine is the limit. JAX is an extra: pip install 'dlnotes[bench]'.
    """
    asked = {name: value for name, value in options.items() if value is not None}
    call = [sys.executable, "-m", "dlnotes.bench", json.dumps(asked)]
    click.get_current_context().exit(subprocess.call(call))


def newest(root: Path) -> list[Path]:
    """Return the newest archived run of each device, CPU first.

    Raises:
        BenchError: A file in the archive is not a file of rows.
    """
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted((root / ARCHIVE).glob("*.jsonl")):
        try:
            first = json.loads(path.read_text(encoding="utf-8").partition("\n")[0])
            device, date = first["device"], first["date"]
        except (ValueError, KeyError, TypeError) as error:
            told = f"{path} is not a file of rows: {error!r}; make it anew: dlnotes bench --json"
            raise BenchError(told) from error
        if device not in found or found[device][0] < date:
            found[device] = (date, path)
    return [found[device][1] for device in sorted(found)]


def files(root: Path) -> dict[str, bytes]:
    """Return what the page of the benchmark includes: path in the stage -> content.

    The report is drawn once for the same rows and the same code, and kept in ``_build/bench``.

    Raises:
        BenchError: The archived rows cannot be read or drawn.
    """
    if not (root / PAGE).is_file():
        return {}
    sources = newest(root)
    if not sources:
        return {PART: NOTHING.encode()}
    folder = root / "_build" / "bench" / _key(sources)
    if not (folder / "bench.md").is_file():
        _draw(folder, sources)
    figures = {f"book/_figures/{p.name}": p.read_bytes() for p in sorted(folder.glob("*.svg"))}
    rows = {f"_extra/downloads/data/bench/{p.name}": p.read_bytes() for p in sources}
    return {PART: (folder / "bench.md").read_bytes()} | figures | rows


def _key(sources: Sequence[Path]) -> str:
    """Return a digest of all that the report is made from."""
    package = Path(__file__).parents[1]
    code = [*sorted((package / "bench").glob("*.py")), package / "lab" / "figures.py"]
    digest = hashlib.sha256(importlib.metadata.version("matplotlib").encode())
    for path in (*sources, *code):
        content = path.read_bytes()
        digest.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _draw(folder: Path, sources: Sequence[Path]) -> None:
    call = [sys.executable, "-m", "dlnotes.bench.pages", str(folder), *map(str, sources)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        names = ", ".join(map(str, sources))
        raise BenchError(f"no report can be made from {names}: {said[-1]}")
