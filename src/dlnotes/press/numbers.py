"""Numbers in the text, ``{number}``: what a cell left, and on hover the seeds behind it.

Authors write ``{glue:text}`name```; the stage puts the run's number there. `reading.js` shows what
is behind it; without scripts a screen reader still finds it, in the page's list of definitions.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

_GLUED = re.compile(r"(?<!`)\{glue:text\}`(?P<name>[^`]+)`")
_WITH_SEEDS = re.compile(r"(?P<shown>[^<>]*?) <(?P<behind>[^<>]+)>")


class NumberError(ValueError):
    """A number that the text shows and that no cell has left."""


class number(nodes.Inline, nodes.Element):
    """A number of the run; ``behind`` says what it is made of, if the lecture said so."""

    def astext(self) -> str:
        """Return the number alone."""
        return self["shown"]


def filled(text: str, left: Mapping[str, str], behind: Mapping[str, str]) -> str:
    """Return MyST with the run's numbers in place of their names.

    >>> filled("It took {glue:text}`t` s.", {"t": "'7'"}, {"t": "mean of 8 seeds"})
    'It took {number}`7 <mean of 8 seeds>` s.'

    Args:
        text: MyST.
        left: Name -> text, quoted as `dlnotes.lab.prose.number` leaves it.
        behind: Name -> what the number is made of; of some.

    Raises:
        NumberError: No cell left a number of that name.
    """

    def put(match: re.Match) -> str:
        name = match["name"]
        if name not in left:
            valid = ", ".join(left) or "none"
            raise NumberError(f"no cell leaves a number {name!r} (prose.number); valid: {valid}")
        more = f" <{behind[name]}>" if name in behind else ""
        return f"{{number}}`{left[name][1:-1]}{more}`"

    return _GLUED.sub(put, text)


class NumberRole(SphinxRole):
    """``{number}`56 <mean of 8 seeds: ...>```: a number with what is behind it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number."""
        told = _WITH_SEEDS.fullmatch(self.text)
        card = f"behind-{self.env.new_serialno('behind')}" if told else ""
        about = told.groupdict() if told else {"shown": self.text, "behind": ""}
        return [number(**about, card=card)], []


def carry(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Append to a page what is behind its numbers."""
    if app.builder.format != "html":
        return
    shown = [node for node in doctree.findall(number) if node["card"]]
    if shown:
        told = "".join(
            f'<p id="{node["card"]}"><b>{html.escape(node["shown"])}</b> '
            f"<span>{html.escape(node['behind'])}</span></p>"
            for node in shown
        )
        box = f'<div class="definitions" hidden>{told}</div>'
        doctree.append(nodes.raw("", box, format="html"))


def _html(self: Any, node: number) -> None:
    card = f' tabindex="0" aria-describedby="{node["card"]}"' if node["card"] else ""
    self.body.append(f'<span class="number"{card}>{html.escape(node["shown"])}</span>')
    raise nodes.SkipNode


def _latex(self: Any, node: number) -> None:
    self.body.append(self.encode(node["shown"]))
    raise nodes.SkipNode


def _text(self: Any, node: number) -> None:
    self.add_text(node["shown"])
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the role."""
    app.add_node(number, html=(_html, None), latex=(_latex, None), text=(_text, None))
    app.add_role("number", NumberRole())
    app.connect("doctree-resolved", carry)
