"""What this machine has and lacks for the book, and how to get what it lacks."""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dlnotes.press import processes

FREE_GB = 1.0  # what a build needs: data sets, executed notebooks, the site
PARTS = {"": "lectures", "book": "site", "test": "tests"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One thing looked at.

    Attributes:
        name: What it is.
        ok: Whether it is there, and right.
        found: What was found.
        remedy: What to do if it is not ok: a command, or a sentence.
        required: Whether the book cannot be built without it.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""
    required: bool = False


def examine(root: Path) -> list[Look]:
    """Look at everything: Python, packages, programs, data sets, GPU, disk."""
    return [python(), *packages(), *programs(), *data(), gpu(), disk(root), writable(root)]


def told(look: Look) -> str:
    """Write a look as one line.

    >>> told(Look(name="node", ok=False, found="not found", remedy="apt-get install nodejs"))
    'missing  node: not found; apt-get install nodejs'
    """
    word = "ok" if look.ok else "MISSING" if look.required else "missing"
    remedy = "" if look.ok or not look.remedy else f"; {look.remedy}"
    return f"{word:<7}  {look.name}: {look.found}{remedy}"


def python() -> Look:
    """Compare the interpreter with what the package asks for."""
    from packaging.specifiers import SpecifierSet

    asked, found = metadata.metadata("dlnotes")["Requires-Python"], platform.python_version()
    return Look(
        name="python",
        ok=SpecifierSet(asked).contains(found, prereleases=True),
        found=found,
        remedy=f"install Python {asked} and make a new environment with it",
        required=True,
    )


def packages() -> list[Look]:
    """Compare the installed packages with what the lectures, the site and the tests ask for."""
    looks = []
    for extra, part in PARTS.items():
        wrong, count = _wrong_packages(extra)
        asked = " ".join(f"'{text.split(' (')[0]}'" for text in wrong)
        looks.append(
            Look(
                name=f"packages for the {part}",
                ok=not wrong,
                found=f"{', '.join(wrong)} not met" if wrong else f"all {count} installed",
                remedy=f"python -m pip install {asked}",
                required=extra != "test",
            )
        )
    return looks


def programs() -> list[Look]:
    """Look for the programs that are used where they are there."""
    wanted = (
        (
            "node",
            "formulas are typeset at build time",
            "apt-get install nodejs",
            ("node", "nodejs"),
        ),
        (
            *("chromium", "the site's tests drive it", "apt-get install chromium"),
            ("chromium", "chromium-browser", "google-chrome"),
        ),
        ("git", "results carry the commit", "apt-get install git", ("git",)),
    )
    looks = []
    for name, use, remedy, commands in wanted:
        path = next(filter(None, map(shutil.which, commands)), None)
        found = path or f"not found ({use})"
        looks.append(Look(name=name, ok=bool(path), found=found, remedy=remedy))
    return looks


def data() -> Iterator[Look]:
    """Look for the data sets and compare their files with their sha256.

    Yields:
        One look per set.
    """
    from dlnotes.data import files, registry

    for name in registry.names():
        about = registry.info(name)
        where, reports = files.locate(about), files.check(about)
        damaged = [str(report.path) for report in reports if report.status == "damaged"]
        found = f"damaged: {', '.join(damaged)}" if damaged else str(where or "not here")
        whole = where is not None and not damaged
        yield Look(name=f"data {name}", ok=whole, found=found, remedy=f"dlnotes data fetch {name}")


def gpu() -> Look:
    """Say which profile `auto` means here; a GPU is never required."""
    kind = processes.device_kind()
    found = "found; profile auto is gpu" if kind == "cuda" else "none; profile auto is cpu"
    return Look(name="GPU", ok=True, found=found)


def disk(root: Path) -> Look:
    """Look at the free space where the book is built."""
    free = shutil.disk_usage(root).free / 1e9
    remedy = f"free {FREE_GB:.0f} GB"
    return Look(
        name="disk", ok=free >= FREE_GB, found=f"{free:.1f} GB free", remedy=remedy, required=True
    )


def writable(root: Path) -> Look:
    """Try to write where the book is built."""
    folder = root / "_build" if (root / "_build").exists() else root
    try:
        with tempfile.TemporaryFile(dir=folder):
            found = ""
    except OSError as error:
        found = f" is not writable ({error.strerror})"
    return Look(
        name="write access",
        ok=not found,
        found=f"{folder}{found}",
        remedy="copy the book to a folder of yours",
        required=True,
    )


def _wrong_packages(extra: str) -> tuple[list[str], int]:
    """Return the unmet requirements of an extra ("": the package itself), and how many it has."""
    from packaging.requirements import Requirement

    asked = [Requirement(text) for text in metadata.requires("dlnotes") or []]
    if extra:
        mine = [r for r in asked if r.marker and r.marker.evaluate({"extra": extra})]
        mine = [r for r in mine if not r.marker.evaluate({"extra": ""})]
    else:
        mine = [r for r in asked if not r.marker or r.marker.evaluate({"extra": ""})]
    wrong = []
    for requirement in mine:
        wanted = f"{requirement.name}{requirement.specifier}"
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{wanted} (absent)")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted} (found {found})")
    return wrong, len(mine)
