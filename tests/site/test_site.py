"""The site as a reader meets it: in a browser, on a phone, in the dark, offline, by keyboard."""

import ast
import html
import itertools
import json
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

from dlnotes.press.lectures import find

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


def named(toc):
    """Return the pages that a table of contents names, in its order."""
    if isinstance(toc, list):
        return [page for entry in toc for page in named(entry)]
    if isinstance(toc, dict):
        here = [toc[key] for key in ("root", "file") if key in toc]
        return here + [page for value in toc.values() for page in named(value)]
    return []


LECTURES = [lecture.name for lecture in find(ROOT)]
LECTURE_PAGES = [f"book/{name}.html" for name in LECTURES]
PAGES = [f"{name}.html" for name in named(yaml.safe_load((ROOT / "_toc.yml").read_text()))]
MADE_BY_SPHINX = ["search.html", "genindex.html"]
# A lecture has ten thousand colored words of code and signs of formulas, and axe would spend most
# of its time on them; of those that look alike and stand on the same ground, one is left.
ONE_OF_A_KIND = """() => {
    const seen = new Set(), again = [];
    for (const word of document.querySelectorAll(".highlight pre span, .katex span")) {
        if (word.childElementCount) continue;
        const ground = word.closest(".cell_input, .cell_output, .admonition, figure, table, aside");
        const looks = [word.className, getComputedStyle(word).color, ground?.className];
        const judged = word.checkVisibility() && word.textContent.length > 1;  // by axe
        const kind = [...looks, judged].join();
        if (seen.has(kind)) again.push(word);
        seen.add(kind);
    }
    for (const word of again) word.replaceWith(...word.childNodes);
}"""
AXE = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
TEXT = {".html", ".js", ".json", ".ipynb", ".py", ".txt", ".csv", ".svg", ".md", ".inv"}


def test_the_first_page_leads_into_the_book(open_page):
    page = open_page("index.html")
    page.wait_for_url("**/book/index.html")
    assert "generalize" in page.locator("article h1").inner_text()


def test_every_page_of_the_site_is_opened_here(site):
    made = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    opened = {"index.html", "404.html", *PAGES, *MADE_BY_SPHINX}
    assert {page for page in made if not page.startswith("_static/")} == opened
    assert set(LECTURE_PAGES) < set(PAGES)


@pytest.mark.parametrize("path", [*PAGES, *MADE_BY_SPHINX])
def test_pages_open_quietly_ask_no_other_host_and_fit_a_phone(look_at, address, path):
    page = look_at(path)
    page.wait_for_load_state("networkidle")
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith((address, "data:"))] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", PAGES)
def test_no_accessibility_violation_in_light_or_dark_on_a_desktop_or_a_phone(look_at, path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = look_at(path)
    page.evaluate(ONE_OF_A_KIND)
    violations = []
    for width, scheme in itertools.product((1280, 390), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            f"document.documentElement.dataset.theme === '{scheme}'", polling=100
        )
        for found in axe.run(page, options=AXE).response["violations"]:
            nodes = [(node["target"], node["html"]) for node in found["nodes"]]
            violations += [(width, scheme, found["id"], *node) for node in nodes]
    assert violations == []


def test_search_finds_a_term(open_page):
    page = open_page("search.html?q=memorization")
    page.wait_for_selector('#search-results li a:has-text("Glossary")')  # they come one by one


def test_links_lead_to_pages_and_places_that_exist(site):
    ids = {
        path: set(re.findall(r'\bid="([^"]+)"', path.read_text())) for path in site.rglob("*.html")
    }
    broken = []
    for path, found in ids.items():
        for link in re.findall(r'\shref="([^"]+)"', path.read_text()):
            target, _, anchor = html.unescape(link).partition("#")
            if re.match(r"[a-z]+:", target) or not (target or anchor):
                continue
            place = (path.parent / target.partition("?")[0]).resolve() if target else path
            known = ids.get(place, found if place == path else set())
            anchored = not anchor or place.suffix != ".html" or anchor in known
            if not place.exists() or not anchored:
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []


@pytest.mark.parametrize("path", LECTURE_PAGES)
def test_every_figure_says_its_numbers_in_words(look_at, path):
    figures = look_at(path).locator("article figure")
    assert figures.count() > 0
    for figure in figures.all():
        for image in figure.locator("img").all():
            assert re.search(r"\d", image.get_attribute("alt"))
        assert figure.locator("figcaption .caption-text").inner_text()
        assert figure.locator("figcaption a[download]").count() == 1


@pytest.mark.parametrize("path", LECTURE_PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_drawn_on_the_page_itself(look_at, path, scheme):
    page = look_at(path)
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'", polling=100)
    for image in page.locator("article figure img:visible").all():
        image.evaluate("e => e.scrollIntoView()")
        style = image.evaluate(
            "e => { const s = getComputedStyle(e); return [s.filter, s.backgroundColor] }"
        )
        assert style == ["none", "rgba(0, 0, 0, 0)"]
        assert image.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0


@pytest.mark.parametrize("path", LECTURE_PAGES)
def test_code_can_be_copied(look_at, path):
    page = look_at(path)
    assert page.locator("button.copybtn").count() >= page.locator("div.cell_input").count() > 0


@pytest.mark.parametrize("path", LECTURE_PAGES)
def test_the_cost_label_is_under_the_title(look_at, path):
    page = look_at(path)
    label = page.locator("h1 + .cost-label")
    assert re.search(
        r"\d s on .+ · [\d,]+ MB · profile \w+ · .*data: \w+.* · \d{4}-\d\d-\d\d · key \w{8}",
        label.inner_text(),
    )


@pytest.mark.parametrize("name", LECTURES)
def test_downloads_are_what_they_say(open_page, name):
    page = open_page(f"book/{name}.html")
    got = {}
    for link in page.locator(".cost-label a[download], figcaption a[download]").all():
        with page.expect_download() as download:
            link.click()
        path = download.value.path()
        got[download.value.suggested_filename] = Path(path).read_text()
    slug = name.split("/")[-1]
    notebook = nbformat.reads(got[f"{slug}.ipynb"], as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        text = cell.source if cell.cell_type == "markdown" else json.dumps(shown)
        assert not re.search(r"\{(claim|glue:text|by-verdict|cite:[pt])\}", text)
    ast.parse(got[f"{slug}.py"])
    assert len(jupytext.reads(got[f"{slug}.py"], fmt="py:percent").cells) > 10
    tables = [text for file, text in got.items() if file.endswith(".csv")]
    assert tables
    assert all(len(table.splitlines()) > 1 and "," in table for table in tables)


def words(path):
    """Return a file's text without markup and without spaces."""
    text = path.read_text(errors="replace")
    if path.suffix == ".html":
        text = html.unescape(re.sub(r"<[^>]*>", "", text))
    if path.suffix == ".ipynb":
        text = "\n".join(
            cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            for cell in json.loads(text)["cells"]
        )
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("name", LECTURES)
def test_no_line_of_a_solution_is_anywhere_on_the_site(site, name):
    source = (ROOT / "book" / f"{name}.py").read_text()
    blocks = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source, re.DOTALL)
    assert blocks, f"{name} has no exercise"
    public = re.sub(
        r"\s", "", re.sub(r"### BEGIN SOLUTION\n.*?### END SOLUTION", "", source, flags=re.DOTALL)
    )
    lines = {re.sub(r"\s", "", line) for block in blocks for line in block.splitlines()}
    secret = {line for line in lines if len(line) > 8 and line not in public}
    assert secret
    files = [
        path for path in site.rglob("*") if path.suffix in TEXT and "_static" not in path.parts
    ]
    leaks = [
        f"{path.relative_to(site)}: {line}"
        for path in files
        for text in [words(path)]
        for line in secret
        if line in text
    ]
    assert leaks == []
    assert not any(
        "BEGINSOLUTION" in words(path)
        for path in files
        if path.suffix in {".html", ".ipynb", ".py"} and "readers" not in path.name
    )
