"""What machine this is, as far as speed and rounding depend on it."""

import os
import platform
from functools import cache


@cache
def cpu_name() -> str:
    """Return the processor's name as the system tells it."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
