"""Definitions on hover: each page carries those of the glossary's terms that it uses.

A link to a term works without any script. `reading.js` shows the definition beside it.
"""

import html
import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"
_CHINESE = re.compile(
    r"(?P<chinese>[\u3400-\u9fff\uff00-\uffef、（）]+)[.。]\s*(?P<text>.*)", re.DOTALL
)


def depend(app: Sphinx, doctree: nodes.document) -> None:
    """Have a page that uses a term made again when the glossary changes."""
    links = doctree.findall(addnodes.pending_xref)
    if any(link.get("reftype") == "term" for link in links):
        app.env.note_dependency(app.env.doc2path(GLOSSARY))


def carry(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Append to a page the definitions of the terms that it links to."""
    if app.builder.format != "html" or docname == GLOSSARY:
        return
    links = (node.get("refuri", "") for node in doctree.findall(nodes.reference))
    used = {link.partition("#")[2] for link in links if "#term-" in link}
    if used and GLOSSARY in app.env.all_docs:
        texts = [definition(*entry) for entry in entries(app.env) if entry[0] in used]
        box = f'<div class="definitions" hidden>{"".join(texts)}</div>'
        doctree.append(nodes.raw("", box, format="html"))


def entries(env: BuildEnvironment) -> Iterator[tuple[str, str, str]]:
    """Yield anchor, term and definition of each entry of the glossary."""
    for glossary in env.get_doctree(GLOSSARY).findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            text = next(item.findall(nodes.definition), nodes.definition()).astext()
            for term in item.findall(nodes.term):
                for anchor in term["ids"]:
                    yield anchor, term.astext(), text


def definition(anchor: str, term: str, text: str) -> str:
    """Return an entry as HTML, its Chinese name apart.

    >>> definition("term-bias", "bias", "偏差. Tilt.")
    '<p id="definition-bias"><b>bias</b> <span class="chinese">偏差</span> <span>Tilt.</span></p>'
    """
    parts = _CHINESE.fullmatch(text.strip())
    chinese = f' <span class="chinese">{parts["chinese"]}</span>' if parts else ""
    rest = html.escape(" ".join((parts["text"] if parts else text).split()))
    name = html.escape(anchor.removeprefix("term-"))
    return f'<p id="definition-{name}"><b>{html.escape(term)}</b>{chinese} <span>{rest}</span></p>'


def setup(app: Sphinx) -> None:
    """Have pages carry their definitions."""
    app.connect("doctree-read", depend)
    app.connect("doctree-resolved", carry)
