"""Numbers in prose: never with an e, always with a true minus."""

import math

import pytest

from dlnotes.press import numerals


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2567.0055, "2,570"),
        (60000, "60,000"),
        (1.91e-14, "1.91 × 10⁻¹⁴"),
        (-1.9e-14, "−1.9 × 10⁻¹⁴"),
        (1e-9, "10⁻⁹"),
        (9.999e-5, "10⁻⁴"),
        (0.00123, "0.00123"),
        (9.996, "10"),
        (12_345_678, "1.23 × 10⁷"),
        (-0.7077, "−0.708"),
        (0, "0"),
        (-0.0, "0"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "no number"),
        (5e-324, "4.94 × 10⁻³²⁴"),
    ],
)
def test_a_number_is_written_as_prose_writes_it(value, text):
    assert numerals.number(value) == text


def test_a_limit_keeps_the_digits_it_was_written_with():
    assert numerals.number(11.35, 4) == "11.35"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("must not exceed 1e-09", "must not exceed 10⁻⁹"),
        ("between -1 and 1", "between −1 and 1"),
        ("from (-2.5e+03)", "from (−2,500)"),
        ("seeds 0-7, t-test, 2026-11-25, mnist1d, fit.e1", None),
    ],
)
def test_typed_numbers_are_rewritten_and_nothing_else(typed, shown):
    assert numerals.prose(typed) == (shown or typed)
