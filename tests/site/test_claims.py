"""Claims as a reader meets them: in the margin, in a card, without scripts, in the ledger."""

import re

import pytest
from playwright.sync_api import expect

from tests.site.test_site import LECTURE_PAGES, LECTURES

pytestmark = pytest.mark.browser

FOUND = "book/rethinking/what-was-found.html"
IN_MARGIN = ".bd-article section > p:not(:has(.beside ~ .beside)) > .beside > .evidence"
OVERLAPS = """() => {
    const shown = (query) => [...document.querySelectorAll(query)]
        .filter((e) => e.checkVisibility({visibilityProperty: true}))
        .map((e) => [e, e.getBoundingClientRect()]).filter(([, r]) => r.width && r.height);
    const notes = shown(".beside > .evidence");
    const others = [...notes, ...shown(`.bd-article :is(p, pre, table, figure, h1, h2, h3, summary),
        .bd-sidebar-primary, .prev-next-footer, .bd-footer`)];
    const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    return notes.flatMap(([n, r]) => others.filter(([e, q]) => e !== n && !e.contains(n)
        && over(r, q)).map(([e]) => `${n.id} over ${e.tagName} ${e.textContent.slice(0, 60)}`));
}"""


def ledger(site):
    """Return the pages and the anchors of the ledger page's claims."""
    page = (site / "book/ledger.html").read_text()
    return re.findall(r'<a class="reference internal" href="([^"#]+)#(claim-[\w-]+)"', page)


def test_every_claim_stands_in_its_lecture_with_its_evidence_beside_it(site, open_page):
    links = ledger(site)
    assert len(links) >= len(LECTURES)
    for target in {target for target, _ in links}:
        page = open_page(f"book/{target}", width=390)
        for anchor in {anchor for other, anchor in links if other == target}:
            beside = page.locator(f"span#{anchor} + .beside button, tr#{anchor} .beside button")
            assert beside.count() == 1, anchor
            assert re.search("holds|does not hold|undecided|not run here", beside.inner_text())


@pytest.mark.parametrize("path", [*LECTURE_PAGES, FOUND])
def test_each_button_says_of_which_sentence_it_is(look_at, path):
    buttons = look_at(path).locator("button.verdict")
    names = [button.get_attribute("aria-label") for button in buttons.all()]
    assert names
    assert all(name.startswith("Evidence for: ") for name in names)
    for button, name in zip(buttons.all(), names, strict=True):
        assert name.endswith(button.text_content().lstrip("✓✗?– ").strip())


@pytest.mark.parametrize("width", [1280, 1440, 1920])
@pytest.mark.parametrize("path", [*LECTURE_PAGES, FOUND])
def test_nothing_lies_over_a_note_in_the_margin(look_at, path, width):
    page = look_at(path)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(OVERLAPS) == []
    for note in page.locator(IN_MARGIN).all():
        box, text = note.bounding_box(), note.locator("xpath=ancestor::p").bounding_box()
        assert text["x"] + text["width"] < box["x"]
        assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_some_notes_stand_in_the_margin_and_then_no_button(look_at):
    page = look_at(FOUND)
    assert page.locator(IN_MARGIN).count() > 1
    assert page.locator(IN_MARGIN).first.is_visible()
    assert not page.locator(f"{IN_MARGIN} .more").first.is_visible()
    assert page.locator(":has(> .evidence) > button.verdict >> visible=true").count() < (
        page.locator("button.verdict").count()
    )


@pytest.mark.parametrize("width", [390, 1000])
def test_a_card_opens_by_keyboard_and_stays_on_the_screen(open_page, width):
    page = open_page(LECTURE_PAGES[0], width=width, height=844)
    for claim in page.locator(".beside").all()[:4]:
        card = claim.locator(".evidence")
        assert not card.is_visible()
        claim.locator("button").press("Enter")
        box = card.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 844
        if width == 390:
            assert box["y"] + box["height"] == pytest.approx(844, abs=1)  # a sheet at the foot
        assert card.locator("a").get_attribute("href").startswith("../../book/ledger.html#")
        page.keyboard.press("Tab")  # into the card
        page.keyboard.press("Escape")
        assert not card.is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_without_scripts_the_evidence_stands_below_its_sentence(open_page, width):
    page = open_page(LECTURE_PAGES[0], width=width, java_script_enabled=False)
    text = page.locator("p:has(.claim):has(.beside > .evidence)").first
    note, sentence = text.locator(".beside > .evidence").first, text.locator(".claim").first
    assert note.is_visible()
    below, above = note.bounding_box(), sentence.bounding_box()
    assert below["y"] >= above["y"] + above["height"] - 1
    assert below["x"] + below["width"] <= width


@pytest.mark.parametrize("scripts", [True, False])
def test_a_filter_keeps_as_many_rows_as_it_says(open_page, scripts):
    page = open_page("book/ledger.html", java_script_enabled=scripts)
    rows = page.locator("tr.ledger-row")
    for label in page.locator(".ledger-filters label").all():
        label.click()
        count = int(label.locator("b").inner_text())
        expect(rows.locator("visible=true")).to_have_count(count)
        headings = page.locator("section.ledger-lecture >> visible=true").count()
        assert (headings > 0) == (count > 0)
        if scripts:
            said = f"{count} of {rows.count()} claims shown"
            expect(page.locator(".ledger-shown")).to_have_text(said)


def test_an_address_opens_the_ledger_filtered(open_page):
    page = open_page("book/ledger.html#f-otherwise")
    expect(page.locator("#f-otherwise")).to_be_checked()
    assert page.locator("tr.ledger-row:not(.is-otherwise) >> visible=true").count() == 0


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_of_the_ledger_is_cut(look_at, width):
    page = look_at("book/ledger.html")
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = """() => [...document.querySelectorAll(".ledger-table :is(p, svg, summary)")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth).length"""
    assert page.evaluate(wide) == 0


def test_the_ledger_fits_on_paper(look_at):
    page = look_at("book/ledger.html")
    page.set_viewport_size({"width": 700, "height": 900})  # A4 without its margins
    page.emulate_media(media="print")
    cut = """() => [...document.querySelectorAll(".ledger-table :is(p, svg)")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth).length"""
    assert page.evaluate(cut) == 0
    assert page.locator(".ledger-table").first.evaluate("t => getComputedStyle(t).display") == (
        "table"
    )
    page.emulate_media(media="screen")


def test_a_search_for_a_claim_leads_to_its_sentence(site, open_page):
    target, anchor = ledger(site)[0]
    page = open_page("book/ledger.html")
    claim = page.locator(".claim-id a").first.inner_text()
    page = open_page(f"search.html?q={claim}")
    first = page.locator("#search-results li a").first
    expect(first).to_be_visible()
    assert first.get_attribute("href").endswith(f"{target}#{anchor}")
