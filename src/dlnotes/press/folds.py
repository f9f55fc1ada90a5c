"""Folds: cells whose code the page hides, each under a title that says what it does.

A lecture gives the title in the cell's first line, ``# %% tags=["hide-input"] title="How ..."``.
"""

import ast
from collections.abc import Sequence

from nbformat import NotebookNode

CODE = frozenset({"hide-input", "hide-cell"})
"""Tags of cells whose code is hidden."""

_SEEN = ("text/", "image/")
FIGURE_TITLE = "Code of the figure above"


class FoldError(ValueError):
    """A fold that the page cannot show."""


def placed(cell: NotebookNode, drawn: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return a cell and its figures as they stand on the page.

    A fold with a title shows it in place of "Show the code". One that has only figures to show
    stands below them, under a title that says so if it has none of its own. One with nothing to
    show is dropped.

    Args:
        cell: A cell without its figures; its metadata are changed.
        drawn: The figures, as cells.

    Raises:
        FoldError: The title is not one line of text.
    """
    tags = set(cell.metadata.get("tags", []))
    if cell.cell_type != "code" or not tags & {*CODE, "hide-output"}:
        return [cell, *drawn]
    title = _title(cell)
    seen = [output for output in cell.get("outputs", []) if _is_seen(output)]
    shows = bool(seen) and not tags & {"remove-output", "remove-cell"}
    below = bool(drawn) and bool(tags & CODE) and not shows
    if tags & CODE and _is_empty(cell.source) and not (shows and "hide-cell" in tags):
        cell.metadata["tags"] = sorted(tags | {"remove-input"})
        return [*([cell] if shows else []), *drawn]
    if title or below:
        prompts = dict.fromkeys(("code_prompt_show", "code_prompt_hide"), title or FIGURE_TITLE)
        cell.metadata["mystnb"] = prompts | cell.metadata.get("mystnb", {})
    return [*drawn, cell] if below else [cell, *drawn]


def _title(cell: NotebookNode) -> str | None:
    """Return the title that the lecture gives a fold, None where it gives none."""
    title = cell.metadata.get("title")
    if title is None:
        return None
    if not (isinstance(title, str) and title.strip() and "\n" not in title):
        raise FoldError(f"cell {cell.id}: the title of a fold is one line, got {title!r}")
    return title.strip()


def _is_seen(output: NotebookNode) -> bool:
    """Return whether an output shows anything: a number left for the prose does not."""
    return "data" not in output or any(mime.startswith(_SEEN) for mime in output.data)


def _is_empty(source: str) -> bool:
    """Return whether code does nothing: no line, or comments only.

    >>> _is_empty("# nothing"), _is_empty("x = 1"), _is_empty("%matplotlib inline")
    (True, False, False)
    """
    try:
        return not ast.parse(source).body
    except SyntaxError:
        return False
