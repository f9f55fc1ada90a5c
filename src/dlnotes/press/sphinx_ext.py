"""The book's Sphinx extension: claims with their verdicts, the ledger, the runs, strict math.

It knows only two files, ``_data/ledger.json`` and ``_data/runs.json`` in the source folder. Pages
that show them depend on them, so Sphinx reads a page again when a number on it has changed.
"""

import functools
import itertools
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinxcontrib import katex

from dlnotes.contract import WORDS
from dlnotes.press import about, drawings, head, labels, landing, predict, terms
from dlnotes.press.labels import LedgerRow

logger = logging.getLogger(__name__)


class ClaimRole(SphinxRole):
    """``{claim}`fit.chance```: the sentence of a claim with its verdict beside it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the sentence and the badge."""
        rows = {row["id"]: row for row in _read(self.env, "ledger.json")}
        if self.text not in rows:
            valid = ", ".join(rows) or "none"
            logger.warning("unknown claim %r; valid: %s", self.text, valid, location=self._where())
            return [nodes.literal(self.rawtext, self.text)], []
        row = rows[self.text]
        sentence = nodes.inline(classes=["claim"])
        sentence += self.inliner.parse(labels.sentence(row), self.lineno, None, sentence)[0]
        if self.env.docname == f"book/{row['lecture']}":
            self._anchor(sentence, row)
        card = f"claim-card-{self.env.new_serialno('claim-card')}"
        badge = labels.badge_with_card(row, card, _to_root(self.env))
        return [sentence, nodes.Text(" "), nodes.raw("", badge, format="html")], []

    def _where(self) -> tuple[str, int]:
        return self.env.docname, self.lineno

    def _anchor(self, sentence: nodes.inline, row: LedgerRow) -> None:
        """Let the ledger point at the first place where the lecture states the claim."""
        anchored = self.env.temp_data.setdefault("dlnotes_anchored", set())
        if row["id"] in anchored:
            return
        anchored.add(row["id"])
        sentence["ids"] = [_anchor(row["id"])]
        domain = self.env.get_domain("std")
        domain.note_hyperlink_target(_anchor(row["id"]), self.env.docname, _anchor(row["id"]))


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


class LedgerTable(SphinxDirective):
    """``{ledger-table}``: claims with their verdicts, grouped by lecture.

    Without options these are all claims of the book, and other pages can point at each. ``part``
    keeps those of one folder of lectures, ``verdicts`` those with one of the verdicts listed.
    """

    option_spec = {"part": directives.unchanged_required, "verdicts": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the summary and one table a lecture."""
        self.env.note_reread()  # its links depend on what other pages say
        rows = self._chosen(_read(self.env, "ledger.json"))
        lines = [labels.count(rows)]
        if "verdicts" not in self.options:
            lines += [labels.expect(rows), labels.score(rows)]
        blocks = [nodes.paragraph("", line) for line in lines]
        for lecture, group in itertools.groupby(rows, key=lambda row: row["lecture"]):
            blocks.append(
                nodes.rubric("", "", _page(self.env, lecture), classes=["ledger-lecture"])
            )
            head = ["Verdict", "Claim", "Predicted", "Effect and 95\u00a0% interval", "Judged by"]
            blocks.append(_table(head, [self._row(row) for row in group], "ledger"))
        return blocks

    def _chosen(self, rows: Sequence[LedgerRow]) -> list[LedgerRow]:
        """Return the rows that the options ask for; warn of an option that names nothing."""
        parts = {row["lecture"].partition("/")[0] for row in rows}
        wanted = {
            "part": (self.options.get("part", "").split() or parts, parts),
            "verdicts": (self.options.get("verdicts", "").split() or WORDS, WORDS),
        }
        for option, (names, valid) in wanted.items():
            for name in set(names) - set(valid):
                logger.warning(
                    "unknown %s %r; valid: %s",
                    option,
                    name,
                    ", ".join(sorted(valid)),
                    location=self.get_location(),
                )
        return [
            row
            for row in rows
            if row["lecture"].partition("/")[0] in wanted["part"][0]
            and row["verdict"] in wanted["verdicts"][0]
        ]

    def _row(self, row: LedgerRow) -> nodes.row:
        parsed, _ = self.state.inline_text(labels.sentence(row), self.lineno)
        sentence = nodes.paragraph("", "", *parsed)
        name = nodes.paragraph("", "", _sentence(self.env, row["id"]), classes=["claim-id"])
        verdict = nodes.paragraph(
            "", "", nodes.raw("", labels.badge(row["verdict"]), format="html")
        )
        return _cells(
            [
                [verdict],
                [sentence, name],
                labels.foreseen(row),
                labels.numbers(row) or "–",
                labels.judged(row),
            ],
            anchor=None if self.options else row["id"].replace(".", "-"),
        )


class RunsTable(SphinxDirective):
    """``{runs-table}``: what each lecture ran on, and what it cost."""

    def run(self) -> list[nodes.Node]:
        """Return the time they took and one table of all runs."""
        self.env.note_reread()
        rows = _read(self.env, "runs.json")
        head = ["Lecture", "Profile", "Device", "Time", "Memory", "Data", "Date", "Key"]
        body = [
            _cells(
                [[nodes.paragraph("", "", _page(self.env, run["lecture"]))], *labels.run_facts(run)]
            )
            for run in rows
        ]
        versions = [nodes.raw("", labels.versions(run), format="html") for run in rows]
        return [nodes.paragraph("", labels.total(rows)), _table(head, body, "runs"), *versions]


class CostLabel(SphinxDirective):
    """``{cost-label} part/slug``: what the run behind this page cost, and the downloads."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return one line of facts and links."""
        runs = {run["lecture"]: run for run in _read(self.env, "runs.json")}
        name = self.arguments[0]
        if name not in runs:
            logger.warning("no run of lecture %r in runs.json", name, location=self.get_location())
            return []
        return [nodes.raw("", labels.cost_label(runs[name], _to_root(self.env)), format="html")]


def _read(env: BuildEnvironment, name: str) -> list[LedgerRow]:
    """Return the rows of a data file; the current page depends on it from here on."""
    path = Path(env.srcdir) / "_data" / name
    env.note_dependency(str(path))
    return json.loads(path.read_text(encoding="utf-8"))


def _anchor(claim: str) -> str:
    return f"claim-{claim.replace('.', '-')}"


def _to_root(env: BuildEnvironment) -> str:
    return "../" * env.docname.count("/")


def _page(env: BuildEnvironment, lecture: str) -> addnodes.pending_xref:
    """Return a link to a lecture, worded as its title."""
    return _link(env, "doc", f"/book/{lecture}", nodes.inline("", lecture), explicit=False)


def _sentence(env: BuildEnvironment, claim: str) -> addnodes.pending_xref:
    """Return a link to the sentence that states a claim."""
    return _link(env, "ref", _anchor(claim), nodes.literal("", claim), explicit=True)


def _link(
    env: BuildEnvironment,
    kind: Literal["doc", "ref"],
    target: str,
    text: nodes.Node,
    *,
    explicit: bool,
) -> addnodes.pending_xref:
    return addnodes.pending_xref(
        "",
        text,
        refdomain="std",
        reftype=kind,
        reftarget=target,
        refexplicit=explicit,
        refwarn=True,
        refdoc=env.docname,
    )


def _table(head: Sequence[str], body: Iterable[nodes.row], kind: str) -> nodes.table:
    """Return a docutils table; the theme puts it in a box that scrolls."""
    columns = [nodes.colspec(colwidth=1) for _ in head]
    group = nodes.tgroup("", *columns, cols=len(head))
    group += nodes.thead("", _cells(list(head)))
    group += nodes.tbody("", *body)
    return nodes.table("", group, classes=[f"{kind}-table"])


def _cells(contents: Sequence[str | Sequence[nodes.Node]], anchor: str | None = None) -> nodes.row:
    row = nodes.row(ids=[anchor] if anchor else [])
    for content in contents:
        blocks = [nodes.paragraph("", content)] if isinstance(content, str) else content
        row += nodes.entry("", *blocks)
    return row


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


def mend_roles(
    app: Sphinx,
    pagename: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Take out two ARIA roles of bibliographies that screen readers are told not to combine."""
    body = context.get("body", "")
    for role in ('role="list" class="citation-list"', 'role="doc-biblioentry"'):
        body = body.replace(role, role.partition(" ")[2])
    context["body"] = body


def drop_thebe(app: Sphinx) -> None:
    """Take out live cells, which the book tool always loads: their script comes from a CDN."""
    for listeners in app.events.listeners.values():
        listeners[:] = [x for x in listeners if x.handler.__module__ != "sphinx_thebe"]


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register roles, directives and checks."""
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    katex.render_latex = _remembering(katex.render_latex)
    app.add_role("claim", ClaimRole())
    app.add_role("verdict", VerdictRole())
    app.add_directive("ledger-table", LedgerTable)
    app.add_directive("runs-table", RunsTable)
    app.add_directive("cost-label", CostLabel)
    for part in (about, head, landing):
        part.setup(app)
    app.connect("builder-inited", drop_thebe)
    app.connect("builder-inited", start_katex)
    app.connect("doctree-resolved", check_math)
    app.connect("html-page-context", mend_roles)
    for module in (drawings, predict, terms):
        module.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
