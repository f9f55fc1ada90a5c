import itertools
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from dlnotes.lab import cluster, records, sweeps
from dlnotes.lab.settings import Settings


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch):
    monkeypatch.delenv("DLNOTES_CLUSTER", raising=False)


def test_grid_is_the_product_in_order():
    grid = sweeps.grid(a=[1, 2], b=["x", "y"])
    assert grid == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]


class Trainer:
    """Remembers the groups it was given."""

    def __init__(self):
        self.groups = []

    def __call__(self, group):
        self.groups.append(group)
        return [{"value": c["width"] * 10 + c["seed"]} for c in group]


GRID = sweeps.grid(width=[1, 2], seed=[0, 1, 2])


def test_equal_shapes_run_together_and_come_back_in_order():
    trainer = Trainer()
    shuffled = GRID[::-1]
    done = sweeps.run(shuffled, trainer, provenance={"device": "cpu"})
    assert [r.config for r in done] == shuffled
    assert [r.metrics["value"] for r in done] == [c["width"] * 10 + c["seed"] for c in shuffled]
    assert [{c["width"] for c in group} for group in trainer.groups] == [{2}, {1}]
    assert done[0].provenance["stack"] == 3
    assert done[0].provenance["device"] == "cpu"


def test_what_is_recorded_is_not_run_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    first = sweeps.run(GRID[:4], Trainer(), path=path)
    trainer = Trainer()
    done = sweeps.run(GRID, trainer, path=path)
    assert done[:4] == first
    assert trainer.groups == [GRID[4:]]
    assert records.read(path) == done


def test_a_sweep_that_died_goes_on_where_it_was(tmp_path):
    path = tmp_path / "runs.jsonl"

    def dies(group):
        if group[0]["width"] == 2:
            raise RuntimeError("power cut")
        return Trainer()(group)

    with pytest.raises(RuntimeError, match="power cut"):
        sweeps.run(GRID, dies, path=path)
    trainer = Trainer()
    sweeps.run(GRID, trainer, path=path)
    assert trainer.groups == [GRID[3:]]
    assert len(records.read(path)) == len(GRID)


def test_bad_sweeps():
    with pytest.raises(ValueError, match=r"got twice: .'width': 1, 'seed': 0"):
        sweeps.run([*GRID, GRID[0]], Trainer())
    with pytest.raises(ValueError, match="got 0 for 3"):
        sweeps.run(GRID, lambda group: [])
    with pytest.raises(ValueError, match="stack must be >= 1 or None, got 0"):
        sweeps.run(GRID, Trainer(), stack=0)
    with pytest.raises(ValueError, match=r"finite numbers.*'seed': nan"):
        sweeps.run([{"seed": math.nan}], Trainer())


@pytest.mark.parametrize(
    ("most", "sizes"), [(None, [3, 3]), (3, [3, 3]), (2, [2, 1, 2, 1]), (1, 6 * [1])]
)
def test_a_stack_has_at_most_so_many_configs(most, sizes):
    trainer = Trainer()
    done = sweeps.run(GRID, trainer, stack=most)
    assert [len(group) for group in trainer.groups] == sizes
    assert [r.config for r in done] == GRID
    assert [r.provenance["stack"] for r in done][-1] == sizes[-1]


def test_a_run_that_diverges_is_a_record_that_says_so(tmp_path):
    path = tmp_path / "runs.jsonl"

    def fit(group):
        loss = {0: 0.5, 1: math.nan, 2: math.inf}
        return [{"loss": loss[c["seed"]], "diverged": c["seed"] > 0} for c in group]

    done = sweeps.run(GRID, fit, path=path)
    assert [r.metrics["loss"] for r in done] == [0.5, None, None] * 2
    assert records.read(path) == done
    assert sweeps.run(GRID, None, path=path) == done
    table = records.frame(done)
    assert table.loss.isna().tolist() == table.diverged.tolist()


def test_the_settings_are_prepared_and_asked_where_the_stack_runs(monkeypatch):
    prepared = []
    monkeypatch.setattr(Settings, "prepare", lambda self: prepared.append(self) or self)
    settings = Settings(profile="smoke", device="cpu", seeds="0-2")
    told = {"device": "abacus", "commit": "3f2a"}
    done = sweeps.run(GRID, Trainer(), settings=settings, provenance=told)
    assert prepared == [settings] * 2
    where = done[0].provenance
    assert (where["profile"], where["device"], where["commit"]) == ("smoke", "cpu", "3f2a")


# -- executors ----------------------------------------------------------------------------------


def results(done):
    """What does not differ from run to run, as text, so that it can be sorted."""
    return [f"{r.config} {r.metrics}" for r in done]


def test_in_threads_records_are_written_as_they_come_and_returned_in_order(tmp_path):
    path, second = tmp_path / "runs.jsonl", threading.Event()

    def fit(group):
        if group[0]["width"] == 1:
            assert second.wait(10)
        while group[0]["width"] == 1 and not path.exists():
            time.sleep(0.01)
        second.set()
        return Trainer()(group)

    with ThreadPoolExecutor(2) as pool:
        done = sweeps.run(GRID, fit, executor=pool, path=path)
    assert results(done) == results(sweeps.run(GRID, Trainer()))
    assert [r.config["width"] for r in records.read(path)] == [2, 2, 2, 1, 1, 1]


def test_in_processes_the_records_are_the_same():
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:  # `plain` returns the configs themselves
        done = sweeps.run(GRID, records.plain, executor=pool)
    assert results(done) == results(sweeps.run(GRID, records.plain))


def test_a_failure_is_raised_after_the_rest_is_recorded(tmp_path):
    path, begun, failed = tmp_path / "runs.jsonl", threading.Barrier(2), threading.Event()
    ran = []

    def fit(group):
        width = group[0]["width"]
        ran.append(width)
        if width <= 2:
            begun.wait(10)
        if width == 1:
            failed.set()
            raise RuntimeError("power cut")
        assert failed.wait(10)
        time.sleep(0.2)  # the sweep knows of the failure by now
        return Trainer()(group)

    many = sweeps.grid(width=range(1, 9), seed=[0, 1])
    with (
        ThreadPoolExecutor(2) as pool,
        pytest.raises(RuntimeError, match="power cut") as caught,
    ):
        sweeps.run(many, fit, executor=pool, path=path)
    assert caught.value.__notes__ == ["in the stack of {'width': 1, 'seed': 0} and 1 more"]
    kept = {r.config["width"] for r in records.read(path)}
    assert 2 in kept
    assert kept == set(ran) - {1}
    assert len(ran) <= 4  # the others were cancelled
    assert len(records.read(path)) == 2 * len(kept)
    sweeps.run(many, Trainer(), path=path)
    assert sorted(results(records.read(path))) == sorted(results(sweeps.run(many, Trainer())))


def test_an_executor_that_drops_a_stack_is_told(tmp_path):
    class Dropping(ThreadPoolExecutor):
        def submit(self, *args):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(RuntimeError, match=r"dropped a stack .* run it again"):
        sweeps.run(GRID, Trainer(), executor=Dropping())


def test_the_cluster_of_the_environment_is_used_when_there_is_work(monkeypatch, tmp_path):
    asked = []

    def executor(*, gpu):
        asked.append(gpu)
        return ThreadPoolExecutor(1)

    monkeypatch.setattr(cluster, "executor", executor)
    path = tmp_path / "runs.jsonl"
    first = sweeps.run(GRID, Trainer(), path=path)
    assert sweeps.run(GRID, Trainer(), path=path) == first
    assert asked == [False]


# -- several processes, and processes that are killed -------------------------------------------

SWEEP = """
import os, sys, time
from pathlib import Path
from dlnotes.lab import sweeps

path, log = Path(sys.argv[1]), Path(sys.argv[2])
sweeps.POLL = 0.02

def fit(group):
    with log.open("a") as file:
        file.write(f"{os.getpid()} {group[0]['width']}\\n")
    time.sleep(0.05)
    return [{"value": c["width"] ** 0.5 + c["seed"] / 3} for c in group]

done = sweeps.run(sweeps.grid(width=list(range(12)), seed=[0, 1]), fit, path=path)
assert [r.config["width"] for r in done] == [w for w in range(12) for _ in (0, 1)]
"""
LONG = sweeps.grid(width=list(range(12)), seed=[0, 1])


def start(tmp_path, name):
    call = [sys.executable, "-c", SWEEP, str(tmp_path / f"{name}.jsonl"), str(tmp_path / name)]
    return subprocess.Popen(call, stderr=subprocess.PIPE, text=True)


def value(group):
    return [{"value": c["width"] ** 0.5 + c["seed"] / 3} for c in group]


def test_two_processes_share_a_sweep_and_run_nothing_twice(tmp_path):
    sweepers = [start(tmp_path, "shared") for _ in range(2)]
    errors = [process.communicate()[1] for process in sweepers]
    assert [process.returncode for process in sweepers] == [0, 0], errors
    ran = [line.split() for line in (tmp_path / "shared").read_text().splitlines()]
    assert sorted(int(width) for _, width in ran) == list(range(12))
    assert {int(pid) for pid, _ in ran} == {process.pid for process in sweepers}
    whole = records.read(tmp_path / "shared.jsonl")
    assert sorted(results(whole)) == sorted(results(sweeps.run(LONG, value)))


@pytest.mark.parametrize("torn", [False, True])
def test_after_kill_9_nothing_is_lost_and_nothing_doubled(tmp_path, torn):
    path, log = tmp_path / "killed.jsonl", tmp_path / "killed"
    with start(tmp_path, "killed") as process:
        while not log.exists() or len(log.read_text().splitlines()) < 5:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before = path.read_bytes()
    if torn:
        before = before[:-20]
        path.write_bytes(before)
    kept = records.read(path)
    assert 6 <= len(kept) <= 10
    done = sweeps.run(LONG, value, path=path)
    assert results(done) == results(sweeps.run(LONG, value))
    assert path.read_bytes().startswith(before)
    assert records.read(path)[: len(kept)] == kept
    assert sorted(results(records.read(path))) == sorted(results(done))


def test_what_another_process_records_meanwhile_is_neither_run_nor_written(tmp_path):
    path = tmp_path / "runs.jsonl"
    trainer = Trainer()

    def fit(group):
        theirs = [GRID[0], *GRID[3:5]]
        records.append_new(path, [records.Record(config=c, metrics={"value": -1}) for c in theirs])
        return trainer(group)

    done = sweeps.run(GRID, fit, path=path)
    assert trainer.groups == [GRID[:3], GRID[5:]]
    assert [r.metrics["value"] for r in done] == [-1, 11, 12, -1, -1, 22]
    assert sorted(results(records.read(path))) == sorted(results(done))


HOLD = """
import sys, time
from pathlib import Path
from dlnotes.lab import records
with records.Reservations(Path(sys.argv[1])) as reserved:
    print(reserved.take(sys.argv[2:]), flush=True)
    time.sleep(0.3)
"""


def test_what_another_process_gives_up_is_run_after_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweeps, "POLL", 0.02)
    path, trainer = tmp_path / "runs.jsonl", Trainer()
    call = [sys.executable, "-c", HOLD, str(path), *map(records.key, GRID[:2])]
    with subprocess.Popen(call, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"True\n"
        done = sweeps.run(GRID, trainer, path=path)
    assert trainer.groups == [GRID[3:], GRID[:3]]
    assert [r.config for r in done] == GRID
    said = [line[:35] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "sweep: 1 of 2 stacks, 0:00 so far, ",
        "sweep: another process runs 1 more",
        "sweep: 2 of 2 stacks, 0:00",
    ]


# -- progress -----------------------------------------------------------------------------------


def test_progress_is_a_line_now_and_then_on_stderr(monkeypatch, capsys):
    clock = itertools.count(0, 2)  # seconds; it is read once at the start and once a stack
    monkeypatch.setattr(sweeps.time, "monotonic", lambda: float(next(clock)))
    sweeps.run(sweeps.grid(width=range(6), seed=[0]), Trainer())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "sweep: 1 of 6 stacks, 0:02 so far, about 0:10 left",
        "sweep: 4 of 6 stacks, 0:08 so far, about 0:04 left",
        "sweep: 6 of 6 stacks, 0:12",
    ]


def test_progress_is_a_bar_in_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    sweeps.run(GRID, Trainer())
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err
    assert "stacks" not in err


def test_a_sweep_without_work_is_silent(tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    sweeps.run(GRID, Trainer(), path=path)
    capsys.readouterr()
    sweeps.run(GRID, Trainer(), path=path)
    assert capsys.readouterr() == ("", "")
