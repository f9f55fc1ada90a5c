"""Pages are mended as they are published: language, ids, images, and what the head needs."""

import pytest
from docutils import nodes

from dlnotes.press import head, mend

SVG = '<svg xmlns="x" width="144pt" height="72pt" viewBox="0 0 144 72"></svg>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>變異數</p>", '<p><span lang="zh-Hant">變異數</span></p>'),
        ("a 泛化 b 差距", 'a <span lang="zh-Hant">泛化</span> b <span lang="zh-Hant">差距</span>'),
        ('<p title="泛化">x</p>', '<p title="泛化">x</p>'),
        ("<script>let a = '泛化';</script>", "<script>let a = '泛化';</script>"),
        ("<title>泛化</title>", "<title>泛化</title>"),
        ("<p>plain – text × 2</p>", "<p>plain – text × 2</p>"),
    ],
)
def test_chinese_is_marked_where_it_is_read_and_nowhere_else(text, expected):
    assert mend.mark_chinese(text) == expected


def test_an_id_that_comes_again_gets_a_number():
    text = '<i id="exercise-content"></i>' * 3 + '<i id="other"></i><i id="other"></i>'
    mended = mend.number_ids(text)
    assert [mended.count(f'"exercise-content{end}"') for end in ("", "-2", "-3")] == [1, 1, 1]
    assert mended.count('"other"') == 2  # a fault of the page, for a test to find


def test_images_have_their_size_and_all_but_the_first_wait(tmp_path):
    (tmp_path / "a.svg").write_text(SVG)
    first, second = mend.size_images('<img alt="" src="a.svg" />' * 2, tmp_path).split("/>")[:2]
    assert 'width="192" height="96"' in first
    assert "lazy" not in first
    assert 'loading="lazy"' in second


@pytest.mark.parametrize("source", ["gone.svg", "b.png"])
def test_an_image_of_unknown_size_is_left_as_it_is(tmp_path, source):
    text = f'<img alt="" src="{source}" />'
    assert mend.size_images(text, tmp_path) == text


def test_a_page_has_one_viewport(tmp_path):
    one = '<meta name="viewport" content="width=device-width, initial-scale=1.0" />'
    assert mend.page(one + one.replace("1.0", "1"), tmp_path) == one


def test_a_description_is_the_first_paragraph_of_running_text():
    inside = nodes.table("", nodes.paragraph("", "a cell"))
    page = nodes.section("", inside, nodes.paragraph("", "word " * 100))
    told = head.description(page)
    assert told.startswith("word word")
    assert told.endswith("word …")
    assert len(told) <= head.LENGTH + 2
    assert head.description(None) == ""


@pytest.mark.parametrize(
    ("file", "body", "needed"),
    [
        ("_static/copybutton.js?v=1", '<div class="highlight-python">', True),
        ("_static/copybutton.js", "<p>highlight</p>", False),
        ("_static/scripts/sphinx-book-theme.js", "never", False),
        ("_static/katex/katex.min.css", '<span class="katex">', True),
        ("_static/claims.css", "", True),
    ],
)
def test_a_page_loads_what_it_needs(file, body, needed):
    assert head.is_needed(file, body) is needed


def test_bibliographies_lose_the_roles_that_voices_cannot_combine(tmp_path):
    text = '<div role="list" class="citation-list"><div role="doc-biblioentry" id="a">A</div></div>'
    mended = mend.page(text, tmp_path)
    assert "role=" not in mended
    assert 'class="citation-list"' in mended
