"""The report as tables, written as plain text for a terminal or as Markdown for a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dlnotes.bench import report
from dlnotes.bench.report import TITLES, BenchRow, Match, named, number

WIDTHS, BATCHES = (16, 128, 512, 1024), (1024, 128)


@dataclass(frozen=True)
class Table:
    """A table under a title.

    Attributes:
        title: What it shows.
        note: A sentence on how to read it.
        head: One word or two a column.
        body: Rows of text.
    """

    title: str
    note: str
    head: Sequence[str]
    body: Sequence[Sequence[str]]

    def text(self) -> str:
        """Return it with aligned columns; the first to the left, numbers to the right."""
        table = [self.head, *self.body]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.head))]
        lines = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return "\n".join([self.title, self.note, "", *lines, ""])

    def markdown(self) -> str:
        """Return it in Markdown; short cells stay on one line."""
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        body = [[c.replace(" ", "\u00a0") if len(c) < 36 else c for c in row] for row in self.body]
        lines = [f"| {' | '.join(row)} |" for row in (self.head, rule, *body)]
        return "\n".join([self.note, "", *lines, ""])


def all_tables(rows: Sequence[BenchRow]) -> list[Table]:
    """Return every table that has something to show."""
    tables = [points(rows), means(rows), limits(rows), products(rows), memory(rows), scaling(rows)]
    return [table for table in [*tables, targets(rows)] if table.body]


def points(rows: Sequence[BenchRow]) -> Table:
    """Return time and ratios at every point."""
    found = report.matches(rows)
    rivals = [name for name in TITLES if _present(rows, name)]
    return Table(
        "Points",
        "Time of dlnotes per network and optimizer step, and how many times as long each other "
        "takes. Medians; the range is that of the rounds.",
        ["Point", "dlnotes, ms", "range", "GFLOP/s", *(TITLES[name] for name in rivals)],
        [
            [
                match.name,
                f"{match.engine['ms']['median']:.3g}",
                "{min:.3g} to {max:.3g}".format(**match.engine["ms"]),
                f"{match.engine['gflops']['median']:.0f}",
                *(number(match.ratios[r]) if r in match.ratios else "–" for r in rivals),
            ]
            for match in found
        ],
    )


def _present(rows: Iterable[BenchRow], rival: str) -> bool:
    return any(row["rival"] == rival and "ms" in row for row in rows)


def absent(rows: Iterable[BenchRow]) -> list[str]:
    """Return who did not take part at all, and why."""
    rows = list(rows)
    why = {row["rival"]: row["absent"] for row in rows if "absent" in row}
    return [f"{TITLES[name]}: {why[name]}" for name in why if not _present(rows, name)]


def means(rows: Sequence[BenchRow]) -> Table:
    """Return geometric means of the ratios per batch size, per width, and over each grid."""
    dense, convolved = report.matches(rows, "mlp"), report.matches(rows, "cnn")
    groups: dict[str, list[Match]] = {}
    for batch in BATCHES:
        groups[f"batch {batch}"] = [m for m in dense if m.point["batch"] == batch]
    for width in WIDTHS:
        groups[f"width {width}"] = [m for m in dense if m.point["width"] == width]
    groups["all dense networks"], groups["convolutional networks"] = dense, convolved
    groups["lowest of all"] = [*dense, *convolved]
    rivals = [name for name in TITLES if _present(rows, name)]
    body = []
    for name, group in groups.items():
        of = min if name == "lowest of all" else report.mean
        ratios = [[m.ratios[r] for m in group if r in m.ratios] for r in rivals]
        cells = [number(of(own)) if own else "–" for own in ratios]
        body += [[name, str(len(group)), *cells]] if group else []
    return Table(
        "Means",
        "How many times as long the others take: geometric means over points.",
        ["Points", "count", *(TITLES[name] for name in rivals)],
        body,
    )


def limits(rows: Sequence[BenchRow]) -> Table:
    """Return the share of the fastest matrix product where networks are wide."""
    rates = {
        named(row["point"]): row for row in rows if row["rival"] == "limit" and "variant" in row
    }
    body = [
        [
            match.name,
            f"{match.engine['gflops']['median']:.0f}",
            f"{rates[match.name]['gflops']['median']:.0f}",
            f"{match.share:.0%}",
        ]
        for match in report.matches(rows)
        if match.share is not None
    ]
    best = next((row["variant"] for row in rates.values()), "")
    return Table(
        "Limit",
        f"GFLOP/s of dlnotes and of the fastest matrix product ({best}), both in the same rounds.",
        ["Point", "dlnotes", "product", "share"],
        body,
    )


def products(rows: Iterable[BenchRow]) -> Table:
    """Return the rates of all matrix products tried."""
    found: dict[str, dict[int, str]] = {}
    for row in rows:
        if row["grid"] == "limit":
            rate = f"{row['gflops']['median']:.0f}"
            found.setdefault(row["rival"], {})[row["point"]["size"]] = rate
    sizes = sorted({size for rates in found.values() for size in rates})
    return Table(
        "Products",
        "GFLOP/s of the product of two square matrices, by who multiplies and their side.",
        ["Product", *map(str, sizes)],
        [[name, *(rates.get(size, "–") for size in sizes)] for name, rates in found.items()],
    )


def memory(rows: Iterable[BenchRow]) -> Table:
    """Return measured against computed memory."""
    return Table(
        "Memory",
        "Peak while training, above what was held before, against parameters, gradients, "
        "optimizer state and activations of the whole stack as computed. A stack that is trained "
        "in parts needs less.",
        ["Networks", "count", "measured, MB", "computed, MB", "ratio"],
        [
            [
                named(row["point"]),
                str(row["point"]["models"]),
                f"{row['peak_bytes'] / 1e6:.0f}",
                f"{row['computed_bytes'] / 1e6:.0f}",
                number(row["ratio"]),
            ]
            for row in rows
            if row["grid"] == "memory"
        ],
    )


def scaling(rows: Sequence[BenchRow]) -> Table:
    """Return time against models and against examples."""
    found = [row for row in rows if row["grid"] == "scaling"]
    slopes = {along: report.slope(pairs) for along, pairs in report.lines(rows).items()}
    told = ", in ".join(f"{along} as the power {value:.2f}" for along, value in slopes.items())
    return Table(
        "Scaling",
        f"Seconds of one training run. They grow in {told}; 1 is linear.",
        ["What grows", "networks", "examples", "seconds", "range"],
        [
            [
                row["along"],
                str(row["point"]["models"]),
                str(row["point"]["examples"]),
                f"{row['seconds']['median']:.3g}",
                "{min:.3g} to {max:.3g}".format(**row["seconds"]),
            ]
            for row in found
        ],
    )


def targets(rows: Sequence[BenchRow]) -> Table:
    """Return every target with what was measured."""
    words = {True: "reached", False: "not reached", None: "does not apply"}
    found = report.targets(rows)
    return Table(
        "Targets",
        "What the engine is to reach, and what this run measured.",
        ["Target", "measured", "verdict"],
        [[target.text, target.measured, words[target.reached]] for target in found],
    )
