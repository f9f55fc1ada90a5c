"""The frame of a page: weight, theme, head, foot, menus, with and without scripts."""

import gzip
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dlnotes.press.lectures import find

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LECTURES = [f"book/{lecture.name}.html" for lecture in find(ROOT)]
HEAVIEST = 345_000  # bytes of a page as a server sends it; a lecture has 150,000 in faces of type
SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries())
        window.shifts.push([value, sources.map(({ node, previousRect, currentRect }) =>
            [node?.textContent.trim().slice(0, 60), previousRect.toJSON(), currentRect.toJSON()])]);
}).observe({type: "layout-shift", buffered: true});"""
INK = "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"


def luminance(color):
    """Return the relative luminance of a color as a browser writes it (WCAG 2.2)."""
    shares = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast of two colors."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def visit(browser, url, width):
    """Return the paths that a first visit asks for, and what moved while the page came up."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_init_script(SHIFTS)
    page, asked = context.new_page(), set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).path))
    page.goto(url, wait_until="networkidle")
    shifts = page.evaluate("window.shifts")
    context.close()
    return asked, shifts


@pytest.mark.parametrize("path", [*LECTURES, "book/index.html", "book/ledger.html"])
def test_a_page_is_light_and_nothing_in_it_moves(site, browser, address, path):
    for width in (390, 1280):
        moved = []
        for _ in range(3):  # a page that moves does so each time; a loaded machine may draw late
            asked, shifts = visit(browser, f"{address}/{path}", width)
            moved.append((sum(value for value, _ in shifts), shifts))
            if moved[-1][0] < 0.1:
                break
        files = [site / unquote(name).lstrip("/") for name in asked]
        weight = sum(len(gzip.compress(file.read_bytes())) for file in files if file.is_file())
        assert weight < HEAVIEST, sorted(asked)
        assert moved[-1][0] < 0.1, moved


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scripts", [True, False])
def test_text_and_code_are_readable_with_and_without_scripts(open_page, scheme, scripts):
    page = open_page(LECTURES[1], color_scheme=scheme, java_script_enabled=scripts)
    for selector in ("article p", "article h1", "article pre", "article pre .k", ".verdict"):
        ink, ground = page.locator(selector).first.evaluate(INK)
        assert contrast(ink, ground) >= 4.5, selector
        assert (luminance(ground) < 0.1) is (scheme == "dark")


def test_the_theme_is_chosen_kept_and_left_to_the_system_again(open_page):
    page = open_page("book/index.html", color_scheme="light")
    theme = "document.documentElement.dataset.theme"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{theme} === 'dark'")
    button = page.locator(".theme-switch-button")
    button.click()
    assert page.evaluate(theme) == "light"
    page.reload()
    assert page.evaluate(theme) == "light"
    assert button.get_attribute("aria-label") == "Color theme: light"
    button.click()
    button.click()
    assert page.evaluate("localStorage.getItem('theme')") is None
    assert page.evaluate(theme) == "dark"


@pytest.mark.parametrize("kind", ["primary", "secondary"])
def test_a_menu_closes_by_escape_and_gives_the_focus_back(open_page, kind):
    page = open_page(LECTURES[0], width=390, height=844)
    button = page.locator(f".{kind}-toggle")
    button.focus()
    page.keyboard.press("Enter")
    menu = page.locator(f"#pst-{kind}-sidebar-modal")
    assert menu.locator("a:visible").count() > 3
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    assert button.evaluate("e => e === document.activeElement")


@pytest.mark.parametrize("width", [390, 1280])
def test_whatever_has_the_focus_shows_it(open_page, width):
    page = open_page(LECTURES[0], width=width)
    looks = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        looks.add(
            page.evaluate(
                "(e => [e.offsetWidth > 0, getComputedStyle(e).outlineStyle,"
                " getComputedStyle(e).outlineColor].join())(document.activeElement)"
            )
        )
    assert len(looks) == 1, looks
    assert "solid" in looks.pop()


def test_the_search_key_leads_to_the_field_at_any_width(open_page):
    for width in (390, 1280):
        page = open_page("book/index.html", width=width)
        page.keyboard.press("Control+k")
        assert page.evaluate("document.activeElement.name") == "q"


def test_every_head_describes_its_page_and_no_id_comes_twice(site):
    told = {}
    for path in site.glob("book/**/*.html"):
        text = path.read_text()
        head = text.partition("</head>")[0]
        assert head.count('name="viewport"') == 1, path
        assert 'rel="canonical"' not in head, "no address is known here"
        told[path] = re.search('name="description" content="([^"]{20,})"', head)[1]
        ids = re.findall(r'\sid="([^"]+)"', re.sub("<svg.*?</svg>", "", text, flags=re.DOTALL))
        assert len(ids) == len(set(ids)), (path, [i for i in ids if ids.count(i) > 1])
    assert len(set(told.values())) == len(told)


def test_every_foot_has_licence_citation_and_where_to_report(site):
    for path in site.glob("book/**/*.html"):
        foot = path.read_text().partition("bd-footer-content")[2]
        assert 'rel="license"' in foot
        assert "How to cite" in foot
        assert "Report an error" in foot


def test_chinese_is_marked_and_images_have_a_size(site):
    glossary = (site / "book/glossary.html").read_text()
    assert glossary.count('lang="zh-Hant"') > 50
    images = [
        image
        for path in site.glob("book/**/*.html")
        for image in re.findall(r"<img[^>]*_images/[^>]*>", path.read_text())
    ]
    assert images
    assert [image for image in images if "width=" not in image] == []


def test_the_first_page_counts_the_verdicts_of_the_ledger(site, open_page):
    page = open_page("book/index.html")
    count = page.locator("a.count")
    numbers = [int(number) for number in re.findall(r"\d+", count.inner_text())]
    claims = page.request.get(page.url.replace("index.html", "ledger.html")).text()
    anchors = set(re.findall(r'href="[^"#]+#(claim-[\w-]+)"', claims))
    assert numbers[0] == sum(numbers[1:]) == len(anchors)
    box = page.locator(".hero figure img").bounding_box()
    assert 0 < box["y"] < 900 - box["height"]


def test_paper_is_white_and_nothing_is_cut(open_page):
    page = open_page("book/ledger.html", width=700, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    ink, _ = page.locator("article td p").first.evaluate(INK)
    assert contrast(ink, "rgb(255, 255, 255)") >= 4.5
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert not page.locator(".bd-sidebar-primary").is_visible()
