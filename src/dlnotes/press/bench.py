"""``dlnotes bench``: measure the engine against its peers, in a process of its own."""

import json
import subprocess
import sys
from typing import Any

import click

from dlnotes.press.options import DEVICE, OneOf, examples

GRIDS = ("all", "mlp", "cnn", "memory", "scaling")


@click.command(
    "bench",
    epilog=examples(
        "dlnotes bench --quick                        four points, about two minutes",
        "dlnotes bench --json results/bench/cpu.jsonl everything; the book shows it",
        "dlnotes bench --grid mlp --plot ratios.svg   one grid, with its picture",
        "dlnotes bench --device cuda                  all on the GPU",
    ),
)
@click.option(
    *("--grid", "-g"),
    type=OneOf("grid", lambda: GRIDS),
    default="all",
    show_default=True,
    help="mlp (width x depth x batch), cnn, memory, scaling, or all.",
)
@click.option("--quick", is_flag=True, help="A few points of each grid, about two minutes.")
@click.option(
    "--repeats", type=click.IntRange(min=1), help="Rounds; by default 5, and 3 with --quick."
)
@click.option(
    *("--device", "-d"),
    type=DEVICE,
    default="auto",
    show_default=True,
    help="Where to compute: auto, cpu or cuda.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of each rival; by default one a core."
)
@click.option("--json", metavar="FILE", help="Write the rows there, one JSON object a line.")
@click.option("--plot", metavar="FILE", help="Write the pictures there, .svg or .png.")
def bench(**options: Any) -> None:
    """Measure the engine against its peers, interleaved and repeated.

    The same networks are trained by dlnotes, by the ordinary PyTorch loop with and without
    DataLoader, by torch.func.vmap, by JAX and by scikit-learn; the fastest matrix product of the
    machine is the limit. JAX is an extra: pip install 'dlnotes[bench]'.
    """
    asked = {name: value for name, value in options.items() if value is not None}
    call = [sys.executable, "-m", "dlnotes.bench", json.dumps(asked)]
    click.get_current_context().exit(subprocess.call(call))
