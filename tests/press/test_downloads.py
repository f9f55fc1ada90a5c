"""The downloads: whole, without MyST, with no solution, and their words follow the run."""

import subprocess
import sys

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pybtex.database import parse_string

from dlnotes.contract import CLAIM_MIME, GLUE_MIME, RUN_MIME
from dlnotes.press import downloads
from dlnotes.press.crossrefs import Label, Links
from dlnotes.press.editions import EditionError
from dlnotes.press.imprint import Imprint
from dlnotes.press.spans import Page

PAGE = "book/part/lecture"
BIB = "@article{dyson2004, author={Dyson, F.}, title={A meeting}, year={2004}, journal={Nature}}"
INSTALL = '"dlnotes @ git+https://example.org/a@0f"'
IMPRINT = Imprint("A lecture. **Licence:** free. **To cite:** this.", INSTALL)
RESULT = {"id": "fit.chance", "verdict": "holds", "effect": 0.1012, "interval": None, "unit": "%"}
STATES = """Before it (see {cite:t}`dyson2004`).

## What was found

{claim}`fit.chance` It reached {glue:text}`train`.
{by-verdict}``fit.chance | holds: Chance, {glue:text}`train`. | fails: Skill. | undecided: So?``"""
CAPTION = "It *rises* to 0.99, as in {cite:p}`dyson2004`."


def output(**data):
    return new_output("display_data", data={k.replace("__", "/"): v for k, v in data.items()})


def figure(**data):
    shown = output(**{"image__svg+xml": "<svg/>", "text__csv": "x\n1", "text__plain": "A line."})
    shown.data.update({mime.replace("__", "/"): made for mime, made in data.items()})
    shown.metadata = {"dlnotes": {"figure": "noise", "alt": "A line.", "caption": CAPTION}}
    return shown


def code(source, *tags, outputs=()):
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))


def lecture(text=STATES, picture=None):
    glue = new_output(
        "display_data", data={GLUE_MIME: "'0.99'"}, metadata={"scrapbook": {"name": "train"}}
    )
    claim = new_output("display_data", data={CLAIM_MIME: RESULT, "text/plain": "holds"})
    run = new_output("display_data", data={RUN_MIME: {}, "text/plain": "profile cpu"})
    stub = "def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x  # secret\n    ### END SOLUTION"
    notebook = new_notebook(
        cells=[
            new_markdown_cell("(top)=\n# Can it fit noise?\n\n% a secret note\nA story."),
            code("given = 1", "injected-parameters", "remove-cell"),
            code("from dlnotes.lab import prose", "hide-input", outputs=[run]),
            code('prose.number("train", "0.5")', "remove-cell", outputs=[glue]),
            code("", "remove-output", outputs=[claim]),
            new_markdown_cell(text),
            code("1 + 1", outputs=[picture or figure(image__png="cGc=")]),
            code(stub, "exercise", outputs=[output(text__plain="secret")]),
            code('assert twice(2) == 4, "nothing yet"\nprint("passed")', "check"),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "dlnotes": {"datasets": {}},
        },
    )
    notebook.cells[-1].metadata["title"] = "How it is checked"
    return notebook


def page(site=None):
    links = Links(PAGE, {PAGE: "Noise"}, {"lecture-noise": Label(PAGE, "Figure 1")}, site)
    row = {**RESULT, "statement": "Tests are at chance."}
    return Page(links, parse_string(BIB, "bibtex"), {"fit.chance": row}, frozenset({"fit.chance"}))


def made(**kwargs):
    return downloads.notebook(lecture(**kwargs), page(), IMPRINT)


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def test_it_opens_with_what_it_is_and_how_to_get_the_package():
    first, second, third, *_ = made().cells
    assert first.source.startswith("# Can it fit noise?\n\nA lecture. **Licence:** free.")
    assert second.source == f"%pip install --quiet {INSTALL}"
    assert third.source == downloads.TOOLS
    told = downloads.notebook(lecture(), page(), Imprint("About."))
    assert not [cell for cell in told.cells if "%pip" in cell.source]


def test_it_is_valid_and_holds_no_solution_no_comment_and_nothing_of_ours():
    notebook = made()
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    for gone in ("secret", "SOLUTION", "vnd.dlnotes", "papermill", "(top)=", "given = 1"):
        assert gone not in text
    assert not [
        cell for cell in notebook.cells if cell.cell_type == "markdown" and "{" in cell.source
    ]


def test_figures_show_without_trust_and_keep_the_svg_only_without_a_png():
    (shown,) = cell_with(made(), "1 + 1").outputs
    assert shown.data == {"image/png": "cGc=", "text/plain": "A line."}
    (old,) = cell_with(made(picture=figure()), "1 + 1").outputs
    assert old.data == {"image/svg+xml": "<svg/>", "text/plain": "A line."}


def test_code_that_the_page_folds_or_removes_is_folded_not_lost():
    notebook = made()
    folded = cell_with(notebook, "from dlnotes.lab import prose\n".strip())
    assert folded.metadata["jupyter"] == {"source_hidden": True}
    removed = cell_with(notebook, "prose.number")
    assert removed.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert "jupyter" not in cell_with(notebook, "1 + 1").metadata
    assert cell_with(notebook, "twice(2)").source.startswith("# How it is checked\n")


def test_a_text_that_states_a_result_is_told_by_a_cell_below_its_heading():
    notebook = made()
    plain = cell_with(notebook, "## What was found")
    assert plain.cell_type == "markdown"
    assert plain.source == "Before it (see Dyson (2004)).\n\n## What was found"
    told = notebook.cells[notebook.cells.index(plain) + 1]
    assert told.metadata["jupyter"] == {"source_hidden": True}
    said = "Tests are at chance. [**holds: 0.1012 %**] It reached 0.99.\nChance, 0.99."
    assert told.outputs[0].data["text/markdown"].strip() == said


def test_captions_and_works_cited_are_there():
    notebook = made()
    (caption,) = cell_with(notebook, "prose.caption(").outputs
    text = "**Figure 1.** It *rises* to 0.99, as in (Dyson, 2004)."
    assert caption.data["text/markdown"] == text
    assert notebook.cells[-1].source.startswith("## References\n\n- F")


@pytest.fixture(scope="module")
def ran():
    """A download as it is after the reader ran it: other numbers, another verdict."""
    notebook = made()
    notebook.cells = [cell for cell in notebook.cells if "%pip" not in cell.source]
    setting = (
        "prose.keep(prose.RESULTS, 'fit.chance', {'verdict': 'fails', 'effect': None})\n"
        "prose.display({'text/plain': ''}, raw=True, metadata={'dlnotes': "
        "{'figure': 'noise', 'caption': 'It falls, {cite:p}`dyson2004`.'}})"
    )
    cell_with(notebook, "1 + 1").source = setting
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return notebook


def test_sentences_and_verdicts_are_those_of_the_readers_run_also_when_they_come_later(ran):
    told = cell_with(ran, "prose.tell").outputs[0].data["text/markdown"].strip()
    assert told == "Tests are at chance. [**does not hold**] It reached 0.5.\nSkill."
    caption = cell_with(ran, "prose.caption").outputs[0].data["text/markdown"]
    assert caption == "**Figure 1.** It falls, (Dyson, 2004)."


def test_an_untouched_exercise_says_so_and_the_notebook_runs_to_its_end(ran):
    outputs = [o for cell in ran.cells for o in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error"]
    assert cell_with(ran, "exercises.attempt").outputs[0].text == "not done yet: nothing yet\n"


def test_the_script_runs_in_plain_python_and_prints_no_bundle(tmp_path):
    text = downloads.script(lecture(), page(), IMPRINT)
    assert "secret" not in text
    assert "# ## What was found" in text
    assert "It reached 0.99." in text
    assert "prose.tell" not in text
    (tmp_path / "lecture.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "lecture.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "not done yet: nothing yet\n"), done.stderr


def test_the_script_reads_back_as_a_notebook_with_the_same_code():
    back = jupytext.reads(downloads.script(lecture(), page(), IMPRINT), fmt="py:percent")
    code = [c.source for c in back.cells if c.cell_type == "code"]
    ours = ("%pip", "prose.tell", "prose.caption")
    cells = [c.source for c in made().cells if c.cell_type == "code"]
    assert code == [source for source in cells if not any(call in source for call in ours)]


def test_what_cannot_be_translated_names_file_and_cell():
    with pytest.raises(EditionError, match=r"book/part/lecture\.py, cell 5 \(.*tab-set.*otherwise"):
        made(text="```{tab-set}\n```")
    with pytest.raises(EditionError, match="glue:text in the text 'gone'"):
        made(text="{glue:text}`gone`")


def test_a_check_whose_strings_would_change_is_refused():
    wrong = lecture()
    wrong.cells[-1].source = 'assert """a\nb"""'
    with pytest.raises(EditionError, match=r"cell 8 .*string over several lines"):
        downloads.notebook(wrong, page(), IMPRINT)


def test_a_lecture_must_begin_with_its_title():
    wrong = lecture()
    wrong.cells[0].source = "No title."
    with pytest.raises(EditionError, match="must begin with '# ' and a title"):
        downloads.script(wrong, page(), IMPRINT)
