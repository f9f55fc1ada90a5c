"""What the letters of a theorem stand for in this run: ``{symbols}``, a list below it."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


class Symbols(SphinxDirective):
    """``{symbols}``: a line for each letter, ``$W$ | the first layer's weights, 128 by 196``.

    Numbers in it are those of the run, ``{glue:text}`name```: one that no cell leaves is refused.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the list; warn of a line that does not say what its letter is."""
        entries = nodes.definition_list(classes=["symbols"])
        for line in self.content:
            symbol, bar, meaning = (part.strip() for part in line.partition("|"))
            if line.strip() and not (symbol and meaning):
                told = f"symbols: needs 'letter | what it is', got {line!r}"
                logger.warning(told, location=self.get_location())
            elif bar:
                term, text = (self.state.inline_text(t, self.lineno)[0] for t in (symbol, meaning))
                entries += nodes.definition_list_item(
                    "",
                    nodes.term("", "", *term),
                    nodes.definition("", nodes.paragraph("", "", *text)),
                )
        if not entries.children:
            logger.warning("symbols: has no line", location=self.get_location())
            return []
        return [entries]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("symbols", Symbols)
