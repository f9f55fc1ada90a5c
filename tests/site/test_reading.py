"""Flipbooks, guesses, folds and definitions: a small book, opened from disk in a real browser."""

import json
import shutil
from pathlib import Path

import matplotlib as mpl
import nbformat
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnotes.lab import figures
from dlnotes.press import site
from dlnotes.press.execute import Outcome

ROOT = Path(__file__).resolve().parents[2]
NAME = "part/knob"
RUN = {
    "lecture": NAME,
    "profile": "smoke",
    "device": "cpu",
    "seconds": 1.0,
    "peak_mb": 1,
    "cached": False,
    "datasets": [],
    "precision": "float32",
    "versions": {},
    "commit": None,
    "key": "0",
    "date": "2026-11-20T08:00:00+00:00",
}
TOC = (
    "{format: jb-book, root: book/index, chapters: [{file: book/part/knob}, {file: book/glossary}]}"
)
GLOSSARY = """# Glossary

:::{glossary}
overfitting
  過擬合. Fitting peculiarities, at the cost of a higher {term}`test error`.

test error
  測試誤差. The share of wrong answers.
:::
"""
ASK = """# A knob

```{predict}
:guess: half
:unit: "%"
Which share will it get right? It is about {term}`overfitting`.
```

```{predict}
:guess: winner
:choices: MLP | CNN
Who wins?
```
"""
TELL = """Half: {predicted}`half <half-right>` It was {glue:text}`half-right`.

Winner: {predicted}`winner`
"""
FRAME = pd.DataFrame({"x": [1, 2]})


def outputs(monkeypatch, *, values, name):
    """Return the outputs of a cell that draws a flipbook."""
    shown = []
    monkeypatch.setattr(figures, "display", lambda data, **k: shown.append((data, k["metadata"])))
    with mpl.rc_context():
        figures.style()
        frames = {}
        for i, value in enumerate(values):
            frames[value], axis = plt.subplots(figsize=(4, 3))
            axis.plot([0, 1], [0, i], label="line")
            axis.set(xlim=(0, 1), ylim=(0, 4), xlabel="an axis")
        figures.flipbook(
            frames,
            name,
            label=f"choose {name}",
            alts={value: f"Frame {value}: 7" for value in values},
            says={value: f"Now it is {value}." for value in values},
            caption=f"The {name}.",
            data=FRAME,
            default=values[1],
        )
    return [new_output("display_data", data=data, metadata=about) for data, about in shown]


def lecture(monkeypatch):
    """Return an executed lecture with a slider, buttons, guesses, a term, a number and folds."""
    glued = new_output(
        "display_data",
        data={"application/papermill.record/text/plain": "'57.5'"},
        metadata={
            "scrapbook": {"name": "half-right", "mime_prefix": "application/papermill.record/"}
        },
    )
    fold = {"tags": ["hide-input"]}
    widths = outputs(monkeypatch, values=[8, 64, 512], name="widths")
    kinds = outputs(monkeypatch, values=["MLP", "CNN"], name="kinds")
    cells = [
        new_markdown_cell(ASK, id="ask"),
        new_code_cell("glue()", id="glue", outputs=[glued]),
        new_code_cell("draw()", id="draw", metadata=fold, outputs=widths),
        new_code_cell(
            "more()", id="more", metadata=fold | {"title": "How it is run"}, outputs=kinds
        ),
        new_code_cell("# nothing", id="none", metadata=fold),
        new_markdown_cell(TELL, id="tell"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Build the small book and return its folder."""
    root = tmp_path_factory.mktemp("small") / "a book"
    for name, text in {
        "_config.yml": (ROOT / "_config.yml").read_text(),
        "_toc.yml": TOC,
        "CITATION.cff": (ROOT / "CITATION.cff").read_text(),
        "book/references.bib": "",
        "book/index.md": "# Notes\n",
        "book/glossary.md": GLOSSARY,
        f"book/{NAME}.py": "",
        "_build/ledger.json": "[]",
        "_build/runs.json": json.dumps([RUN]),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for folder in ("_static", "_templates", "_vendor"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    executed = root / "_build" / "executed.ipynb"
    with pytest.MonkeyPatch.context() as monkeypatch:
        nbformat.write(lecture(monkeypatch), executed)
    site.build(root, [Outcome(NAME, RUN, executed, cached=False, seconds=1.0, error=None)])
    return root / "_build" / "html"


@pytest.fixture
def visit(browser, small):
    """Return a function that opens the lecture from disk; it must not complain."""
    contexts = []

    def visit_(**options):
        options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto((small / f"book/{NAME}.html").as_uri())
        return page

    yield visit_
    for context in contexts:
        context.close()


def seen(page, figure):
    """Return the file and the words of the one picture that is seen."""
    (image,) = page.locator(f"#{figure} img:visible").all()
    image.scroll_into_view_if_needed()
    image.evaluate("e => e.decode()")
    assert image.evaluate("e => e.naturalWidth") > 0
    return image.get_attribute("src").split("/")[-1], image.get_attribute("alt")


def test_a_slider_leafs_through_the_frames_by_keyboard(visit):
    page = visit()
    assert seen(page, "knob-widths") == ("knob-widths.svg", "Frame 64: 7")
    assert not [url for url in page.asked if "-frame" in url]
    slider = page.get_by_label("choose widths")
    output = page.locator("#knob-widths output")
    assert output.inner_text() == "Now it is 64."
    slider.press("ArrowRight")
    assert seen(page, "knob-widths") == ("knob-widths-frame2.svg", "Frame 512: 7")
    assert slider.get_attribute("aria-valuetext") == "512"
    assert output.inner_text() == "Now it is 512."
    assert output.get_attribute("aria-live") == "polite"
    slider.press("Home")
    assert seen(page, "knob-widths") == ("knob-widths-frame0.svg", "Frame 8: 7")
    assert page.complaints == []


def test_buttons_choose_names(visit):
    page = visit()
    assert seen(page, "knob-kinds") == ("knob-kinds.svg", "Frame CNN: 7")
    group = page.get_by_role("group", name="choose kinds")
    group.get_by_role("button", name="MLP").press("Enter")
    assert seen(page, "knob-kinds") == ("knob-kinds-frame0.svg", "Frame MLP: 7")
    pressed = [b.get_attribute("aria-pressed") for b in group.get_by_role("button").all()]
    assert pressed == ["true", "false"]
    assert seen(page, "knob-widths")[0] == "knob-widths.svg"  # one flipbook leaves the other


def test_each_theme_has_its_own_colors_and_paper_is_light(visit):
    page = visit(color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert seen(page, "knob-widths")[0] == "knob-widths-dark.svg"
    page.get_by_label("choose widths").press("End")
    assert seen(page, "knob-widths")[0] == "knob-widths-frame2-dark.svg"
    page.evaluate("document.documentElement.dataset.theme = 'light'")  # the manual switch
    assert seen(page, "knob-widths")[0] == "knob-widths-frame2.svg"
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert seen(page, "knob-widths") == ("knob-widths.svg", "Frame 64: 7")
    assert page.locator(".flipbook-control:visible").count() == 0
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen(page, "knob-widths")[0] == "knob-widths-frame2-dark.svg"


def test_only_the_first_figure_is_loaded_at_once_and_each_keeps_its_room(visit):
    page = visit()
    images = page.locator("article figure img.for-light:not([hidden])")
    assert [image.get_attribute("loading") for image in images.all()] == ["eager", "lazy"]
    for image in images.all():
        assert (image.get_attribute("width"), image.get_attribute("height")) == ("384", "288")


def test_without_scripts_the_page_reads_on(visit):
    page = visit(java_script_enabled=False)
    assert page.locator("#knob-widths img:visible").count() == 1
    assert page.locator("#knob-widths img:visible").get_attribute("alt") == "Frame 64: 7"
    assert page.get_by_text("Which share will it get right?").is_visible()
    for hidden in (".flipbook-control", ".predict-form", ".definitions"):
        assert page.locator(hidden).count() > 0
        assert page.locator(f"{hidden}:visible").count() == 0
    assert page.locator("main").inner_text().count("You predicted") == 0


def test_without_scripts_the_colors_follow_the_system(visit):
    for scheme, file in (("light", "knob-widths.svg"), ("dark", "knob-widths-dark.svg")):
        page = visit(java_script_enabled=False, color_scheme=scheme)
        (image,) = page.locator("#knob-widths img:visible").all()
        assert image.get_attribute("src").endswith(file)


def test_a_guess_stays_here_and_comes_back(visit):
    page = visit()
    field = page.get_by_label("Your guess in %")
    assert page.locator(".predicted").first.inner_text() == ""
    field.fill("70")
    field.press("Enter")
    back = page.locator(".predicted").first
    assert back.inner_text() == "You predicted 70\u00a0%, 12.5\u00a0points too high."
    assert back.get_attribute("role") == "status"
    page.get_by_role("radio", name="CNN").check()
    page.get_by_role("button", name="Keep it").nth(1).click()
    assert page.locator(".predicted").nth(1).inner_text() == "You predicted CNN."
    page.reload()
    assert page.get_by_label("Your guess in %").input_value() == "70"
    assert page.get_by_role("radio", name="CNN").is_checked()
    assert back.inner_text().startswith("You predicted 70")
    page.get_by_label("Your guess in %").fill("57.5")
    page.get_by_role("button", name="Keep it").first.click()
    assert back.inner_text() == "You predicted 57.5\u00a0%: exactly right."
    assert page.asked
    assert all(url.startswith(("file:", "data:")) for url in page.asked)
    assert page.complaints == []


def test_a_term_shows_its_definition_on_hover_and_focus(visit):
    page = visit()
    term, card = page.locator("article a.answers").first, page.locator("#definition-card")
    assert not card.is_visible()
    term.hover()
    card.wait_for(state="visible")
    assert card.inner_text().split() == (
        "overfitting 過擬合 Fitting peculiarities, at the cost of a higher test error.".split()
    )
    assert card.locator("[lang=zh-Hant]").inner_text() == "過擬合"
    card.hover()  # the pointer can move onto it
    page.wait_for_timeout(400)
    assert card.is_visible()
    page.mouse.move(5, 5)
    card.wait_for(state="hidden")
    page.locator("article h1").click()
    for _ in range(60):
        page.keyboard.press("Tab")
        if term.evaluate("e => e === document.activeElement"):
            break
    assert card.is_visible()
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert term.evaluate("e => e === document.activeElement")
    described = page.locator(f"#{term.get_attribute('aria-describedby')}")
    assert "Fitting peculiarities" in described.text_content()


def test_a_tap_shows_a_definition_and_a_second_follows_the_link(visit):
    page = visit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    term, card = page.locator("article a.answers").first, page.locator("#definition-card")
    term.tap()
    assert card.is_visible()
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    term.tap()
    page.wait_for_url("**/glossary.html#term-overfitting")


def test_folds_say_what_they_hold(visit):
    page = visit()
    titles = [s.inner_text().strip() for s in page.locator("details.hide summary").all()]
    titles = [t for t in titles if t]
    assert titles == ["Code of the figure above", "How it is run"]
    order = page.locator("#knob-widths, #knob-kinds, details.hide").evaluate_all(
        "all => all.map(e => e.id || 'fold')"
    )
    assert order == ["knob-widths", "fold", "knob-kinds", "fold"]


def test_computed_numbers_are_set_as_the_text_around_them(visit):
    weight = visit().locator("article .number").evaluate("e => getComputedStyle(e).fontWeight")
    assert weight == "400"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_here_stands_in_the_way_of_anyone(visit, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(color_scheme=scheme)
    page.get_by_label("Your guess in %").fill("70")
    page.get_by_role("button", name="Keep it").first.click()
    page.locator("article a.answers").first.hover()
    page.locator("#definition-card").wait_for(state="visible")
    found = axe.run(page, context="article", options={"resultTypes": ["violations"]}).response
    mine = [(v["id"], n["html"]) for v in found["violations"] for n in v["nodes"]]
    assert mine == []
