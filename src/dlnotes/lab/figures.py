"""The book's figures: one style, one function a kind, and the way onto the page.

Figures are drawn from frames of records, never from models. They are drawn for a light page, and
each says in itself which color takes the place of which on a dark one: text and data have a
contrast of at least 4.5 on both. The colors remain apart for the common kinds of color blindness,
helped by dashes and markers.
"""

import base64
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.lab.frames import check_frames, said
from dlnotes.lab.prose import display
from dlnotes.stats import Interval, mean_interval

INK = "#57606a"
PAPER = "#fdfcfa"
COLORS = ("#1d6fb5", "#a8530a", "#b93f3f", "#1d7a55", "#8a4aa3", INK)
DARK = dict(
    zip(
        (*COLORS, PAPER),
        ("#6cb0ea", "#f0a04b", "#f08c86", "#5fc79b", "#cf9be0", "#a3abb5", "#16191d"),
        strict=True,
    )
)
"""What each color becomes on a dark page; `PAPER` fills a hollow marker."""
DASHES = ("", (5, 2), (1.5, 1.5), (6, 2, 1.5, 2), (9, 2), (3, 1))
MARKERS = ("o", "s", "^", "D", "v", "P")

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DPI = 110
_PLATE = '<rect class="plate" width="100%" height="100%" fill="#ffffff"/>'


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
    """Put a figure on the page, with its words and the data behind it.

    The page shows the SVG; the PNG beside it is for notebooks, which show it without being trusted.

    Args:
        figure: Closed afterwards.
        name: Unique within the lecture, lowercase with hyphens; names the file and the anchor.
        alt: What a reader who cannot see the figure needs, with the run's numbers.
        caption: One or two sentences that state the finding; MyST markdown.
        data: The numbers drawn, one row a mark; downloadable from the caption.

    Raises:
        ValueError: The name has other characters.
    """
    _check_name(name)
    _display(figure, svg(figure), data, {"figure": name, "alt": alt, "caption": caption})


def flipbook(
    frames: Mapping[float, Figure] | Mapping[str, Figure],
    name: str,
    *,
    label: str,
    alts: Mapping[float, str] | Mapping[str, str],
    says: Mapping[float, str] | Mapping[str, str],
    caption: str,
    data: pd.DataFrame,
    default: float | str,
) -> None:
    """Put several recorded figures in one place: the reader chooses which is seen.

    Numbers get a slider, names a row of buttons. On paper, without scripts and in a plain notebook
    the figure is the one of ``default``.

    Args:
        frames: Value -> figure, at least two, numbers in rising order; all of one size and with
            the same limits of axes, so that only the data move. Closed afterwards.
        name: As for `show`.
        label: What is chosen, for example ``"width"``.
        alts: Value -> what a reader who cannot see this frame needs.
        says: Value -> one sentence that tells what this frame shows.
        caption: As for `show`.
        data: As for `show`, of all frames.
        default: The value shown first.

    Raises:
        ValueError: One of these does not hold.
    """
    _check_name(name)
    check_frames(frames, alts, says, default)
    values = list(frames)
    pages = [
        {"value": said(v), "alt": alts[v], "says": says[v], "svg": svg(figure)}
        for v, figure in frames.items()
    ]
    book = {
        "label": label,
        "kind": "buttons" if isinstance(values[0], str) else "slider",
        "default": values.index(default),
        "frames": pages,
    }
    about = {"figure": name, "alt": alts[default], "caption": caption, "flipbook": book}
    _display(frames[default], pages[values.index(default)]["svg"], data, about)
    for figure in frames.values():
        plt.close(figure)


def svg(figure: Figure) -> str:
    """Return a figure as repeatable SVG for a light page, which says how it becomes a dark one.

    It stands on a white plate, for notebooks may be dark; the page takes it away.
    """
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    pairs = " ".join(f"{light}={dark}" for light, dark in DARK.items())
    said = f"<!-- dark: {pairs} -->"
    return re.sub(r"<svg [^>]*>", lambda m: f"{said}\n{m[0]}\n{_PLATE}", text.getvalue(), count=1)


def _display(figure: Figure, drawn: str, data: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Leave a figure and its SVG in the notebook, and what the page needs to know; close it."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    plt.close(figure)
    display(
        {
            "image/svg+xml": drawn,
            "image/png": base64.b64encode(png.getvalue()).decode(),
            "text/csv": data.to_csv(index=False, float_format="%.6g", lineterminator="\n"),
            "text/plain": about["alt"],
        },
        raw=True,
        metadata={"dlnotes": dict(about)},
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"a figure's name has lowercase letters, digits and hyphens, got {name!r}; rename it"
        )


def words(values: Mapping[str, float], spec: str) -> str:
    """Return named numbers in words, for an alternative text.

    >>> words({"MLP": 90.1234, "CNN": -88}, ".1f")
    'MLP 90.1, CNN −88.0'

    Args:
        values: Name -> number, finite.
        spec: Format of all.

    Raises:
        ValueError: A number is nan or infinite.
    """
    wrong = [name for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        raise ValueError(f"a number in words must be finite, {wrong} are not; say it yourself")
    told = {name: format(value, spec).replace("-", "−") for name, value in values.items()}
    return ", ".join(f"{name} {number}" for name, number in told.items())


def legend_below(figure: Figure, axes: Iterable[Axes]) -> None:
    """Draw one legend for several panels, below them; a label that several have stands once.

    Args:
        figure: The figure.
        axes: The panels; their own legends go.

    Raises:
        ValueError: No panel has anything labeled.
    """
    entries = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        entries |= {text: h for text, h in zip(labels, handles, strict=True) if text not in entries}
        if axis.get_legend():
            axis.get_legend().remove()
    if not entries:
        raise ValueError("a legend needs artists with a label, got none; draw with label=...")
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=len(entries))


def seed_rows(
    axis: Axes,
    arms: Mapping[str, Sequence[float]],
    mean: Literal["arithmetic", "geometric"] = "arithmetic",
) -> None:
    """Draw a row an arm, the first on top: a faint dot a seed, the mean with its 95 % interval.

    Args:
        axis: Where to draw; its vertical axis becomes the arms.
        arms: Arm -> one value a seed, at least two; above zero for a geometric mean.
        mean: The geometric mean is for ratios and times; its interval is that of the logarithms.

    Raises:
        ValueError: A value has no logarithm, an arm has fewer than two, or ``mean`` is no mean.
    """
    for i, (arm, values) in enumerate(arms.items()):
        found = _mean(arm, values, mean)
        color = COLORS[i % len(COLORS)]
        axis.scatter(values, [i] * len(values), s=20, alpha=0.5, color=color, linewidths=0)
        ends = [[found.estimate - found.low], [found.high - found.estimate]]
        marker = MARKERS[i % len(MARKERS)]
        axis.errorbar(found.estimate, i, xerr=ends, fmt=marker, ms=5, color=color, capsize=3)
    axis.set_yticks(range(len(arms)), list(arms))
    axis.set_ylim(len(arms) - 0.5, -0.5)


def _mean(arm: str, values: Sequence[float], mean: str) -> Interval:
    """Return the mean of one arm's seeds with its interval."""
    if mean == "arithmetic":
        return mean_interval(values)
    if mean != "geometric":
        raise ValueError(f"mean must be 'arithmetic' or 'geometric', got {mean!r}")
    if min(values) <= 0:
        raise ValueError(
            f"a geometric mean needs values above zero, got {min(values)} in {arm!r}; "
            "use mean='arithmetic'"
        )
    logs = mean_interval([math.log(value) for value in values])
    ends = {end: math.exp(getattr(logs, end)) for end in ("low", "estimate", "high")}
    return Interval(**ends, method="t interval of the mean logarithm")


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
    height = size * len(rows) + (0.3 if len(titles) else 0.0)
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(size * columns + 1.6, height), squeeze=False
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
