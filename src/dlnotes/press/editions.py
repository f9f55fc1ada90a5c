"""The copy of a lecture that leaves the house, and what its run left for the text.

Every function takes an executed notebook; none changes it, none reads or writes a file. What the
reader is to find out for themselves never passes through here.
"""

import copy
import re

from nbformat import NotebookNode

from dlnotes.contract import CLAIM_MIME, GLUE_MIME

STUB = "...  # your code here"

_BEGIN = re.compile(r"^(?P<indent>\s*)### BEGIN SOLUTION\s*$")
_END = re.compile(r"^\s*### END SOLUTION\s*$")


class EditionError(ValueError):
    """A cell whose solution cannot be told from its task, or whose text cannot be translated."""


def public(notebook: NotebookNode) -> NotebookNode:
    """Return a copy in which each solution is a stub and exercises have no outputs.

    Every ``### BEGIN SOLUTION`` ... ``### END SOLUTION`` block becomes one line at the
    indentation of its first marker. Outputs of cells tagged ``exercise`` or ``check`` are dropped.

    Raises:
        EditionError: A marker lacks its partner, or an exercise has no markers at all.
    """
    edition = copy.deepcopy(notebook)
    for number, cell in enumerate(edition.cells, start=1):
        tags = cell.metadata.get("tags", [])
        cell.source = _without_solutions(
            cell.source, where(number, cell), expected="exercise" in tags
        )
        if cell.cell_type == "code" and {"exercise", "check"} & set(tags):
            cell.outputs = []
            cell.execution_count = None
    return edition


def where(number: int, cell: NotebookNode) -> str:
    """Name a cell, in an error's words."""
    return f"cell {number} ({cell.get('id', 'no id')})"


def _without_solutions(source: str, place: str, *, expected: bool) -> str:
    """Return ``source`` with a stub for each marked block.

    Raises:
        EditionError: The markers do not pair up, or there are none where one is ``expected``.
    """
    lines, inside, blocks = [], False, 0
    for line in source.splitlines():
        begin, end = _BEGIN.match(line), _END.match(line)
        if (begin and inside) or (end and not inside):
            raise EditionError(f"{place}: {line.strip()!r} has no partner; pair BEGIN with END")
        if begin:
            lines.append(f"{begin['indent']}{STUB}")
            inside, blocks = True, blocks + 1
        elif end:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise EditionError(f"{place}: '### BEGIN SOLUTION' has no partner; add '### END SOLUTION'")
    if expected and not blocks:
        raise EditionError(f"{place}: an exercise needs '### BEGIN SOLUTION' and its end")
    return "\n".join(lines)


def glued(notebook: NotebookNode) -> dict[str, str]:
    """Return the text of each number that the lecture glued, by name, quoted as it was left."""
    found = {}
    for output in _outputs(notebook):
        name = output.metadata.get("scrapbook", {}).get("name")
        if name and GLUE_MIME in output.data:
            found[name] = output.data[GLUE_MIME]
    return found


def behind(notebook: NotebookNode) -> dict[str, str]:
    """Return what each glued number is made of, by name, where the lecture said so."""
    about = [output.metadata.get("scrapbook", {}) for output in _outputs(notebook)]
    return {one["name"]: one["behind"] for one in about if "behind" in one}


def claims_of(notebook: NotebookNode) -> dict[str, dict]:
    """Return the result of each claim that the lecture checked, by id."""
    results = [o.data[CLAIM_MIME] for o in _outputs(notebook) if CLAIM_MIME in o.data]
    return {result["id"]: result for result in results}


def drawn(notebook: NotebookNode) -> list[str]:
    """Return the names of the figures that the lecture drew, in order."""
    shown = (output.metadata.get("dlnotes", {}) for output in _outputs(notebook))
    return [about["figure"] for about in shown if "figure" in about]


def _outputs(notebook: NotebookNode) -> list[NotebookNode]:
    """Return every output that carries a data bundle."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [output for cell in cells for output in cell.outputs if "data" in output]
