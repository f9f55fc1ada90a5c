"""The first page: how the claims stand now, and one picture from a lecture."""

import html
import json
import re
from collections import Counter
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from dlnotes.press import labels

SAID = {
    "holds": ("hold", "holds"),
    "undecided": ("undecided", "undecided"),
    "fails": ("do not hold", "does not hold"),
    "not-run": ("not run here", "not run here"),
}


def count(verdicts: list[str], link: str) -> str:
    """Return how many claims have which verdict, in words and as a bar, as one link.

    Example:
        >>> "<b>1</b> holds" in count(["holds"], "ledger.html")
        True
    """
    counted = Counter(verdicts)
    found = [(v, counted[v], SAID[v][counted[v] == 1]) for v in SAID if counted[v]]
    bar = "".join(f'<i class="verdict-{v}" style="flex: {n}"></i>' for v, n, _ in found)
    keys = " ".join(f'<span class="verdict-{v}"><b>{n}</b> {said}</span>' for v, n, said in found)
    claims = "claim" if len(verdicts) == 1 else "claims"
    lead = f"<span>{len(verdicts)} {claims}, tested by this build:</span>"
    stack = f'<span class="count-bar" aria-hidden="true">{bar}</span>'
    inside = f'{lead} {stack}<span class="count-keys">{keys}</span>'
    return f'<p><a class="count" href="{html.escape(link)}">{inside}</a></p>'


class VerdictCount(SphinxDirective):
    """``{verdict-count}``: how the claims of the book stand in this build."""

    def run(self) -> list[nodes.Node]:
        """Return one link to the ledger."""
        path = Path(self.env.srcdir) / "_data" / "ledger.json"
        self.env.note_dependency(str(path))
        rows = json.loads(path.read_text(encoding="utf-8"))
        verdicts = [row["verdict"] for row in rows if not labels.planned(row)]
        link = "../" * self.env.docname.count("/") + "book/ledger.html"
        return [nodes.raw("", count(verdicts, link), format="html")] if verdicts else []


class FigureOf(SphinxDirective):
    """``{figure-of} part/slug figure``: a lecture's figure with its own words, and a new caption.

    A build that left the lecture out shows nothing here.
    """

    required_arguments = 2
    has_content = True
    option_spec = {"class": directives.class_option}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        lecture, name = self.arguments
        part, slug = lecture.split("/")
        folder = Path(self.env.srcdir) / "book"
        page, label = folder / f"{lecture}.ipynb", f"{slug}-{name}"
        self.env.note_dependency(str(page))
        if not page.is_file():
            return []
        if not (folder / part / "_figures" / f"{label}.svg").is_file():
            raise self.error(f"lecture {lecture} has no figure {name!r}")
        uri = f"/book/{part}/_figures/{label}.svg"
        image = nodes.image(uri=uri, alt=alternative(page, label), classes=["dark-light"])
        image["candidates"] = {"*": uri.lstrip("/")}
        figure = nodes.figure("", image, classes=["first-figure", *self.options.get("class", [])])
        if self.content:
            text, _ = self.parse_inline(" ".join(self.content), lineno=self.lineno)
            figure += nodes.caption("", "", *text)
        return [figure]


def alternative(page: Path, label: str) -> str:
    """Return the text that stands for a figure in its lecture."""
    for cell in json.loads(page.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if f"_figures/{label}.svg" in source:
            found = re.search(r'^alt: (".*")$', source, re.MULTILINE)
            return json.loads(found[1]) if found else ""
    return ""


def setup(app: Sphinx) -> None:
    """Register the directives of the first page."""
    app.add_directive("verdict-count", VerdictCount)
    app.add_directive("figure-of", FigureOf)
