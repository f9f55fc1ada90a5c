"""Predictions of the reader: ``{predict}`` asks, ``{predicted}`` comes back beside the result.

What was guessed stays in the reader's browser, which `reading.js` asks for it; without scripts the
question stands alone.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

logger = logging.getLogger(__name__)

_ROLE = re.compile(r"\{predicted\}`(?P<guess>[^`<>]+?)\s*<(?P<name>[^<>`]+)>`")
_TITLED = re.compile(r"(?P<guess>[^<>]+?)\s*(?:<(?P<found>[^<>]+)>)?")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ASKED = "dlnotes_asked"


class PredictionError(ValueError):
    """A guess that is to be compared with a number that the run has not left."""


def filled(text: str, numbers: Mapping[str, str]) -> str:
    """Return MyST with the run's number in place of its name in each ``{predicted}``.

    >>> filled("{predicted}`half <half-right>`", {"half-right": "'57.5'"})
    '{predicted}`half <57.5>`'

    Args:
        text: MyST.
        numbers: Glued name -> text.

    Raises:
        PredictionError: No number of that name was glued.
    """

    def number(match: re.Match) -> str:
        if match["name"] not in numbers:
            valid = ", ".join(numbers) or "none"
            raise PredictionError(
                f"{match[0]}: no number {match['name']!r} was left by a cell; valid: {valid}"
            )
        found = numbers[match["name"]].strip("'\"")
        return f"{{predicted}}`{match['guess']} <{found}>`"

    return _ROLE.sub(number, text)


class Predict(SphinxDirective):
    """``{predict}``: a question, and a field for the reader's guess if it has ``guess``."""

    has_content = True
    option_spec = {  # noqa: RUF012
        "guess": directives.unchanged_required,
        "unit": directives.unchanged_required,
        "kind": lambda text: directives.choice(text, ("number", "text", "choice")),
        "choices": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Return the box."""
        self.assert_has_content()
        number = self.env.new_serialno("predict")
        label = f"predict-{number}"
        question = nodes.container(classes=["predict-question"])
        self.state.nested_parse(self.content, self.content_offset, question)
        opened = (
            f'<div class="predict" role="group" aria-labelledby="{label}">'
            f'<p class="predict-label" id="{label}">Predict</p>'
        )
        closed = f"{self._field(number)}</div>"
        return [
            nodes.raw("", opened, format="html"),
            question,
            nodes.raw("", closed, format="html"),
        ]

    def _field(self, number: int) -> str:
        """Return the form; warn of a guess that cannot come back."""
        guess = self.options.get("guess")
        choices = [c.strip() for c in self.options.get("choices", "").split("|") if c.strip()]
        kind = self.options.get("kind", "choice" if choices else "number")
        asked = self.env.temp_data.setdefault(_ASKED, {})
        problem = _problem(guess, kind, choices, asked)
        if problem:
            logger.warning("predict: %s", problem, location=self.get_location())
        if problem or guess is None:
            return ""
        unit = self.options.get("unit", "")
        asked[guess] = {"unit": unit, "where": self.get_location(), "back": False}
        return form(key(self.env.docname, guess), kind, unit, choices, f"guess-{number}")


def _problem(guess: str | None, kind: str, choices: list[str], asked: Mapping) -> str | None:
    """Return what is wrong with a field, if anything."""
    if guess is None:
        return None
    if not _ID.fullmatch(guess):
        return f"a guess is named with lowercase letters, digits and hyphens, got {guess!r}"
    if guess in asked:
        return f"{guess!r} is asked twice on this page; give it another name"
    if (kind == "choice") != (len(choices) > 1):
        return f"kind choice goes with two or more choices (a | b), got {kind} and {choices}"
    return None


def key(docname: str, guess: str) -> str:
    """Return the name under which the browser keeps a guess."""
    return f"dlnotes:{docname}:{guess}"


def form(name: str, kind: str, unit: str, choices: list[str], field: str) -> str:
    """Return the form for a guess as HTML; it stays hidden until a script can keep it."""
    shown = f' <span class="predict-unit">{html.escape(unit)}</span>' if unit else ""
    if kind == "choice":
        options = "".join(
            f'<label><input type="radio" name="{field}" value="{html.escape(choice)}"> '
            f"{html.escape(choice)}</label>"
            for choice in choices
        )
        ask = f"<fieldset><legend>Your guess</legend>{options}</fieldset>"
    else:
        form = 'type="number" step="any" inputmode="decimal"' if kind == "number" else 'type="text"'
        spoken = f' <span class="predict-spoken">in {html.escape(unit)}</span>' if unit else ""
        ask = (
            f'<label for="{field}">Your guess{spoken}</label> '
            f'<input id="{field}" name="{field}" {form} autocomplete="off">{shown}'
        )
    return (
        f'<form class="predict-form" data-guess="{html.escape(name)}" '
        f'data-unit="{html.escape(unit)}" hidden>{ask} <button type="submit">Keep it</button>'
        '<p class="predict-kept" role="status">It stays on this machine, in your browser, '
        "and comes back beside the result.</p></form>"
    )


class Predicted(SphinxRole):
    """``{predicted}`id``` or ``{predicted}`id <name of a number>```: what the reader guessed."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the place where the guess comes back."""
        match = _TITLED.fullmatch(self.text.strip())
        asked = self.env.temp_data.get(_ASKED, {})
        guess = match["guess"] if match else self.text
        if guess not in asked:
            valid = ", ".join(asked) or "none"
            text = "predicted: %r is not asked above on this page; asked there: %s"
            logger.warning(text, guess, valid, location=(self.env.docname, self.lineno))
            return [], []
        asked[guess]["back"] = True
        unit = html.escape(asked[guess]["unit"])
        found = f' data-found="{html.escape(match["found"])}"' if match["found"] else ""
        place = (
            f'<span class="predicted" role="status" data-unit="{unit}" '
            f'data-guess="{html.escape(key(self.env.docname, guess))}"{found}></span>'
        )
        return [nodes.raw("", place, format="html")], []


def warn_of_lost_guesses(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of each guess that never comes back on its page."""
    asked: dict[str, dict[str, Any]] = app.env.temp_data.get(_ASKED, {})
    for guess, about in asked.items():
        if not about["back"]:
            text = "predict: the guess %r never comes back; write {predicted}`%s` beside the result"
            logger.warning(text, guess, guess, location=about["where"])


def setup(app: Sphinx) -> None:
    """Register the directive, the role and their check."""
    app.add_directive("predict", Predict)
    app.add_role("predicted", Predicted())
    app.connect("doctree-read", warn_of_lost_guesses)
