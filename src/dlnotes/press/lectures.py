"""Lecture sources: find them, read them, and refuse what is wrong before anything runs.

A lecture is one file ``book/<part>/<slug>.py`` in jupytext's ``py:percent`` format; it is called
``<part>/<slug>``. The claims it may check are those that `sources` reads.
"""

import ast
import copy
import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlnotes.contract import PROFILES, unknown
from dlnotes.data import registry

if TYPE_CHECKING:
    from nbformat import NotebookNode

PARAMETERS = ("profile", "device", "seeds")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


class LectureError(ValueError):
    """What is wrong with the lecture sources or with the claims, one problem a line."""


@dataclass(frozen=True)
class Lecture:
    """One lecture source.

    Attributes:
        name: ``<part>/<slug>``.
        path: The source file.
        claims: Ids of the claims it checks, in the order of the source.
        datasets: Profile -> names of the fetched data sets it needs there.
        problems: What is wrong with the source itself, each with its remedy.
    """

    name: str
    path: Path
    claims: tuple[str, ...] = ()
    datasets: dict[str, list[str]] | None = None
    problems: tuple[str, ...] = ()

    def needs(self, profile: str) -> list[str]:
        """Return the fetched data sets that the lecture needs at a profile."""
        return list((self.datasets or {}).get(profile, []))


def find(root: Path) -> list[Lecture]:
    """Return every lecture below ``root/book``, by name; its problems ride along for `check`."""
    book = Path(root) / "book"
    paths = (p.relative_to(book) for p in book.glob("*/*.py"))
    return [_lecture(book, path) for path in sorted(paths) if path.as_posix()[0] not in "._"]


def read(path: Path) -> "NotebookNode":
    """Read a lecture source as a notebook whose cell ids depend on its text alone.

    Raises:
        LectureError: The source cannot be read as a notebook.
    """
    try:
        notebook = copy.deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except Exception as error:  # jupytext lets through whatever yaml or the codec raises
        reason = " ".join(str(error).split())
        raise LectureError(
            f"{path}: cannot be read as a notebook ({reason}); its header must be YAML"
        ) from error
    notebook.metadata.pop("jupytext", None)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for index, cell in enumerate(notebook.cells):
        text = f"{index}\0{cell.cell_type}\0{cell.source}"
        cell["id"] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return notebook


@functools.cache  # a build reads each lecture more than once
def _parsed(text: str) -> "NotebookNode":
    import jupytext  # here: it takes a third of a second, and most commands need no notebook

    return jupytext.reads(text, fmt="py:percent")


def refuse_wrong(lectures: Sequence[Lecture], claims: dict[str, dict[str, Any]]) -> None:
    """Refuse lectures that cannot be run or judged.

    Raises:
        LectureError: Every problem of every lecture, one a line, each with file and remedy.
    """
    problems = [f"{lec.path}: {problem}" for lec in lectures for problem in lec.problems]
    for lecture in lectures:
        mine = [i for i, claim in claims.items() if claim["lecture"] == lecture.name]
        problems += [f"{lecture.path}: {p}" for p in _claim_mismatches(lecture, mine, claims)]
    names = [lecture.name for lecture in lectures]
    problems += [
        f"claims.yml: claim {i}: {problem}"
        for i, claim in claims.items()
        if (problem := _place_problem(claim, names))
    ]
    if problems:
        raise LectureError("\n".join(problems))


def select(lectures: Sequence[Lecture], only: Iterable[str]) -> list[Lecture]:
    """Return the lectures named; all of them when none is.

    Args:
        lectures: The lectures of the book.
        only: ``part/slug``, the slug alone, or the path of the source.

    Returns:
        The selection, in the order of the book.

    Raises:
        LectureError: A name fits no lecture, or more than one.
    """
    chosen = set()
    for wanted in only:
        fits = [lec.name for lec in lectures if wanted in {lec.name, lec.name.split("/")[-1]}]
        fits = fits or [
            lec.name for lec in lectures if lec.path.resolve() == Path(wanted).resolve()
        ]
        if len(fits) > 1:
            raise LectureError(f"lecture {wanted!r} is not unique; say one of: {', '.join(fits)}")
        if not fits:
            raise LectureError(unknown("lecture", wanted, [lec.name for lec in lectures]))
        chosen.add(fits[0])
    return [lec for lec in lectures if lec.name in chosen or not chosen]


def repeated(values: Iterable[object]) -> list[str]:
    """Return the values that stand there more than once.

    >>> repeated(["a.x", "a.y", "a.x"])
    ['a.x']
    """
    texts = [str(value) for value in values]
    return sorted({text for text in texts if texts.count(text) > 1})


def _lecture(book: Path, relative: Path) -> Lecture:
    path, name = book / relative, relative.with_suffix("").as_posix()
    try:
        notebook = read(path)
    except LectureError as error:
        return Lecture(name, path, problems=(str(error).removeprefix(f"{path}: "),))
    ids, problems = _ids_checked(notebook)
    header = notebook.metadata.get("dlnotes", {})
    datasets = header.get("datasets", {}) if isinstance(header, dict) else None
    problems += _kernel_problems(notebook) + _dataset_problems(datasets)
    problems += _parameter_problems(notebook) + _exercise_problems(notebook)
    problems += _comment_problems(notebook, path.read_text(encoding="utf-8"))
    usable = isinstance(datasets, dict) and all(isinstance(d, list) for d in datasets.values())
    return Lecture(name, path, tuple(ids), dict(datasets) if usable else {}, tuple(problems))


def _tagged(notebook: "NotebookNode", tag: str) -> list["NotebookNode"]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def _ids_checked(notebook: "NotebookNode") -> tuple[list[str], list[str]]:
    ids, problems = [], []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            line = (error.text or "").strip()
            problems.append(
                f"cell {number} is not plain Python: {error.msg}: {line!r};"
                " mend it (shell lines and magics are not allowed)"
            )
            continue
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        ids += [
            i for i in map(_claim_id, sorted(calls, key=lambda n: (n.lineno, n.col_offset))) if i
        ]
    return ids, problems


def _claim_id(call: ast.Call) -> str | None:
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
    first = call.args[0] if call.args else None
    literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if name == "check" and literal and "." in first.value else None


def _kernel_problems(notebook: "NotebookNode") -> list[str]:
    spec = notebook.metadata.get("kernelspec", {})
    keys = ("name", "display_name", "language")
    missing = [key for key in keys if not (isinstance(spec, dict) and spec.get(key))]
    remedy = "write jupyter: kernelspec: with name, display_name and language"
    return [f"the header lacks kernelspec {', '.join(missing)}; {remedy}"] if missing else []


def _dataset_problems(datasets: object) -> list[str]:
    if not isinstance(datasets, dict):
        return ["dlnotes: datasets: in the header must map profiles to lists of data sets"]
    problems = [unknown("profile", p, PROFILES) for p in datasets if p not in PROFILES]
    names = [name for sets in datasets.values() if isinstance(sets, list) for name in sets]
    if names:
        valid = registry.names()
        problems += [unknown("data set", n, valid) for n in dict.fromkeys(names) if n not in valid]
    problems += [
        f"datasets of profile {profile} must be a list such as [mnist]; got {sets!r}"
        for profile, sets in datasets.items()
        if not isinstance(sets, list)
    ]
    return [f"datasets in the header: {problem}" for problem in problems]


def _parameter_problems(notebook: "NotebookNode") -> list[str]:
    cells = [cell for cell in _tagged(notebook, "parameters") if cell.cell_type == "code"]
    remedy = 'write # %% tags=["parameters"] with profile = "cpu", device = "auto", seeds = ""'
    if len(cells) != 1:
        return [f"has {len(cells)} cells tagged parameters, must have one; {remedy}"]
    missing = [n for n in PARAMETERS if not re.search(rf"^{n}\s*(:.*)?=", cells[0].source, re.M)]
    return [f"its parameters cell does not set {', '.join(missing)}; {remedy}"] if missing else []


def _exercise_problems(notebook: "NotebookNode") -> list[str]:
    problems = []
    for number, cell in enumerate(notebook.cells, 1):
        marks = re.findall(f"{BEGIN}|{END}", cell.source)
        exercise = "exercise" in cell.metadata.get("tags", [])
        if marks and not exercise:
            problems.append(
                f"cell {number} holds a solution; tag it exercise, else it is published"
            )
        if marks != [BEGIN, END] * (len(marks) // 2):
            problems.append(f"cell {number}: each {BEGIN} needs one {END} after it")
        if exercise and not marks:
            problems.append(
                f"cell {number} is tagged exercise; put its solution between {BEGIN}, {END}"
            )
    return problems


def _comment_problems(notebook: "NotebookNode", text: str) -> list[str]:
    """Say which lines of a paragraph the page would lose, since Markdown takes them for comments.

    A comment of the author's own follows an empty line, or another line of the comment.
    """
    numbered = [re.sub(r"^# ?", "", line) for line in text.splitlines()]
    problems, at = [], 0
    for cell in notebook.cells:
        before, literal = "", ""
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            fence = re.match(r"\s*(`{3,}|~{3,})(?!\s*\{(?!code))", line)
            if fence and not literal:
                literal = fence[1]
            elif literal and line.strip() == literal:
                literal = ""
            comment = not literal and line.lstrip().startswith("%")
            if comment and before.strip() and not before.lstrip().startswith("%"):
                at = numbered.index(line, at) + 1 if line in numbered[at:] else at
                problems.append(
                    f"line {at}: a line that starts with % is a comment and does not show:"
                    f" {line.strip()[:40]!r}; move the % to its number, or leave an empty line"
                    " before a comment"
                )
            before = line
    return problems


def _place_problem(claim: dict[str, Any], names: Sequence[str]) -> str | None:
    """Say what is wrong with a claim's lecture: missing, or there though only planned."""
    if claim.get("planned"):
        there = claim["lecture"] in names
        return f"lecture {claim['lecture']} is there: take out planned" if there else None
    if claim["lecture"] in names:
        return None
    return f"{unknown('lecture', claim['lecture'], names)}; or say planned: true until it is there"


def _claim_mismatches(
    lecture: Lecture, mine: list[str], claims: dict[str, dict[str, Any]]
) -> list[str]:
    problems = [f"checks {i} twice; a claim has one verdict" for i in repeated(lecture.claims)]
    for i in dict.fromkeys(lecture.claims):
        if i not in claims:
            problems.append(f"{unknown('claim', i, claims)}; add it to claims.yml or mend the id")
        elif i not in mine:
            problems.append(f"checks {i}, which claims.yml gives to {claims[i]['lecture']}")
    never = [i for i in mine if i not in lecture.claims] if not lecture.problems else []
    remedy = 'add claims.check("{0}", ...) or take it out of claims.yml'
    return problems + [f"never checks its claim {i}; {remedy.format(i)}" for i in never]
