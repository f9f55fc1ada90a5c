"""What was archived of the benchmark, for its page; drawn in a process of its own."""

import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dlnotes.press import figures
from dlnotes.press.stage import StageError

ARCHIVE = Path("results") / "bench"
PAGE, PART = "book/bench.md", "book/_generated/bench.md"
NOTHING = (
    "## What was measured\n\nNothing yet: this copy of the book has no archived run. The section "
    "below says how to make one.\n"
)


class BenchError(StageError):
    """Archived rows that cannot be made a page."""


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
    drawn = [
        pair
        for p in sorted(folder.glob("*.svg"))
        for pair in figures.both(f"book/_figures/{p.name}", p.read_text(encoding="utf-8"))
    ]
    rows = {f"_extra/downloads/data/bench/{p.name}": p.read_bytes() for p in sources}
    return {PART: (folder / "bench.md").read_bytes()} | dict(drawn) | rows


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
