import pytest

from dlnotes.press import numbers
from dlnotes.press.numbers import NumberError

LEFT = {"a": "'7'", "b": '"8\'s"'}


def test_numbers_are_put_in_with_what_is_behind_them():
    text = "{glue:text}`a` and {glue:text}`b`, **{glue:text}`a`**"
    told = numbers.filled(text, LEFT, {"a": "two seeds: 6, 8"})
    assert told == (
        "{number}`7 <two seeds: 6, 8>` and {number}`8's`, **{number}`7 <two seeds: 6, 8>`**"
    )


def test_a_number_in_code_is_left_alone():
    text = "write ``{glue:text}`a` ``"
    assert numbers.filled(text, {}, {}) == text


def test_a_number_that_no_cell_leaves_is_refused():
    with pytest.raises(
        NumberError, match=r"no cell leaves a number 'c' \(prose.number\); valid: a, b"
    ):
        numbers.filled("{glue:text}`c`", LEFT, {})
