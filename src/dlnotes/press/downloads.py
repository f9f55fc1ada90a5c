"""The downloads of a lecture: a notebook for plain Jupyter, and a script for plain Python.

Both are whole: they say what they are and where from, know no MyST, run to their end with no
exercise done, and hold no solution. In the notebook a text that states a result is shown by a
folded cell, so that it follows the reader's own run; the published run's words are its output.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from dlnotes import contract
from dlnotes.contract import CLAIM_MIME, GLUE_MIME, RUN_MIME
from dlnotes.press import editions, references
from dlnotes.press.editions import EditionError
from dlnotes.press.imprint import Imprint
from dlnotes.press.plain import plain
from dlnotes.press.spans import RESULTS, Page

TOOLS = "from dlnotes.lab import exercises, prose  # for the exercises, and for text with numbers"
FOLLOWS = (
    "Numbers, verdicts and figures below are those of the published run, until you run the "
    "notebook: then they are yours. Code that the page hides is folded; click its bar to see it."
)
CITED = "works-cited"
FROZEN = (
    "Numbers and verdicts in these comments are those of the published run; what the script prints "
    "is yours."
)

_TITLE = re.compile(r"\s*# (?P<title>.+)\n*")
_HEADING = re.compile(r"#{1,6} .+")
_TAGS = re.compile(r"</?(?:details|summary|su[bp]|kbd)>")
_ROLE = re.compile(r"\{[a-z][\w:-]*\}(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_FOLDED = {"hide-input", "hide-cell", "remove-cell", "remove-input"}
_UNSEEN = {"hide-output", "remove-cell", "remove-output"}
_OURS = {CLAIM_MIME, GLUE_MIME, RUN_MIME, "text/csv"}


@dataclass(frozen=True)
class Said:
    """What the published run has left for the text: numbers and results of claims, by name."""

    numbers: dict[str, str] = field(default_factory=dict)
    results: dict[str, dict] = field(default_factory=dict)

    def tell(self, text: str) -> str:
        """Return the text in the words of the published run."""
        return contract.tell(text, self.numbers, self.results)


def notebook(executed: NotebookNode, page: Page, imprint: Imprint) -> NotebookNode:
    """Return a lecture as a notebook for plain Jupyter.

    Args:
        executed: The lecture, with solutions.
        page: What its text is translated with.
        imprint: What the first cells say.

    Raises:
        EditionError: A cell has a directive, a role or a name that cannot be translated; with the
            file and the cell.
    """
    edition, said = editions.public(executed), _said(executed)
    cells = _whole(edition, page, imprint, said)
    cells[0].source = f"{cells[0].source}\n\n{FOLLOWS}"
    edition.cells = [part for cell in cells for part in _for_jupyter(cell, said)]
    edition.metadata.pop("dlnotes", None)
    return edition


def script(executed: NotebookNode, page: Page, imprint: Imprint) -> str:
    """Return a lecture as a script in jupytext's percent format, its text in comments.

    Raises:
        EditionError: As for `notebook`.
    """
    edition, said = editions.public(executed), _said(executed)
    first, *cells = _whole(edition, page, imprint, said)
    how = f"\n\nBefore the first run: `pip install {imprint.install}`" if imprint.install else ""
    first.source = f"{first.source}\n\n{FROZEN}{how}"
    edition.cells = [first]
    for cell in cells:
        text = cell.metadata.get("caption", cell.source)
        if cell.cell_type == "code" and text is cell.source:
            edition.cells += [new_code_cell(text)] if text[0] != "%" else []
        else:
            edition.cells.append(new_markdown_cell(_TAGS.sub("", said.tell(text))))
    if cells[-1].id == CITED:
        edition.cells[-1].source = edition.cells[-1].source.replace("\\", "")
    edition.metadata.pop("dlnotes", None)
    return jupytext.writes(edition, fmt="py:percent")


def _said(executed: NotebookNode) -> Said:
    numbers = {name: text.strip("'\"") for name, text in editions.glued(executed).items()}
    return Said(numbers, editions.claims_of(executed))


def _whole(edition: NotebookNode, page: Page, imprint: Imprint, said: Said) -> list[NotebookNode]:
    """Return the cells of a download: what it is, the lecture in plain Markdown, works cited.

    Raises:
        EditionError: A cell cannot be translated, or there is no title to begin with.
    """
    cells = []
    written = [c for c in edition.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    for number, cell in enumerate(written, start=1):
        try:
            cells += _plain(cell, page)
            said.tell(cell.source if cell.cell_type == "markdown" else "")
        except ValueError as error:
            place = f"{page.links.page}.py, {editions.where(number, cell)}"
            raise EditionError(f"{place}: {error}") from error
    title = _TITLE.match(cells[0].source) if cells else None
    if not title:
        raise EditionError(f"{page.links.page}.py: its first cell must begin with '# ' and a title")
    about = f"# {title['title']}\n\n{imprint.about}".strip()
    cells[0].source = cells[0].source[title.end() :]
    first = [new_markdown_cell(about, id="about")]
    if imprint.install:
        first.append(new_code_cell(f"%pip install --quiet {imprint.install}", id="install"))
    folded = {"tags": ["hide-input"]}
    first.append(new_code_cell(TOOLS, id="tools", metadata=folded))
    works = references.listed(page.entries, page.cited)
    last = [new_markdown_cell(f"## References\n\n{works}", id=CITED)] if works else []
    return [*first, *(cell for cell in cells if cell.source.strip()), *last]


def _plain(cell: NotebookNode, page: Page) -> list[NotebookNode]:
    """Return a cell without MyST, followed by the captions of its figures.

    Raises:
        ValueError: Something in it cannot be translated.
    """
    if cell.cell_type == "markdown":
        cell.source = plain(cell.source, page).strip("\n")
        return [cell]
    if "check" in cell.metadata.get("tags", []):
        cell.source = _attempted(cell.source)
    if cell.metadata.get("title"):  # a fold's, which Jupyter shows as its first line
        cell.source = f"# {cell.metadata['title']}\n{cell.source}"
    about = [output.get("metadata", {}).get("dlnotes", {}) for output in cell.outputs]
    return [cell, *(_caption(cell, figure, page) for figure in about if "caption" in figure)]


def _attempted(source: str) -> str:
    """Return a check that lets the notebook run on when the exercise is not done.

    Raises:
        ValueError: It has a string over several lines, which would change.
    """
    wrapped = f"with exercises.attempt():\n{textwrap.indent(source, '    ')}"
    inside = ast.parse(wrapped).body[0].body
    if [ast.dump(node) for node in inside] != [ast.dump(node) for node in ast.parse(source).body]:
        raise ValueError("a check must have no string over several lines; join shorter ones")
    return wrapped


def _caption(cell: NotebookNode, figure: dict, page: Page) -> NotebookNode:
    """Return the cell that shows a figure's caption, in the words of the run it belongs to."""
    name, raw = figure["figure"], " ".join(figure["caption"].split())
    roles = {role[0]: plain(role[0], page) for role in _ROLE.finditer(raw)}
    changed = {role: words for role, words in roles.items() if words != role}
    label = f"{page.links.page.rpartition('/')[2]}-{name}"
    head = f"**{page.links.labels[label].words}.**" if label in page.links.labels else "**Figure.**"
    text = raw
    for role, words in changed.items():
        text = text.replace(role, words)
    call = ", ".join(repr(argument) for argument in (name, head, *([changed] if changed else [])))
    about = {"tags": ["hide-input"], "caption": f"{head} {text}"}
    told = f"# caption of the figure above\nprose.caption({call})"
    return new_code_cell(told, metadata=about, id=f"{cell.id}-{name}"[:64])


def _for_jupyter(cell: NotebookNode, said: Said) -> Iterator[NotebookNode]:
    """Yield a cell as Jupyter shows it: folded as on the page, its results told by cells."""
    if cell.cell_type == "markdown":
        for number, (text, states) in enumerate(_parts(cell.source)):
            name = f"{cell.id}-{number}"
            yield _telling(text, name, said) if states else new_markdown_cell(text, id=name)
        return
    caption = cell.metadata.pop("caption", None)
    if caption:
        cell.outputs = [_told(said.tell(caption))]
    tags = set(cell.metadata.get("tags", []))
    hidden = {"source_hidden": tags & _FOLDED, "outputs_hidden": tags & _UNSEEN}
    if any(hidden.values()):
        cell.metadata["jupyter"] = {name: True for name, why in hidden.items() if why}
    cell.outputs = [output for output in map(_shown, cell.outputs) if output]
    yield cell


def _parts(text: str) -> list[tuple[str, bool]]:
    r"""Part a text at its headings: Jupyter lists those of texts, not those of outputs.

    >>> _parts("# A\n\nb\n## C\nIt is {glue:text}`d`.")
    [('# A\n\nb\n## C', False), ('It is {glue:text}`d`.', True)]
    """
    parts: list[tuple[str, bool]] = []
    fenced, block = False, []
    for line in [*text.splitlines(), "# end"]:
        fenced ^= line.lstrip().startswith("```")
        if fenced or not _HEADING.fullmatch(line):
            block.append(line)
            continue
        if "".join(block).strip():
            states = any(map(RESULTS.search, block))
            parts.append(("\n".join(block), states))
        parts.append((line, bool(RESULTS.search(line))))
        block = []
    joined: list[tuple[str, bool]] = []
    for part, states in parts[:-1]:
        if joined and joined[-1][1] == states:
            joined[-1] = (f"{joined[-1][0]}\n{part}", states)
        else:
            joined.append((part, states))
    return [(part.strip("\n"), states) for part, states in joined]


def _telling(text: str, name: str, said: Said) -> NotebookNode:
    """Return the folded cell that shows a text in the words of the run it belongs to."""
    quoted = f'r"""\n{text}\n"""' if '"""' not in text else repr(text)
    return new_code_cell(
        f"# text that follows the run\nprose.tell({quoted})",
        id=name,
        metadata={"tags": ["hide-input"], "jupyter": {"source_hidden": True}},
        outputs=[_told(said.tell(text))],
    )


def _told(text: str) -> NotebookNode:
    return new_output("display_data", data={"text/markdown": text, "text/plain": text})


def _shown(output: NotebookNode) -> NotebookNode | None:
    """Return an output with what Jupyter shows without trust, or None if that is nothing."""
    if "data" not in output:
        return output
    drop = _OURS | ({"image/svg+xml"} if "image/png" in output.data else set())
    output.data = {mime: data for mime, data in output.data.items() if mime not in drop}
    output.metadata = {}
    return output if output.data else None
