from pathlib import Path

import pytest

from dlnotes.press import references

BOOK = references.read(Path(__file__).parents[2] / "book" / "references.bib")


def test_every_work_of_the_book_can_be_cited_and_listed():
    for key in BOOK.entries:
        assert references.cited(BOOK, key, textual=False)[-1] == ")"
    lines = references.listed(BOOK, BOOK.entries).splitlines()
    assert len(lines) == len(BOOK.entries)
    assert not [line for line in lines if "{" in line or line == "- "]


def test_works_are_listed_once_by_their_authors():
    keys = ["zhang2017understanding", "dyson2004meeting", "zhang2017understanding"]
    first, second = references.listed(BOOK, keys).splitlines()
    assert first.startswith("- Freeman Dyson")
    assert second.startswith("- Chiyuan Zhang")


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="unknown citation 'dyson'"):
        references.cited(BOOK, "dyson", textual=True)
