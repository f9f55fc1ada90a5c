"""The published styles: no icon font, no rule without use, both palettes without scripts."""

import re

import pytest

from dlnotes.press import slim

PALETTES = 'html[data-theme="light"] a{color:red}html[data-theme=dark] a{color:blue}'


def test_icons_and_their_font_go():
    font = "@font-face{font-family:Font Awesome\\ 6 Free;src:url(a.woff2)}"
    text = f"{font}.fa-sun:before,.fas{{content:x}}.fa-sun,p{{margin:0}}"
    assert slim.style(text) == ".fa-sun,p{margin:0}"


def test_without_scripts_the_system_chooses_the_palette_and_paper_is_light():
    added = slim.style(PALETTES).removeprefix(PALETTES)
    light, dark, paper = added.strip().splitlines()
    assert "color-scheme: light" in light
    assert "html:not([data-theme]) a{color:red}" in light
    assert "color-scheme: dark" in dark
    assert "html:not([data-theme]) a{color:blue}" in dark
    assert paper.startswith("@media print")
    assert "html:is([data-theme=dark],:not([data-theme])) a{color:red}" in paper


def test_a_rule_for_both_themes_stays_as_it_is():
    text = "html[data-theme=dark],html[data-theme=light]{--a:1}"
    assert ":not([data-theme]){--a:1}" in slim.style(text)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (".here{a:b}", True),
        (".gone{a:b}", False),
        (".here .gone{a:b}", False),
        (".here:not(.gone){a:b}", True),
        ("p,.gone{a:b}", True),
        ("@font-face{a:b}", True),
        ("[data-x='.gone']{a:b}", False),
        ("@media print{.here{a:b}}", True),
    ],
)
def test_rules_stay_if_their_classes_are_used(rule, kept):
    assert ("{a:b}" in slim.prune(rule, {"here"})) is kept


def test_what_no_page_asks_for_is_not_copied():
    names = [
        "book.css",
        "a.js.map",
        "fa.ttf",
        "locales",
        "fontawesome.js",
        "fontawesome",
        "x.woff2",
    ]
    assert slim.ignored()("", names) == set(names) - {"book.css", "x.woff2"}


def test_braces_still_match():
    text = slim.style(PALETTES + "@media print{p{margin:0}.fa-x{a:b}}")
    assert text.count("{") == text.count("}")
    assert re.search(r"@media print\{p\{margin:0\}\}", text)
