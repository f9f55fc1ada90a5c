"""The text of a paragraph as plain Markdown, for Jupyter: roles, links, formulas (see `plain`).

What states a result stays a role of three kinds, ``{glue:text}``, ``{claim}`` and ``{by-verdict}``,
for `dlnotes.contract.tell`: in a download it follows the reader's own run. All else becomes
Markdown, or is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pybtex.database import BibliographyData

from dlnotes import contract
from dlnotes.press import references
from dlnotes.press.crossrefs import Links

RESULTS = re.compile(r"\{(?:claim|glue:text|by-verdict)\}`")
_GONE = re.compile(
    r"^%[^\n]*\n?|^\+\+\+[^\n]*\n?|<!--.*?-->\n?|^\([\w:./-]+\)=\n?", re.MULTILINE | re.DOTALL
)
_TITLED = re.compile(r"^(?P<words>.*?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
_INLINE = re.compile(
    r"(?P<display>\$\$(?P<tex>.+?)\$\$(?:[ \t]*\((?P<equation>[\w:.-]+)\))?)"
    r"|(?P<math>(?<![\\$])\$(?![\s$])(?:\\.|[^$\\])+?(?<!\s)\$(?!\d))"
    r"|(?:\{(?P<role>[a-zA-Z][\w:-]*)\})?(?P<ticks>`+)(?!`)(?P<text>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<image>!?)\[(?P<words>[^\[\]]*)\](?:\((?P<target>[^()\s]*)\)|(?P<span>(?=\{[.#])))"
    r"|(?P<attributes>\{[.#][a-zA-Z][\w .#=\"-]*\})",
    re.DOTALL,
)
_CITATIONS = {"cite": False, "cite:p": False, "cite:ps": False, "cite:t": True, "cite:ts": True}
_SHOWN = {"sub": "<sub>{}</sub>", "sup": "<sup>{}</sup>", "kbd": "<kbd>{}</kbd>", "math": "${}$"}


@dataclass(frozen=True)
class Page:
    """What the text of a lecture is translated with.

    Attributes:
        links: Where it may lead.
        entries: The bibliography.
        ledger: The row of each claim of the book, by id.
        own: The claims that this lecture checks: a reader's run has a verdict for each.
        cited: The keys of the works cited so far; grows with each text.
    """

    links: Links
    entries: BibliographyData
    ledger: Mapping[str, Mapping]
    own: frozenset[str] = frozenset()
    cited: dict[str, None] = field(default_factory=dict)

    def number(self, label: str | None) -> str:
        """Return what a labeled place is called, such as ``Figure 2``; nothing without a label."""
        found = self.links.labels.get(label or "")
        return found.words if found else ""


def inline(text: str, page: Page) -> str:
    """Return text without fences as plain Markdown.

    Raises:
        ValueError: A role cannot be translated, or names what is not there.
    """
    return _INLINE.sub(lambda match: _span(match, page), _GONE.sub("", text))


def _span(match: re.Match[str], page: Page) -> str:
    """Return one formula, role, span of code, link or list of attributes."""
    if match["display"]:
        number = page.number(match["equation"]).strip("()")
        return f"$${match['tex']}\\tag{{{number}}}$$" if number else f"$${match['tex']}$$"
    if match["role"]:
        return _role(match, page)
    if match["attributes"]:
        return ""
    if match["words"] is None:
        return match[0]
    words = inline(match["words"], page)
    return words if match["target"] is None else _link(match, words, page)


def _link(match: re.Match[str], words: str, page: Page) -> str:
    """Return a link that leads somewhere, or its words."""
    target = match["target"]
    if re.match(r"(https?|mailto):", target):
        return f"{match['image']}[{words}]({target})"
    if match["image"]:
        return words
    return (
        page.links.to_label(target[1:], words)
        if target[:1] == "#"
        else page.links.to_page(target, words)
    )


def _role(match: re.Match[str], page: Page) -> str:
    """Return what a role says."""
    name, text = match["role"], match["text"].strip()
    if name in {"claim", "by-verdict"}:
        return _result(match, text, page)
    if name in {"glue", "glue:text"}:
        return f"{{glue:text}}`{text.rpartition('::')[2]}`"
    if name == "verdict":
        if text not in contract.WORDS:
            raise ValueError(contract.unknown("verdict", text, contract.WORDS))
        return f"**{contract.WORDS[text]}**"
    if name in _CITATIONS:
        page.cited.update(dict.fromkeys(references.split(text)))
        return references.cited(page.entries, text, textual=_CITATIONS[name])
    if name in _SHOWN:
        return _SHOWN[name].format(text)
    titled = _TITLED.match(text)
    words, target = (titled["words"], titled["target"]) if titled else ("", text)
    if name == "predicted":
        return ""  # the page asks the reader's browser
    if name in {"term", "abbr"}:
        return inline(words or text, page)
    if name == "doc":
        return page.links.to_page(target, words)
    if name in {"ref", "numref", "eq", "prf:ref"}:
        return page.links.to_label(target, words)
    raise ValueError(
        f"the role {{{name}}} has no form in plain Markdown; write it otherwise, or give it one "
        "in press/spans.py"
    )


def _result(match: re.Match[str], text: str, page: Page) -> str:
    """Return a claim or a text by verdict."""
    claim = text.partition("|")[0].strip()
    ticks, row = match["ticks"], row_of(claim, page)
    if match["role"] == "by-verdict":
        told = match[0] if claim in page.own else contract.by_verdict(match[0], _verdicts(page))
        body = told.removeprefix(f"{{by-verdict}}{ticks}").removesuffix(ticks)
        body = inline(body if claim in page.own else told, page)
        return f"{{by-verdict}}{ticks}{body}{ticks}" if claim in page.own else body
    return f"{inline(row['statement'], page)} [{verdict_of(row, page)}]"


def row_of(claim: str, page: Page) -> Mapping:
    """Return the ledger's row of a claim."""
    if claim not in page.ledger:
        raise ValueError(contract.unknown("claim", claim, page.ledger))
    return page.ledger[claim]


def verdict_of(row: Mapping, page: Page) -> str:
    """Return a claim's verdict: a role still, if the reader's run will decide it."""
    claim = row["id"]
    return f"{{claim}}`{claim}`" if claim in page.own else f"**{contract.outcome(row)}**"


def _verdicts(page: Page) -> dict[str, str]:
    return {claim: row["verdict"] for claim, row in page.ledger.items()}
