"""The book's figures: one style, one function a kind, and the way onto the page.

Figures are drawn from frames of records, never from models. Ink and colors are chosen to be legible
on white and on a dark page alike: each has a contrast of at least 3.7 to either, and the colors
remain apart for the common kinds of color blindness, helped by dashes and markers.
"""

import io
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.stats import mean_interval

INK = "#767c86"
COLORS = ("#3b82c4", "#c8690f", "#cf5353", "#2a9068", "#a463b8", INK)
DASHES = ("", (5, 2), (1.5, 1.5), (6, 2, 1.5, 2), (9, 2), (3, 1))
MARKERS = ("o", "s", "^", "D", "v", "P")


def style() -> None:
    """Set the style of all figures drawn after it: transparent, no box, repeatable SVG."""
    sns.set_theme(context="notebook", style="ticks", palette=list(COLORS))
    names = ("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color")
    plain = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
    mpl.rcParams.update(
        dict.fromkeys(names, INK)
        | dict.fromkeys(plain, "none")
        | {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "font.family": "DejaVu Sans",
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.labelsize": 11,
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
            "svg.hashsalt": "dlnotes",
            "svg.fonttype": "path",
        }
    )


def show(figure: Figure, name: str, *, alt: str, caption: str, data: pd.DataFrame) -> None:
    """Put a figure on the page as SVG, with its words and the data behind it.

    Args:
        figure: Closed afterwards.
        name: Unique within the lecture, lowercase with hyphens; names the file and the anchor.
        alt: What a reader who cannot see the figure needs, with the run's numbers.
        caption: One or two sentences that state the finding; MyST markdown.
        data: The numbers drawn, one row a mark; downloadable from the caption.
    """
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    display(
        {
            "image/svg+xml": svg.getvalue(),
            "text/csv": data.to_csv(index=False, float_format="%.6g", lineterminator="\n"),
            "text/plain": alt,
        },
        raw=True,
        metadata={"dlnotes": {"figure": name, "alt": alt, "caption": caption}},
    )


def image_rows(
    rows: dict[str, np.ndarray], titles: Sequence[str] = (), *, size: float = 1.0
) -> Figure:
    """Draw named rows of images: gray, or color if they have three channels.

    Args:
        rows: Label -> images ``[columns, channels, height, width]``, each scaled to its own range.
        titles: One a column, or none.
        size: Side of an image in inches.

    Returns:
        The figure.
    """
    columns = len(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(size * columns + 1.6, size * len(rows)), squeeze=False
    )
    for (label, images), line in zip(rows.items(), axes, strict=True):
        for axis, image in zip(line, images, strict=True):
            span = np.ptp(image) or 1.0
            picture = (image - image.min()) / span
            axis.imshow(picture.transpose(1, 2, 0).squeeze(), cmap="gray", interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            sns.despine(ax=axis, left=True, bottom=True)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, loc="center")
    return figure


def seed_curves(
    axes: Axes, frame: pd.DataFrame, *, x: str, y: str, hue: str, **kwargs: Any
) -> None:
    """Draw one thin line a seed, colored and dashed by ``hue``.

    Args:
        axes: Where to draw.
        frame: Long: columns ``x``, ``y``, ``hue`` and ``seed``.
        x: Column of the horizontal axis.
        y: Column of the vertical axis.
        hue: Column that colors the lines, in order of appearance.
        **kwargs: Passed to `seaborn.lineplot`.
    """
    kinds = list(frame[hue].unique())
    look = {
        "palette": dict(zip(kinds, COLORS, strict=False)),
        "dashes": dict(zip(kinds, DASHES, strict=False)),
    }
    sns.lineplot(
        frame,
        x=x,
        y=y,
        hue=hue,
        style=hue,
        units="seed",
        estimator=None,
        linewidth=1.1,
        ax=axes,
        **look,
        **kwargs,
    )


def seed_points(axes: Axes, frame: pd.DataFrame, *, x: str, y: str, hue: str) -> None:
    """Draw every seed as a faint dot, and per ``x`` and ``hue`` the mean with its 95 % interval.

    Args:
        axes: Where to draw.
        frame: Long: columns ``x`` (numbers), ``y``, ``hue``; at least two rows a place.
        x: Column of the horizontal axis.
        y: Column of the vertical axis.
        hue: Column that colors, in order of appearance.
    """
    for i, (kind, part) in enumerate(frame.groupby(hue, sort=False)):
        means = [(at, mean_interval(group[y].tolist())) for at, group in part.groupby(x)]
        at = np.array([place for place, _ in means])
        low, mid, high = (
            np.array([getattr(m, end) for _, m in means]) for end in ("low", "estimate", "high")
        )
        axes.scatter(part[x], part[y], s=18, color=COLORS[i], alpha=0.5, linewidths=0)
        axes.errorbar(
            at,
            mid,
            yerr=(mid - low, high - mid),
            color=COLORS[i],
            marker=MARKERS[i],
            markersize=5,
            linewidth=1.4,
            linestyle=(0, DASHES[i]) if DASHES[i] else "-",
            capsize=3,
            label=kind,
        )


def baseline(axes: Axes, value: float, label: str, *, side: Literal["left", "right"]) -> None:
    """Draw a horizontal reference line with its name written on it, at its left or right end."""
    axes.axhline(value, color=INK, linewidth=1, linestyle=(0, (2, 2)), zorder=0)
    axes.annotate(
        label,
        (0.01 if side == "left" else 1, value),
        xycoords=("axes fraction", "data"),
        ha=side,
        va="bottom",
        color=INK,
        fontsize=9.5,
    )
