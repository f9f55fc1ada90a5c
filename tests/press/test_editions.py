"""The editions: no solution leaves, everything else does, and plain Jupyter can read it."""

import jupytext
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnotes.contract import CLAIM_MIME, GLUE_MIME, WORDS
from dlnotes.press import editions

SOLVED = """def twice(x):
    if x > 0:
        ### BEGIN SOLUTION
        secret_sum = x + x
        return secret_sum
        ### END SOLUTION
    ### BEGIN SOLUTION
    return -secret_other
    ### END SOLUTION

twice(1)"""

STUBBED = """def twice(x):
    if x > 0:
        ...  # your code here
    ...  # your code here

twice(1)"""

RESULT = {
    "id": "fit.chance",
    "verdict": "holds",
    "effect": 0.1012,
    "interval": [0.098, 0.104],
    "unit": "share",
}


def exercise(source=SOLVED, tag="exercise"):
    return new_code_cell(
        source,
        execution_count=3,
        metadata={"tags": [tag]},
        outputs=[new_output("stream", name="stdout", text="the secret is 2")],
    )


def lecture():
    glue = new_output(
        "display_data",
        data={GLUE_MIME: "0.98765"},
        metadata={"scrapbook": {"name": "train"}},
    )
    claim = new_output("display_data", data={CLAIM_MIME: RESULT, "text/plain": "holds"})
    text = (
        "(top)=\n# Can it fit noise?\n\n{claim}`fit.chance` "
        "It reached {glue:text}`train:.2f`, see {ref}`below <x>`."
    )
    return new_notebook(
        cells=[
            new_markdown_cell(text),
            new_code_cell("run()", outputs=[glue, claim], execution_count=1),
            new_markdown_cell("```{exercise} Twice\n:label: twice\n\nWrite *twice*.\n```"),
            exercise(),
            exercise("assert twice(1) == 2", tag="check"),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )


def test_nested_and_repeated_solutions_become_stubs_at_their_indentation():
    cell = editions.public(new_notebook(cells=[exercise()])).cells[0]
    assert cell.source == STUBBED
    compile(cell.source, "stub", "exec")


def test_outputs_of_exercise_and_check_go_and_all_others_stay():
    before, after = lecture(), editions.public(lecture())
    assert [len(c.outputs) for c in after.cells if c.cell_type == "code"] == [2, 0, 0]
    assert after.cells[1] == before.cells[1] | {"id": after.cells[1].id}
    assert after.cells[3].execution_count is None
    nbformat.validate(after)


def test_the_notebook_passed_in_is_left_alone():
    notebook = lecture()
    editions.public(notebook)
    editions.standalone(notebook, {})
    assert notebook.cells[3].source == SOLVED


@pytest.mark.parametrize("edition", ["public", "standalone", "source"])
def test_no_solution_line_in_any_edition(edition):
    made = {
        "public": lambda: nbformat.writes(editions.public(lecture())),
        "standalone": lambda: nbformat.writes(editions.standalone(lecture(), {})),
        "source": lambda: editions.source(lecture()),
    }[edition]()
    assert "secret" not in made
    assert "SOLUTION" not in made


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\nx = 1",
        "x = 1\n### END SOLUTION",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
    ],
)
def test_unbalanced_markers_name_the_cell(source):
    notebook = new_notebook(cells=[new_markdown_cell("# T"), new_code_cell(source, id="task-1")])
    with pytest.raises(editions.EditionError, match=r"cell 2 \(task-1\).*partner"):
        editions.public(notebook)


def test_an_exercise_without_markers_is_refused():
    with pytest.raises(editions.EditionError, match="an exercise needs"):
        editions.public(new_notebook(cells=[exercise("answer = 42")]))


def test_standalone_says_numbers_and_verdicts_in_plain_text():
    edition = editions.standalone(lecture(), {"fit.chance": "Tests are at chance."})
    text = edition.cells[0].source
    assert "It reached 0.99, see below." in text
    assert "Tests are at chance. [**holds: 0.1012 share, 95 % interval 0.098 to 0.104**]" in text
    assert "(top)=" not in text
    assert edition.cells[2].source.splitlines()[0] == "**Exercise: Twice**"
    assert ":label:" not in edition.cells[2].source
    assert "```" not in edition.cells[2].source


def test_standalone_installs_only_when_told_from_where():
    assert editions.standalone(lecture(), {}).cells[0].cell_type == "markdown"
    first = editions.standalone(lecture(), {}, install="git+https://example.org/a@0f").cells[0]
    assert first.source == "%pip install --quiet git+https://example.org/a@0f"


def test_an_unknown_number_or_claim_is_shown_not_invented():
    notebook = new_notebook(cells=[new_markdown_cell("{glue:text}`gone` {claim}`a.b`")])
    assert editions.standalone(notebook, {}).cells[0].source == "gone a.b [**not run here**]"


def test_code_fences_survive_and_notes_lose_theirs():
    text = "```python\nx = 1\n```\n\n:::{note}\nMind the gap.\n:::"
    plain = editions.standalone(new_notebook(cells=[new_markdown_cell(text)]), {}).cells[0].source
    assert plain == "```python\nx = 1\n```\n\n**Note**\n\nMind the gap."


def test_source_reads_back_as_the_public_notebook():
    back = jupytext.reads(editions.source(lecture()), fmt="py:percent")
    public = editions.public(lecture())
    assert [c.source for c in back.cells] == [c.source for c in public.cells]


@pytest.mark.parametrize("verdict", WORDS)
def test_outcome_without_an_effect_is_the_verdict(verdict):
    assert editions.outcome({"verdict": verdict, "effect": None}) == WORDS[verdict]
