"""Options that several commands share, and the types of their values."""

from collections.abc import Callable, Sequence

import click

from dlnotes.contract import DEVICES, PROFILES, check_address, parse_seeds, unknown


class OneOf(click.ParamType):
    """A value from a list; anything else is answered with the list and the nearest of it."""

    def __init__(self, name: str, valid: Callable[[], Sequence[str]]) -> None:
        """Take what the value is called, and where the list comes from."""
        self.name = name
        self.valid = valid

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value if it is in the list."""
        if value not in self.valid():
            self.fail(unknown(self.name, value, self.valid()), param, ctx)
        return value


class Seeds(click.ParamType):
    """Seeds such as ``0-7`` or ``1,2,9``; no text means each lecture's own."""

    name = "seeds"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text without blanks if it names seeds, each once."""
        text = "".join(value.split())
        try:
            seeds = parse_seeds(text) if text else ()
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if len(seeds) == 1:
            self.fail(f"must be two or more different seeds; got {value!r}", param, ctx)
        return text


class Address(click.ParamType):
    """Where a scheduler listens, such as ``tcp://scheduler:8786``."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address if it has that form."""
        try:
            check_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


def _dataset_names() -> list[str]:
    from dlnotes.data import registry

    return registry.names()


PROFILE = OneOf("profile", lambda: ["auto", *PROFILES])
DEVICE = OneOf("device", lambda: DEVICES)
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
        help="Other seeds than the lectures' own: numbers and ranges A-B, at least 8 of them.",
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
