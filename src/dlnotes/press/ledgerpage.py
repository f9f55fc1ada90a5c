"""The ledger as a page: one heading and one table a lecture, a drawing a claim, and filters.

A filter is a radio button and a rule of style, so that it works without scripts.
"""

import html
import itertools
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from dlnotes.contract import WORDS
from dlnotes.press import bars, evidence, labels, rows
from dlnotes.press.labels import LedgerRow

logger = logging.getLogger(__name__)

HEAD = ["Claim", "Found, and predicted", "Effect and 95\u00a0% interval"]
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def part(row: LedgerRow) -> str:
    """Return the folder of lectures that a claim belongs to."""
    return row["lecture"].partition("/")[0]


FILTERS: dict[str, tuple[str, Callable[[LedgerRow], bool]]] = {
    "fails": ("Does not hold", lambda row: row["verdict"] == "fails"),
    "undecided": ("Undecided", lambda row: row["verdict"] == "undecided"),
    "holds": ("Holds", lambda row: row["verdict"] == "holds"),
    "otherwise": ("Predicted otherwise", evidence.otherwise),
    "not-run": ("Not run here", lambda row: row["verdict"] == "not-run"),
}
"""Name of a filter -> what it is called, and which rows it keeps."""


def kinds(row: LedgerRow) -> list[str]:
    """Return the classes of a row: one for each filter that keeps it, one for its part."""
    kept = [f"is-{name}" for name, (_, keeps) in FILTERS.items() if keeps(row)]
    return [*kept, f"part-{part(row)}", f"verdict-{row['verdict']}"]


def filters(rows_: Sequence[LedgerRow]) -> str:
    """Return the filters as HTML, each with the number of rows it keeps."""
    chosen = [("all", "All", len(rows_))] + [
        (name, label, sum(keeps(row) for row in rows_)) for name, (label, keeps) in FILTERS.items()
    ]
    groups = [_radios("Show", "f", chosen)]
    parts = list(dict.fromkeys(part(row) for row in rows_))
    of_part = [
        (p, p.replace("-", " ").capitalize(), sum(part(r) == p for r in rows_)) for p in parts
    ]
    if len(parts) > 1:
        groups.append(_radios("Part", "p", [("all", "All parts", len(rows_)), *of_part]))
    rules = [_rule(f"f-{name}", f"is-{name}") for name in FILTERS]
    rules += [_rule(f"p-{name}", f"part-{name}") for name in parts]
    return (
        f'<div class="ledger-filters">{"".join(groups)}'
        f'<p class="ledger-shown" role="status"></p></div><style>{"".join(rules)}</style>'
    )


def _words(lecture: str) -> str:
    return lecture.rpartition("/")[2].replace("-", " ").capitalize()


def _radios(legend: str, group: str, choices: Sequence[tuple[str, str, int]]) -> str:
    """Return a group of radio buttons; the first is chosen."""
    buttons = "".join(
        f'<label><input type="radio" name="ledger-{group}" id="{group}-{name}"'
        f"{' checked' * (not i)}> <span>{html.escape(label)} <b>{count}</b></span></label>"
        for i, (name, label, count) in enumerate(choices)
    )
    return f"<fieldset><legend>{legend}</legend>{buttons}</fieldset>"


def _rule(radio: str, kept: str) -> str:
    """Return the rule that hides the other rows, and the lectures that have no row left."""
    page = f".bd-article:has(#{radio}:checked)"
    return (
        f"{page} tr.ledger-row:not(.{kept}),{page} section.ledger-lecture:not(:has(.{kept}))"
        "{display:none}"
    )


class LedgerTable(SphinxDirective):
    """``{ledger-table}``: claims with their verdicts, grouped by lecture.

    Without options these are all claims of the book, with headings and filters, and other pages can
    point at each. ``part`` keeps those of one folder of lectures, ``verdicts`` those with one of
    the verdicts listed.
    """

    option_spec = {"part": directives.unchanged_required, "verdicts": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the summary, the filters, and one table a lecture."""
        self.env.note_reread()  # its links depend on what other pages say
        everything = self._chosen(rows.read(self.env, "ledger.json"))
        chosen = [row for row in everything if not labels.planned(row)]
        blocks: list[nodes.Node] = [nodes.paragraph("", labels.count(chosen))]
        if "verdicts" not in self.options:
            blocks.append(nodes.paragraph("", labels.score(chosen)))
        if not self.options:
            blocks += [_missed(chosen), _raw(filters(chosen))]
        if "verdicts" not in self.options:
            blocks.append(nodes.paragraph("", labels.expect(chosen)))
        for lecture, group in itertools.groupby(chosen, key=lambda row: row["lecture"]):
            table = rows.table(HEAD, [self._row(row) for row in group], "ledger")
            blocks += self._headed(lecture, table)
        if "verdicts" not in self.options:
            blocks += self._to_come([row for row in everything if labels.planned(row)])
        return blocks

    def _to_come(self, waiting: Sequence[LedgerRow]) -> list[nodes.Node]:
        """Return what was predicted for lectures to come, folded lecture by lecture."""
        if not waiting:
            return []
        wait = "prediction waits" if len(waiting) == 1 else "predictions wait"
        told = f"{len(waiting)} {wait} for lectures that are not written yet."
        section = nodes.section(ids=["predicted-only"], classes=["ledger-to-come"])
        section += [nodes.title("", "Predicted, and not run yet"), nodes.paragraph("", told)]
        for lecture, group in itertools.groupby(waiting, key=lambda row: row["lecture"]):
            section += _raw(f"<details><summary>{html.escape(_words(lecture))}</summary>")
            items = nodes.bullet_list()
            for row in group:
                parsed, _ = self.state.inline_text(labels.sentence(row), self.lineno)
                word = WORDS[row["predicted"]] if row["predicted"] else "nothing"
                text = nodes.paragraph("", "", *parsed, nodes.Text(f" Predicted: {word}."))
                target = [] if self.options else [row["id"].replace(".", "-")]
                items += nodes.list_item("", text, ids=target)
            section += [items, _raw("</details>")]
        return list(section.children)[1:] if self.options else [section]

    def _headed(self, lecture: str, table: nodes.table) -> list[nodes.Node]:
        """Return a table under its lecture's title: a heading on the page of all claims."""
        link = rows.page(self.env, lecture)
        if self.options:
            return [nodes.rubric("", "", link, classes=["ledger-lecture"]), table]
        link[0].clear()
        link[0] += nodes.Text(title(self.env, lecture))  # for the contents of this page
        slug = lecture.replace("/", "-")
        section = nodes.section(ids=[f"claims-of-{slug}"], classes=["ledger-lecture"])
        section += [nodes.title("", "", link), table]
        return [section]

    def _chosen(self, all_rows: Sequence[LedgerRow]) -> list[LedgerRow]:
        """Return the rows that the options ask for; warn of an option that names nothing."""
        parts = {part(row) for row in all_rows}
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
            for row in all_rows
            if part(row) in wanted["part"][0] and row["verdict"] in wanted["verdicts"][0]
        ]

    def _row(self, row: LedgerRow) -> nodes.row:
        parsed, _ = self.state.inline_text(labels.sentence(row), self.lineno)
        sentence = nodes.paragraph("", "", *parsed, classes=["ledger-sentence"])
        name = nodes.paragraph("", "", self._sentence_link(row), classes=["claim-id"])
        contents = [
            [sentence, name, _raw(_folded(row))],
            [_raw(f'<p class="found">{_found(row)}</p>')],
            [_raw(f'{_drawn(row)}<p class="value">{_value(row)}</p>')],
        ]
        target = None if self.options else row["id"].replace(".", "-")
        return rows.cells(contents, target, ["ledger-row", *kinds(row)])

    def _sentence_link(self, row: LedgerRow) -> nodes.Node:
        """Return a link to the sentence; the bare id if no page of this build has it."""
        name = nodes.literal("", row["id"])
        if row["device"] is None:
            return name
        return rows.link(self.env, "ref", rows.anchor(row["id"]), name, explicit=True)


def title(env: BuildEnvironment, lecture: str) -> str:
    """Return the first heading of a lecture's page, of which the contents of this page are made."""
    try:
        path = Path(env.doc2path(f"book/{lecture}"))
        source = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(source)["cells"]
            source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    except OSError:
        source = ""
    found = _TITLE.search(source)
    return found[1] if found else _words(lecture)


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _missed(chosen: Sequence[LedgerRow]) -> nodes.paragraph:
    """Return links to the rows whose claim does not hold."""
    failed = [row["id"] for row in chosen if row["verdict"] == "fails"]
    links = ", ".join(f'<a href="#{i.replace(".", "-")}">{html.escape(i)}</a>' for i in failed)
    told = f"What did not hold: {links}." if failed else "No claim is refuted in this build."
    return nodes.paragraph("", "", _raw(told), classes=["ledger-missed"])


def _found(row: LedgerRow) -> str:
    """Return the verdict, and beside it what was predicted, marked where it differs."""
    word = WORDS[row["predicted"]] if row["predicted"] else "nothing"
    marked = " was-otherwise" * evidence.otherwise(row)
    verdict = evidence.found({**row, "predicted": None})
    return f'{verdict} <span class="was{marked}">predicted: {word}</span>'


def _drawn(row: LedgerRow) -> str:
    rule = evidence.must(row) if row["effect"] is not None else ""
    return f'<p class="drawn">{bars.svg(row)}<span class="visually-hidden">{rule}</span></p>'


def _value(row: LedgerRow) -> str:
    if row["effect"] is None:
        return "–"
    effect = html.escape(evidence.measured(row["effect"], row["unit"]))
    interval = evidence.span(row["interval"]) if row["interval"] else ""
    return f'{effect} <span class="quiet">{interval}</span>'


def _folded(row: LedgerRow) -> str:
    """Return the details of a row, folded."""
    name = html.escape(f"Details of {row['id']}", quote=True)
    return (
        f'<details class="ledger-details"><summary aria-label="{name}">Details</summary>'
        f"<p>{html.escape(evidence.lead(row))}</p><p>{evidence.listed(row)}</p></details>"
    )


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("ledger-table", LedgerTable)
