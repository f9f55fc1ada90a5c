"""The ledger's filters: what each keeps, how many, and by which rules of style."""

import re

import pytest

from dlnotes.press import ledgerpage
from tests.ledger_row import ROW

ROWS = [
    ROW | {"id": "a.1", "verdict": "holds", "predicted": "holds"},
    ROW | {"id": "a.2", "verdict": "holds", "predicted": "fails"},
    ROW | {"id": "a.3", "verdict": "undecided", "predicted": "holds", "lecture": "other/one"},
    ROW | {"id": "a.4", "verdict": "not-run", "predicted": "holds", "effect": None},
]


def test_each_filter_says_how_many_rows_it_keeps():
    page = ledgerpage.filters(ROWS)
    counts = dict(re.findall(r'id="([\w-]+)"[^>]*> <span>[^<]* <b>(\d+)</b>', page))
    assert counts == {
        **{"f-all": "4", "f-fails": "0", "f-undecided": "1", "f-holds": "2"},
        **{"f-otherwise": "2", "f-not-run": "1", "p-all": "4", "p-part": "3", "p-other": "1"},
    }
    assert page.count(" checked") == 2


def test_a_part_that_is_the_only_one_is_no_choice():
    assert 'id="p-' not in ledgerpage.filters([ROW])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_has_the_class_of_every_filter_that_keeps_it(row):
    kept = {f"is-{name}" for name, (_, keeps) in ledgerpage.FILTERS.items() if keeps(row)}
    assert kept < set(ledgerpage.kinds(row))
    for name in ledgerpage.FILTERS:
        assert f"#f-{name}:checked) tr.ledger-row:not(.is-{name})" in ledgerpage.filters(ROWS)
