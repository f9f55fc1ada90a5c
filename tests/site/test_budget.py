"""Every lecture's page against the budget of a page; older ones may only come nearer to it."""

import json
import re
from pathlib import Path

import pytest

from dlnotes.contract import by_verdict, texts_by_verdict
from dlnotes.press import lectures

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LECTURES = {lecture.name: lecture for lecture in lectures.find(ROOT)}
OLDER = json.loads((Path(__file__).parent / "older_pages.json").read_text())
"""What the pages written before there was a budget come to, where they are over it."""

MOST = {
    "words": 3000,
    "claims": 10,
    "numbers": 60,
    "lines of code": 150,
    "lines in a cell": 15,
    "cells in a row": 1,
    "percent of code": 30,
    "screens to the first result": 6,
    "screens": 25,
    "folds without a title": 0,
}
LEAST = {"figures": 5}
SCREEN = 768  # pixels

MEASURE = """() => {
    const article = document.querySelector("article"), top = article.getBoundingClientRect().top;
    const shown = e => e.checkVisibility() && !e.closest("[popover], .evidence, script, style");
    const all = (css, where = article) => [...where.querySelectorAll(css)].filter(shown);
    const y = e => e.getBoundingClientRect().top - top;
    const words = text => (text.match(/[A-Za-z][A-Za-z'’]*/g) || []).length;
    const text = () => {
        const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT), found = [];
        for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            const at = node.parentElement;
            if (!shown(at) || at.closest(".cell, .katex, .cost-label, .headerlink")) continue;
            found.push(node);
        }
        return found;
    };
    const inputs = all(".cell:not(.tag_exercise, .tag_check) > .cell_input pre, " +
                       ".cell:not(.tag_exercise, .tag_check) > .cell_input > div pre")
        .filter((e, i, list) => list.indexOf(e) === i && !e.closest("details"));
    const lines = inputs.map(e => e.textContent.split("\\n").filter(l => l.trim()).length);
    let row = inputs.length ? 1 : 0, longest = row;
    inputs.slice(1).forEach((e, i) => {
        const before = inputs[i], cell = before.closest(".cell");
        const after = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
        const between = text().filter(t => after(cell, t) && after(t, e));
        const apart = cell.querySelector(".cell_output") ||
            words(between.map(t => t.data).join(" ")) >= 40;
        row = apart ? 1 : row + 1;
        longest = Math.max(longest, row);
    });
    const figures = all("figure"), claim = all(".claim, .claim-table")[0];
    const results = [...figures.slice(1, 2), ...(claim ? [claim] : [])].map(y);
    const code = inputs.map(e => e.getBoundingClientRect().height).reduce((a, b) => a + b, 0);
    const height = article.getBoundingClientRect().height;
    const titles = all("details.hide > summary").map(e => e.innerText.trim());
    return {
        words: words(text().map(t => t.data).join(" ")),
        figures: figures.length,
        "lines of code": lines.reduce((a, b) => a + b, 0),
        "lines in a cell": Math.max(0, ...lines),
        "cells in a row": longest,
        "percent of code": Math.round(100 * code / height),
        "screens to the first result": Math.min(...results) / SCREEN,
        screens: height / SCREEN,
        "folds without a title": titles.filter(t => !t || /^(show|hide) the code/i.test(t)).length,
    };
}"""


def told(lecture):
    """Count what the source states: claims, a table of them as one, and numbers from the run."""
    cells = [cell for cell in lectures.read(lecture.path).cells if cell.cell_type == "markdown"]
    source = "\n\n".join(cell.source for cell in cells)
    text = by_verdict(source, dict.fromkeys((c for c, _ in texts_by_verdict(source)), "holds"))
    claims = set(re.findall(r"\{claim\}`([^`]+)`", text))
    return {
        "claims": len(claims) + text.count("{claim-table}"),
        "numbers": text.count("{glue:text}"),
    }


@pytest.mark.xdist_group("pages")
@pytest.mark.parametrize("name", LECTURES)
def test_the_page_keeps_to_the_budget(look_at, name):
    page = look_at(f"book/{name}.html")
    found = told(LECTURES[name]) | page.evaluate(MEASURE.replace("SCREEN", str(SCREEN)))
    older = OLDER.get(name, {})
    over = {
        what: f"{found[what]:.4g}, at most {older.get(what, most)}"
        for what, most in MOST.items()
        if found[what] > older.get(what, most)
    }
    over |= {
        what: f"{found[what]}, at least {older.get(what, least)}"
        for what, least in LEAST.items()
        if found[what] < older.get(what, least)
    }
    assert not over, f"{name}: {over}"


def test_the_list_of_older_pages_only_shrinks():
    assert set(OLDER) <= set(LECTURES) - {"rethinking/random-data"}
    for name, counts in OLDER.items():
        for what, count in counts.items():
            over = count < LEAST[what] if what in LEAST else count > MOST[what]
            assert over, f"{name}: {what} is within the budget; take it out of the list"
