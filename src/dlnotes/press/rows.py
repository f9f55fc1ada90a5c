"""What several directives of the book share: reading its data, and building links and tables."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from docutils import nodes
from sphinx import addnodes
from sphinx.environment import BuildEnvironment

from dlnotes.press.labels import LedgerRow


def read(env: BuildEnvironment, name: str) -> list[LedgerRow]:
    """Return the rows of a data file; the current page depends on it from here on."""
    path = Path(env.srcdir) / "_data" / name
    env.note_dependency(str(path))
    return json.loads(path.read_text(encoding="utf-8"))


def anchor(claim: str) -> str:
    """Return the id of the first sentence of its lecture that states a claim."""
    return f"claim-{claim.replace('.', '-')}"


def to_root(env: BuildEnvironment) -> str:
    """Return the way from the current page to the site's first folder."""
    return "../" * env.docname.count("/")


def page(env: BuildEnvironment, lecture: str) -> addnodes.pending_xref:
    """Return a link to a lecture, worded as its title."""
    return link(env, "doc", f"/book/{lecture}", nodes.inline("", lecture), explicit=False)


def link(
    env: BuildEnvironment,
    kind: Literal["doc", "ref"],
    target: str,
    text: nodes.Node,
    *,
    explicit: bool,
) -> addnodes.pending_xref:
    """Return a link that Sphinx resolves, and of which it warns where it leads nowhere."""
    return addnodes.pending_xref(
        "",
        text,
        refdomain="std",
        reftype=kind,
        reftarget=target,
        refexplicit=explicit,
        refwarn=True,
        refdoc=env.docname,
    )


def table(head: Sequence[str], body: Iterable[nodes.row], kind: str) -> nodes.table:
    """Return a docutils table; the theme puts it in a box that scrolls."""
    columns = [nodes.colspec(colwidth=1) for _ in head]
    group = nodes.tgroup("", *columns, cols=len(head))
    group += nodes.thead("", cells(list(head)))
    group += nodes.tbody("", *body)
    return nodes.table("", group, classes=[f"{kind}-table"])


def cells(
    contents: Sequence[str | Sequence[nodes.Node]],
    target: str | None = None,
    classes: Sequence[str] = (),
) -> nodes.row:
    """Return a row of a table; ``target`` is the id of its place, if others link to it."""
    row = nodes.row(ids=[target] if target else [], classes=list(classes))
    for content in contents:
        blocks = [nodes.paragraph("", content)] if isinstance(content, str) else content
        row += nodes.entry("", *blocks)
    return row
