"""MyST as plain Markdown, for Jupyter without the book's tools.

What states a result stays a role of three kinds, ``{glue:text}``, ``{claim}`` and ``{by-verdict}``,
for `dlnotes.contract.tell`: in a download it follows the reader's own run. All else becomes
Markdown, or is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pybtex.database import BibliographyData

from dlnotes import contract
from dlnotes.press import references
from dlnotes.press.crossrefs import PROOFS, Links

RESULTS = re.compile(r"\{(?:claim|glue:text|by-verdict)\}`")
NOTES = (
    *("note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error"),
    *("seealso", "admonition", "dropdown", "margin", "sidebar", "epigraph", "predict"),
)
_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,}|:{3,}|~{3,})(?P<rest>[^`]*)$")
_DIRECTIVE = re.compile(r"^\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)$")
_OPTION = re.compile(r"^:?([\w-]+):[ \t]*(.*)$")
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


def plain(text: str, page: Page) -> str:
    """Return text as plain Markdown.

    Raises:
        ValueError: A directive or role cannot be translated, or names what is not there.
    """
    done, chunk, lines = [], [], text.splitlines()
    while lines:
        fence = _FENCE.match(lines[0])
        if not fence:
            chunk.append(lines.pop(0))
            continue
        done += [_inline("\n".join(chunk), page)] if chunk else []
        chunk = []
        marks, indent = fence["marks"], fence["indent"]
        end = re.compile(rf"\s*{marks[0]}{{{len(marks)},}}\s*")
        inside = next((n for n, line in enumerate(lines) if n and end.fullmatch(line)), len(lines))
        body = [line.removeprefix(indent) for line in lines[1:inside]]
        shown = _fenced(fence["rest"].strip(), body, marks, page)
        done += [f"{indent}{line}".rstrip() for line in shown.split("\n")]
        lines = lines[inside + 1 :]
    return "\n".join([*done, *([_inline("\n".join(chunk), page)] if chunk else [])])


def _fenced(head: str, body: list[str], marks: str, page: Page) -> str:
    """Return a block between fences."""
    directive = _DIRECTIVE.match(head)
    if not directive:
        return "\n".join([marks + head, *body, marks]) if marks[0] != ":" else _join(body, page)
    options, body = _options(body)
    name, title = directive["name"], directive["title"].strip()
    translate = _DIRECTIVES.get(name)
    if translate is None:
        raise ValueError(
            f"the directive {{{name}}} has no form in plain Markdown; write it otherwise, or give "
            "it one in press/plain.py"
        )
    return translate(name, title, options, body, page)


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """Part a directive's options, ``:key: value`` or between ``---``, from what follows."""
    options, rest = {}, list(body)
    yaml = bool(rest) and rest[0].strip() == "---"
    if yaml:
        rest.pop(0)
    while rest and (yaml or rest[0].startswith(":")) and (match := _OPTION.match(rest[0])):
        options[match[1]] = match[2].strip("\"'")
        rest.pop(0)
    if yaml and rest and rest[0].strip() == "---":
        rest.pop(0)
    return options, rest


def _join(body: list[str], page: Page) -> str:
    return plain("\n".join(body), page).strip("\n")


def _note(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    """Return a note as a quotation, or folded where the page folds it."""
    unnamed = name in {"margin", "sidebar", "epigraph", "admonition", "dropdown"}
    title = _inline(title or ("" if unnamed else name.capitalize()), page)
    text = _join(
        [*body, "", *(f"- {c.strip()}" for c in options.get("choices", "|").split("|"))]
        if "choices" in options
        else body,
        page,
    )
    if name == "dropdown" or "dropdown" in options.get("class", ""):
        return f"\n<details><summary>{title or 'More'}</summary>\n\n{text}\n\n</details>\n"
    lines = ([f"**{title}**", ""] if title else []) + text.splitlines()
    return "\n".join(["", *(f"> {line}".rstrip() for line in lines), ""])


def _numbered(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    """Return a theorem or an exercise: its kind and number, its title, its text."""
    number = _number(options, page) or name.removeprefix("prf:").capitalize()
    joint = ": {}" if name == "exercise" else " ({})"
    title = joint.format(_inline(title.strip("()"), page)) if title else ""
    return f"\n**{number}{title}**\n\n{_join(body, page)}\n"


def _proof(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return f"\n**Proof.** {_join(body, page)} ∎\n"


def _math(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    number = _number(options, page)
    tag = f" \\tag{{{number.strip('()')}}}" if number else ""
    tex = "\n".join(line for line in [title, *body] if line.strip())
    return f"\n$$\n{tex}{tag}\n$$\n"


def _picture(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    """Return a picture on the site, or its words where there is no site."""
    number = _number(options, page)
    folder = page.links.page.rpartition("/")[0]
    place = "_images/" + title.rpartition("/")[2] if folder else title
    alt = " ".join(options.get("alt", "").split())
    image = f"![{alt}]({page.links.site}/{place})" if page.links.site else f"*Picture: {alt}*"
    caption = " ".join([*([f"**{number}.**"] if number else []), _join(body, page)]).strip()
    return f"\n{image}\n\n{caption}\n"


def _table(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    number = _number(options, page)
    head = ". ".join(part for part in (number, _inline(title, page)) if part)
    return f"\n**{head}**\n\n{_join(body, page)}\n"


def _claims(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    """Return a table of claims, ``id | label`` a line, each with its verdict."""
    rows = [line.partition("|") for line in body if line.strip()]
    told = []
    for claim, _, label in rows:
        row = _row(claim.strip(), page)
        told.append(
            f"| {_inline(label.strip() or row['statement'], page)} | {_verdict(row, page)} |"
        )
    return "\n".join(["", "| claim | verdict |", "| --- | --- |", *told, ""])


def _code(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return "\n".join([f"```{title or 'python'}", *body, "```"])


def _text(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return _join(body, page)


def _nothing(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return ""


def _number(options: Mapping[str, str], page: Page) -> str:
    label = page.links.labels.get(options.get("label") or options.get("name", ""))
    return label.words if label else ""


_DIRECTIVES: dict[str, Callable[[str, str, dict, list[str], Page], str]] = (
    dict.fromkeys(NOTES, _note)
    | dict.fromkeys(["exercise", *(f"prf:{kind}" for kind in PROOFS)], _numbered)
    | dict.fromkeys(["code", "code-block", "sourcecode"], _code)
    | dict.fromkeys(["figure", "image"], _picture)
    | dict.fromkeys(["bibliography", "contents"], _nothing)  # works cited stand at the end
    | {"prf:proof": _proof, "math": _math, "table": _table, "div": _text, "claim-table": _claims}
)


def _inline(text: str, page: Page) -> str:
    """Return text without fences as plain Markdown."""
    return _INLINE.sub(lambda match: _span(match, page), _GONE.sub("", text))


def _span(match: re.Match[str], page: Page) -> str:
    """Return one formula, role, span of code, link or list of attributes."""
    if match["display"]:
        number = _number({"label": match["equation"] or ""}, page).strip("()")
        return f"$${match['tex']}\\tag{{{number}}}$$" if number else f"$${match['tex']}$$"
    if match["role"]:
        return _role(match, page)
    if match["attributes"]:
        return ""
    if match["words"] is None:
        return match[0]
    words = _inline(match["words"], page)
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
        return _inline(words or text, page)
    if name == "doc":
        return page.links.to_page(target, words)
    if name in {"ref", "numref", "eq", "prf:ref"}:
        return page.links.to_label(target, words)
    raise ValueError(
        f"the role {{{name}}} has no form in plain Markdown; write it otherwise, or give it one "
        "in press/plain.py"
    )


def _result(match: re.Match[str], text: str, page: Page) -> str:
    """Return a claim or a text by verdict: a role still, if the reader's run will decide it."""
    claim = text.partition("|")[0].strip()
    ticks, row = match["ticks"], _row(claim, page)
    if match["role"] == "by-verdict":
        told = match[0] if claim in page.own else contract.by_verdict(match[0], _verdicts(page))
        body = told.removeprefix(f"{{by-verdict}}{ticks}").removesuffix(ticks)
        body = plain(body if claim in page.own else told, page)
        return f"{{by-verdict}}{ticks}{body}{ticks}" if claim in page.own else body
    return f"{_inline(row['statement'], page)} [{_verdict(row, page)}]"


def _row(claim: str, page: Page) -> Mapping:
    if claim not in page.ledger:
        raise ValueError(contract.unknown("claim", claim, page.ledger))
    return page.ledger[claim]


def _verdict(row: Mapping, page: Page) -> str:
    claim = row["id"]
    return f"{{claim}}`{claim}`" if claim in page.own else f"**{contract.outcome(row)}**"


def _verdicts(page: Page) -> dict[str, str]:
    return {claim: row["verdict"] for claim, row in page.ledger.items()}
