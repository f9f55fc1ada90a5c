"""Matrix products of a stack on a CPU, by the road that is fastest on the machine at hand.

PyTorch multiplies float32 matrices with the library it was built for (MKL on most PCs), one call
for the whole stack. Its other library, oneDNN, is up to twice as fast on some processors for wide
matrices and several times slower for narrow ones. `calibrate` measures both once and remembers the
answer; until it is called, everything goes through PyTorch's own operators. Both roads compute the
same sums in float32 and differ by rounding only.

Three forms of product occur in the training of a dense layer, named by which factor is stored
transposed (``n`` no, ``t`` yes): ``nn`` forward, ``tn`` to the inputs' gradient, ``nt`` to the
weights' gradient.
"""

import json
import math
import statistics
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import pooch
import torch
from filelock import FileLock
from jaxtyping import Float
from torch import Tensor

from dlnotes.machine import cpu_name

Form = Literal["nn", "tn", "nt"]
Row = list[Form | int | float]
"""Form, rows, inner, columns, and the seconds of PyTorch's road over those of oneDNN's."""
SHAPES = [(width, batch) for width in (128, 512, 1024) for batch in (128, 1024)]
"""What is measured: square layers of this width at this batch size."""

_onednn_is_faster: dict[Form, dict[tuple[int, int, int], bool]] = {}
"""Form -> (rows, inner, columns) -> answer; empty until `calibrate` is called."""


def product(
    a: Float[Tensor, "models rows inner"],
    b: Float[Tensor, "models inner columns"],
    *,
    out: Float[Tensor, "models rows columns"] | None = None,
) -> Float[Tensor, "models rows columns"]:
    """Return the matrix product of every pair, in ``out`` if that is given.

    Example:
        >>> product(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0], [4.0]]])).item()
        11.0
    """
    out = a.new_empty(len(a), a.shape[1], b.shape[2]) if out is None else out
    if not _by_onednn(a, b):
        return torch.bmm(a, b, out=out)
    for one, left, right in zip(out, a, b, strict=True):
        one.copy_(_onednn(left, right))
    return out


def accumulate(
    into: Float[Tensor, "models rows columns"],
    a: Float[Tensor, "models rows inner"],
    b: Float[Tensor, "models inner columns"],
) -> None:
    """Add the product of every pair to ``into``, in place.

    Example:
        >>> into = torch.full((1, 1, 1), 100.0)
        >>> accumulate(into, torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0], [4.0]]]))
        >>> into.item()
        111.0
    """
    if _by_onednn(a, b):
        for one, left, right in zip(into, a, b, strict=True):
            one.add_(_onednn(left, right))
    else:
        into.baddbmm_(a, b)


def _onednn(a: Tensor, b: Tensor) -> Tensor:
    """Return one product by oneDNN, in float32 throughout; the operator transposes ``b``."""
    return torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")


def _by_onednn(a: Tensor, b: Tensor) -> bool:
    if not _onednn_is_faster or a.shape[1] < 64 or a.is_cuda or a.dtype != torch.float32:
        return False  # fewer rows are never measured, never faster
    form = ("n" if a.stride(-1) == 1 else "t") + ("n" if b.stride(-1) == 1 else "t")
    return _nearest(form, a.shape[1], a.shape[2], b.shape[2])


@cache
def _nearest(form: Form, rows: int, inner: int, columns: int) -> bool:
    """Return the answer for the measured shape that is nearest on a log scale."""
    answers = _onednn_is_faster.get(form, {})
    if not answers or min(inner, columns) < 64:
        return False
    return answers[
        min(
            answers,
            key=lambda shape: math.dist(
                [math.log(n) for n in shape], [math.log(rows), math.log(inner), math.log(columns)]
            ),
        )
    ]


def calibrate(path: Path | None = None) -> None:
    """Measure which road is faster for which shape, once a machine; later calls read the answer.

    Takes about two seconds the first time. The answer holds for this processor, this number of
    threads and this version of PyTorch. Without oneDNN nothing is measured and nothing changes.

    Args:
        path: Where the answers are kept; the user's cache folder if None. If it cannot be written,
            the measurement is made anew in each process.
    """
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return
    path = path or Path(pooch.os_cache("dlnotes")) / "products.json"
    machine = f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):  # two at once would disturb each other's clocks
            known = _read(path)
            if machine not in known:
                known[machine] = _measure()
                path.write_text(json.dumps(known, indent=1))
            rows = known[machine]
    except OSError:
        rows = _measure()
    _onednn_is_faster.clear()
    _nearest.cache_clear()
    for form, r, k, c, ratio in rows:
        _onednn_is_faster.setdefault(form, {})[r, k, c] = ratio > 1.05  # else keep the plain road


def _read(path: Path) -> dict[str, list[Row]]:
    """Return what has been measured; a damaged file counts as none."""
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _measure() -> list[Row]:
    """Compare both roads for every form and shape."""
    rows: list[Row] = []
    for width, batch in SHAPES:
        models = max(1, 512 // width)
        weight, wide = torch.ones(models, width, width), torch.ones(models, width, batch)
        out = torch.zeros_like(weight)
        pairs: dict[Form, tuple[Tensor, Tensor]] = {
            "nn": (weight, wide),
            "tn": (weight.mT, wide),
            "nt": (wide, wide.mT),
        }
        for form, (a, b) in pairs.items():
            roads: list[Callable[[], object]] = [
                lambda a=a, b=b: torch.bmm(a, b),
                lambda a=a, b=b: [_onednn(x, y).add_(0) for x, y in zip(a, b, strict=True)],
            ]
            if form == "nt":
                roads = [
                    lambda a=a, b=b, out=out: torch.baddbmm(out, a, b),
                    lambda a=a, b=b, out=out: [
                        o.add_(_onednn(x, y)) for o, x, y in zip(out, a, b, strict=True)
                    ],
                ]
            plain, onednn = (_seconds(road) for road in roads)
            rows.append([form, a.shape[1], a.shape[2], b.shape[2], plain / onednn])
    return rows


def _seconds(road: Callable[[], object], repeats: int = 5) -> float:
    """Return the median time of a few runs, after a first one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        road()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])
