"""What ran where: the processor, the packages and the commit that a result depends on."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def cpu_name() -> str:
    """Return the processor's name as the system tells it."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed.

    Example:
        >>> list(versions(["torch", "no-such-package"]))
        ['torch']
    """
    found = {}
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def git(folder: Path, *words: str) -> str:
    """Return what git prints about a folder; nothing where git is missing or refuses."""
    with contextlib.suppress(OSError):
        call = ["git", "-C", str(folder), *words]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
    return ""


def commit(folder: Path) -> str | None:
    """Return the commit that a folder is of, with a mark if it was changed since.

    None where git is missing or does not keep this folder.
    """
    if not git(folder, "ls-files", "."):  # an installed copy, perhaps inside another project
        return None
    head = git(folder, "rev-parse", "HEAD")
    return f"{head} and changes" if head and git(folder, "status", "--porcelain", ".") else head
