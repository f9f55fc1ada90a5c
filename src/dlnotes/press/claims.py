"""Claims on a page: the sentence with its evidence beside it, tables of claims, and their search.

A claim is an object of Sphinx, so that a search for its id, or for words of its sentence, leads to
the place where its lecture states it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from dlnotes.press import bars, evidence, labels, rows
from dlnotes.press.labels import LedgerRow

logger = logging.getLogger(__name__)

_POINT = re.compile(r"(?<=\d)\.(?=\d)")


class beside(nodes.Inline, nodes.Element):
    """What stands beside a sentence, ready-made for each builder: html, tex, text."""

    def astext(self) -> str:
        """Return the evidence as plain text."""
        return self["text"]


class ClaimDomain(Domain):
    """The claims of the book as objects: id, sentence, page, anchor."""

    name = "claim"
    label = "Claims"
    object_types = {"claim": ObjType("claim")}  # noqa: RUF012, as the base class declares it
    initial_data = {"claims": {}}  # noqa: RUF012

    def note(self, claim: str, sentence: str, anchor: str) -> None:
        """Keep where a claim stands."""
        self.data["claims"][claim] = (sentence, self.env.docname, anchor)

    def clear_doc(self, docname: str) -> None:
        """Forget the claims of a page that is read again."""
        claims = self.data["claims"]
        self.data["claims"] = {i: told for i, told in claims.items() if told[1] != docname}

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        """Take over what another process read."""
        told = otherdata["claims"].items()
        self.data["claims"] |= {i: place for i, place in told if place[1] in docnames}

    def get_type_name(self, type: ObjType, primary: bool = False) -> str:
        """Return what a hit of the search is called."""
        return "claim"

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Yield each claim for the search twice: by its id, found first, and by its sentence.

        The search takes what follows the last point for the name, so that the sentence must have
        none.
        """
        for claim, (sentence, docname, anchor) in self.data["claims"].items():
            shown = _POINT.sub("\u2024", sentence).replace(". ", "; ").rstrip(".")
            yield claim, claim, "claim", docname, anchor, 0
            yield claim, f"{claim}: {shown}", "claim", docname, anchor, 1

    def resolve_any_xref(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Return nothing: a claim is linked by its anchor."""
        return []


class ClaimRole(SphinxRole):
    """``{claim}`fit.chance```: the sentence of a claim with its evidence beside it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the sentence and the evidence."""
        row = known(self.env, self.text, (self.env.docname, self.lineno))
        if row is None:
            return [nodes.literal(self.rawtext, self.text)], []
        sentence = nodes.inline(classes=["claim"])
        sentence += self.inliner.parse(labels.sentence(row), self.lineno, None, sentence)[0]
        sentence["ids"] = place(self.env, row, sentence.astext())
        return [sentence, nodes.Text(" "), evidence_of(self.env, row, sentence.astext())], []


class ClaimTable(SphinxDirective):
    """``{claim-table}``: one statement of several parts, a row for each claim of them.

    Each line of the body is ``id | label``. A row is its claim's place in the lecture, as the
    first ``{claim}`` would be.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table; warn of a line that names no claim."""
        told = [line for line in self.content if line.strip()]
        made = [row for line in told if (row := self._row(line))]
        if not made:
            logger.warning("a claim-table has no claim", location=self.get_location())
            return []
        return [rows.table(["Part", "Verdict", "Effect"], made, "claim")]

    def _row(self, line: str) -> nodes.row | None:
        claim, _, label = (part.strip() for part in line.partition("|"))
        row = known(self.env, claim, self.get_location())
        if row is None:
            return None
        parsed, _ = self.state.inline_text(label or labels.sentence(row), self.lineno)
        name = nodes.paragraph("", "", *parsed)
        sentence = f"{name.astext()} ({labels.sentence(row)})"
        drawn = nodes.raw("", f"{bars.svg(row, 120, small=True)} {_effect(row)}", format="html")
        return rows.cells(
            [
                [name],
                [nodes.paragraph("", "", evidence_of(self.env, row, sentence))],
                [nodes.paragraph("", "", drawn, classes=["drawn"])],
            ],
            next(iter(place(self.env, row, sentence)), None),
            [f"verdict-{row['verdict']}"],
        )


def _effect(row: LedgerRow) -> str:
    return f'<span class="value">{labels.numbers(row)}</span>'


def known(env: BuildEnvironment, claim: str, where: Any) -> LedgerRow | None:
    """Return the row of a claim; warn where there is none."""
    found = {row["id"]: row for row in rows.read(env, "ledger.json")}
    if claim not in found:
        valid = ", ".join(found) or "none"
        logger.warning("unknown claim %r; valid: %s", claim, valid, location=where)
    return found.get(claim)


def place(env: BuildEnvironment, row: LedgerRow, sentence: str) -> list[str]:
    """Return the ids of this place; one where the lecture states the claim for the first time."""
    anchored = env.temp_data.setdefault("dlnotes_anchored", set())
    if env.docname != f"book/{row['lecture']}" or row["id"] in anchored:
        return []
    anchored.add(row["id"])
    anchor = rows.anchor(row["id"])
    env.get_domain("std").note_hyperlink_target(anchor, env.docname, anchor)
    env.get_domain("claim").note(row["id"], sentence, anchor)
    return [anchor]


def evidence_of(env: BuildEnvironment, row: LedgerRow, sentence: str) -> beside:
    """Return what stands beside a sentence."""
    card = f"claim-card-{env.new_serialno('claim-card')}"
    text = evidence.plain(row)
    return beside(
        html=evidence.beside(row, sentence, card, rows.to_root(env)), text=text, card=card
    )


def _html(self: Any, node: beside) -> None:
    self.body.append(node["html"])
    raise nodes.SkipNode


def _latex(self: Any, node: beside) -> None:
    self.body.append(rf"\footnote{{{self.encode(node['text'])}}}")
    raise nodes.SkipNode


def _text(self: Any, node: beside) -> None:
    self.add_text(node["text"])
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the role, the table, and the domain of claims."""
    app.add_node(beside, html=(_html, None), latex=(_latex, None), text=(_text, None))
    app.add_domain(ClaimDomain)
    app.add_role("claim", ClaimRole())
    app.add_directive("claim-table", ClaimTable)
