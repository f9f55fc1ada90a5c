"""What pytest leaves out of collecting the doctests: modules that need an optional extra."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("jax") else ["src/dlnotes/bench/xla.py"]
