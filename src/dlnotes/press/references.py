"""Citations in words, and the list of what was cited, from the book's bibliography."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from pybtex.backends.markdown import Backend
from pybtex.database import BibliographyData, Entry, parse_file
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style

from dlnotes.contract import unknown


@functools.cache
def read(path: Path) -> BibliographyData:
    """Read a BibTeX file."""
    return parse_file(str(path))


def cited(entries: BibliographyData, keys: str, *, textual: bool) -> str:
    """Return a citation as the page has it: ``(Dyson, 2004)``, or ``Dyson (2004)`` in a sentence.

    Args:
        entries: The bibliography.
        keys: One key, or several with commas between them.
        textual: Whether the names are part of the sentence.

    Raises:
        ValueError: A key is not in the bibliography.
    """
    found = [_entry(entries, key) for key in split(keys)]
    pairs = [(_names(entry), entry.fields.get("year", "no year")) for entry in found]
    if textual:
        return ", ".join(f"{names} ({year})" for names, year in pairs)
    return f"({'; '.join(f'{names}, {year}' for names, year in pairs)})"


def listed(entries: BibliographyData, keys: Iterable[str]) -> str:
    """Return the cited works as a Markdown list, in the order of their authors and years."""
    chosen = sorted(set(keys), key=lambda key: _place(_entry(entries, key)))
    works = Style().format_bibliography(entries, chosen) if chosen else []
    told = {work.key: " ".join(work.text.render(Backend()).split()) for work in works}
    return "\n".join(f"- {told[key]}" for key in chosen)


def split(keys: str) -> list[str]:
    """Return the keys of a citation.

    >>> split("dyson2004meeting, arpit2017closer")
    ['dyson2004meeting', 'arpit2017closer']
    """
    return [key.strip() for key in keys.split(",")]


def _entry(entries: BibliographyData, key: str) -> Entry:
    if key not in entries.entries:
        raise ValueError(unknown("citation", key, entries.entries))
    return entries.entries[key]


def _names(entry: Entry) -> str:
    """Return one name, two with "and", or the first of more."""
    names = _surnames(entry)
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names) or str(Text.from_latex(entry.fields.get("title", entry.key)))


def _surnames(entry: Entry) -> Sequence[str]:
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    return [
        " ".join(str(Text.from_latex(part)) for part in (*p.prelast_names, *p.last_names))
        for p in people
    ]


def _place(entry: Entry) -> tuple[str, str]:
    return " ".join(_surnames(entry)).lower(), entry.fields.get("year", "")
