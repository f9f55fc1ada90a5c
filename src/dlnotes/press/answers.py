"""What readers may answer to an exercise: bodies its check must accept, and bodies it must reject.

``book/<part>/answers/<slug>.yml`` maps the function of each exercise of ``<part>/<slug>`` to
``right`` and ``wrong``, and these map a few words to the body of the function. The tests run them.
``book/<part>/answers/to-come.yml`` lists the lectures whose answers are still to be written.
"""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlnotes.press import lectures
from dlnotes.press.lectures import Lecture

Answers = dict[str, dict[str, dict[str, str]]]


def path_of(lecture: Lecture) -> Path:
    """Return where the answers to a lecture's exercises are kept."""
    return lecture.path.parent / "answers" / f"{lecture.path.stem}.yml"


def load(lecture: Lecture) -> Answers:
    """Read the answers to a lecture's exercises; none where they are still to come.

    Raises:
        LectureError: An exercise has no answers of both kinds, or an entry fits no exercise.
    """
    path, exercises = path_of(lecture), functions(lecture)
    if not path.is_file() and (not exercises or to_come(lecture)):
        return {}
    if not path.is_file():
        name, number = next(iter(exercises.items()))
        raise lectures.LectureError(
            f"{lecture.path}: cell {number}: the exercise {name} has no lists of answers; write "
            f"some right and some wrong ones into {path}"
        )
    found = _read(path) or {}
    if told := problems(found, exercises):
        raise lectures.LectureError("\n".join(f"{path}: {problem}" for problem in told))
    return found


def to_come(lecture: Lecture) -> bool:
    """Return whether a lecture is listed as one whose answers are still to be written."""
    path = path_of(lecture).with_name("to-come.yml")
    return path.is_file() and lecture.path.stem in (_read(path) or ())


def _read(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise lectures.LectureError(f"{path}: cannot be read: {reason}") from error


def refuse_wrong(found: Iterable[Lecture]) -> None:
    """Refuse exercises without lists of answers, and lists that leave out one or fit none.

    Raises:
        LectureError: Every problem, one a line, with the file and the exercise's cell.
    """
    told = []
    for lecture in found:
        try:
            load(lecture)
        except lectures.LectureError as error:
            told.append(str(error))
    if told:
        raise lectures.LectureError("\n".join(told))


def functions(lecture: Lecture) -> dict[str, int]:
    """Return the function of each exercise, and the number of its cell."""
    cells = enumerate(lectures.read(lecture.path).cells, 1)
    return {
        node.name: number
        for number, cell in cells
        if "exercise" in cell.metadata.get("tags", [])
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.FunctionDef)
    }


def problems(found: object, exercises: dict[str, int]) -> list[str]:
    """Return what is wrong with the answers to some exercises.

    >>> problems({"f": {"right": {"plain": "return 1"}, "wrong": {}}}, {"f": 3, "g": 5})[0]
    'f (cell 3) needs at least one wrong answer, a few words: the body of the function'
    """
    if not isinstance(found, dict):
        return ["must map the function of each exercise to right and wrong answers"]
    told = [
        f"{name} is no exercise; there are {', '.join(exercises)}"
        for name in found
        if name not in exercises
    ]
    for name, number in exercises.items():
        kinds = found.get(name)
        for kind in ("right", "wrong"):
            bodies = kinds.get(kind) if isinstance(kinds, dict) else None
            texts = list(bodies.values()) if isinstance(bodies, dict) else []
            if not texts or not all(isinstance(body, str) and body.strip() for body in texts):
                told.append(
                    f"{name} (cell {number}) needs at least one {kind} answer, "
                    "a few words: the body of the function"
                )
    return told
