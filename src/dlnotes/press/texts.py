"""Text that follows the verdicts: checked before anything runs, chosen when a page is staged."""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dlnotes.contract import by_verdict, texts_by_verdict, unknown
from dlnotes.press import lectures
from dlnotes.press.lectures import Lecture, LectureError

if TYPE_CHECKING:
    from nbformat import NotebookNode

_CLAIM = re.compile(r"(?<!`)\{claim\}`([^`]+)`")


def refuse_wrong(root: Path, found: Iterable[Lecture], claims: Iterable[str]) -> None:
    """Refuse a claim that is shown but unknown, and a verdict without its text.

    Args:
        root: Of the book: its pages are looked at, too.
        found: The lectures, which can be read.
        claims: The ids that there are.

    Raises:
        LectureError: Every problem, one a line, with the file and the cell or line.
    """
    claims = list(claims)
    problems = [
        f"{place}: {problem}"
        for place, text in _texts(Path(root), found)
        for problem in _problems(text, claims)
    ]
    if problems:
        raise LectureError("\n".join(problems))


def chosen(notebook: "NotebookNode", verdicts: Mapping[str, str]) -> "NotebookNode":
    """Return a copy whose texts and captions are those of the verdicts.

    Args:
        notebook: An executed lecture.
        verdicts: Of each claim, by id.

    Raises:
        LectureError: A verdict has no text, or a claim is unknown; with the cell.
    """
    edition = copy.deepcopy(notebook)
    for number, cell in enumerate(edition.cells, 1):
        figures = [o.metadata["dlnotes"] for o in cell.get("outputs", []) if _is_figure(o)]
        texts = [(cell, "source")] if cell.cell_type == "markdown" else []
        texts += [(figure, "caption") for figure in figures if "caption" in figure]
        frames = [f for figure in figures for f in figure.get("flipbook", {}).get("frames", [])]
        texts += [(frame, field) for frame in frames for field in ("alt", "says")]
        for place, field in texts:
            try:
                place[field] = by_verdict(place[field], verdicts)
            except ValueError as error:
                raise LectureError(f"cell {number} ({cell.get('id')}): {error}") from error
    return edition


def _is_figure(output: "NotebookNode") -> bool:
    return "dlnotes" in output.get("metadata", {})


def _texts(root: Path, found: Iterable[Lecture]) -> Iterator[tuple[str, str]]:
    """Yield every text of the book and where it stands."""
    for page in sorted((root / "book").rglob("*.md")):
        yield str(page), page.read_text(encoding="utf-8")
    for lecture in found:
        for number, cell in enumerate(lectures.read(lecture.path).cells, 1):
            if cell.cell_type == "markdown":
                yield f"{lecture.path}: cell {number}", cell.source


def _problems(text: str, claims: list[str]) -> Iterator[str]:
    shown = _CLAIM.findall(text)
    try:
        shown += [claim for claim, _ in texts_by_verdict(text)]
    except ValueError as error:
        yield str(error)
    for claim in dict.fromkeys(shown):
        if claim not in claims:
            yield f"{unknown('claim', claim, claims)}; mend the id, or add it to claims.yml"
