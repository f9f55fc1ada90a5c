import base64
import io
import re

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


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("color", [figures.INK, *figures.COLORS])
def test_every_color_is_legible_on_both_pages(color):
    for page in ("#ffffff", figures.PAPER):
        assert contrast(color, page) >= 4.5
    for page in ("#14181e", "#1c2025", figures.DARK[figures.PAPER]):
        assert contrast(figures.DARK[color], page) >= 4.5


def test_a_figure_says_its_dark_colors_and_draws_with_none_that_has_no_dark_one():
    figure, axes = plt.subplots()
    figures.seed_points(axes, FRAME, x="x", y="y", hue="kind")
    axes.legend()
    svg = figures.svg(figure)
    said = re.search(r"<!-- dark: (.*) -->", svg)
    assert dict(pair.split("=") for pair in said[1].split()) == figures.DARK
    plate = svg.index('<rect class="plate" width="100%" height="100%" fill="#ffffff"/>')
    assert svg.index("<svg ") < plate < svg.index("<g ")
    drawn = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg))
    assert drawn >= {figures.INK, *figures.COLORS[:2]}
    assert drawn <= {*figures.DARK, "#ffffff", "#000000"}  # both on what is not painted


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


@pytest.fixture
def shown(monkeypatch):
    """Return the list of what is displayed: data and metadata."""
    found = []
    monkeypatch.setattr(figures, "display", lambda data, **k: found.append((data, k["metadata"])))
    return found


def test_show_gives_the_same_bytes_with_words_and_data(shown):
    for _ in range(2):
        figure, axes = plt.subplots()
        figures.seed_points(axes, FRAME, x="x", y="y", hue="kind")
        figures.baseline(axes, 1.0, "chance", side="left")
        figures.show(figure, "dots", alt="from 0.1 to 3.1", caption="They rise.", data=FRAME)
    assert shown[0] == shown[1]
    data, metadata = shown[0]
    assert data["image/svg+xml"].startswith("<?xml")
    assert pd.read_csv(io.StringIO(data["text/csv"])).equals(FRAME.round(6))
    assert data["text/plain"] == "from 0.1 to 3.1"
    assert metadata == {
        "dlnotes": {"figure": "dots", "alt": "from 0.1 to 3.1", "caption": "They rise."}
    }
    assert not plt.get_fignums()


def test_the_png_is_on_white_and_says_nothing_of_its_maker(shown):
    figure, _ = plt.subplots(figsize=(2, 1))
    figures.show(figure, "empty", alt="nothing", caption="None.", data=FRAME)
    png = base64.b64decode(shown[0][0]["image/png"])
    assert b"atplotlib" not in png
    picture = plt.imread(io.BytesIO(png))
    assert picture.shape[:2] == (110, 220)
    assert picture[0, 0].tolist() == [1, 1, 1, 1]


def test_a_name_that_cannot_be_an_anchor_is_refused():
    for name in ("Dots", "a b", "-a", ""):
        with pytest.raises(ValueError, match=f"hyphens, got '{name}'; rename"):
            figures.show(plt.figure(), name, alt="a", caption="c", data=FRAME)


# Flipbooks


def drawn(values, **limits):
    found = {}
    for i, value in enumerate(values):
        found[value], axis = plt.subplots(figsize=(3, 2))
        axis.plot([0, 1], [0, i])
        axis.set(**({"xlim": (0, 1), "ylim": (0, 5)} | limits))
    return found


def leaf(values, frames=None, **changes):
    told = {
        "label": "width",
        "alts": {value: f"alt of {value}" for value in values},
        "says": {value: f"At {value}." for value in values},
        "caption": "It moves.",
        "data": FRAME,
        "default": values[-1],
    }
    figures.flipbook(drawn(values) if frames is None else frames, "widths", **(told | changes))


def test_a_flipbook_is_one_output_with_all_frames(shown):
    leaf([8, 1024.0, 2048], default=1024)
    ((data, metadata),) = shown
    about = metadata["dlnotes"]
    book = about.pop("flipbook")
    assert about == {"figure": "widths", "alt": "alt of 1024.0", "caption": "It moves."}
    assert data["text/plain"] == "alt of 1024.0"
    assert data["image/png"]
    assert (book["label"], book["kind"], book["default"]) == ("width", "slider", 1)
    assert [frame["value"] for frame in book["frames"]] == ["8", "1,024", "2,048"]
    assert [frame["says"] for frame in book["frames"]] == ["At 8.", "At 1024.0.", "At 2048."]
    assert book["frames"][1]["svg"] == data["image/svg+xml"]
    assert len({frame["svg"] for frame in book["frames"]}) == 3
    assert not plt.get_fignums()


def test_names_get_buttons_in_their_order(shown):
    leaf(["MLP", "CNN"])
    book = shown[0][1]["dlnotes"]["flipbook"]
    assert book["kind"] == "buttons"
    assert [frame["value"] for frame in book["frames"]] == ["MLP", "CNN"]


@pytest.mark.parametrize(
    ("values", "changes", "problem"),
    [
        ([1], {"default": 1}, r"at least two frames, got \[1\]; use show"),
        ([2, 1], {}, r"must rise, each once, got \[2, 1\]; sort"),
        ([1, 1 + 1e-9], {}, "must rise, each once"),
        ([1, float("nan")], {}, "all numbers or all names"),
        ([1, "MLP"], {}, "all numbers or all names"),
        (["MLP", ""], {}, "all numbers or all names"),
        ([1, 2], {"default": 3}, r"one of the frames \[1, 2\], got 3"),
        ([1, 2], {"alts": {1: "a"}}, r"alternative text \(alts\), none for \[2\]; write"),
        ([1, 2], {"says": {1: " ", 2: "a"}}, r"sentence \(says\), none for \[1\]; write"),
    ],
)
def test_a_flipbook_that_cannot_be_leafed_through_is_refused(shown, values, changes, problem):
    with pytest.raises(ValueError, match=problem):
        leaf(values, drawn(values), **changes)
    assert shown == []


@pytest.mark.parametrize("odd", ["ylim", "size", "axes"])
def test_frames_that_jump_are_refused(odd):
    frames = drawn([1, 2])
    if odd == "ylim":
        frames[2].axes[0].set_ylim(0, 6)
    elif odd == "size":
        frames[2].set_size_inches(3, 2.1)
    else:
        frames[2].add_axes((0, 0, 0.1, 0.1))
    with pytest.raises(ValueError, match=r"one size and the same limits of axes, \[2\] differ"):
        leaf([1, 2], frames)


# What lectures draw alike


def test_words_say_named_numbers():
    assert figures.words({"MLP": 90.14, "CNN": -0.26}, ".1f") == "MLP 90.1, CNN −0.3"
    with pytest.raises(ValueError, match=r"finite, \['CNN'\] are not"):
        figures.words({"MLP": 1.0, "CNN": float("nan")}, ".1f")


def test_one_legend_for_several_panels():
    figure, axes = plt.subplots(ncols=2)
    for axis, labels in zip(axes, ("ab", "bc"), strict=True):
        for label in labels:
            axis.plot([0, 1], label=label)
        axis.legend()
    figures.legend_below(figure, axes)
    assert [axis.get_legend() for axis in axes] == [None, None]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
    figure.canvas.draw()
    top = legend.get_window_extent().y1
    assert all(axis.get_tightbbox().y0 >= top for axis in axes)
    with pytest.raises(ValueError, match="needs artists with a label, got none"):
        figures.legend_below(*plt.subplots(ncols=2))


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_seed_rows_show_every_seed_and_the_mean_with_its_interval(mean):
    _, axis = plt.subplots()
    values = [1.0, 2.0, 4.0]
    figures.seed_rows(axis, {"one": values, "two": [8.0, 8.0]}, mean)
    dots = [c.get_offsets() for c in axis.collections if len(c.get_offsets()) == 3]
    assert np.array_equal(dots[0], [[1, 0], [2, 0], [4, 0]])
    space = np.log(values) if mean == "geometric" else np.array(values)
    half = 4.302653 * space.std(ddof=1) / 3**0.5  # Student's t for two degrees of freedom
    ends = np.array([space.mean() - half, space.mean() + half])
    middle = space.mean()
    if mean == "geometric":
        ends, middle = np.exp(ends), np.exp(middle)
    point, _, (bars,) = axis.containers[0].lines
    assert point.get_xdata() == pytest.approx([middle])
    assert bars.get_segments()[0][:, 0] == pytest.approx(ends)
    assert [t.get_text() for t in axis.get_yticklabels()] == ["one", "two"]
    assert axis.get_ylim() == (1.5, -0.5)  # the first on top


def test_seed_rows_refuse_what_has_no_mean():
    _, axis = plt.subplots()
    with pytest.raises(ValueError, match=r"above zero, got 0\.0 in 'one'; use mean='arithmetic'"):
        figures.seed_rows(axis, {"one": [1.0, 0.0]}, "geometric")
    with pytest.raises(ValueError, match="mean must be 'arithmetic' or 'geometric', got 'median'"):
        figures.seed_rows(axis, {"one": [1.0, 2.0]}, "median")
    with pytest.raises(ValueError, match="at least two seeds"):
        figures.seed_rows(axis, {"one": [1.0]})
