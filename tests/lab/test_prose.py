import math

import pytest
import scipy.stats

from dlnotes.lab import prose
from dlnotes.stats import Interval


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: one pair of arguments and keywords a call."""
    calls = []
    monkeypatch.setattr(prose, "display", lambda *args, **kwargs: calls.append((args, kwargs)))
    return calls


def test_numbers_are_left_as_myst_nb_leaves_them(shown):
    """The output must be what ``myst_nb.glue`` writes for the same text."""
    assert prose.number("share", 0.4567, ".1%") is None
    (data,), kwargs = shown[0]
    prefix = "application/papermill.record/"
    assert data == {f"{prefix}text/plain": "'45.7%'"}
    assert kwargs["metadata"]["scrapbook"] == {"name": "share", "mime_prefix": prefix}


def test_an_interval_is_left_as_two_numbers(shown):
    prose.interval("gain", Interval(estimate=-0.123, low=-1.5, high=2.0, method="t"), "+.1f")
    left = {
        kwargs["metadata"]["scrapbook"]["name"]: next(iter(data.values()))
        for (data,), kwargs in shown
    }
    assert left == {"gain": "'−0.1'", "gain-interval": "'−1.5 to +2.0'"}


@pytest.mark.parametrize(
    "leave",
    [
        lambda: prose.number("share", math.nan, ".1f"),
        lambda: prose.interval("share", Interval(estimate=0, low=-math.inf, high=0, method="")),
    ],
)
def test_a_number_must_be_finite(leave):
    with pytest.raises(ValueError, match="must be finite, got share"):
        leave()


def names_and_texts(shown):
    return {
        kwargs["metadata"]["scrapbook"]["name"]: next(iter(data.values()))
        for (data,), kwargs in shown
    }


def test_a_mean_and_a_ratio_are_left_as_texts(shown):
    prose.mean("fall", [-1.0, -2.0])
    prose.ratio("slower", [1.0, 4.0], ".2f")  # the geometric mean is 2
    assert names_and_texts(shown) == {"fall": "'−1.5'", "slower": "'2.00'"}


@pytest.mark.parametrize("ratios", [[], [2.0, math.inf], [math.nan, 2.0]])
def test_a_ratio_of_stopped_runs_is_unknown(shown, ratios):
    prose.ratio("slower", ratios)
    assert names_and_texts(shown) == {"slower": "'an unknown number of'"}


@pytest.mark.parametrize(
    ("values", "match"), [([], "needs values, got none for fall"), ([1.0, math.inf], "finite")]
)
def test_a_mean_of_nothing_or_of_what_is_not_finite_is_refused(values, match):
    with pytest.raises(ValueError, match=match):
        prose.mean("fall", values)


class Shown:
    """A display that can be shown again."""

    def __init__(self, data, **_):
        self.data = data

    def update(self, data, **_):
        self.data = data


@pytest.fixture
def told(monkeypatch):
    """Every display made, in a lecture that has said nothing yet."""
    made = []
    monkeypatch.setattr(prose, "display", lambda *a, **k: made.append(Shown(*a, **k)) or made[-1])
    for kept in ("NUMBERS", "RESULTS", "CAPTIONS", "_told"):
        monkeypatch.setattr(prose, kept, {})
    return made


def test_text_is_told_with_what_the_run_found(told):
    prose.number("share", 0.25, ".0%")
    prose.keep(prose.RESULTS, "fit.true", {"verdict": "fails"})
    prose.tell("{claim}`fit.true` {by-verdict}`fit.true | holds: a | fails: b | undecided: c`")
    prose.tell("It was {glue:text}`share`.")
    said = [shown.data["text/markdown"] for shown in told[1:]]
    assert said == ["**does not hold** b", "It was 25%."]


def test_what_is_found_later_comes_in_later_and_what_changes_is_said_again(told):
    prose.tell("It was {glue:text}`share`.")
    assert "further down" in told[0].data["text/markdown"]
    prose.number("share", "5")
    assert told[0].data["text/markdown"] == "It was 5."
    prose.number("share", "6")
    assert told[0].data["text/markdown"] == "It was 6."


def test_a_caption_is_that_of_the_figure_drawn_last(told):
    prose.CAPTIONS["noise"] = "It\n rises, {cite:p}`dyson`."
    prose.caption("noise", "**Figure 1.**", {"{cite:p}`dyson`": "(Dyson, 2004)"})
    assert told[0].data["text/markdown"] == "**Figure 1.** It rises, (Dyson, 2004)."


def test_a_plain_script_prints_texts_and_no_bundles(capsys):
    prose.number("share", 1.0)
    prose.display({"image/svg+xml": "<svg/>", "text/plain": "A line."}, raw=True)
    prose.display("a verdict")
    assert capsys.readouterr().out == "A line.\na verdict\n"


def test_a_mean_carries_its_seeds(shown):
    prose.mean("gain", [1.0, 2.0, 3.0, -2.0], ".1f")
    (_, kwargs) = shown[0]
    told = kwargs["metadata"]["scrapbook"]["behind"]
    low, high = scipy.stats.t.interval(0.95, 3, loc=1.0, scale=scipy.stats.sem([1, 2, 3, -2]))
    ends = f"{low:.1f} to {high:.1f}".replace("-", "−")
    assert told == f"mean of 4 seeds: 1.0, 2.0, 3.0, −2.0; 95 % interval {ends}"


def test_many_seeds_are_told_by_their_range(shown):
    prose.ratio("times", [2.0] * 10 + [8.0] * 10, ".1f")
    assert "geometric mean of 20 seeds: 2.0 to 8.0; 95 % interval 2." in str(shown[0])


def test_an_unknown_ratio_has_no_seeds_behind_it(shown):
    prose.ratio("times", [2.0, math.inf])
    assert "behind" not in str(shown[0])


def test_what_is_behind_a_number_must_not_break_the_markup():
    with pytest.raises(ValueError, match="must do without <, > and `"):
        prose.number("a", 1.0, behind="n < 3")
