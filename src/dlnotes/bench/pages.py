"""The report as a piece of Markdown with its pictures, for the page of the book.

``python -m dlnotes.bench.pages FOLDER ROWS...`` writes them; the press calls it and imports none of
it.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dlnotes.bench import pictures, report, tables
from dlnotes.bench.report import TITLES, BenchRow, Match, number

HEADINGS = {
    "Targets": "Targets",
    "Means": "Means",
    "Limit": "Against the limit",
    "Products": "The matrix products tried",
    "Memory": "Memory",
    "Scaling": "Cost against size",
    "Points": "Every point",
}
ALTS = {"ratios": pictures.ratios_alt, "scaling": pictures.scaling_alt}
CAPTIONS = {
    "ratios": "Time per network and step over that of dlnotes, by width and depth. Above the "
    "dotted line dlnotes is faster.",
    "scaling": "Seconds of one training run of dlnotes against the number of networks and of "
    "examples. Bars show the range of the repetitions.",
}
BEFORE = {"Means": "ratios", "Scaling": "scaling"}
"""Which picture stands before which table."""


def page(rows: Sequence[BenchRow], drawn: dict[str, Path], source: str) -> str:
    """Return the Markdown on one run.

    Args:
        rows: As read from a file of rows.
        drawn: Picture -> its file; it is shown from the folder ``_figures`` beside the page.
        source: Name of the file of rows.
    """
    found = {table.title: table for table in tables.all_tables(rows)}
    device = rows[0]["device"]
    link = f'<a href="../downloads/data/bench/{source}" download>All rows (JSON lines)</a>'
    title = "What was measured on a " + ("CPU" if device == "cpu" else "GPU")
    parts = [f"## {title}", machine(rows), *reading(rows)]
    for title, heading in HEADINGS.items():
        if title not in found:
            continue
        parts.append(f"### {heading}")
        picture = BEFORE.get(title)
        if picture in drawn:
            caption = f"{CAPTIONS[picture]} {link}"  # a link lets the keyboard scroll to it
            label = f"bench-{device}-{picture}"
            parts.append(_figure(label, drawn[picture], ALTS[picture](rows), caption))
        parts.append(found[title].markdown())
    return "\n\n".join(parts) + "\n"


def _figure(label: str, file: Path, alt: str, caption: str) -> str:
    options = {"name": label, "alt": alt, "class": "dark-light"}
    header = "\n".join(f"{key}: {json.dumps(value)}" for key, value in options.items())
    return f"````{{drawing}} _figures/{file.name}\n---\n{header}\n---\n{caption}\n````"


def machine(rows: Sequence[BenchRow]) -> str:
    """Return when and where the rows were measured, with what."""
    row = rows[0]
    versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
    commit = f" Commit {row['commit'][:12]}{row['commit'][40:]}." if row.get("commit") else ""
    return (
        f"On {row['date'][:10]}, on {row['device_name']}: {row['cores']} cores, threads: "
        f"{row['threads']}, {row['memory_gb']:.0f} GB of memory, {row['system']}. "
        f"With {versions}.{commit} In the minute before, {row['load']:.1f} other processes were "
        "computing on average."
    )


def reading(rows: Sequence[BenchRow]) -> list[str]:
    """Return what the numbers say, in sentences; nothing is typed but the words."""
    found = report.matches(rows)
    if not found:
        return []
    verdicts = [target.reached for target in report.targets(rows) if target.reached is not None]
    told = [
        _fastest(found),
        *_by_width(found),
        *_room(found),
        f"Of {len(verdicts)} targets, {sum(verdicts)} were reached; the table below has each.",
    ]
    missing = [f"{who}." for who in tables.absent(rows)]
    return [" ".join(told), *missing]


def _fastest(found: Sequence[Match]) -> str:
    """Say where the engine is the fastest, and where it falls behind most."""
    behind = [(min(m.ratios.values()), m) for m in found if m.ratios and min(m.ratios.values()) < 1]
    count = f"dlnotes was the fastest at {len(found) - len(behind)} of {len(found)} points."
    if not behind:
        return count
    ratio, worst = min(behind, key=lambda pair: pair[0])
    rival = min(worst.ratios, key=lambda name: worst.ratios[name])
    return (
        f"{count} It fell behind most at {worst.name}, where {_called(rival)} took "
        f"{number(ratio)} times as long."
    )


def _by_width(found: Sequence[Match]) -> list[str]:
    """Say how the gain over the ordinary loop depends on the width."""
    by_width: dict[int, list[float]] = {}
    for match in found:
        if match.grid == "mlp" and "loop" in match.ratios:
            by_width.setdefault(match.point["width"], []).append(match.ratios["loop"])
    told = [f"{number(report.mean(own))} at width {width}" for width, own in by_width.items()]
    if not told:
        return []
    return [f"The {TITLES['loop']} took, as a geometric mean, {', '.join(told)} times as long."]


def _called(rival: str) -> str:
    """Return a rival's title as it stands in a sentence."""
    title = TITLES[rival]
    return f"the {title}" if title.startswith("loop") else title


def _room(found: Sequence[Match]) -> list[str]:
    """Say how much faster anything could be where networks are wide."""
    shares = [match.share for match in found if match.share is not None]
    if not shares:
        return []
    share = report.mean(shares)
    return [
        f"Where networks are wide, dlnotes reached {share:.0%} of the machine's fastest matrix "
        f"product; at that rate they would train {number(1 / share)} times as fast."
    ]


def main(folder: Path, sources: Sequence[Path]) -> None:
    """Write ``bench.md`` and the pictures of some files of rows, one a device, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for source in sources:
        rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
        drawn = pictures.write(rows, folder / f"bench-{rows[0]['device']}.svg")
        parts.append(page(rows, drawn, source.name))
    (folder / "bench.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
