"""The command line ``dlnotes``: run lectures, build the book, look after data, ledger and machine.

Exit codes: 0 when all went well, 1 when something failed, 2 for bad usage, 130 when interrupted.
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from dlnotes.press import bench, builds, disk, ledger
from dlnotes.press.execute import line
from dlnotes.press.options import DATASET, examples, run_options


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "dlnotes build                        run all lectures, build the site",
        "dlnotes run random-data -p smoke     run one lecture, small",
        "dlnotes doctor                       what is missing on this machine",
    ),
)
@click.version_option(package_name="dlnotes", prog_name="dlnotes")
def cli() -> None:
    """Run the lectures of the book, judge their claims, build the site."""


@cli.command(
    "run",
    epilog=examples(
        "dlnotes run                                  all lectures, size by the machine",
        "dlnotes run rethinking/random-data -p smoke  one lecture, a few seconds",
        "dlnotes run --seeds A-B                      do the verdicts depend on the seeds?",
        "dlnotes run random-data --fresh -j 1         not from the cache, one at a time",
        "dlnotes run --cluster tcp://scheduler:8786   let the workers of a dask cluster train",
    ),
)
@click.argument("names", nargs=-1, metavar="[LECTURES]...")
@run_options
def run_command(names: tuple[str, ...], **options: Any) -> None:
    """Run lectures and print the verdicts on their claims.

    Without LECTURES, all of them. Results are kept in _build/cache; a lecture is run again only
    when something that its result depends on has changed.
    """
    book = builds.open_book(find_root())
    chosen = builds.choose(book, names)
    parameters = builds.ask_for(options)
    with builds.alone(book.root):
        outcomes = builds.run_lectures(book, chosen, parameters, options)
        outcomes, rows = builds.enter(book, outcomes, parameters["profile"])
    mine = {lecture.name for lecture in chosen}
    rows = [row for row in rows if row["lecture"] in mine]
    line(ledger.table(rows))
    builds.finish(outcomes, rows)


@cli.command(
    "build",
    epilog=examples(
        "dlnotes build                      everything; open _build/html/index.html",
        "dlnotes build -p smoke             a quick look at the whole site",
        "dlnotes build --only random-data   run one lecture, the others from their last results",
        "dlnotes build --fresh              ignore the cache",
    ),
)
@click.option("--only", multiple=True, metavar="LECTURE", help="Run only this one (repeatable).")
@run_options
def build_command(only: tuple[str, ...], **options: Any) -> None:
    """Run all lectures, enter their claims into the ledger, build the site.

    The site is replaced only if every lecture ran and no verdict contradicts the expected one.
    """
    book = builds.open_book(find_root())
    chosen = builds.choose(book, only)
    parameters = builds.ask_for(options)
    site = builds.site_module(book.root)
    with builds.alone(book.root):
        kept = builds.keep(book, chosen, parameters)
        todo = [lecture for lecture in book.lectures if lecture.name not in kept]
        ran = {o.lecture: o for o in builds.run_lectures(book, todo, parameters, options)}
        outcomes = [(kept | ran)[lecture.name] for lecture in book.lectures]
        outcomes, rows = builds.enter(book, outcomes, parameters["profile"])
        ledger.write(book.root, rows, outcomes)
        line(f"ledger  {builds.verdicts(rows)}")
        builds.finish(outcomes, rows, "The site was not replaced.")
        builds.publish(book, outcomes, site)


@cli.group(
    "data",
    epilog=examples("dlnotes data list", "dlnotes data fetch mnist", "dlnotes data check"),
)
def data_group() -> None:
    """List, fetch and check the data sets."""


@data_group.command("list", epilog=examples("dlnotes data list"))
def data_list() -> None:
    """List the data sets: size, terms, and where they lie."""
    from dlnotes.data import files, registry

    for name in registry.names():
        info = registry.info(name)
        where = files.locate(info) or f"not here; dlnotes data fetch {name}"
        line(f"{name:<14} {info.bytes / 1e6:7.1f} MB  {where}")
        line(f"{'':<14} {info.title}; license: {info.license}; {info.homepage}")


@data_group.command(
    "fetch", epilog=examples("dlnotes data fetch", "dlnotes data fetch mnist cifar10")
)
@click.argument("names", nargs=-1, type=DATASET)
def data_fetch(names: tuple[str, ...]) -> None:
    """Fetch data sets that are not here or damaged; all when no NAMES are given."""
    from dlnotes.data import registry

    failed = [problem for name in names or registry.names() if (problem := builds.fetch(name))]
    if failed:
        raise click.ClickException("; ".join(failed))


@data_group.command("check", epilog=examples("dlnotes data check", "dlnotes data check mnist"))
@click.argument("names", nargs=-1, type=DATASET)
def data_check(names: tuple[str, ...]) -> None:
    """Compare data files with their sha256; delete nothing."""
    from dlnotes.data import files, registry

    broken = []
    for name in names or registry.names():
        for report in files.check(registry.info(name)):
            line(f"{name:<14} {report.status:<8} {report.path}")
            if report.status == "damaged":
                line(f"{'':<14} expected sha256 {report.expected}, found {report.found}")
            broken += [name] if report.status != "ok" else []
    if broken:
        wrong = " ".join(dict.fromkeys(broken))
        raise click.ClickException(f"not whole: {wrong}; run: dlnotes data fetch {wrong}")


@cli.command(
    "ledger",
    epilog=examples(
        "dlnotes ledger                     every claim with its verdict",
        "dlnotes ledger --json              the same as JSON",
        "dlnotes ledger --compare old.json  which verdicts changed; exit code 1 if any did",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--compare",
    "old",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Print the verdicts that differ from an earlier ledger's.",
)
def ledger_command(as_json: bool, old: Path | None) -> None:
    """Print the ledger of the last build."""
    try:
        rows = ledger.read(find_root() / "_build" / "ledger.json")
        changes = ledger.compare(ledger.read(old), rows) if old else []
    except ledger.LedgerError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        line(json.dumps(changes if old else rows, indent=1, ensure_ascii=False))
    elif old:
        for change in changes:
            told = f"{change['old']} -> {change['new']} ({change['evidence']})"
            line(f"{change['id']}  {told}: {change['statement']}")
        line(f"{len(changes)} verdicts changed")
    else:
        line(ledger.table(rows))
    if changes:
        click.get_current_context().exit(1)


@cli.command("doctor", epilog=examples("dlnotes doctor"))
def doctor_command() -> None:
    """Say what this machine has, what it lacks, and how to get it."""
    from dlnotes.press import doctor

    checks = doctor.examine(find_root(required=False))
    for check in checks:
        line(doctor.told(check))
    missing = [check.name for check in checks if check.required and not check.ok]
    if missing:
        raise click.ClickException(f"required and missing: {', '.join(missing)}")


cli.add_command(bench.bench)


def find_root(*, required: bool = True) -> Path:
    """Return the nearest folder, from here upward, that holds a book; here if none is required."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "book").is_dir():
            return folder
    if required:
        raise click.ClickException(f"no folder 'book' in {here} or above it; go to the book's root")
    return here


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    sys.exit(code(args))


def code(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors go to stderr, bad usage in one line."""
    try:
        return cli.main(args, prog_name="dlnotes", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "dlnotes"
        click.echo(f"{where}: {' '.join(error.format_message().split())}", err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"dlnotes: {error.format_message()}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("dlnotes: interrupted; finished lectures are in the cache", err=True)
        return 130
    except OSError as error:
        click.echo(f"dlnotes: {disk.problem(error, Path.cwd())}", err=True)
        return 1
