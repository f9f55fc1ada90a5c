"""Past one machine: a ``dask.distributed`` cluster as an executor for `dlnotes.lab.sweeps.run`.

What runs the cluster (``dask scheduler`` and ``dask worker``, Slurm, Kubernetes) is dask's affair.
Here is the check that every worker would compute what this process would, before any work is spent.
"""

import asyncio
import atexit
import contextlib
import functools
import hashlib
import importlib.util
import logging
import os
import pickle
import platform
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dlnotes.contract import check_address

if TYPE_CHECKING:
    from distributed import Client

Versions = dict[str, str]
"""What has to be the same on both sides for the same numbers."""


class ClusterError(RuntimeError):
    """A cluster cannot be reached, or would not compute what this process would."""


def executor(*, gpu: bool = False) -> Executor | None:
    """Return the cluster that the environment variable ``DLNOTES_CLUSTER`` names, if it does.

    Args:
        gpu: As for `connect`.

    Raises:
        ClusterError: See `connect`.
    """
    address = os.environ.get("DLNOTES_CLUSTER")
    return connect(address, gpu=gpu) if address else None


def connect(address: str, *, gpu: bool = False, timeout: float = 10.0) -> Executor:
    """Return an executor whose jobs run on the workers of a cluster.

    The job of a worker that dies is run again elsewhere, up to dask's
    ``distributed.scheduler.allowed-failures`` (3) times. An exception is not: the same inputs would
    give the same exception.

    Args:
        address: Where the scheduler listens, such as ``"tcp://scheduler:8786"``.
        gpu: Use only workers started with ``--resources "GPU=1"``, one job for each of their GPUs.
        timeout: Seconds to wait, > 0: for the scheduler, for a first worker, for their versions.

    Returns:
        The executor. What it is handed is pickled by value, so a function of a notebook will do.

    Raises:
        ValueError: If the address is none.
        ClusterError: If dask is not installed, nothing answers, there is no worker (with a GPU), or
            a worker runs another version of Python, PyTorch or this package.
    """
    check_address(address)
    if importlib.util.find_spec("distributed") is None:
        raise ClusterError("a cluster needs dask; run: python -m pip install 'dlnotes[cluster]'")
    _greet(address, timeout)
    client = _client(address)
    _wait_for_worker(client, address, gpu, timeout)
    _compare(client, timeout)
    return _Cluster(client, {"GPU": 1} if gpu else None)


def main() -> None:
    """Check the cluster whose address is the first argument; its GPU workers, if a second is."""
    try:
        connect(address := sys.argv[1], gpu=len(sys.argv) > 2)
    except (ValueError, ClusterError) as error:
        sys.exit(str(error))
    workers = _client(address).scheduler_info(n_workers=-1)["workers"]
    print(f"{address}: {len(workers)} workers, same versions")


# -- what a worker must have --------------------------------------------------------------------


def _digest() -> str:
    """Return the fingerprint of the modules that lectures import."""
    package = Path(__file__).parents[1]
    rooms = (path for path in package.rglob("*.py") if path.parent.name not in ("press", "bench"))
    paths = {path.relative_to(package).as_posix(): path for path in rooms}
    text = b"".join(name.encode() + paths[name].read_bytes() for name in sorted(paths))
    return hashlib.sha256(text).hexdigest()[:12]


SOURCES = _digest()  # now, so that it tells of the code this process has, not of a later edit


def sources() -> str:
    """Return the fingerprint of the package's modules in the process that this runs in."""
    return SOURCES


@functools.cache
def versions() -> Versions:
    """Return the versions of this process."""
    packages = {name: metadata.version(name) for name in ("torch", "dlnotes")}
    return _versions(platform.python_version(), packages, SOURCES)


def _versions(python: str, packages: dict[str, str | None], digest: str) -> Versions:
    """Return what counts: Python without its patch, PyTorch without its build.

    >>> _versions("3.11.7", {"torch": "2.13.0+cu130", "dlnotes": "0.1.0"}, "3f2a")
    {'Python': '3.11', 'torch': '2.13.0', 'dlnotes': '0.1.0', 'dlnotes sources': '3f2a'}
    """
    return {
        "Python": ".".join(python.split(".")[:2]),
        "torch": str(packages["torch"]).split("+")[0],
        "dlnotes": str(packages["dlnotes"]),
        "dlnotes sources": digest,
    }


def _refuse_other(worker: str, theirs: Versions, mine: Versions) -> None:
    """Raise an error that names the worker and both versions, where they differ."""
    other = [f"{name} {theirs[name]} (here {mine[name]})" for name in mine]
    other = [text for text, name in zip(other, mine, strict=True) if theirs[name] != mine[name]]
    if other:
        raise ClusterError(
            f"worker {worker} has {', '.join(other)}; install the same there as here, then start "
            "both anew"
        )


def _compare(client: "Client", timeout: float) -> None:
    """Refuse workers that would not compute what this process would.

    Versions come first, in dask's own words: a worker with another Python could not read more.
    """
    found = _ask(client, timeout, client.get_versions, packages=["torch", "dlnotes"])["workers"]
    mine = versions()
    for worker, about in found.items():
        theirs = _versions(about["host"]["python"], about["packages"], SOURCES)
        _refuse_other(worker, theirs, mine)
    for worker, said in _ask(client, timeout, client.run, sources, on_error="return").items():
        theirs = said if isinstance(said, str) else f"that are older ({said})"
        _refuse_other(worker, mine | {"dlnotes sources": theirs}, mine)


def _ask(
    client: "Client", timeout: float, question: Callable[..., Any], *args: Any, **more: Any
) -> Any:
    """Return the answers of all workers."""
    try:
        return client.sync(question, *args, callback_timeout=timeout, **more)
    except TimeoutError as error:
        raise ClusterError(
            f"a worker of {client.scheduler.address} gave no answer within {timeout:g} s; look at "
            "its log, or start it anew"
        ) from error


# -- the connection -----------------------------------------------------------------------------


def _greet(address: str, timeout: float) -> None:
    """Make sure that a scheduler answers: dask's client would try long, or wait for ever."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    try:
        socket.create_connection((host, port), timeout).close()
        with ThreadPoolExecutor(1) as pool:  # a notebook has an event loop in the main thread
            kind = pool.submit(asyncio.run, _ask_who(address, timeout)).result()
    except Exception as error:
        reason = str(error) or f"nothing within {timeout:g} s"
        raise ClusterError(
            f"no scheduler answers at {address}: {reason}; check the address (a dashboard has "
            "another port) and the firewall, or start one: dask scheduler"
        ) from error
    if kind != "Scheduler":
        raise ClusterError(
            f"at {address} is no scheduler but a {kind}; give the scheduler's address"
        )


async def _ask_who(address: str, timeout: float) -> str:
    """Return what kind of dask server answers."""
    from distributed import Security
    from distributed.comm import connect

    async with asyncio.timeout(timeout):
        comm = await connect(address, **Security().get_connection_args("client"))
        await comm.write({"op": "identity", "reply": True})
        answer = await comm.read()
        await comm.close()
    return answer["type"]


def _client(address: str) -> "Client":
    """Return this process's client of a scheduler; a new one if the connection was lost."""
    if _open(address).status != "running":
        _open.cache_clear()
    return _open(address)


@functools.cache
def _open(address: str) -> "Client":
    """Connect to a scheduler, until this process ends."""
    from distributed import Client

    client = Client(address, set_as_default=False)
    atexit.register(_close, client)
    return client


def _close(client: "Client") -> None:
    """Close a client at the end of the process, in silence also if its scheduler has gone."""
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with contextlib.suppress(Exception):
        client.close()


def _wait_for_worker(client: "Client", address: str, gpu: bool, timeout: float) -> None:
    """Wait until there is a worker that can be used."""
    deadline = time.monotonic() + timeout
    command = f"dask worker {address} --nthreads 1" + ' --resources "GPU=1"' * gpu
    while True:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if any(worker["resources"].get("GPU", 0) >= gpu for worker in workers):
            return
        if time.monotonic() > deadline:
            lacks = f"{len(workers)} workers but none with a GPU" if workers else "no worker"
            raise ClusterError(
                f"the scheduler at {address} has {lacks} after {timeout:g} s; start one: {command}"
            )
        time.sleep(0.1)


class _Cluster(Executor):
    """Jobs on the workers. A function goes out once, however many jobs it is called in."""

    def __init__(self, client: "Client", resources: dict[str, int] | None) -> None:
        self._client = client
        self._jobs = client.get_executor(pure=False, resources=resources)
        self._function: Callable[..., Any] | None = None

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Send a job; see `concurrent.futures.Executor.submit`."""
        if function is not self._function:
            self._sent = self._send(function)
            self._function = function
        return self._jobs.submit(_call, self._sent, versions(), _pickle((args, kwargs)))

    def _send(self, function: Callable[..., Any]) -> Future:
        """Make a function known, with the data it refers to, as the result of a task.

        Unlike data that is scattered, a result that dies with its worker can be had again.
        """
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            return self._client.submit(bytes, _pickle(function), pure=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the jobs, or drop them; the connection stays for the next executor."""
        self._jobs.shutdown(wait=wait and not cancel_futures)


def _pickle(value: Any) -> bytes:
    """Pickle a value, and by value what the main module defines."""
    import cloudpickle

    return cloudpickle.dumps(value)


@functools.lru_cache(maxsize=1)
def _unpickle(function: bytes) -> Callable[..., Any]:
    """Return a function that was sent here, the same for all its jobs."""
    return pickle.loads(function)


def _call(function: bytes, expected: Versions, arguments: bytes) -> Any:
    """Do a job, on a worker; a worker may have come after the first check."""
    from distributed import get_worker

    _refuse_other(get_worker().address, versions(), expected)
    args, kwargs = pickle.loads(arguments)
    return _unpickle(function)(*args, **kwargs)
