"""Where and when a row was measured."""

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import psutil
import torch

from dlnotes.machine import commit, cpu_name, versions

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
        "versions": {"python": platform.python_version()} | versions(PACKAGES),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(Path(__file__).parent),
    }
