"""A sweep runs a list of configs: equal shapes together, what is recorded not again.

The stacks of a sweep know nothing of each other, so they run anywhere: in this process, in a pool
of processes, on a cluster (`dlnotes.lab.cluster`), in two processes that share a file of records.
"""

import functools
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tqdm import tqdm

from dlnotes.contract import clock
from dlnotes.lab import cluster, records
from dlnotes.lab.records import Record, Reservations

if TYPE_CHECKING:
    from dlnotes.lab.settings import Settings

Config = dict[str, Any]
RunGroup = Callable[[list[Config]], list[dict[str, Any]]]
Stack = dict[str, Config]
"""The configs of one job, by key."""

EVERY = 5.0  # seconds between two lines of progress
POLL = 0.5  # seconds between two looks at a stack that another process works on


def grid(**axes: Iterable[Any]) -> list[Config]:
    """Return every combination of the axes, the last one varying fastest.

    Example:
        >>> grid(rate=[0.0, 1.0], seed=[3])
        [{'rate': 0.0, 'seed': 3}, {'rate': 1.0, 'seed': 3}]
    """
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def run(
    configs: Sequence[Config],
    run_group: RunGroup,
    *,
    together: Sequence[str] = ("seed",),
    stack: int | None = None,
    path: Path | None = None,
    provenance: dict[str, Any] | None = None,
    settings: "Settings | None" = None,
    executor: futures.Executor | None = None,
) -> list[Record]:
    """Run every config once and return its record, in the order of ``configs``.

    Each stack is one job. Its records are written as soon as it is done, so a sweep that is killed
    goes on where it was. A run that diverged is a record too: None stands where its numbers are
    not finite.

    Args:
        configs: Plain JSON values; no two alike.
        run_group: Trains the configs it is given as one stack and returns one dictionary of
            metrics a config, in order. With an executor it runs elsewhere: what it needs has to
            reach it through its arguments and the names it uses.
        together: The entries in which the configs of one stack may differ.
        stack: Largest number of configs in a stack, >= 1; None for no limit. Smaller stacks are
            more jobs to share out.
        path: A file of records: what it holds is not run again. Several processes may work on one
            file; none runs what another has recorded or is running. Use a new file when the code
            behind ``run_group`` has changed.
        provenance: Added to each new record, beside the seconds its stack took.
        settings: Prepared where a stack runs; what they say there of device and versions goes
            into the record, before what ``provenance`` says of it. If they ask for a GPU, a
            cluster's GPU workers get the work.
        executor: Runs the stacks; None for the cluster that ``DLNOTES_CLUSTER`` names, or, without
            one, this process, one stack after another.

    Returns:
        One record a config.

    Raises:
        ValueError: If two configs are equal or not plain, or ``run_group`` returns too few or too
            many metrics.
        Exception: What ``run_group`` raises, once what the other stacks came to is recorded.

    Example:
        >>> done = run(grid(seed=[1, 2]), lambda group: [{"twice": 2 * c["seed"]} for c in group])
        >>> [record.metrics for record in done]
        [{'twice': 2}, {'twice': 4}]
    """
    keys = [records.key(config) for config in configs]
    if len(set(keys)) < len(keys):
        twice = next(c for c, k in zip(configs, keys, strict=True) if keys.count(k) > 1)
        raise ValueError(f"each config may stand once in a sweep, got twice: {twice}")
    if stack is not None and stack < 1:
        raise ValueError(f"stack must be >= 1 or None, got {stack}")
    done = records.known(path)
    missing = {k: c for k, c in zip(keys, configs, strict=True) if k not in done}
    if stacks := _stacks(missing, together, stack):
        gpu = settings is not None and (settings.device == "cuda" or settings.on_gpu)
        executor = executor or cluster.executor(gpu=gpu) or _Here()
        job = functools.partial(_run_one, run_group, provenance or {}, settings)
        done |= _run_all(stacks, job, path, executor)
    return [done[k] for k in keys]


def _stacks(configs: Stack, together: Sequence[str], most: int | None) -> list[Stack]:
    """Group the configs that differ only in what may differ, at most so many in a group."""
    groups: dict[str, list[str]] = {}
    for k, config in configs.items():
        shape = {name: value for name, value in config.items() if name not in together}
        groups.setdefault(records.key(shape), []).append(k)
    parts = (
        group[i : i + (most or len(group))]
        for group in groups.values()
        for i in range(0, len(group), most or len(group))
    )
    return [{k: configs[k] for k in part} for part in parts]


def _run_one(
    run_group: RunGroup,
    provenance: dict[str, Any],
    settings: "Settings | None",
    group: list[Config],
) -> list[Record]:
    """Run one stack, wherever this is, and return its records."""
    here = settings.prepare().provenance() if settings else {}
    start = time.perf_counter()
    measured = run_group(group)
    seconds = time.perf_counter() - start
    if len(measured) != len(group):
        raise ValueError(
            f"run_group must return one result a config, got {len(measured)} for {len(group)}"
        )
    where = {**provenance, **here, "seconds": round(seconds, 3), "stack": len(group)}
    return [
        Record(config=c, metrics=records.plain(m), provenance=where)
        for c, m in zip(group, measured, strict=True)
    ]


class _Here(futures.Executor):
    """Runs a job in this process, when it is submitted."""

    def submit(self, job: Callable[..., Any], /, *args: Any) -> futures.Future:
        """Run the job and return what came of it."""
        future: futures.Future = futures.Future()
        try:
            future.set_result(job(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def _run_all(
    waiting: list[Stack],
    job: Callable[[list[Config]], list[Record]],
    path: Path | None,
    executor: futures.Executor,
) -> dict[str, Record]:
    """Run stacks until each config has a record, here or by another process; return these."""
    done: dict[str, Record] = {}
    running: dict[futures.Future, Stack] = {}
    failure: BaseException | None = None
    most = 1 if isinstance(executor, _Here) else len(waiting)
    with Reservations(path) as reserved, _Progress(len(waiting)) as progress:
        try:
            while running or (waiting and not failure):
                free = (most - len(running)) * (failure is None)
                mine = list(itertools.islice(filter(reserved.take, waiting), free))
                done |= records.known(path)  # after reserving: that ends when records are written
                for stack in mine:
                    if left := [config for k, config in stack.items() if k not in done]:
                        running[executor.submit(job, left)] = stack
                begun = set().union(*running.values())
                waiting = [stack for stack in waiting if stack.keys() - done.keys() - begun]
                if waiting and not running:
                    progress.waits(len(waiting))
                for future in _finished(running, poll=bool(waiting)):
                    stack = running.pop(future)
                    failure = failure or _problem(future, stack)
                    if not (future.cancelled() or future.exception()):
                        fresh = future.result()
                        fresh = records.append_new(path, fresh) if path else fresh
                        done |= {records.key(record.config): record for record in fresh}
                if failure:
                    running = {f: stack for f, stack in running.items() if not f.cancel()}
                else:
                    progress.show(len(waiting) + len(running))
        finally:
            for future in running:
                future.cancel()
    if failure:
        raise failure
    return done


def _finished(running: Iterable[futures.Future], *, poll: bool) -> set[futures.Future]:
    """Wait until a job has ended, or only a while; return those that have."""
    if running:
        timeout = POLL if poll else None
        return futures.wait(running, timeout, return_when=futures.FIRST_COMPLETED).done
    if poll:
        time.sleep(POLL)
    return set()


def _problem(future: futures.Future, stack: Stack) -> BaseException | None:
    """Return why a job failed, if it did, with a note on what it was to do."""
    if future.cancelled():
        return RuntimeError(
            "the executor dropped a stack (a cluster does so when the connection to its scheduler "
            "is lost); what was done is kept if the sweep has a path: run it again"
        )
    if error := future.exception():
        some, more = next(iter(stack.values())), len(stack) - 1
        error.add_note(f"in the stack of {some}" + (f" and {more} more" if more else ""))
    return error


# -- progress -----------------------------------------------------------------------------------


class _Progress:
    """How far a sweep is, on stderr: a bar in a terminal, elsewhere a line now and then."""

    def __init__(self, stacks: int) -> None:
        self.stacks, self.done, self.waiting = stacks, 0, False
        self.start, self.spoken = time.monotonic(), -EVERY
        self.bar = tqdm(total=stacks, desc="sweep", unit="stack", disable=not sys.stderr.isatty())

    def show(self, left: int) -> None:
        """Show how many stacks are left, if that has changed and the last line is old enough."""
        now, done = time.monotonic(), self.stacks - left
        self.bar.update(done - self.bar.n)
        news = done > self.done and (left == 0 or now - self.spoken >= EVERY)
        if self.bar.disable and news:
            print(_told(done, self.stacks, now - self.start), file=sys.stderr, flush=True)
            self.done, self.spoken = done, now

    def waits(self, stacks: int) -> None:
        """Say once that other processes run what is left."""
        if not self.waiting:
            self.bar.write(f"sweep: another process runs {stacks} more", file=sys.stderr)
        self.waiting = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.bar.close()


def _told(done: int, stacks: int, seconds: float) -> str:
    """Say how far a sweep is, and how long the rest takes if its stacks are like the others.

    >>> _told(3, 12, 41.0)
    'sweep: 3 of 12 stacks, 0:41 so far, about 2:03 left'
    >>> _told(12, 12, 3671.0)
    'sweep: 12 of 12 stacks, 1:01:11'
    """
    told = f"sweep: {done} of {stacks} stacks, {clock(seconds)}"
    left = seconds / done * (stacks - done)
    return f"{told} so far, about {clock(left)} left" if done < stacks else told
