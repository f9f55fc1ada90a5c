import math

import pytest

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
