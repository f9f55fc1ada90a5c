"""The words beside a sentence, and that they may stand inside a paragraph."""

import re
from html.parser import HTMLParser

import pytest

from dlnotes.contract import WORDS
from dlnotes.press import evidence
from tests.ledger_row import ROW

PHRASING = {"span", "button", "a", "b", "svg", "rect", "path", "text", "circle"}
EQUAL = {"kind": "identity", "effect": 1.9e-14, "interval": None, "unit": "logits", "seeds": []}
SHARE = {"scale": "share", "unit": "% of seeds", "effect": 87.5, "seeds": list(range(8))}


class Tags(HTMLParser):
    """The tags of a piece of HTML, and the names of its attributes' values."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.labels, self.shown = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.labels += [value for name, value in attrs if name == "aria-label"]

    def handle_data(self, data):
        self.shown.append(data)


def beside(**changes):
    return evidence.beside(ROW | changes, 'It is "so".', "card-1", "../")


@pytest.mark.parametrize("verdict", WORDS)
def test_it_may_stand_in_a_paragraph_and_names_its_sentence(verdict):
    made = Tags(beside(verdict=verdict))
    assert set(made.tags) <= PHRASING
    assert made.labels == [
        f'Evidence for: It is "so". {WORDS[verdict]}',
        'Evidence for: It is "so".',
    ]
    assert WORDS[verdict] in made.shown[0] + made.shown[1]


def test_the_prediction_stands_there_where_it_differs():
    assert "predicted: does not hold" in beside()
    assert "predicted: " not in beside(predicted="holds")
    assert "predicted: " not in beside(predicted=None)
    assert "predicted: " not in beside(verdict="not-run")


def test_the_first_line_is_words():
    lead = evidence.lead
    whole = ROW | {"part": ""}
    assert lead(whole) == "On average 0.5\u00a0share over 3 seeds."
    assert lead(ROW) == f"Weakest part (the widest): {lead(whole)}"
    assert lead(ROW | {"verdict": "fails"}).startswith("Clearest part against it (the widest): ")
    clear = whole | {"p_holds": 1 / 8}
    assert lead(clear) == "On average 0.5\u00a0share. All 3 seeds lie where the sentence is true."
    other = ROW | {"verdict": "fails", "p_fails": 1 / 8}
    assert lead(other).endswith("All 3 seeds lie where it is false.")
    assert lead(ROW | {"p_fails": 1 / 8}) == lead(ROW)
    assert lead(ROW | EQUAL | {"reason": ""}) == "The largest error is 1.9 × 10⁻¹⁴\u00a0logits."
    told = ROW | EQUAL | {"reason": "formula against matrices"}
    assert lead(told) == "The largest error is 1.9 × 10⁻¹⁴\u00a0logits (formula against matrices)."
    ratio = whole | {"scale": "log", "unit": "times"}
    assert lead(ratio) == "On average 0.5\u00a0times (geometric mean) over 3 seeds."
    assert lead(whole | SHARE) == "It was so in 7 of 8 seeds."
    gone = {"verdict": "not-run", "effect": None, "reason": "its lecture failed"}
    assert lead(ROW | gone) == "Not run here: its lecture failed."


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.3, None, "true if above 0.3\u00a0share"),
        (None, 0.3, "true if below 0.3\u00a0share"),
        (-1, 1, "true if between −1 and 1\u00a0share"),
        (None, None, ""),
    ],
)
def test_the_limit_is_said_in_words(low, high, said):
    assert evidence.must(ROW | {"limit_low": low, "limit_high": high}) == said
    if low is None and high:
        assert evidence.must(ROW | EQUAL | {"limit_low": low, "limit_high": 1e-9}) == (
            "true if at most 10⁻⁹\u00a0logits"
        )


def test_every_detail_has_its_name():
    told = dict(evidence.details(ROW | {"power": 0.81, "note": "Reworded.", "seeds": [0, 1, 2]}))
    assert told["Predicted"] == (
        "does not hold; since then expected: holds, because a pilot saw it. Reworded."
    )
    assert told["Decided by"] == "the widest"
    assert told["Other test images"] == "0.35 to 0.65"
    assert told["p"] == "0.004 for it, 0.9 against it"
    assert (told["q"], told["Power"]) == ("0.008", "81\u00a0%")
    assert (told["Profile"], told["Device"], told["Data"]) == ("smoke", "cpu", "digits")
    assert told["Seeds"] == "3 seeds: 0–2"


def test_no_number_is_written_with_an_e():
    text = beside(**EQUAL, method="it must not exceed 1e-09", limit_low=None, limit_high=1e-9)
    assert not re.search(r"\de[+-]?\d", re.sub(r'<path[^>]*>|id="[^"]*"', "", text))


def test_what_a_lecture_says_is_escaped():
    assert "&lt;b&gt;&amp;" in beside(method="<b>&")
    assert "<b>&" not in beside(part="<b>&", unit="<b>&", dataset="<b>&")


def test_as_text_it_is_a_bracket():
    assert evidence.plain(ROW) == "[holds: 0.5 (0.4 to 0.6) share]"
    assert evidence.plain(ROW | {"effect": None, "verdict": "not-run"}) == "[not run here]"
