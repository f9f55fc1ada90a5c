"""The book's Sphinx extension: claims with their verdicts, the ledger, the runs, strict math.

It knows only two files, ``_data/ledger.json`` and ``_data/runs.json`` in the source folder. Pages
that show them depend on them, so Sphinx reads a page again when a number on it has changed.
"""

import functools
import time
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinxcontrib import katex

from dlnotes.contract import WORDS
from dlnotes.press import (
    about,
    claims,
    drawings,
    head,
    labels,
    landing,
    ledgerpage,
    numbers,
    predict,
    rows,
    symbols,
    terms,
)

logger = logging.getLogger(__name__)


class VerdictRole(SphinxRole):
    """``{verdict}`holds```: a badge on its own, for explaining the badges."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the badge."""
        if self.text not in WORDS:
            where = (self.env.docname, self.lineno)
            valid = ", ".join(WORDS)
            logger.warning("unknown verdict %r; valid: %s", self.text, valid, location=where)
            return [nodes.literal(self.rawtext, self.text)], []
        return [nodes.raw("", labels.badge(self.text), format="html")], []


class RunsTable(SphinxDirective):
    """``{runs-table}``: what each lecture ran on, and what it cost."""

    def run(self) -> list[nodes.Node]:
        """Return the time they took and one table of all runs."""
        self.env.note_reread()
        runs = rows.read(self.env, "runs.json")
        head = ["Lecture", "Profile", "Device", "Time", "Memory", "Data", "Date", "Key"]
        body = [
            rows.cells(
                [
                    [nodes.paragraph("", "", rows.page(self.env, run["lecture"]))],
                    *labels.run_facts(run),
                ]
            )
            for run in runs
        ]
        versions = [nodes.raw("", labels.versions(run), format="html") for run in runs]
        return [nodes.paragraph("", labels.total(runs)), rows.table(head, body, "runs"), *versions]


class CostLabel(SphinxDirective):
    """``{cost-label} part/slug``: what the run behind this page cost, and the downloads."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return one line of facts and links."""
        runs = {run["lecture"]: run for run in rows.read(self.env, "runs.json")}
        name = self.arguments[0]
        if name not in runs:
            logger.warning("no run of lecture %r in runs.json", name, location=self.get_location())
            return []
        return [nodes.raw("", labels.cost_label(runs[name], rows.to_root(self.env)), format="html")]


def check_math(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn, naming the page, of TeX that KaTeX cannot set."""
    if app.builder.format != "html" or not app.config.katex_prerender:
        return
    for node in list(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        display = isinstance(node, nodes.math_block)
        try:
            katex.render_latex(node.astext(), {"displayMode": True} if display else None)
        except katex.KaTeXError as error:
            logger.warning("%s: bad TeX %r: %s", docname, node.astext(), error, location=node)
            node.replace_self(nodes.literal_block("", node.astext()))


def _remembering(render: Any) -> Any:
    """Return ``render`` with a memory: each formula is checked first and written later."""

    @functools.cache
    def remembered(latex: str, display: bool) -> str:
        return render(latex, {"displayMode": True} if display else None)

    return lambda latex, options=None: remembered(latex, bool(options))


def start_katex(app: Sphinx) -> None:
    """Start the renderer of formulas, more than once if it must be: it may answer too late.

    Raises:
        ExtensionError: It does not start.
    """
    if not app.config.katex_prerender:
        return
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0  # seconds, for a busy machine
    for _ in range(5):
        try:
            katex.KaTeXServer.get()
        except (OSError, katex.KaTeXError) as error:
            failure = error
            time.sleep(0.2)
        else:
            return
    raise ExtensionError(f"KaTeX does not start ({failure}); does `node --version` work?")


def drop_thebe(app: Sphinx) -> None:
    """Take out live cells, which the book tool always loads: their script comes from a CDN."""
    for listeners in app.events.listeners.values():
        listeners[:] = [x for x in listeners if x.handler.__module__ != "sphinx_thebe"]


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register roles, directives and checks."""
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    katex.render_latex = _remembering(katex.render_latex)
    app.add_role("verdict", VerdictRole())
    app.add_directive("runs-table", RunsTable)
    app.add_directive("cost-label", CostLabel)
    for part in (
        about,
        claims,
        drawings,
        head,
        landing,
        ledgerpage,
        numbers,
        predict,
        symbols,
        terms,
    ):
        part.setup(app)
    app.connect("builder-inited", drop_thebe)
    app.connect("builder-inited", start_katex)
    app.connect("doctree-resolved", check_math)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
