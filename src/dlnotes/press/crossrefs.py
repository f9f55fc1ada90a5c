"""What the book's labels stand for, and where they lead: by the site's address, or nowhere.

Numbers count within a page: the download of a lecture stands alone.
"""

import collections
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dlnotes.contract import unknown

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_PLACES = re.compile(
    r"^\((?P<target>[\w:./-]+)\)=\n+#+ (?P<heading>.+)$"
    r"|^\$\$[ \t]*\((?P<after>[\w:.-]+)\)$|^\$\$.+\$\$[ \t]*\((?P<beside>[\w:.-]+)\)$"
    r"|^[ \t]*(?:`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)\n"
    r"(?P<options>---\n(?:.*\n)*?---\n|(?::.*\n)*)",
    re.MULTILINE,
)
_OPTION = re.compile(r"^:?(label|name|nonumber):[ \t]*(\S*)", re.MULTILINE)
PROOFS = (
    *("theorem", "lemma", "corollary", "proposition", "definition", "example", "remark", "axiom"),
    *("algorithm", "conjecture", "property", "criterion", "observation", "assumption"),
)
_KINDS = {f"prf:{kind}": kind.capitalize() for kind in PROOFS} | {
    "exercise": "Exercise",
    "figure": "Figure",
    "table": "Table",
    "math": "",
}


@dataclass(frozen=True)
class Label:
    """A place in the book: its page, and the words for it (a heading, ``Figure 2``, ``(3)``)."""

    page: str
    words: str


@dataclass(frozen=True)
class Links:
    """Where the text of one page may lead.

    Attributes:
        page: The page, as ``book/rethinking/random-data``.
        titles: Of each page of the book.
        labels: Of the whole book.
        site: Address of the site without a slash at its end; None if it is not known.
    """

    page: str
    titles: Mapping[str, str]
    labels: Mapping[str, Label]
    site: str | None = None

    def to_page(self, target: str, words: str = "") -> str:
        """Return a link to a page: relative, or absolute from the book's root.

        Raises:
            ValueError: There is no such page.
        """
        path, _, anchor = target.partition("#")
        parts: list[str] = []
        start = PurePosixPath("/") if path.startswith("/") else PurePosixPath(self.page).parent
        for part in (start / path).parts:
            parts = parts[:-1] if part == ".." else [*parts, *({part} - {"/", "."})]
        page = re.sub(r"\.(md|py|ipynb|html)$", "", "/".join(parts))
        if page not in self.titles:
            raise ValueError(unknown("page", page, self.titles))
        return self._link(words or self.titles[page], page, anchor)

    def to_label(self, label: str, words: str = "") -> str:
        """Return a link to a labeled place; ``%s`` in the words becomes its number.

        Raises:
            ValueError: There is no such label.
        """
        if label not in self.labels:
            raise ValueError(unknown("label", label, self.labels))
        place = self.labels[label]
        words = re.sub(r"%s|\{number\}", place.words.split()[-1], words) or place.words
        if place.page == self.page:
            return words
        of = self.titles[place.page]
        return self._link(words if words == of else f"{words} of “{of}”", place.page, label)

    def _link(self, words: str, page: str, anchor: str) -> str:
        to = f"{self.site}/{page}.html{f'#{anchor}' if anchor else ''}"
        return f"[{words}]({to})" if self.site and page != self.page else words


def read(root: Path, figures: Mapping[str, list[str]]) -> tuple[dict[str, str], dict[str, Label]]:
    """Return the titles of the book's pages, and its labels.

    Args:
        root: The root of the project.
        figures: The labels of the figures that a lecture drew, by lecture.
    """
    titles, labels = {}, {}
    for path in sorted((root / "book").rglob("*.*")):
        if path.suffix not in {".md", ".py"} or path.parent.name.startswith("_"):
            continue
        page = path.relative_to(root).with_suffix("").as_posix()
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        title = _TITLE.search(text)
        titles[page] = title[1].strip() if title else path.stem
        drawn = figures.get(page.removeprefix("book/"), [])
        labels |= {name: Label(page, words) for name, words in labeled(text)}
        labels |= {name: Label(page, f"Figure {n}") for n, name in enumerate(drawn, 1)}
    return titles, labels


def labeled(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield each label of a text and the words for it.

    >>> list(labeled("(top)=\n# A title\n"))
    [('top', 'A title')]
    """
    counts: collections.Counter[str] = collections.Counter()
    for place in _PLACES.finditer(text):
        if place["target"]:
            yield place["target"], place["heading"].strip()
            continue
        options = dict(_OPTION.findall(place["options"] or ""))
        label = place["after"] or place["beside"] or options.get("label") or options.get("name")
        kind = _KINDS.get(place["name"] or "math")
        if kind is None or (kind == "" and not label) or "nonumber" in options:
            continue
        counts[kind] += 1
        if label:
            yield label, f"{kind} {counts[kind]}" if kind else f"({counts[kind]})"
