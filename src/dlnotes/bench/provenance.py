"""Where and when a row was measured."""

import contextlib
import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

from dlnotes.machine import cpu_name

PACKAGES = ("dlnotes", "torch", "numpy", "scikit-learn", "jax", "jaxlib")


def facts(device: str) -> dict[str, Any]:
    """Return what is recorded with every row.

    ``load`` is the machine's load in the minute before: processes that wanted to compute. Rows
    taken while others computed too are worth less, and say so by it.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
    """
    name = torch.cuda.get_device_name() if device == "cuda" else cpu_name()
    return {
        "device": device,
        "device_name": name,
        "cpu": cpu_name(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load": round(psutil.getloadavg()[0], 2),
        "versions": {"python": platform.python_version()} | _versions(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(Path(__file__).parent),
    }


def _versions() -> dict[str, str]:
    """Return the versions of the packages that take part and are installed."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def commit(folder: Path) -> str | None:
    """Return the commit that the code in a folder is of, with a mark if it was changed since.

    None where git is missing or does not keep this folder.
    """

    def git(*words: str) -> str | None:
        with contextlib.suppress(OSError):
            call = ["git", "-C", str(folder), *words]
            done = subprocess.run(call, capture_output=True, text=True, check=False)
            return done.stdout.strip() if done.returncode == 0 else None
        return None

    if not git("ls-files", "."):  # an installed copy, perhaps inside another project
        return None
    head = git("rev-parse", "HEAD")
    return f"{head} and changes" if head and git("status", "--porcelain", ".") else head
