"""MyST as plain Markdown, for Jupyter without the book's tools.

Here are the blocks between fences; `spans` has the text of a paragraph.
"""

import re
from collections.abc import Callable, Mapping

from dlnotes.press.crossrefs import PROOFS
from dlnotes.press.spans import Page, inline, row_of, verdict_of

NOTES = (
    *("note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error"),
    *("seealso", "admonition", "dropdown", "margin", "sidebar", "epigraph", "predict"),
)
_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,}|:{3,}|~{3,})(?P<rest>[^`]*)$")
_DIRECTIVE = re.compile(r"^\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)$")
_OPTION = re.compile(r"^:?([\w-]+):[ \t]*(.*)$")


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
        done += [inline("\n".join(chunk), page)] if chunk else []
        chunk = []
        marks, indent = fence["marks"], fence["indent"]
        end = re.compile(rf"\s*{marks[0]}{{{len(marks)},}}\s*")
        inside = next((n for n, line in enumerate(lines) if n and end.fullmatch(line)), len(lines))
        body = [line.removeprefix(indent) for line in lines[1:inside]]
        shown = _fenced(fence["rest"].strip(), body, marks, page)
        done += [f"{indent}{line}".rstrip() for line in shown.split("\n")]
        lines = lines[inside + 1 :]
    return "\n".join([*done, *([inline("\n".join(chunk), page)] if chunk else [])])


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
    title = inline(title or ("" if unnamed else name.capitalize()), page)
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
    title = joint.format(inline(title.strip("()"), page)) if title else ""
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
    head = ". ".join(part for part in (number, inline(title, page)) if part)
    return f"\n**{head}**\n\n{_join(body, page)}\n"


def _claims(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    """Return a table of claims, ``id | label`` a line, each with its verdict."""
    rows = [line.partition("|") for line in body if line.strip()]
    told = []
    for claim, _, label in rows:
        row = row_of(claim.strip(), page)
        told.append(
            f"| {inline(label.strip() or row['statement'], page)} | {verdict_of(row, page)} |"
        )
    return "\n".join(["", "| claim | verdict |", "| --- | --- |", *told, ""])


def _code(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return "\n".join([f"```{title or 'python'}", *body, "```"])


def _text(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return _join(body, page)


def _nothing(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    return ""


def _symbols(name: str, title: str, options: dict, body: list[str], page: Page) -> str:
    """Return a list of symbols, ``symbol | what it is`` a line."""
    rows = [[part.strip() for part in line.split("|", 1)] for line in body if line.strip()]
    return "\n".join(["", *(f"- {inline(': '.join(row), page)}" for row in rows), ""])


def _number(options: Mapping[str, str], page: Page) -> str:
    return page.number(options.get("label") or options.get("name"))


_DIRECTIVES: dict[str, Callable[[str, str, dict, list[str], Page], str]] = (
    dict.fromkeys(NOTES, _note)
    | dict.fromkeys(["exercise", *(f"prf:{kind}" for kind in PROOFS)], _numbered)
    | dict.fromkeys(["code", "code-block", "sourcecode"], _code)
    | dict.fromkeys(["figure", "image"], _picture)
    | dict.fromkeys(["bibliography", "contents"], _nothing)  # works cited stand at the end
    | {"prf:proof": _proof, "math": _math, "table": _table, "div": _text, "claim-table": _claims}
    | {"symbols": _symbols}
)
