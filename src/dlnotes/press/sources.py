"""What the book says beside its lectures: claims, bibliography, configuration, table of contents.

All of it is read and, where it is wrong, refused before anything runs.
"""

import re
from pathlib import Path
from typing import Any

from dlnotes import machine
from dlnotes.contract import KINDS, PROFILES, WORDS, unknown
from dlnotes.press import cache
from dlnotes.press.lectures import LectureError, repeated

CLAIM_FIELDS = ("id", "lecture", "statement", "kind", "unit", "sources", "predicted")
FIELDS = (*CLAIM_FIELDS, "expected", "because", "note", "planned")
MARKUP = re.compile(r"<(?:[A-Za-z/!?])\S{0,20}")
FORMULA = re.compile(r"\$[^$]+\$")
ENTRY = re.compile(r"^\s*@\w+\s*\{\s*([^\s,{}]+)\s*,", re.MULTILINE)


def load_claims(root: Path) -> dict[str, dict[str, Any]]:
    """Read every ``book/<part>/claims.yml`` as id -> claim.

    Raises:
        LectureError: There is none, one is no list of claims, or has malformed claims, or a
            prediction that is not the one first committed (all named).
    """
    root = Path(root)
    paths = sorted((root / "book").glob("*/claims.yml"))
    if not paths:
        raise LectureError(f"{root / 'book'}: no part has a claims.yml; write one (CONTRIBUTING)")
    known, found, problems = bibliography(root), {}, []
    for path in paths:
        loaded = _read(path) or []
        if not isinstance(loaded, list) or not all(isinstance(claim, dict) for claim in loaded):
            raise LectureError(
                f"{path}: must be a list of claims, each a mapping that starts with id"
            )
        told = [p for claim in loaded for p in _claim_problems(claim, known, path.parent.name)]
        told += [p for claim in loaded for p in _not_run(claim, root)]
        told += _changed_predictions(root, path, loaded)
        twice = repeated(c.get("id") for c in loaded) + [
            str(c.get("id")) for c in loaded if str(c.get("id")) in found
        ]
        told += [f"{i}: stands there twice; keep one" for i in twice]
        problems += [f"{path}: claim {problem}" for problem in told]
        found |= {str(claim.get("id")): claim for claim in loaded}
    if problems:
        raise LectureError("\n".join(problems))
    return found


def first_predictions(root: Path, path: Path) -> dict[str, Any]:
    """Return what was predicted of each claim when it was first committed.

    As far as the history at hand shows; nothing without git, or for what is not committed yet.
    """
    inside = path.relative_to(root).as_posix()
    touched = machine.git(
        root, "log", "--reverse", "--format=%H", "-G", "^ *predicted:", "--", inside
    )
    first: dict[str, Any] = {}
    for commit in touched.split():
        for claim in _parsed(machine.git(root, "show", f"{commit}:./{inside}")) or []:
            if isinstance(claim, dict) and "predicted" in claim:
                first.setdefault(str(claim.get("id")), claim["predicted"])
    return first


def _changed_predictions(root: Path, path: Path, claims: list[dict[str, Any]]) -> list[str]:
    first = first_predictions(root, path)
    return [
        f"{claim['id']}: predicted was {first[claim['id']]} when it was first committed, now it is "
        f"{claim['predicted']}; put it back, and revise expected, with a because"
        for claim in claims
        if claim.get("predicted")
        and str(claim.get("id")) in first
        and first[claim["id"]] != claim["predicted"]
    ]


def _not_run(claim: dict[str, Any], root: Path) -> list[str]:
    """Refuse what is expected of a profile that the book has never been run at."""
    expected = claim.get("expected")
    wants = isinstance(expected, dict) and "gpu" in expected
    if not wants or cache.archive(root, str(claim.get("lecture"))):
        return []
    return [
        f"{claim.get('id')}: expected at profile gpu, but results/ holds no run of its lecture; "
        "a run that was not made may be predicted, not expected"
    ]


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
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LectureError(f"{path}: cannot be read: {_one_line(error)}") from error


def _parsed(text: str) -> Any:
    import yaml

    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _claim_problems(claim: dict[str, Any], known: list[str], part: str) -> list[str]:
    """Return what is wrong with a claim; known: the keys of the bibliography."""
    missing = [field for field in CLAIM_FIELDS if field not in claim]
    problems = [f"lacks {', '.join(missing)}"] if missing else []
    problems += [unknown("field", f, FIELDS) for f in claim if f not in FIELDS]
    for field in ("id", "lecture", "statement", "unit", "because", "note"):
        value = claim.get(field, "x")
        if not isinstance(value, str) or not (value.strip() or field == "unit"):
            problems.append(f"{field} must be text; got {value!r}")
    problems += _markup_problems(claim.get("statement"))
    if "." not in str(claim.get("id")):
        problems.append("must have an id with a dot, such as fit.chance")
    if str(claim.get("lecture", part)).partition("/")[0] != part:
        problems.append(f"is about {claim['lecture']}; write it into claims.yml of that part")
    if claim.get("kind", KINDS[0]) not in KINDS:
        problems.append(unknown("kind", claim["kind"], KINDS))
    problems += _source_problems(claim.get("sources", []), known)
    problems += _verdict_problems("predicted", claim.get("predicted", {"cpu": "holds"}))
    problems += _verdict_problems("expected", claim.get("expected") or {})
    return [
        f"{claim.get('id', 'without id')}: {problem}" for problem in problems or _against(claim)
    ]


def _markup_problems(statement: object) -> list[str]:
    """Refuse what the site would take for HTML and not show; formulas may have it."""
    found = MARKUP.search(FORMULA.sub("", str(statement)))
    if not found:
        return []
    return [
        f"statement has {found[0]!r}, which a page takes for HTML and drops; write the comparison "
        "with a space after it, or as a formula: n < d, $n < d$"
    ]


def _source_problems(sources: object, known: list[str]) -> list[str]:
    if not isinstance(sources, list):
        return [f"sources must be a list of keys of references.bib; got {sources!r}"]
    return [unknown("source", source, known) for source in sources if source not in known]


def _verdict_problems(field: str, given: object) -> list[str]:
    """Return what is wrong with a mapping of profiles to verdicts."""
    if not isinstance(given, dict):
        return [f"{field} must map profiles to verdicts; got {given!r}"]
    if field == "predicted" and not given:
        return ["predicted is empty; write what you think before the first run: {cpu: holds}"]
    problems = [unknown("profile", p, PROFILES) for p in given if p not in PROFILES]
    return problems + [unknown("verdict", v, list(WORDS)) for v in given.values() if v not in WORDS]


def _against(claim: dict[str, Any]) -> list[str]:
    """Return where a sound claim expects, without a reason, what was not predicted."""
    predicted, expected = claim.get("predicted") or {}, claim.get("expected") or {}
    never = [p for p in expected if p not in predicted]
    problems = [f"expects a verdict at profile {p}, and predicts none there" for p in never]
    other = [p for p in expected if p in predicted and predicted[p] != expected[p]]
    if other and not claim.get("because"):
        problems += [
            f"expected {expected[p]!r} at profile {p}, predicted {predicted[p]!r}; "
            "say why in a because: the prediction stays"
            for p in other
        ]
    return problems
