"""Folds: their titles, where they stand, and which are dropped."""

import jupytext
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from dlnotes.press import folds

FIGURE = new_markdown_cell("figure", id="figure")
TEXT = new_output("stream", text="3")


def cell(source="x = 1", *, tags=("hide-input",), outputs=(), **metadata):
    metadata["tags"] = list(tags)
    return new_code_cell(source, id="cell", metadata=metadata, outputs=list(outputs))


def prompt(placed):
    return placed.metadata.get("mystnb", {}).get("code_prompt_show")


def test_the_first_line_of_a_cell_gives_the_title_and_keeps_it():
    source = '# %% tags=["hide-input"] title="How 240 networks are trained"\nx = 1\n'
    notebook = jupytext.reads(source, fmt="py:percent")
    again = jupytext.reads(jupytext.writes(notebook, fmt="py:percent"), fmt="py:percent")
    for read in (notebook, again):
        read.cells[0]["id"] = "a"
        (placed,) = folds.placed(read.cells[0], [])
        assert placed.metadata.mystnb == {
            "code_prompt_show": "How 240 networks are trained",
            "code_prompt_hide": "How 240 networks are trained",
        }


def test_what_a_lecture_says_to_myst_itself_stays():
    own = {"code_prompt_show": "Mine"}
    (placed,) = folds.placed(cell(title="How", mystnb=own), [])
    assert placed.metadata.mystnb == {"code_prompt_show": "Mine", "code_prompt_hide": "How"}


def test_the_code_of_a_figure_stands_below_it_and_says_so():
    placed = folds.placed(cell(), [FIGURE])
    assert [c.id for c in placed] == ["figure", "cell"]
    assert prompt(placed[1]) == "Code of the figure above"
    assert prompt(folds.placed(cell(title="How"), [FIGURE])[1]) == "How"


def test_a_fold_with_outputs_of_its_own_stands_above_its_figure():
    placed = folds.placed(cell(outputs=[TEXT]), [FIGURE])
    assert [c.id for c in placed] == ["cell", "figure"]
    assert prompt(placed[0]) is None
    glued = new_output("display_data", data={"application/papermill.record/text/plain": "'1'"})
    assert [c.id for c in folds.placed(cell(outputs=[glued]), [FIGURE])] == ["figure", "cell"]
    hidden = folds.placed(cell(tags=["hide-input", "remove-output"], outputs=[TEXT]), [FIGURE])
    assert [c.id for c in hidden] == ["figure", "cell"]


@pytest.mark.parametrize("source", ["", "# a comment", "\n\n# one\n# two\n"])
def test_a_fold_that_shows_nothing_is_dropped(source):
    assert folds.placed(cell(source), []) == []
    assert folds.placed(cell(source), [FIGURE]) == [FIGURE]
    assert folds.placed(cell(source, tags=["hide-cell"]), []) == []
    (kept,) = folds.placed(cell(source, outputs=[TEXT]), [])
    assert "remove-input" in kept.metadata.tags


@pytest.mark.parametrize("source", ["x = 1", "%matplotlib inline", '"""text"""'])
def test_a_fold_with_code_is_kept(source):
    assert len(folds.placed(cell(source), [])) == 1


def test_other_cells_are_left_alone():
    for other in (cell("", tags=[]), cell("", tags=["hide-output"]), new_markdown_cell("text")):
        assert folds.placed(other, [FIGURE]) == [other, FIGURE]


@pytest.mark.parametrize("title", ["", " ", 3, "two\nlines"])
def test_a_title_that_is_no_line_of_text_is_refused(title):
    with pytest.raises(folds.FoldError, match="cell cell: the title of a fold is one line, got"):
        folds.placed(cell(title=title), [])
