"""The frames of a flipbook: what several figures must have in common to be leafed through."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure


def check_frames(
    frames: Mapping[Any, Figure], alts: Mapping, says: Mapping, default: float | str
) -> None:
    """Refuse frames that cannot be leafed through.

    Args:
        frames: Value -> figure.
        alts: Value -> alternative text.
        says: Value -> one sentence.
        default: The value shown first.

    Raises:
        ValueError: What must hold, what came, what to do.
    """
    values = list(frames)
    if len(values) < 2:
        raise ValueError(f"a flipbook has at least two frames, got {values}; use show for one")
    numbers = [v for v in values if isinstance(v, int | float) and math.isfinite(v)]
    if not all(isinstance(v, str) and v for v in values):
        if len(numbers) < len(values):
            raise ValueError(f"frames are all numbers or all names, got {values}; choose one kind")
        if any(a >= b or said(a) == said(b) for a, b in itertools.pairwise(values)):
            raise ValueError(f"numbers of frames must rise, each once, got {values}; sort them")
    if default not in frames:
        raise ValueError(f"the default must be one of the frames {values}, got {default!r}")
    for what, texts in (("alternative text (alts)", alts), ("sentence (says)", says)):
        lacking = [v for v in values if not str(texts.get(v, "")).strip()]
        if lacking:
            raise ValueError(f"every frame needs its {what}, none for {lacking}; write them")
    shapes = {v: _shape(figure) for v, figure in frames.items()}
    odd = [v for v in values if shapes[v] != shapes[values[0]]]
    if odd:
        raise ValueError(
            f"frames must have one size and the same limits of axes, {odd} differ from "
            f"{values[0]!r}: {shapes[odd[0]]} and {shapes[values[0]]}; set them"
        )


def _shape(figure: Figure) -> tuple:
    """Return size and limits of axes, to ten digits."""
    limits = [(*axis.get_xlim(), *axis.get_ylim()) for axis in figure.axes]
    return tuple(
        tuple(float(f"{number:.10g}") for number in numbers)
        for numbers in [tuple(figure.get_size_inches()), *limits]
    )


def said(value: float | str) -> str:
    """Return a frame's value as the reader sees it.

    >>> said(1024), said(0.5), said("MLP")
    ('1,024', '0.5', 'MLP')
    """
    return value if isinstance(value, str) else f"{value:,g}"
