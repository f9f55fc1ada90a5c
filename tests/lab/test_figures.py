import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from dlnotes.lab import figures


@pytest.fixture(autouse=True)
def drawn_off_screen():
    with mpl.rc_context():
        mpl.use("agg")
        figures.style()
        yield
        plt.close("all")


FRAME = pd.DataFrame(
    [
        {"x": x, "y": x + seed / 10 + (k == "b"), "seed": seed, "kind": k}
        for k in "ab"
        for seed in range(3)
        for x in (0, 1, 2)
    ]
)


def luminance(color):
    """Relative luminance of WCAG 2.2."""
    channels = np.array(mpl.colors.to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("page", ["#ffffff", "#14181e", "#121212"])
@pytest.mark.parametrize("color", [figures.INK, *figures.COLORS])
def test_every_color_is_legible_on_both_pages(color, page):
    light, dark = sorted((luminance(color), luminance(page)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3.7


def test_seed_curves_draw_one_line_a_seed():
    _, axes = plt.subplots()
    figures.seed_curves(axes, FRAME, x="x", y="y", hue="kind")
    drawn = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(drawn) == 6
    assert sorted(line.get_ydata()[0] for line in drawn) == pytest.approx(
        [0, 0.1, 0.2, 1, 1.1, 1.2]
    )


def test_seed_points_show_mean_and_every_seed():
    _, axes = plt.subplots()
    figures.seed_points(axes, FRAME, x="x", y="y", hue="kind")
    assert sum(
        len(c.get_offsets())
        for c in axes.collections
        if hasattr(c, "get_sizes") and len(c.get_sizes())
    ) == len(FRAME)
    assert axes.containers[0][0].get_ydata() == pytest.approx([0.1, 1.1, 2.1])
    assert [t for t in axes.get_legend_handles_labels()[1]] == ["a", "b"]


def test_seed_points_draw_the_interval_of_every_mean():
    _, axes = plt.subplots()
    figures.seed_points(axes, FRAME, x="x", y="y", hue="kind")
    half = 4.302653 * 0.1 / 3**0.5  # Student's t for two degrees of freedom; seeds differ by 0.1
    for drawn, lowest in zip(axes.containers, (0.1, 1.1), strict=True):
        (bars,) = drawn.lines[2]
        for x, bar in zip((0, 1, 2), bars.get_segments(), strict=True):
            mean = lowest + x
            assert bar == pytest.approx(np.array([[x, mean - half], [x, mean + half]]))


def test_image_rows_put_every_image_in_its_place():
    images = np.arange(2 * 3 * 4.0).reshape(2, 1, 3, 4)
    figure = figures.image_rows({"first": images, "second": images[::-1]}, ["p", "q"])
    shown = [axis.images[0].get_array() for axis in figure.axes]
    assert len(shown) == 4
    assert np.allclose(shown[0], shown[3])
    assert (shown[0].min(), shown[0].max()) == (0, 1)


def test_an_empty_image_and_color():
    figures.image_rows({"flat": np.zeros((1, 3, 2, 2))}).canvas.draw()


def test_show_gives_the_same_bytes_with_words_and_data(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda data, **k: shown.append((data, k["metadata"])))
    for _ in range(2):
        figure, axes = plt.subplots()
        figures.seed_points(axes, FRAME, x="x", y="y", hue="kind")
        figures.baseline(axes, 1.0, "chance", side="left")
        figures.show(figure, "dots", alt="from 0.1 to 3.1", caption="They rise.", data=FRAME)
    assert shown[0] == shown[1]
    data, metadata = shown[0]
    assert data["image/svg+xml"].startswith("<?xml")
    assert pd.read_csv(io.StringIO(data["text/csv"])).equals(FRAME.round(6))
    assert metadata == {
        "dlnotes": {"figure": "dots", "alt": "from 0.1 to 3.1", "caption": "They rise."}
    }
    assert not plt.get_fignums()
