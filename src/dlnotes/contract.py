"""What the half that computes and the half that prints must agree on; imports nothing.

Names of outputs in a notebook, of verdicts, profiles and kinds of claim; the grammar of seeds and
of a scheduler's address; what range a unit has.
"""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, get_args

CLAIM_MIME = "application/vnd.dlnotes.claim+json"
RUN_MIME = "application/vnd.dlnotes.run+json"
GLUE_PREFIX = "application/papermill.record/"
GLUE_MIME = f"{GLUE_PREFIX}text/plain"
"""Where an executed notebook keeps a verdict, what it ran on, and a number for its prose."""

Profile = Literal["smoke", "cpu", "gpu"]
DeviceName = Literal["auto", "cpu", "cuda"]
Precision = Literal["float64", "float32", "tf32", "bf16"]
Verdict = Literal["holds", "fails", "undecided", "not-run"]
Kind = Literal["identity", "statistical", "calibration", "placebo"]
"""An equality within rounding; a finding with an interval over seeds; the same where the truth is
known, so that it tests the intervals; the same where both arms are alike, and should not differ."""
Scale = Literal["linear", "log", "share"]

PROFILES: tuple[str, ...] = get_args(Profile)
DEVICES: tuple[str, ...] = get_args(DeviceName)
KINDS: tuple[str, ...] = get_args(Kind)
WORDS = {
    "holds": "holds",
    "fails": "does not hold",
    "undecided": "undecided",
    "not-run": "not run here",
}
SYMBOLS = {"holds": "✓", "fails": "✗", "undecided": "?", "not-run": "–"}
"""Verdict -> what a reader sees."""

LEAST_SEEDS, ADVISED_SEEDS = 6, 8
"""Below the first no verdict over seeds is possible; fewer than the second decide little."""
MOST_SEEDS = 1000
THREADS = 1
"""Threads of a lecture's kernel. The bytes of a sum depend on it, so the cache key has it."""

RANGES = {
    "% accuracy": (0.0, 100.0),
    "% test error": (0.0, 100.0),
    "% error": (0.0, 100.0),
    "% of draws": (0.0, 100.0),
    "% of labels": (0.0, 100.0),
    "% of images": (0.0, 100.0),
    "% of shapes": (0.0, 100.0),
    "% of seeds": (0.0, 100.0),
    "percentage points": (-100.0, 100.0),
    "times": (0.0, math.inf),
}
"""Unit -> the values it can have; an interval beyond them does not fit what was measured."""

_BY_VERDICT = re.compile(
    r"\{by-verdict\}(?P<fence>`+)(?!`)(?P<body>.+?)(?<!`)(?P=fence)(?!`)", re.DOTALL
)
_CASE = re.compile(rf"\|\s*({'|'.join(WORDS)}):")
_RESULT = re.compile(r"\{(?P<name>claim|glue:text)\}`(?P<key>[^`]+)`")
_NOT_RUN = "This was not run here."
_SEEDS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
_ADDRESS = re.compile(r"(tcp|tls)://([\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read seeds such as ``"1000-1007"``, ``"1,2,7"`` or ``"0-3,9"``, in the order written.

    Raises:
        ValueError: If a part is neither a number nor a rising range, a seed comes twice, or there
            are more than `MOST_SEEDS`.

    Example:
        >>> parse_seeds("0-2, 9")
        (0, 1, 2, 9)
    """
    seeds: list[int] = []
    for part in "".join(text.split()).split(","):
        match = _SEEDS.fullmatch(part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high:
            raise ValueError(
                f"seeds must be numbers and rising ranges such as 0-7 or 1,2,9; got {text!r}"
            )
        if len(seeds) + high - low >= MOST_SEEDS:
            raise ValueError(f"seeds must be at most {MOST_SEEDS}; got {text!r}")
        seeds += range(low, high + 1)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"each seed may come once, got {text!r}; remove the repetition")
    return tuple(seeds)


def check_address(text: str) -> None:
    """Refuse what cannot be a scheduler's address.

    Raises:
        ValueError: If it is not like ``tcp://scheduler:8786``.

    Example:
        >>> check_address("tcp://scheduler:8786")
    """
    match = _ADDRESS.fullmatch(text)
    if not match or int(match[3]) > 65535:
        raise ValueError(f"a scheduler's address must be like tcp://scheduler:8786, got {text!r}")


def clock(seconds: float) -> str:
    """Write a duration; hours only where there are any.

    Example:
        >>> clock(9.7), clock(4000)
        ('0:09', '1:06:40')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def texts_by_verdict(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each ``{by-verdict}`` role of a text: its claim and its text for each verdict.

    Raises:
        ValueError: If a verdict has no text, or two; only ``not-run`` has one of its own.

    Example:
        >>> text = "{by-verdict}`fit.chance | holds: Yes. | fails: No. | undecided: Who knows.`"
        >>> list(texts_by_verdict(text))[0][1]["fails"]
        'No.'
    """
    for role in _BY_VERDICT.finditer(text):
        yield _cases(role["body"])


def by_verdict(text: str, verdicts: Mapping[str, str]) -> str:
    """Replace each ``{by-verdict}`` role by its text for the verdict of its claim.

    The role stands between as many backquotes as its texts need: two, where they have roles of
    their own.

    Args:
        text: MyST markdown.
        verdicts: Of each claim, by id.

    Raises:
        ValueError: If a claim is unknown, or a verdict has no text.

    Example:
        >>> text = "{by-verdict}``fit.chance | holds: {a}`b` | fails: No. | undecided: So?``"
        >>> by_verdict(text, {"fit.chance": "holds"})
        '{a}`b`'
    """

    def chosen(role: re.Match[str]) -> str:
        claim, cases = _cases(role["body"])
        if claim not in verdicts:
            raise ValueError(unknown("claim", claim, verdicts))
        return cases[verdicts[claim]]

    return _BY_VERDICT.sub(chosen, text)


def _cases(body: str) -> tuple[str, dict[str, str]]:
    """Return the claim of a role and its texts, by verdict."""
    claim, *rest = _CASE.split(body)
    claim, names = claim.strip(), rest[::2]
    cases = {name: text.strip() for name, text in zip(names, rest[1::2], strict=True)}
    lacking = [verdict for verdict in WORDS if not cases.get(verdict) and verdict != "not-run"]
    if lacking or len(cases) < len(names):
        raise ValueError(
            f"{{by-verdict}} of claim {claim!r} must have one text a verdict, such as "
            f"'{claim} | holds: ... | fails: ... | undecided: ...'; "
            + (f"none for {', '.join(lacking)}" if lacking else "one comes twice")
        )
    return claim, {"not-run": _NOT_RUN} | cases


def tell(text: str, numbers: Mapping[str, str], results: Mapping[str, Mapping]) -> str:
    """Say what a run found: replace each role that states a result by its words.

    Args:
        text: Markdown whose only roles are ``{glue:text}``, ``{claim}`` and ``{by-verdict}``.
        numbers: What the lecture left for its prose, by name.
        results: Of each claim that the lecture checked, by id: verdict, effect, interval, unit.

    Raises:
        ValueError: It left no such number, or did not check such a claim.

    Example:
        >>> tell("It was {glue:text}`n`. {claim}`a.b`", {"n": "7"}, {"a.b": {"verdict": "fails"}})
        'It was 7. **does not hold**'
    """

    def said(role: re.Match[str]) -> str:
        known = results if role["name"] == "claim" else numbers
        key, _, spec = role["key"].partition(":")
        if key not in known:
            raise ValueError(unknown(f"{role['name']} in the text", key, known))
        if role["name"] == "claim":
            return f"**{outcome(results[key])}**"
        return format(float(numbers[key]), spec) if spec else numbers[key]

    verdicts = {claim: result["verdict"] for claim, result in results.items()}
    return _RESULT.sub(said, by_verdict(text, verdicts))


def outcome(result: Mapping) -> str:
    """Return a claim's verdict and its numbers in one line of plain text.

    Example:
        >>> outcome({"verdict": "holds", "effect": 0.42, "interval": [0.4, 0.44], "unit": "%"})
        'holds: 0.42 %, 95 % interval 0.4 to 0.44'
    """
    verdict = WORDS[result["verdict"]]
    if result.get("effect") is None:
        return verdict
    ends = [result["effect"], *(result.get("interval") or [])]
    effect, *interval = (f"{end:.4g}".replace("-", "−") for end in ends)
    number = f"{verdict}: {effect} {result.get('unit') or ''}".rstrip()
    return f"{number}, 95 % interval {' to '.join(interval)}" if interval else number


def unknown(what: str, value: object, valid: Iterable[str]) -> str:
    """Say that a value is not among the valid ones, with the nearest of them.

    Example:
        >>> unknown("profile", "smok", ["smoke", "cpu"])
        "unknown profile 'smok'; did you mean 'smoke'? Valid: smoke, cpu"
    """
    names = list(valid)
    short = {name.split("/")[-1]: name for name in reversed(names)}
    near = difflib.get_close_matches(str(value), [*names, *short], n=1)
    hint = f"; did you mean {short.get(near[0], near[0])!r}?" if near else "."
    return f"unknown {what} {value!r}{hint} Valid: {', '.join(names) or 'none'}"
