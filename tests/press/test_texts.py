import copy
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnotes import contract
from dlnotes.press import lectures, texts

ROLE = (
    "{{by-verdict}}``{} | holds: It is {{glue:text}}`x` | fails: It is not. | undecided: Maybe.``"
)


def refused(book):
    found = lectures.find(book.root)
    with pytest.raises(lectures.LectureError) as told:
        texts.refuse_wrong(book.root, found, ["a.true"])
    return str(told.value)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("holds", "So. It is {glue:text}`x` Or?"),
        ("fails", "So. It is not. Or?"),
        ("undecided", "So. Maybe. Or?"),
        ("not-run", "So. This was not run here. Or?"),
    ],
)
def test_the_text_of_the_verdict_stands_in_place_of_the_role(verdict, said):
    text = f"So. {ROLE.format('a.true')} Or?"
    assert contract.by_verdict(text, {"a.true": verdict}) == said


def test_two_roles_over_several_lines_do_not_run_into_each_other():
    role = "{by-verdict}`a.b\n| holds: 1,\n|x| | fails: 2\n| undecided: 3 | not-run: 4`"
    text = f"{role} and {role}"
    assert contract.by_verdict(text, {"a.b": "holds"}) == "1,\n|x| and 1,\n|x|"
    assert contract.by_verdict(text, {"a.b": "not-run"}) == "4 and 4"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("a.true | holds: 1 | fails: 2", "none for undecided"),
        ("a.true | holds: 1 | fails: | undecided: 3", "none for fails"),
        ("a.true | holds: 1 | fails: 2 | undecided: 3 | holds: 4", "one comes twice"),
        ("a.true: it holds", "none for holds, fails, undecided"),
        ("a.ture | holds: 1 | fails: 2 | undecided: 3", "did you mean 'a.true'"),
    ],
)
def test_a_verdict_without_its_text_is_refused_with_file_and_cell(book, body, problem):
    path = book.lecture("a/one")
    path.write_text(path.read_text() + f"\n# %% [markdown]\n# Here: {{by-verdict}}`{body}`\n")
    said = refused(book)
    assert f"{path}: cell 4: " in said
    assert problem in said


def test_a_page_and_an_unknown_claim_on_it_are_refused_too(book):
    page = book.root / "book" / "about.md"
    page.write_text("# About\n\nShown as `{claim}`, here {claim}`a.ture`, and {claim}`a.true`.")
    said = refused(book)
    assert said.startswith(f"{page}: unknown claim 'a.ture'; did you mean 'a.true'")
    assert said.count("a.ture") == 1


def test_captions_follow_the_verdict_and_the_notebook_stays_as_it_was():
    figure = new_output("display_data", data={}, metadata={"dlnotes": {"caption": "x"}})
    figure.metadata["dlnotes"]["caption"] = ROLE.format("a.true")
    cells = [new_markdown_cell(ROLE.format("a.true")), new_code_cell("1", outputs=[figure])]
    notebook = new_notebook(cells=cells)
    before = copy.deepcopy(notebook)
    told = texts.chosen(notebook, {"a.true": "fails"})
    assert told.cells[0].source == "It is not."
    assert told.cells[1].outputs[0].metadata["dlnotes"]["caption"] == "It is not."
    assert notebook == before
    assert "by-verdict" in notebook.cells[0].source


def test_a_caption_of_an_unknown_claim_names_its_cell():
    figure = new_output("display_data", data={}, metadata={"dlnotes": {"caption": "x"}})
    figure.metadata["dlnotes"]["caption"] = ROLE.format("a.none")
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[figure], id="plot")])
    with pytest.raises(lectures.LectureError, match=re.escape("cell 1 (plot): unknown claim")):
        texts.chosen(notebook, {"a.true": "holds"})
