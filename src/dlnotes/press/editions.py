"""The copies of a lecture that leave the house: public page, notebook download, script.

Every function takes an executed notebook and returns a new one (or text); none reads or writes
a file. What the reader is to find out for themselves never passes through here.
"""

import copy
import re
from collections.abc import Mapping

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from dlnotes.contract import CLAIM_MIME, GLUE_MIME, WORDS

STUB = "...  # your code here"

_BEGIN = re.compile(r"^(?P<indent>\s*)### BEGIN SOLUTION\s*$")
_END = re.compile(r"^\s*### END SOLUTION\s*$")
_ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}`(?P<text>[^`]+)`")
_TITLED = re.compile(r"^(?P<title>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
_FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)$")
_OPTION = re.compile(r"^:[\w-]+:.*$")
_TARGET = re.compile(r"^\([\w:./-]+\)=\n?", re.MULTILINE)


class EditionError(ValueError):
    """A cell whose solution cannot be told from its task."""


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
        where = f"cell {number} ({cell.get('id', 'no id')})"
        cell.source = _without_solutions(cell.source, where, expected="exercise" in tags)
        if cell.cell_type == "code" and {"exercise", "check"} & set(tags):
            cell.outputs = []
            cell.execution_count = None
    return edition


def _without_solutions(source: str, where: str, *, expected: bool) -> str:
    """Return ``source`` with a stub for each marked block.

    Raises:
        EditionError: The markers do not pair up, or there are none where one is ``expected``.
    """
    lines, inside, blocks = [], False, 0
    for line in source.splitlines():
        begin, end = _BEGIN.match(line), _END.match(line)
        if (begin and inside) or (end and not inside):
            raise EditionError(f"{where}: {line.strip()!r} has no partner; pair BEGIN with END")
        if begin:
            lines.append(f"{begin['indent']}{STUB}")
            inside, blocks = True, blocks + 1
        elif end:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise EditionError(f"{where}: '### BEGIN SOLUTION' has no partner; add '### END SOLUTION'")
    if expected and not blocks:
        raise EditionError(f"{where}: an exercise needs '### BEGIN SOLUTION' and its end")
    return "\n".join(lines)


def standalone(
    notebook: NotebookNode, statements: Mapping[str, str], *, install: str | None = None
) -> NotebookNode:
    """Return the public edition made for plain Jupyter, which knows no MyST.

    Args:
        notebook: The executed notebook, with solutions.
        statements: The sentence of each claim, by id.
        install: What a first cell passes to pip, for example ``git+https://...@commit``; None
            leaves that cell out.

    Returns:
        A notebook whose text has numbers and verdicts in place of roles.
    """
    edition = public(notebook)
    numbers, claims = glued(edition), claims_of(edition)
    for cell in edition.cells:
        if cell.cell_type == "markdown":
            cell.source = _plain(cell.source, numbers, claims, statements)
    edition.cells = [c for c in edition.cells if "remove-cell" not in c.metadata.get("tags", [])]
    if install is not None:
        edition.cells.insert(0, new_code_cell(f"%pip install --quiet {install}", id="install"))
    return edition


def source(notebook: NotebookNode) -> str:
    """Return the public edition as a script in jupytext's percent format, without outputs."""
    edition = public(notebook)
    tagged = [(cell, cell.metadata.get("tags", [])) for cell in edition.cells]
    edition.cells = [cell for cell, tags in tagged if "injected-parameters" not in tags]
    return jupytext.writes(edition, fmt="py:percent")


def glued(notebook: NotebookNode) -> dict[str, str]:
    """Return the text of each number that the lecture glued, by name."""
    found = {}
    for output in _outputs(notebook):
        name = output.metadata.get("scrapbook", {}).get("name")
        if name and GLUE_MIME in output.data:
            found[name] = output.data[GLUE_MIME]
    return found


def claims_of(notebook: NotebookNode) -> dict[str, dict]:
    """Return the result of each claim that the lecture checked, by id."""
    results = [o.data[CLAIM_MIME] for o in _outputs(notebook) if CLAIM_MIME in o.data]
    return {result["id"]: result for result in results}


def outcome(result: Mapping) -> str:
    """Return a claim's verdict and its numbers in one line of plain text.

    >>> outcome({"verdict": "holds", "effect": 0.42, "interval": [0.4, 0.44], "unit": "%"})
    'holds: 0.42 %, 95 % interval 0.4 to 0.44'
    """
    verdict = WORDS[result["verdict"]]
    if result.get("effect") is None:
        return verdict
    number = f"{verdict}: {result['effect']:.4g} {result.get('unit') or ''}".rstrip()
    if not result.get("interval"):
        return number
    low, high = (f"{end:.4g}" for end in result["interval"])
    return f"{number}, 95 % interval {low} to {high}"


def _outputs(notebook: NotebookNode) -> list[NotebookNode]:
    """Return every output that carries a data bundle."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [output for cell in cells for output in cell.outputs if "data" in output]


def _plain(
    text: str, numbers: Mapping[str, str], claims: Mapping[str, dict], statements: Mapping[str, str]
) -> str:
    """Return text with MyST roles, targets and directive fences as plain Markdown."""

    def replace(match: re.Match) -> str:
        return _plain_role(match["name"], match["text"], numbers, claims, statements)

    return _plain_fences(_ROLE.sub(replace, _TARGET.sub("", text)))


def _plain_role(
    name: str,
    text: str,
    numbers: Mapping[str, str],
    claims: Mapping[str, dict],
    statements: Mapping[str, str],
) -> str:
    """Return what one role says, as text."""
    if name == "claim":
        verdict = outcome(claims[text]) if text in claims else WORDS["not-run"]
        return f"{statements.get(text, text)} [**{verdict}**]"
    if name.startswith("glue"):
        return _number(text.rpartition("::")[2], numbers)
    if name == "math":
        return f"${text}$"
    titled = _TITLED.match(text)
    if titled:
        return titled["title"]
    return f"[{text}]" if name.startswith("cite") else text


def _number(text: str, numbers: Mapping[str, str]) -> str:
    """Return the glued number ``key`` or ``key:format`` as text; an unknown key stays itself."""
    key, _, form = text.partition(":")
    if key not in numbers:
        return text
    value = numbers[key].strip("'\"")
    return format(float(value), form) if form else value


def _plain_fences(text: str) -> str:
    """Return text with a bold title for each directive fence; code blocks keep their fence."""
    lines, open_fences = [], []
    options = False
    for line in text.splitlines():
        start = _FENCE.match(line)
        if start:
            code = start["name"].startswith("code")
            open_fences.append((start["fence"], code))
            lines.append("```python" if code else _title(start["name"], start["title"]))
            options = True
        elif open_fences and line.strip() == open_fences[-1][0]:
            code = open_fences.pop()[1]
            lines += ["```"] if code else []
        elif not (options and _OPTION.match(line)):
            options = False
            lines.append(line)
    return "\n".join(lines)


def _title(name: str, title: str) -> str:
    """Return the heading line of a directive: its own title, or what kind of note it is."""
    if name in {"div", "bibliography", "raw"}:
        return ""
    return f"**{name.partition('-')[0].capitalize()}{f': {title}' if title else ''}**\n"
