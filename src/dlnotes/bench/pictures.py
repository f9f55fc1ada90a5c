"""The report as pictures: ratios at every point, and cost against size."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlnotes.bench import report
from dlnotes.bench.report import TITLES, BenchRow, Match
from dlnotes.lab import figures

GAP = 1.0
"""Room between two groups of points on the horizontal axis, in points."""


def ratios(rows: Sequence[BenchRow]) -> Figure | None:
    """Draw how many times as long each rival takes, one panel a batch size; None without rows."""
    found = report.matches(rows, "mlp")
    panels = []
    for batch in dict.fromkeys(match.point["batch"] for match in found):
        here = [match for match in found if match.point["batch"] == batch]
        panels.append((f"dense networks, batch {batch}", "depth", here))
    if convolved := report.matches(rows, "cnn"):
        panels.append(("convolutional networks", "channels", convolved))
    if not panels:
        return None
    tall = 0.8 + 2.5 * len(panels)
    figure, axes = plt.subplots(len(panels), 1, figsize=(8.5, tall), sharey=True, squeeze=False)
    for axis, (title, below, here) in zip(axes[:, 0], panels, strict=True):
        _panel(axis, here)
        axis.set(title=title, xlabel=below, ylabel="time / dlnotes'")
    values = [value for *_, here in panels for match in here for value in match.ratios.values()]
    low, high = math.floor(math.log2(min(1, *values))), math.ceil(math.log2(max(*values, 2)))
    ticks = [2.0**k for k in range(low, high + 1)]
    axes[0, 0].set_ylim(ticks[0] / 1.15, ticks[-1] * 1.15)
    axes[0, 0].set_yticks(ticks, [f"{t:g}" for t in ticks])
    handles = {}
    for axis in axes[:, 0]:
        handles |= dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=3)
    return figure


def _panel(axis: Axes, here: Sequence[Match]) -> None:
    """Draw the points of one panel; networks of one width are joined by a line."""
    at, ticks = 0.0, []
    for width, group in itertools.groupby(here, key=_group):
        members = list(group)
        places = [at + i for i in range(len(members))]
        for i, (rival, title) in enumerate(TITLES.items()):
            drawn = [
                (x, m.ratios[rival])
                for x, m in zip(places, members, strict=True)
                if rival in m.ratios
            ]
            if drawn:
                dashes = figures.DASHES[i]
                axis.plot(
                    *zip(*drawn, strict=True),
                    color=figures.COLORS[i],
                    marker=figures.MARKERS[i],
                    linestyle=(0, dashes) if dashes else "-",
                    markersize=5,
                    linewidth=1.3,
                    label=title,
                )
        ticks += [
            (x, f"{_tick(m)}\n{width}" if i == len(places) // 2 else f"{_tick(m)}")
            for i, (x, m) in enumerate(zip(places, members, strict=True))
        ]
        at = places[-1] + 1 + GAP
    axis.set_yscale("log")
    axis.minorticks_off()
    axis.set_xticks([x for x, _ in ticks], [label for _, label in ticks])
    axis.set_xlim(-0.7, at - GAP - 0.3)
    axis.axhline(1, color=figures.INK, linewidth=1, linestyle=(0, (2, 2)), zorder=0)


def _group(match: Match) -> str:
    point = match.point
    return f"width {point['width']}" if "width" in point else f"batch {point['batch']}"


def _tick(match: Match) -> str:
    return str(match.point.get("depth") or "-".join(map(str, match.point["channels"])))


def ratios_alt(rows: Sequence[BenchRow]) -> str:
    """Return the picture in words, with the numbers of the run."""
    found = report.matches(rows)
    told = []
    for rival, title in TITLES.items():
        own = [match.ratios[rival] for match in found if rival in match.ratios]
        if own:
            low, mid, high = map(report.number, (min(own), report.mean(own), max(own)))
            told.append(f"{title} {low} to {high}, geometric mean {mid}")
    return (
        f"Time of each rival over the time of dlnotes at {len(found)} points, on a log scale: "
        f"{'; '.join(told)}."
    )


def scaling(rows: Sequence[BenchRow]) -> Figure | None:
    """Draw seconds against models and against examples, both axes logarithmic."""
    found = [row for row in rows if row["grid"] == "scaling"]
    ways = list(dict.fromkeys(row["along"] for row in found))
    if not ways:
        return None
    figure, axes = plt.subplots(
        1, len(ways), figsize=(4.2 * len(ways), 3.4), sharey=True, squeeze=False
    )
    for i, (axis, along) in enumerate(zip(axes[0], ways, strict=True)):
        own = [row for row in found if row["along"] == along]
        size = [float(row["point"][along]) for row in own]
        mid, low, high = ([row["seconds"][k] for row in own] for k in ("median", "min", "max"))
        error = [[m - a for m, a in zip(mid, low, strict=True)]]
        error.append([b - m for m, b in zip(mid, high, strict=True)])
        look = {"color": figures.COLORS[i], "marker": figures.MARKERS[i], "capsize": 3}
        axis.errorbar(size, mid, yerr=error, linestyle="", **look)
        straight = [mid[-1] * s / size[-1] for s in size]
        axis.plot(size, straight, color=figures.INK, linestyle=(0, (5, 2)), linewidth=1)
        middle = len(size) // 2
        axis.annotate(
            "slope 1",
            (size[middle], straight[middle]),
            xytext=(6, -12),
            textcoords="offset points",
            color=figures.INK,
        )
        power = report.slope(list(zip(size, mid, strict=True)))
        axis.set(xscale="log", yscale="log", xlabel=along, title=f"slope {power:.2f}")
    axes[0, 0].set_ylabel("seconds")
    return figure


def scaling_alt(rows: Sequence[BenchRow]) -> str:
    """Return the picture in words, with the numbers of the run."""
    told = [
        f"{along} {pairs[0][0]:g} to {pairs[-1][0]:g}: {pairs[0][1]:.2g} s to "
        f"{pairs[-1][1]:.2g} s, fitted slope {report.slope(pairs):.2f}"
        for along, pairs in report.lines(rows).items()
    ]
    return f"Training time on log-log axes beside a line of slope 1: {'; '.join(told)}."


PICTURES = {"ratios": ratios, "scaling": scaling}


def write(rows: Sequence[BenchRow], path: Path) -> dict[str, Path]:
    """Write the pictures that the rows give: the first to ``path``, the next beside it.

    Returns:
        Picture -> its file.
    """
    figures.style()
    plt.switch_backend("agg")
    written: dict[str, Path] = {}
    for name, draw in PICTURES.items():
        figure = draw(rows)
        if figure is None:
            continue
        target = path.with_stem(f"{path.stem}-{name}") if written else path
        if target.suffix == ".svg":
            target.write_text(figures.svg(figure), encoding="utf-8")
        else:
            figure.savefig(target, dpi=150)
        plt.close(figure)
        written[name] = target
    return written
