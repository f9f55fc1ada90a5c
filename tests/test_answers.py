"""Every check of the book: the solution passes, other right answers do, and no wrong one does."""

import ast
import dataclasses
import shutil
import textwrap
from pathlib import Path

import pytest

from dlnotes.press import answers, lectures

ROOT = Path(__file__).resolve().parents[1]
LECTURES = {lecture.name: lecture for lecture in lectures.find(ROOT)}
OLDER = (
    *("elephant", "explicit-regularization", "expressivity", "flat-and-sharp"),
    *("implicit-regularization", "memorization", "tall-or-fat"),
)

CASES = [
    pytest.param(name, function, kind, body, id=f"{name}-{function}-{kind}-{words}")
    for name, lecture in LECTURES.items()
    for function, kinds in answers.load(lecture).items()
    for kind, bodies in kinds.items()
    for words, body in bodies.items()
]


def test_only_older_lectures_have_their_lists_still_to_come():
    """A lecture is listed only while it has none; no lecture comes to the list."""
    listed = {name for name, lecture in LECTURES.items() if answers.to_come(lecture)}
    assert all(not answers.path_of(LECTURES[name]).is_file() for name in listed)
    assert listed <= {f"rethinking/{slug}" for slug in OLDER}


def test_an_exercise_without_lists_is_refused(tmp_path):
    source = LECTURES["rethinking/random-data"]
    folder = tmp_path / "book" / "part"
    folder.mkdir(parents=True)
    shutil.copy(source.path, folder / "new.py")
    lecture = dataclasses.replace(source, path=folder / "new.py")
    with pytest.raises(lectures.LectureError, match=r"new\.py: cell \d+: the exercise wrong_share"):
        answers.refuse_wrong([lecture])


def parts(name, function):
    """Return the imports of a lecture, the head of an exercise's function, and its check."""
    cells = lectures.read(LECTURES[name].path).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    imports = [
        node
        for cell in code
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    number = answers.functions(LECTURES[name])[function]
    checks = [cell for cell in cells[number:] if "check" in cell.metadata.get("tags", [])]
    (node,) = (n for n in ast.parse(cells[number - 1].source).body if hasattr(n, "args"))
    head = f"def {function}({ast.unparse(node.args)}):\n"
    return ast.unparse(imports), head, cells[number - 1].source, checks[0].source


def passes(imports, definition, check):
    """Run an answer and its check as a reader would, after the imports alone."""
    space = {}
    exec(imports, space)
    exec(definition, space)
    try:
        exec(check, space)
    except Exception:  # a wrong answer may raise whatever it likes
        return False
    return True


@pytest.mark.untyped
@pytest.mark.filterwarnings("ignore")  # what a wrong answer makes torch say
@pytest.mark.parametrize(("name", "function", "kind", "body"), CASES)
def test_the_check_tells_right_from_wrong(name, function, kind, body, capsys):
    imports, head, _, check = parts(name, function)
    definition = head + textwrap.indent(body, "    ")
    assert passes(imports, definition, check) == (kind == "right")


@pytest.mark.parametrize("name", [n for n, lecture in LECTURES.items() if answers.load(lecture)])
def test_the_solution_passes_and_the_untouched_exercise_does_not(name, capsys):
    for function in answers.functions(LECTURES[name]):
        imports, head, solution, check = parts(name, function)
        assert passes(imports, solution, check)
        assert not passes(imports, f"{head}    ...", check)


@pytest.mark.parametrize(
    ("found", "match"),
    [
        ([], "must map the function"),
        ({"f": {"right": {"a": "return 1"}}}, r"f \(cell 2\) needs at least one wrong"),
        ({"f": {"right": {"a": ""}, "wrong": {"b": "return 2"}}}, "at least one right"),
        ({"f": {"right": {"a": "x"}, "wrong": {"b": "y"}}, "g": {}}, "g is no exercise"),
    ],
)
def test_lists_that_are_not_whole_are_refused(found, match):
    with pytest.raises(lectures.LectureError, match=match):
        raise lectures.LectureError("\n".join(answers.problems(found, {"f": 2})))
