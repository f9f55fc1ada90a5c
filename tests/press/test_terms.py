"""Definitions that pages carry: those of their own terms, as the glossary has them now."""

import re
import subprocess
import sys

import pytest

from dlnotes.press import terms

CONF = """
import sys
extensions = ["myst_parser", "definitions"]
myst_enable_extensions = ["colon_fence"]
sys.path.insert(0, ".")
"""
EXTENSION = (
    "from dlnotes.press.terms import setup as prepare\n\n\ndef setup(app):\n    prepare(app)\n"
)
GLOSSARY = """# Glossary

:::{glossary}
first step
  第一步. One < two, see {term}`other`.

other
  Not the {term}`first step`.

never used
  Nothing.
:::
"""


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a book of three pages and returns their HTML."""
    (tmp_path / "book").mkdir()
    for name, text in {
        "conf.py": CONF,
        "definitions.py": EXTENSION,
        "index.md": "# Index\n\n```{toctree}\nbook/glossary\nbook/page\n```\n",
        "book/glossary.md": GLOSSARY,
        "book/page.md": "# Page\n\nA {term}`first step`, and {term}`again <first step>`.\n",
    }.items():
        (tmp_path / name).write_text(text)

    def build_():
        command = [sys.executable, "-m", "sphinx", "-q", "-W", str(tmp_path), str(tmp_path / "out")]
        subprocess.run(command, cwd=tmp_path, check=True)
        pages = ("index", "book/glossary", "book/page")
        return [(tmp_path / "out" / f"{page}.html").read_text() for page in pages]

    return build_


def test_a_page_carries_the_definitions_of_its_terms_only(build, tmp_path):
    index, glossary, page = build()
    assert 'class="definitions"' not in index + glossary
    (box,) = re.findall(r'<div class="definitions" hidden>(.*?)</div>', page)
    assert box == (
        '<p id="definition-first-step"><b>first step</b> <span class="chinese">第一步</span> '
        "<span>One &lt; two, see other.</span></p>"
    )
    assert 'href="glossary.html#term-first-step"' in page
    path = tmp_path / "book" / "glossary.md"
    path.write_text(GLOSSARY.replace("One < two", "Three"))
    assert "<span>Three, see other.</span>" in build()[2]


@pytest.mark.parametrize(
    ("text", "chinese", "rest"),
    [
        ("多層感知器. A network.", "多層感知器", "A network."),
        ("批次大小（樣本數）. Its size.", "批次大小（樣本數）", "Its size."),
        ("Written MLP. A network.", None, "Written MLP. A network."),
    ],
)
def test_the_chinese_name_stands_apart(text, chinese, rest):
    entry = terms.definition("term-x", "x", text)
    assert re.findall('<span class="chinese">(.*?)</span>', entry) == ([chinese] if chinese else [])
    assert entry.endswith(f"<span>{rest}</span></p>")
