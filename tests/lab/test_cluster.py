"""A cluster as executor: real schedulers and workers, as processes on this machine."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import psutil
import pytest

from dlnotes.lab import cluster, records, sweeps

DASK = [sys.executable, "-m", "dask"]
LOCAL = ["--host", "127.0.0.1", "--no-dashboard"]


@contextlib.contextmanager
def running(folder, *words, env=None):
    """Run a command of dask; in the end kill it with all that it started."""
    with (folder / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [*DASK, *map(str, words), *LOCAL], cwd=folder, env=env, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        family = [*psutil.Process(process.pid).children(recursive=True), process]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


@contextlib.contextmanager
def scheduler(folder):
    """Run a scheduler; yield its address."""
    about = folder / "scheduler.json"
    with running(folder, "scheduler", "--port", 0, "--scheduler-file", about):
        while not about.exists():
            time.sleep(0.05)
        time.sleep(0.05)
        yield json.loads(about.read_text())["address"]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Two worker processes; one declares a GPU, whether or not there is one."""
    folder = tmp_path_factory.mktemp("cluster")
    with (
        scheduler(folder) as address,
        running(folder, "worker", address, "--nthreads", 1),
        running(folder, "worker", address, "--nthreads", 1, "--resources", "GPU=1"),
    ):
        wait_for_workers(address, 2)
        yield address
        cluster._client(address).close()


def wait_for_workers(address, number):
    cluster._client(address).wait_for_workers(number, timeout=30)


GRID = sweeps.grid(width=list(range(8)), seed=[0, 1, 2])


def value(group):
    return [{"value": c["width"] ** 0.5 + c["seed"] / 3} for c in group]


def results(done):
    return [(r.config, r.metrics) for r in done]


def test_a_worker_killed_in_mid_sweep_costs_nothing_but_time(address, tmp_path, monkeypatch):
    path, held, begun = tmp_path / "runs.jsonl", tmp_path / "held", tmp_path / "begun"

    def fit(group):
        with begun.open("a") as file:
            file.write(f"{group[0]['width']}\n")
        if group[0]["width"] == 3 and not held.exists():
            held.write_text(str(os.getpid()))
            time.sleep(60)
        return [{"value": c["width"] ** 0.5 + c["seed"] / 3} for c in group]

    def kill():
        while not (held.exists() and held.read_text() and path.exists()):
            time.sleep(0.01)
        os.kill(int(held.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    monkeypatch.setenv("DLNOTES_CLUSTER", address)
    done = sweeps.run(GRID, fit, path=path)
    killer.join()
    serial = results(sweeps.run(GRID, value, executor=sweeps._Here()))
    assert results(done) == serial
    assert sorted(map(str, results(records.read(path)))) == sorted(map(str, serial))
    times = begun.read_text().split()
    assert times.count("3") == 2  # and so may be others, whose results died with the worker
    assert set(times) == set(map(str, range(8)))
    wait_for_workers(address, 2)


def test_what_a_function_refers_to_goes_out_once(address, monkeypatch):
    pickled = []
    monkeypatch.setattr(
        cluster,
        "_pickle",
        lambda value, dump=cluster._pickle: pickled.append(dump(value)) or pickled[-1],
    )
    weights = os.urandom(20_000_000)  # dask warns at half of it
    done = sweeps.run(
        GRID,
        lambda g: [{"sum": sum(weights[:9]) + c["seed"]} for c in g],
        executor=cluster.connect(address),
    )
    assert [r.metrics["sum"] for r in done] == [sum(weights[:9]) + c["seed"] for c in GRID]
    sizes = sorted(map(len, pickled))
    assert len(sizes) == 9
    assert sizes[-1] > 20_000_000 > 10_000 > sizes[-2]


def test_jobs_for_a_gpu_go_to_workers_that_declare_one(address):
    with cluster.connect(address, gpu=True) as executor:
        pids = set(executor.map(lambda _: os.getpid(), range(6)))
        (worker,) = [
            w
            for w, about in cluster._client(address).scheduler_info()["workers"].items()
            if about["resources"]
        ]
        assert pids == set(cluster._client(address).run(os.getpid, workers=[worker]).values())


def test_an_exception_of_a_job_is_raised_here_and_not_tried_again(address, tmp_path):
    ran = tmp_path / "ran"

    def fit(group):
        with ran.open("a") as file:
            file.write("x")
        raise ArithmeticError(f"width {group[0]['width']}")

    with pytest.raises(ArithmeticError, match="width 0"):
        sweeps.run(GRID[:3], fit, executor=cluster.connect(address))
    assert ran.read_text() == "x"


def test_jobs_are_dropped_when_asked(address):
    executor = cluster.connect(address)
    jobs = [executor.submit(time.sleep, 1) for _ in range(6)]
    executor.shutdown(cancel_futures=True)
    for job in jobs[2:]:  # dask tells them so in a thread of its own, a moment later
        with pytest.raises(CancelledError):
            job.result()


SCRIPT = """
import os, sys
from dlnotes.lab import sweeps

offset = 10

def fit(group):
    return [{"value": c["seed"] + offset, "pid": os.getpid()} for c in group]

done = sweeps.run(sweeps.grid(width=[1, 2], seed=[0, 1]), fit)
assert os.getpid() not in {r.metrics["pid"] for r in done}
print([r.metrics["value"] for r in done])
"""


def test_a_function_of_the_main_module_runs_there_and_the_end_is_quiet(address):
    env = os.environ | {"DLNOTES_CLUSTER": address}
    call = [sys.executable, "-W", "error", "-c", SCRIPT]
    done = subprocess.run(call, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[10, 11, 10, 11]\n")
    assert {line[:6] for line in done.stderr.splitlines()} == {"sweep:"}


def test_one_connection_a_process(address):
    assert cluster.connect(address)._client is cluster.connect(address)._client
    cluster._client(address).close()
    assert list(cluster.connect(address).map(abs, [-1])) == [1]


def test_without_the_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv("DLNOTES_CLUSTER", raising=False)
    assert cluster.executor() is None


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["", "scheduler:8786", "http://scheduler:8786", "tcp://scheduler", "tcp://a:99999"]
)
def test_bad_addresses(address):
    with pytest.raises(ValueError, match=rf"must be like tcp://scheduler:8786, got '{address}'"):
        cluster.connect(address)


def test_nothing_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(cluster.ClusterError, match=rf"answers at tcp://127.0.0.1:{port}: .*re"):
            cluster.connect(f"tcp://127.0.0.1:{port}")


def test_what_listens_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(cluster.ClusterError, match=r"nothing within 0.3 s; .* dask scheduler"):
            cluster.connect(address, timeout=0.3)


def test_what_listens_is_a_worker(address):
    worker = next(iter(cluster._client(address).scheduler_info()["workers"]))
    with pytest.raises(cluster.ClusterError, match=r"no scheduler but a Worker; give"):
        cluster.connect(worker)


def test_dask_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(cluster.ClusterError, match=r"pip install 'dlnotes\[cluster\]'"):
        cluster.connect("tcp://127.0.0.1:1")


def test_no_worker_and_workers_with_another_version(tmp_path):
    other = tmp_path / "other"
    shutil.copytree(Path(cluster.__file__).parents[1], other / "dlnotes")
    (other / "dlnotes-0.0.9.dist-info").mkdir()
    (other / "dlnotes-0.0.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: dlnotes\nVersion: 0.0.9\n"
    )
    env = os.environ | {"PYTHONPATH": str(other)}
    with scheduler(tmp_path) as address:
        with pytest.raises(cluster.ClusterError, match=r"no worker after 1 s; .*dask worker tcp"):
            cluster.connect(address, timeout=1)
        with running(tmp_path, "worker", address, "--no-nanny", env=env):
            wait_for_workers(address, 1)
            with pytest.raises(
                cluster.ClusterError, match=r"1 workers but none with a GPU .*GPU=1"
            ):
                cluster.connect(address, gpu=True, timeout=1)
            said = r"worker tcp://127\S+ has dlnotes 0\.0\.9 \(here \S+\); install the same there"
            with pytest.raises(cluster.ClusterError, match=said):
                cluster.connect(address)
        cluster._client(address).close()


def test_a_worker_with_changed_sources(address, monkeypatch):
    monkeypatch.setattr(cluster, "SOURCES", "3f2a")
    cluster.versions.cache_clear()
    with pytest.raises(cluster.ClusterError, match=r"dlnotes sources [0-9a-f]{12} \(here 3f2a\)"):
        cluster.connect(address)
    cluster.versions.cache_clear()


def test_a_worker_that_came_after_the_check(address, monkeypatch):
    executor = cluster.connect(address)
    mine = cluster.versions()
    monkeypatch.setattr(cluster, "versions", lambda: mine | {"torch": "3.0"})
    with pytest.raises(cluster.ClusterError, match=r"has torch 2\S+ \(here 3.0\); install"):
        executor.submit(abs, -1).result(10)


def test_the_fingerprint_is_of_every_module(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(f"{name} = 1\n")
    monkeypatch.setattr(cluster, "__file__", str(tmp_path / "a.py"))
    before = cluster._digest()
    (tmp_path / "b.py").write_text("b = 2\n")
    assert cluster._digest() != before


def test_the_check_of_the_command_line(address, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["-c", address])
    cluster.main()
    assert capsys.readouterr().out == f"{address}: 2 workers, same versions\n"
    monkeypatch.setattr(sys, "argv", ["-c", "tcp://127.0.0.1:1", "gpu"])
    with pytest.raises(SystemExit, match="no scheduler answers"):
        cluster.main()
