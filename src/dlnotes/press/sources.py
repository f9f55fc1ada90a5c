"""What the book says beside its lectures: claims, bibliography, configuration, table of contents.

All of it is read and, where it is wrong, refused before anything runs.
"""

import re
from pathlib import Path
from typing import Any

from dlnotes.press.lectures import PROFILES, LectureError, repeated, unknown

KINDS = ("identity", "statistical")
VERDICTS = ("holds", "fails", "undecided", "not-run")
CLAIM_FIELDS = ("id", "lecture", "statement", "kind", "unit", "sources", "expected")
ENTRY = re.compile(r"^\s*@\w+\s*\{\s*([^\s,{}]+)\s*,", re.MULTILINE)


def load_claims(root: Path) -> dict[str, dict[str, Any]]:
    """Read ``book/claims.yml`` as id -> claim.

    Raises:
        LectureError: The file is missing, no list of claims, or has malformed claims (all named).
    """
    path = Path(root) / "book" / "claims.yml"
    loaded = _read(path) or []
    if not isinstance(loaded, list) or not all(isinstance(claim, dict) for claim in loaded):
        raise LectureError(f"{path}: must be a list of claims, each a mapping that starts with id")
    known = bibliography(root)
    problems = [p for claim in loaded for p in _claim_problems(claim, known)]
    problems += [
        f"{i}: stands there twice; keep one" for i in repeated(c.get("id") for c in loaded)
    ]
    if problems:
        raise LectureError("\n".join(f"{path}: claim {problem}" for problem in problems))
    return {claim["id"]: claim for claim in loaded}


def bibliography(root: Path) -> list[str]:
    """Return the keys of ``book/references.bib``; none if there is no such file."""
    path = Path(root) / "book" / "references.bib"
    return ENTRY.findall(path.read_text(encoding="utf-8")) if path.is_file() else []


def check_site(root: Path) -> None:
    """Refuse a configuration or a table of contents that the book tool would refuse much later.

    Raises:
        LectureError: ``_config.yml`` or ``_toc.yml`` is missing, malformed, or lists a page that
            is not there.
    """
    from jupyter_book.config import validate_yaml
    from sphinx_external_toc.parsing import parse_toc_data

    def check_config(config: Any) -> None:
        validate_yaml(config, raise_on_errors=True)

    def check_toc(toc: Any) -> None:
        endings = ("", ".md", ".py")
        pages = {
            name: [root / f"{name}{ending}" for ending in endings] for name in parse_toc_data(toc)
        }
        absent = [name for name, paths in pages.items() if not any(p.is_file() for p in paths)]
        if absent:
            raise ValueError(f"there is no {', '.join(absent)} (.md or .py)")

    for name, check in (("_config.yml", check_config), ("_toc.yml", check_toc)):
        content = _read(root / name)
        try:
            check(content)
        except Exception as error:  # their checks also stumble over some mistakes
            raise LectureError(f"{root / name}: is malformed: {_one_line(error)}") from error


def _read(path: Path) -> Any:
    """Return the content of a YAML file."""
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LectureError(f"{path}: cannot be read: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _claim_problems(claim: dict[str, Any], known: list[str]) -> list[str]:
    """Return what is wrong with a claim; known: the keys of the bibliography."""
    missing = [field for field in CLAIM_FIELDS if field not in claim]
    problems = [f"lacks {', '.join(missing)}"] if missing else []
    for field in ("id", "lecture", "statement", "unit"):
        value = claim.get(field, "x")
        if not isinstance(value, str) or not (value.strip() or field == "unit"):
            problems.append(f"{field} must be text; got {value!r}")
    if "." not in str(claim.get("id")):
        problems.append("must have an id with a dot, such as fit.chance")
    if claim.get("kind", KINDS[0]) not in KINDS:
        problems.append(unknown("kind", claim["kind"], KINDS))
    problems += _source_problems(claim.get("sources", []), known)
    problems += _expectation_problems(claim.get("expected") or {})
    return [f"{claim.get('id', 'without id')}: {problem}" for problem in problems]


def _source_problems(sources: object, known: list[str]) -> list[str]:
    if not isinstance(sources, list):
        return [f"sources must be a list of keys of references.bib; got {sources!r}"]
    return [unknown("source", source, known) for source in sources if source not in known]


def _expectation_problems(expected: object) -> list[str]:
    if not isinstance(expected, dict):
        return [f"expected must map profiles to verdicts; got {expected!r}"]
    problems = [unknown("profile", p, PROFILES) for p in expected if p not in PROFILES]
    return problems + [
        unknown("verdict", v, VERDICTS) for v in expected.values() if v not in VERDICTS
    ]
