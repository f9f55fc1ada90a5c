"""Options that several commands share, and the types of their values."""

import re
from collections.abc import Callable, Sequence

import click

from dlnotes.press import lectures

SEEDS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
MOST_SEEDS = 1000
ADDRESS = re.compile(r"(tcp|tls)://([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}")


class OneOf(click.ParamType):
    """A value from a list; anything else is answered with the list and the nearest of it."""

    def __init__(self, name: str, valid: Callable[[], Sequence[str]]) -> None:
        """Take what the value is called, and where the list comes from."""
        self.name = name
        self.valid = valid

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value if it is in the list."""
        if value not in self.valid():
            self.fail(lectures.unknown(self.name, value, self.valid()), param, ctx)
        return value


class Seeds(click.ParamType):
    """Seeds such as ``1000-1004`` or ``1,2,7``; no text means each lecture's own."""

    name = "seeds"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text without blanks if it names at least two different seeds."""
        seeds: list[int] = []
        text = "".join(value.split())
        for part in text.split(",") if text else ():
            match = SEEDS.fullmatch(part)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
            if first > last:
                self.fail(f"must be like 1000-1004 or 1,2,7; got {value!r}", param, ctx)
            if len(seeds) + last - first >= MOST_SEEDS:
                self.fail(f"must be at most {MOST_SEEDS} seeds; got {value!r}", param, ctx)
            seeds += range(first, last + 1)
        if text and (len(set(seeds)) < len(seeds) or len(seeds) < 2):
            self.fail(f"must be two or more different seeds; got {value!r}", param, ctx)
        return text


class Address(click.ParamType):
    """Where a scheduler listens, such as ``tcp://scheduler:8786``."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address if it has that form."""
        if not ADDRESS.fullmatch(value) or int(value.rpartition(":")[2]) > 65535:
            self.fail(f"must be like tcp://scheduler:8786; got {value!r}", param, ctx)
        return value


def _dataset_names() -> list[str]:
    from dlnotes.data import files

    return files.names()


PROFILE = OneOf("profile", lambda: ["auto", *lectures.PROFILES])
DEVICE = OneOf("device", lambda: ["auto", "cpu", "cuda"])
DATASET = OneOf("data set", _dataset_names)
RUN_OPTIONS = (
    click.option(
        *("--profile", "-p"),
        type=PROFILE,
        default="auto",
        show_default=True,
        help="Size of the runs: smoke (seconds), cpu (the published book), gpu (full size); "
        "auto is gpu where a GPU is, else cpu.",
    ),
    click.option(
        *("--device", "-d"),
        type=DEVICE,
        default="auto",
        show_default=True,
        help="Where to compute: auto, cpu or cuda.",
    ),
    click.option(
        "--seeds",
        type=Seeds(),
        default="",
        help="Other seeds than the lectures' own, such as 1000-1004 or 1,2,7.",
    ),
    click.option("--fresh", is_flag=True, help="Run even what the cache holds."),
    click.option(
        *("--jobs", "-j"),
        type=click.IntRange(min=1),
        help="Lectures at a time; by default one per core, and one on a GPU.",
    ),
    click.option(
        "--cluster",
        type=Address(),
        envvar="DLNOTES_CLUSTER",
        metavar="ADDRESS",
        help="Let the workers of this dask scheduler train, such as tcp://scheduler:8786.",
    ),
    click.option(
        "--cell-timeout",
        type=click.IntRange(min=1),
        default=600,
        show_default=True,
        help="Seconds a cell may take.",
    ),
    click.option(
        "--run-timeout",
        type=click.IntRange(min=1),
        default=3600,
        show_default=True,
        help="Seconds a lecture may take.",
    ),
)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how lectures are run."""
    for option in reversed(RUN_OPTIONS):
        command = option(command)
    return command


def examples(*lines: str) -> str:
    """Return the end of a command's help."""
    return "\n".join(["\b", "Examples:", *(f"  {text}" for text in lines)])
