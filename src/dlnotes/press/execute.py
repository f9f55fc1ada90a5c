"""Execute lectures: each by papermill in a process of its own, several at a time, from the cache.

One loop starts processes, watches their time and harvests their notebooks. There are no threads, so
whatever ends the loop, an interrupt included, also ends the processes.
"""

import datetime
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlnotes import machine
from dlnotes.contract import clock
from dlnotes.press import cache, disk, lectures, notebooks, processes
from dlnotes.press.lectures import Lecture

if TYPE_CHECKING:
    from nbformat import NotebookNode

HEARTBEAT = 15.0  # seconds between two signs of life of a running lecture
STARTS = 3  # of a kernel that does not come up
STILLBORN = "Kernel died before replying to kernel_info"  # jupyter_client's words
POLL = 0.05  # seconds between two looks at the running processes
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one lecture.

    Attributes:
        lecture: Its name.
        run: The run record; None when the lecture failed.
        notebook: The executed notebook, solutions included; None when the lecture failed.
        cached: Whether the result was taken from the cache.
        seconds: Wall-clock time of the execution, also when that was in an earlier build.
        error: Why the lecture failed, in one line; None when it did not.
    """

    lecture: str
    run: dict[str, Any] | None
    notebook: Path | None
    cached: bool
    seconds: float
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is asked of every lecture of a build: root, parameters, and limits in seconds."""

    root: Path
    parameters: dict[str, str]
    cell_timeout: int
    run_timeout: int


@dataclass
class Job:
    """A lecture that has to be executed; `process` and the times (seconds) once it runs."""

    lecture: Lecture
    source: "NotebookNode"
    key: str
    folder: Path | None = None
    process: processes.Process | None = None
    started: float = 0.0
    spoken: float = 0.0
    late: bool = False
    starts: int = 0

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started


def line(text: str) -> None:
    """Print one line of progress at once, so that it is seen through a pipe too."""
    print(text, flush=True)


def run_all(
    root: Path,
    selected: Sequence[Lecture],
    parameters: dict[str, str],
    *,
    jobs: int | None = None,
    fresh: bool = False,
    cell_timeout: int = 600,
    run_timeout: int = 3600,
    say: Say = line,
) -> list[Outcome]:
    """Execute lectures, or take their results from the cache.

    A lecture that fails does not stop the others.

    Args:
        root: The root of the book; the working directory of the kernels.
        selected: The lectures.
        parameters: profile, device and seeds; ``auto`` is resolved here.
        jobs: Lectures at a time; None means one per core, and one on a GPU.
        fresh: Execute even what the cache holds.
        cell_timeout: Seconds a cell may take.
        run_timeout: Seconds a lecture may take.
        say: Receives the lines of progress.

    Returns:
        One outcome per lecture, in the order given.
    """
    order = Order(
        root=Path(root).resolve(),
        parameters=resolve(parameters),
        cell_timeout=cell_timeout,
        run_timeout=run_timeout,
    )
    todo, done = _look_up(order, selected, fresh=fresh, say=say)
    jobs = jobs or (1 if order.parameters["device"] == "cuda" else _cores())
    if todo:
        done |= _execute(order, todo, jobs, say)
    return [done[lecture.name] for lecture in selected]


def latest(root: Path, lecture: Lecture, parameters: dict[str, str]) -> Outcome | None:
    """Return a lecture's result for these parameters, else its newest at the profile, if any."""
    root, parameters = Path(root).resolve(), resolve(parameters)
    key = cache.key(root, lecture, lectures.read(lecture.path), parameters)
    run = cache.load(root, key) or cache.latest(root, lecture.name, parameters["profile"])
    return _from_cache(root, run) if run else None


def resolve(parameters: dict[str, str]) -> dict[str, str]:
    """Replace ``auto``: the device by what the machine has, the profile by what suits it."""
    device = parameters.get("device") or "auto"
    device = processes.device_kind() if device == "auto" else device
    profile = parameters.get("profile") or "auto"
    profile = ("gpu" if device == "cuda" else "cpu") if profile == "auto" else profile
    return {"profile": profile, "device": device, "seeds": parameters.get("seeds", "")}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _look_up(
    order: Order, selected: Sequence[Lecture], *, fresh: bool, say: Say
) -> tuple[list[Job], dict[str, Outcome]]:
    todo, done = [], {}
    for lecture in selected:
        source = lectures.read(lecture.path)
        key = cache.key(order.root, lecture, source, order.parameters)
        run = None if fresh else cache.load(order.root, key)
        if run is None:
            todo.append(Job(lecture, source, key))
        else:
            done[lecture.name] = _from_cache(order.root, run)
            say(f"{lecture.name}  cached (took {clock(run['seconds'])} on {run['date'][:10]})")
    return todo, done


def _from_cache(root: Path, run: dict[str, Any]) -> Outcome:
    entry = root / "_build" / "cache" / run["key"] / "notebook.ipynb"
    executed = root / "_build" / "executed" / f"{run['lecture']}.ipynb"
    disk.write_if_changed(executed, entry.read_text(encoding="utf-8"))
    return Outcome(run["lecture"], run, executed, True, run["seconds"], None)


def _execute(order: Order, todo: list[Job], jobs: int, say: Say) -> dict[str, Outcome]:
    waiting, running, done = list(todo), [], {}
    with processes.workplace(order.root / "_build") as place:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.append(waiting.pop(0))
                    _start(running[-1], order, place)
                    say(f"{running[-1].lecture.name}  started {_told(order.parameters)}")
                time.sleep(POLL)
                for job in [job for job in running if _ended(job, order.run_timeout, say)]:
                    running.remove(job)
                    if _never_began(job):
                        say(f"{job.lecture.name}  its kernel did not come up; starting it again")
                        waiting.insert(0, job)
                        continue
                    done[job.lecture.name] = _harvest(job, order)
                    say(_report(done[job.lecture.name]))
        finally:
            processes.kill_trees(job.process for job in running if job.process)
    return done


def _told(parameters: dict[str, str]) -> str:
    seeds = f", seeds {parameters['seeds']}" if parameters["seeds"] else ""
    return f"(profile {parameters['profile']}, {parameters['device']}{seeds})"


def _report(outcome: Outcome) -> str:
    if outcome.run is None:
        return f"{outcome.lecture}  FAILED after {clock(outcome.seconds)}: {outcome.error}"
    return f"{outcome.lecture}  done in {clock(outcome.seconds)}, {outcome.run['peak_mb']} MB"


def _start(job: Job, order: Order, place: Path) -> None:
    job.started = job.spoken = time.monotonic()
    job.starts += 1
    job.folder = Path(tempfile.mkdtemp(dir=place))
    notebooks.write(notebooks.with_memory_probe(job.source), job.folder / "in.ipynb")
    job.process = processes.start(
        place, job.folder, order.root, order.parameters, order.cell_timeout
    )


def _ended(job: Job, run_timeout: int, say: Say) -> bool:
    """Look at a process: kill it when it is over its time, give a sign of life now and then."""
    if job.process.poll() is not None:
        return True
    if job.seconds > run_timeout:
        processes.kill_trees([job.process])
        job.late = True
        return True
    if time.monotonic() - job.spoken >= HEARTBEAT:
        job.spoken = time.monotonic()
        say(f"{job.lecture.name}  running {clock(job.seconds)}")
    return False


def _never_began(job: Job) -> bool:
    """Say whether a kernel that never came up (its port was taken, say) may be started again."""
    return job.starts < STARTS and STILLBORN in _log(job)


def _log(job: Job) -> str:
    return (job.folder / "log.txt").read_text(encoding="utf-8", errors="replace")


def _harvest(job: Job, order: Order) -> Outcome:
    """Turn an ended process into an outcome: a cache entry, or what went wrong."""
    seconds, name = round(job.seconds, 2), job.lecture.name
    try:
        if job.process.returncode == 0 and not job.late:
            return _store(job, order, seconds)
        error = _failure(job, order)
        _keep_failed(job, order.root)
    except notebooks.RecordError as problem:
        error = str(problem)
        _keep_failed(job, order.root)
    except OSError as problem:
        error = disk.problem(problem, order.root)
    return Outcome(name, None, None, False, seconds, error)


def _store(job: Job, order: Order, seconds: float) -> Outcome:
    notebook = notebooks.read_left(job.folder / "out.ipynb")
    peak = notebooks.take_memory_probe(notebook)
    notebooks.clean(notebook)
    declared = job.lecture.needs(order.parameters["profile"])
    record = notebooks.run_record(notebook, declared)
    run = {
        "lecture": job.lecture.name,
        "profile": order.parameters["profile"],
        "device": record["device"],
        "seconds": seconds,
        "peak_mb": peak,
        "datasets": record["datasets"],
        "precision": record["precision"],
        "products": record.get("products"),
        "threads": record.get("threads"),
        "versions": record["versions"],
        "commit": machine.commit(order.root),
        "key": job.key,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
    }
    cache.store(order.root, run, notebooks.text(notebook))
    _failed(job, order.root).unlink(missing_ok=True)
    return replace(_from_cache(order.root, run), cached=False)


def _failure(job: Job, order: Order) -> str:
    left, log = notebooks.read_left(job.folder / "out.ipynb"), _log(job)
    late = order.run_timeout if job.late else None
    if job.process.returncode < 0 and not job.late:
        log += f"\nits process was killed by signal {-job.process.returncode} (out of memory?)"
    return notebooks.failure(job.source, left, log, order.cell_timeout, late)


def _failed(job: Job, root: Path) -> Path:
    return root / "_build" / "failed" / f"{job.lecture.name}.ipynb"


def _keep_failed(job: Job, root: Path) -> None:
    if (left := job.folder / "out.ipynb").is_file():
        _failed(job, root).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(left, _failed(job, root))
