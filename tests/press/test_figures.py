"""Figures between notebook and page: their files, their place, what is refused."""

import json
import re

import pytest
import yaml
from nbformat.v4 import new_output

from dlnotes.press import drawings, figures

SVG = (
    '<?xml version="1.0"?>\n<!-- dark: #57606a=#a3abb5 #1d6fb5=#6cb0ea -->\n'
    '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt">\n'
    '<rect class="plate" width="100%" height="100%" fill="#ffffff"/>\n'
    '<path style="fill: #57606a; stroke: #1d6fb5"/><use href="#57606ab"/></svg>'
)
FRAMES = [
    {"value": v, "alt": f"alt \n {v}", "says": f"says {v}", "svg": SVG.replace("72", size)}
    for v, size in (("8", "71"), ("64", "72"), ("512", "73"))
]
BOOK = {"label": "width", "kind": "slider", "default": 1, "frames": FRAMES}
ABOUT = {"figure": "curve", "alt": 'It says:\n"3" # of 4', "caption": "C $a$."}


def output(about=None, **changes):
    data = {"image/svg+xml": SVG, "image/png": "", "text/plain": "alt"}
    metadata = {"dlnotes": (ABOUT if about is None else about) | changes}
    return new_output("display_data", data=data, metadata=metadata)


def test_a_figure_becomes_two_files_without_a_plate():
    files = dict(figures.files(output(), "f", "noise"))
    assert list(files) == ["f/noise-curve.svg", "f/noise-curve-dark.svg"]
    light, dark = (content.decode() for content in files.values())
    assert "plate" not in light + dark
    assert "fill: #57606a; stroke: #1d6fb5" in light
    assert "fill: #a3abb5; stroke: #6cb0ea" in dark
    assert 'href="#57606ab"' in dark  # a name, not a color


def test_a_figure_that_says_no_dark_colors_is_one_file():
    plain = output()
    plain.data["image/svg+xml"] = "<svg/>"
    assert dict(figures.files(plain, "f", "noise")) == {"f/noise-curve.svg": b"<svg/>"}


def test_a_flipbook_has_a_file_for_each_frame():
    files = dict(figures.files(output(flipbook=BOOK), "f", "noise"))
    stems = ("noise-curve", "noise-curve-frame0", "noise-curve-frame2")
    assert sorted(files) == sorted(f"f/{s}{d}.svg" for s in stems for d in ("", "-dark"))
    assert b'width="71pt"' in files["f/noise-curve-frame0.svg"]
    assert b'width="72pt"' in files["f/noise-curve.svg"]


def test_a_figure_is_one_directive_with_its_words():
    text = figures.directive(output(), "noise", "../data.csv")
    first, header, caption = re.fullmatch(
        r"````(.*)\n---\n(.*)\n---\n(.*)\n````", text, re.DOTALL
    ).groups()
    assert first == "{drawing} _figures/noise-curve.svg"
    assert yaml.safe_load(header) == {
        "name": "noise-curve",
        "alt": 'It says: "3" # of 4',
        "class": "dark-light",
    }
    assert caption == 'C $a$. <a href="../data.csv" download>Data (CSV)</a>'
    assert "Data" not in figures.directive(output(), "noise", None)


def test_a_flipbook_travels_in_the_directive_as_text():
    text = figures.directive(output(flipbook=BOOK), "noise", None)
    book = json.loads(yaml.safe_load(text.split("---")[1])["flipbook"])
    assert (book["label"], book["kind"], book["default"]) == ("width", "slider", 1)
    assert book["frames"][0] == {
        "value": "8",
        "alt": "alt 8",
        "says": "says 8",
        "file": "_figures/noise-curve-frame0.svg",
    }
    assert book["frames"][1]["file"] == "_figures/noise-curve.svg"


def without(key):
    return [FRAMES[0], {k: v for k, v in FRAMES[1].items() if k != key}]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"figure": "../up"}, "named '../up'; use lowercase"),
        ({"figure": None}, "named None"),
        ({"alt": " "}, "figure curve: it has no alt; show it with figures.show"),
        ({"caption": None}, "figure curve: it has no caption"),
        ({"flipbook": 3}, "flipbook curve: its description must be a mapping, got 3"),
        ({"flipbook": BOOK | {"frames": FRAMES[:1]}}, "at least two frames"),
        ({"flipbook": BOOK | {"frames": None}}, "at least two frames"),
        ({"flipbook": BOOK | {"label": ""}}, "its control has no label"),
        ({"flipbook": BOOK | {"kind": "dial"}}, "slider or buttons, got 'dial'"),
        ({"flipbook": BOOK | {"default": 3}}, "number of a frame, got 3"),
        ({"flipbook": BOOK | {"default": "64"}}, "number of a frame, got '64'"),
        ({"flipbook": BOOK | {"frames": without("alt")}}, "frame 1 has no alt"),
        ({"flipbook": BOOK | {"frames": without("says")}}, "frame 1 has no says"),
        ({"flipbook": BOOK | {"frames": without("svg")}}, "frame 1 has no svg"),
        (
            {"flipbook": BOOK | {"frames": [FRAMES[0]] * 2}},
            r"two frames have one value: \['8', '8'",
        ),
    ],
)
def test_a_figure_that_does_not_say_what_the_page_needs_is_refused(changes, problem):
    with pytest.raises(figures.FigureError, match=problem):
        list(figures.files(output(**changes), "f", "noise"))


def test_a_figure_without_a_drawing_is_refused():
    lost = output()
    del lost.data["image/svg+xml"]
    with pytest.raises(figures.FigureError, match="figure curve: it has no SVG"):
        figures.directive(lost, "noise", None)


@pytest.mark.parametrize(
    ("svg", "size"),
    [
        (SVG, (96, 48)),
        ('<svg height="9" width="12.4">', (12, 9)),
        ('<svg viewBox="0 0 1 1">', None),
        ("", None),
    ],
)
def test_the_size_is_read_in_pixels(tmp_path, svg, size):
    (tmp_path / "a.svg").write_text(svg)
    assert drawings.size(tmp_path / "a.svg") == size
    assert drawings.size(tmp_path / "no.svg") is None


def test_a_control_escapes_what_a_lecture_says():
    frames = [frame | {"value": '<b>"'} for frame in FRAMES]
    for kind in ("slider", "buttons"):
        text = drawings.control(BOOK | {"frames": frames, "kind": kind, "label": "<i>"}, "name")
        assert "<b>" not in text
        assert "<i>" not in text
        assert text.startswith('<div class="flipbook-control" data-frames="[{&quot;value&quot;')
