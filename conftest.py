"""What holds for every test and doctest."""

import importlib.util
from collections.abc import Iterator

import jaxtyping
import pytest

# Modules that need an optional extra have no doctests without it.
collect_ignore = [] if importlib.util.find_spec("jax") else ["src/dlnotes/bench/xla.py"]


@pytest.fixture(autouse=True)
def _untyped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test marked ``untyped`` pass what its signature forbids; all others are checked."""
    if request.node.get_closest_marker("untyped") is None:
        yield
        return
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
