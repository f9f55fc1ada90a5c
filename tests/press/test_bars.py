"""The drawing of an interval: everything at its place, which is computed here by hand."""

import math
import re
from xml.etree import ElementTree

import pytest

from dlnotes.press import bars

ROW = {
    "verdict": "holds",
    "kind": "statistical",
    "scale": "linear",
    "unit": "nats",
    "effect": 2.0,
    "interval": [1.0, 3.0],
    "limit_low": 0.0,
    "limit_high": None,
}
SHARE = {"scale": "share", "unit": "% of seeds", "limit_low": 50.0}
RATIO = {"scale": "log", "unit": "times"}
ERROR = {"kind": "identity", "interval": None, "limit_low": None, "limit_high": 1e-9}


def drawn(**changes):
    """Return the drawing as a tree, and its parts' places: name -> numbers in the attributes."""
    tree = ElementTree.fromstring(bars.svg(ROW | changes, 240))
    numbers = {}
    for part in tree:
        values = " ".join(part.get(k, "") for k in ("d", "x", "width", "cx"))
        numbers.setdefault(part.get("class").split()[0], []).append(
            [float(n) for n in re.findall(r"-?\d+\.?\d*", values)]
        )
    return tree, numbers


def test_a_share_of_seeds_lies_between_0_and_100():
    _, at = drawn(**SHARE, effect=75.0, interval=[60.0, 90.0])
    assert at["iv-band"] == [[120.0, 120.0]]
    assert at["iv-limit"][0][0] == 120.0
    assert at["iv-bar"] == [[144.0, 11.0, 216.0]]
    assert at["iv-mark"] == [[180.0]]


def test_a_difference_lies_by_its_distance_and_the_band_reaches_the_end():
    pad = 0.16 * 3
    at = drawn()[1]
    assert at["iv-limit"][0][0] == pytest.approx(240 * pad / (3 + 2 * pad), abs=0.06)
    assert at["iv-mark"][0][0] == pytest.approx(240 * (2 + pad) / (3 + 2 * pad), abs=0.06)
    assert sum(at["iv-band"][0]) == pytest.approx(240, abs=0.06)


def test_equal_ratios_are_equally_far_apart():
    at = drawn(**RATIO, effect=10.0, interval=[1.0, 100.0], limit_low=1.0, limit_high=100.0)[1]
    (left, _), (right, _) = (line[:2] for line in at["iv-limit"])
    assert at["iv-mark"][0][0] == pytest.approx((left + right) / 2, abs=0.1) == 120.0
    assert at["iv-band"][0] == pytest.approx([left, right - left], abs=0.11)


def test_an_error_lies_by_its_power_of_ten_and_a_zero_at_the_left():
    at = drawn(**ERROR, effect=1e-13)[1]
    decades = math.log10(30e-9) + 17
    assert at["iv-mark"][0][0] == pytest.approx(240 * 4 / decades, abs=0.1)
    assert at["iv-limit"][0][0] == pytest.approx(240 * 8 / decades, abs=0.1)
    assert "iv-bar" not in at
    assert drawn(**ERROR, effect=0.0)[1]["iv-mark"][0][0] == 5.5  # wholly inside


@pytest.mark.parametrize(
    "changes",
    [
        {"limit_low": None, "limit_high": 4.0},
        {"limit_low": -1.0, "limit_high": 4.0},
        {"interval": None},
        {"interval": None, "effect": 0.0},
        {"interval": [0.0, 0.0], "effect": 0.0},
        {"interval": [2.0, 2.0]},
        {"limit_low": None},
        {**RATIO, "limit_low": 0.0, "effect": 0.0, "interval": [0.0, 0.0]},
        {**RATIO, "limit_low": -math.inf, "interval": [0.0, math.inf]},
        {**SHARE, "effect": 0.0, "interval": [0.0, 26.0]},
        {**SHARE, "effect": 100.0, "interval": [63.0, 100.0]},
        {**ERROR, "effect": 1.0},
        {**ERROR, "limit_high": 0.5, "effect": 0.0},
        {**ERROR, "limit_high": 0.0, "effect": 0.0},
    ],
)
@pytest.mark.parametrize("small", [True, False])
def test_whatever_is_drawn_stays_inside(changes, small):
    text = bars.svg(ROW | changes, 240, small=small)
    tree = ElementTree.fromstring(text)
    assert "nan" not in text
    assert "inf" not in text
    for part in tree:
        for name in ("x", "cx"):
            assert 0 <= float(part.get(name, 0)) <= 240
        assert float(part.get("width", 0)) >= 0


def test_the_mark_says_the_verdict_by_its_shape():
    marks = {v: drawn(verdict=v)[0][-1] for v in ("holds", "fails", "undecided")}
    assert [mark.tag for mark in marks.values()] == ["circle", "path", "circle"]
    assert "iv-hollow" in marks["undecided"].get("class")
    assert "iv-hollow" not in marks["holds"].get("class")


def test_it_is_hidden_from_screen_readers_and_not_drawn_without_a_number():
    assert 'aria-hidden="true"' in bars.svg(ROW)
    assert bars.svg(ROW | {"effect": None}) == ""
    assert bars.svg(ROW | {"verdict": "not-run"}) == ""
