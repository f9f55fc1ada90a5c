"""What holds for every test and doctest."""

import importlib.util
import re
from collections.abc import Iterator
from typing import Any

import jaxtyping
import pytest

# Modules that need an optional extra have no doctests without it.
collect_ignore = [] if importlib.util.find_spec("jax") else ["src/dlnotes/bench/xla.py"]

# Their tests share a data set, a cluster, a run of lectures, a built site.
WHOLE = ("test_datasets.py", "test_cluster.py", "test_execute.py", "press/test_site.py")
PAGE = re.compile(r"book/[\w/-]+\.html")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Leave to one worker what shares a fixture: some files, and the tests of a page of the site.

    The marks of ``--dist loadgroup`` would say so too, but pytest 9.2 and xdist 3.8 lose them.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, page = nodeid.partition("::")[0], PAGE.search(nodeid)
            return file if file.endswith(WHOLE) else page[0] if page else nodeid

    return Sharing(config, log)


@pytest.fixture(autouse=True)
def _untyped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test marked ``untyped`` pass what its signature forbids; all others are checked."""
    if request.node.get_closest_marker("untyped") is None:
        yield
        return
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
