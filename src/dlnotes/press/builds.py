"""The steps of a build: read the book, fetch data, run lectures, enter claims, make the site."""

import contextlib
import importlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from dlnotes.contract import ADVISED_SEEDS, WORDS, parse_seeds
from dlnotes.press import answers, execute, lectures, ledger, processes, sources, texts
from dlnotes.press.execute import Outcome, line
from dlnotes.press.labels import LedgerRow, planned
from dlnotes.press.lectures import Lecture


@dataclass(frozen=True)
class Book:
    """What a command works on: the root, its lectures, and the claims by id."""

    root: Path
    lectures: list[Lecture]
    claims: dict[str, dict[str, Any]]


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Say of what is wrong with the sources that nothing was run."""
    try:
        yield
    except lectures.LectureError as error:
        raise click.ClickException(f"refused before anything ran:\n{error}") from error


def open_book(root: Path) -> Book:
    """Read and check all sources, before anything runs."""
    with refusing():
        claims = sources.load_claims(root)
        found = lectures.find(root)
        lectures.refuse_wrong(found, claims)
        texts.refuse_wrong(root, found, claims)
        answers.refuse_wrong(found)
    return Book(root, found, claims)


def choose(book: Book, names: Iterable[str]) -> list[Lecture]:
    """Return the lectures named, all if none is; a wrong name is bad usage."""
    try:
        return lectures.select(book.lectures, names)
    except lectures.LectureError as error:
        raise click.UsageError(str(error)) from error


def ask_for(options: dict[str, Any]) -> dict[str, str]:
    """Return the parameters of the lectures; refuse a GPU or a cluster that is not there."""
    asked = {name: options[name] for name in ("profile", "device", "seeds")}
    has = processes.device_kind() if asked["device"] != "cpu" else "cpu"
    if asked["device"] == "cuda" and has != "cuda" and not options["cluster"]:
        raise click.UsageError("device 'cuda': this machine has no GPU; valid here: auto, cpu")
    parameters = execute.resolve(asked)
    count = len(parse_seeds(asked["seeds"])) if asked["seeds"] else ADVISED_SEEDS
    if count < ADVISED_SEEDS and parameters["profile"] != "smoke":
        raise click.UsageError(
            f"--seeds must be at least {ADVISED_SEEDS} at profile {parameters['profile']}, "
            f"got {count}: fewer decide little or nothing"
        )
    if options["cluster"]:
        join(options["cluster"], gpu=parameters["device"] == "cuda")
    return parameters


def join(address: str, *, gpu: bool) -> None:
    """Check a cluster, in a process that may import what that takes; then name it to the kernels.

    What a lecture finds does not depend on where it is computed, so no key in the cache does.
    """
    line(f"cluster  {address}: checking")
    check = [sys.executable, "-c", "from dlnotes.lab.cluster import main; main()", address]
    answer = subprocess.run(
        [*check, "gpu"] if gpu else check, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise click.ClickException(said[-1])
    line(f"cluster  {answer.stdout.strip()}")
    os.environ["DLNOTES_CLUSTER"] = address


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait until no other process builds here, and keep others out meanwhile."""
    from filelock import FileLock, Timeout

    build = root / "_build"
    build.mkdir(exist_ok=True)
    lock, holder = FileLock(build / "lock"), build / "lock.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text(encoding="utf-8") if holder.is_file() else "another process"
        line(f"waiting for the build of pid {pid} to end (Ctrl-C gives up)")
        lock.acquire()
    try:
        holder.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def fetch(name: str) -> str | None:
    """Make sure that a data set is here; return why it is not, or None."""
    from dlnotes.data import files, registry

    about = registry.info(name)
    fetching = f"data  {name}: fetching {about.bytes / 1e6:.0f} MB"

    def warn(damage: str) -> None:
        line(f"warning: {damage}")
        line(fetching)

    if files.locate(about) is None:
        line(fetching)
    try:
        line(f"data  {name}: {files.fetch(about, say=warn)}")
    except files.MissingData as error:
        return str(error)
    except files.DamagedData as error:
        raise click.ClickException(str(error)) from error
    return None


def run_lectures(
    book: Book, chosen: list[Lecture], parameters: dict[str, str], options: dict[str, Any]
) -> list[Outcome]:
    """Fetch what the lectures need, then run them."""
    needed = [name for lecture in chosen for name in lecture.needs(parameters["profile"])]
    for name in dict.fromkeys(needed):
        if problem := fetch(name):
            line(f"warning: {problem}; going on with the stand-in")
    limits = {name: options[name] for name in ("jobs", "fresh", "cell_timeout", "run_timeout")}
    return execute.run_all(book.root, chosen, parameters, **limits)


def keep(book: Book, chosen: list[Lecture], parameters: dict[str, str]) -> dict[str, Outcome]:
    """Return the latest results of the lectures that were not chosen, where there are any."""
    others = [lecture for lecture in book.lectures if lecture not in chosen]
    found = {lec.name: execute.latest(book.root, lec, parameters) for lec in others}
    for name, outcome in found.items():
        told = f"result of {outcome.run['date'][:10]}" if outcome else "no result yet, so it runs"
        line(f"{name}  not selected: {told}")
    return {name: outcome for name, outcome in found.items() if outcome}


def enter(
    book: Book, outcomes: list[Outcome], profile: str
) -> tuple[list[Outcome], list[LedgerRow]]:
    """Return the outcomes, failed where a recorded claim is malformed, and the ledger's rows."""
    outcomes = [ledger.checked(outcome, book.claims) for outcome in outcomes]
    return outcomes, ledger.collect(outcomes, book.claims, profile)


def verdicts(rows: Iterable[LedgerRow]) -> str:
    """Count the verdicts, and the claims that wait for their lecture."""
    counts = Counter("planned" if planned(row) else row["verdict"] for row in rows)
    more = f", {counts['planned']} planned" * bool(counts["planned"])
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in WORDS) + more


def finish(outcomes: list[Outcome], rows: list[LedgerRow], consequence: str = "") -> None:
    """Print the warnings; if anything failed, list it all and end with exit code 1."""
    for text in ledger.undecided(rows):
        line(f"warning: {text}")
    failed = [f"{o.lecture}: {o.error}" for o in outcomes if o.error]
    failed += [f"contradiction: {text}" for text in ledger.contradictions(rows)]
    if failed:
        lines = [f"{len(failed)} failed:", *(f"  {text}" for text in failed), consequence]
        raise click.ClickException("\n".join(filter(None, lines)))


def site_module(root: Path) -> ModuleType:
    """Import what makes the site, and check what it reads; running lectures does without both."""
    try:
        site = importlib.import_module("dlnotes.press.site")
        with refusing():
            sources.check_site(root)
    except ModuleNotFoundError as error:
        remedy = "run: python -m pip install -r requirements.txt"
        raise click.ClickException(f"the site needs {error.name}; {remedy}") from error
    return site


def publish(book: Book, outcomes: list[Outcome], site: ModuleType) -> None:
    """Build the site."""
    line("site  building")
    try:
        line(f"site  {site.build(book.root, outcomes)}")
    except site.SiteError as error:
        raise click.ClickException(f"{error}\nThe site was not replaced.") from error
