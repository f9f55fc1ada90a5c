"""The public edition: no solution leaves, everything else does."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnotes.contract import CLAIM_MIME, GLUE_MIME
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


def exercise(source=SOLVED, tag="exercise"):
    return new_code_cell(
        source,
        execution_count=3,
        metadata={"tags": [tag]},
        outputs=[new_output("stream", name="stdout", text="the secret is 2")],
    )


def lecture():
    return new_notebook(
        cells=[
            new_markdown_cell("# Can it fit noise?"),
            new_code_cell("run()", outputs=[new_output("stream", text="ran")], execution_count=1),
            new_markdown_cell("```{exercise} Twice\n:label: twice\n\nWrite *twice*.\n```"),
            exercise(),
            exercise("assert twice(1) == 2", tag="check"),
        ],
    )


def test_nested_and_repeated_solutions_become_stubs_at_their_indentation():
    cell = editions.public(new_notebook(cells=[exercise()])).cells[0]
    assert cell.source == STUBBED
    compile(cell.source, "stub", "exec")


def test_outputs_of_exercise_and_check_go_and_all_others_stay():
    before, after = lecture(), editions.public(lecture())
    assert [len(c.outputs) for c in after.cells if c.cell_type == "code"] == [1, 0, 0]
    assert after.cells[1] == before.cells[1] | {"id": after.cells[1].id}
    assert after.cells[3].execution_count is None
    nbformat.validate(after)


def test_the_notebook_passed_in_is_left_alone():
    notebook = lecture()
    editions.public(notebook)
    assert notebook.cells[3].source == SOLVED


def test_no_solution_line_in_the_edition():
    made = nbformat.writes(editions.public(lecture()))
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


def test_what_the_run_left_is_found_by_name():
    glue = new_output(
        "display_data", data={GLUE_MIME: "'0.99'"}, metadata={"scrapbook": {"name": "train"}}
    )
    result = {"id": "fit.chance", "verdict": "holds"}
    claim = new_output("display_data", data={CLAIM_MIME: result})
    figure = new_output("display_data", metadata={"dlnotes": {"figure": "noise"}})
    left = new_notebook(cells=[new_code_cell("run()", outputs=[glue, claim, figure])])
    assert editions.glued(left) == {"train": "'0.99'"}
    assert editions.claims_of(left) == {"fit.chance": result}
    assert editions.drawn(left) == ["noise"]
