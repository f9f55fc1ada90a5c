"""What stands in a page's head and foot: its description, its address, the scripts it needs."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

NEEDS = {  # a file, and what a page must hold to need it
    "clipboard.min.js": 'class="highlight',
    "copybutton.js": 'class="highlight',
    "copybutton.css": 'class="highlight',
    "togglebutton.js": 'dropdown admonition|admonition[^"]* dropdown|class="[^"]*toggle',
    "togglebutton.css": 'dropdown admonition|admonition[^"]* dropdown|class="[^"]*toggle',
    "sphinx-design.min.css": 'class="[^"]*sd-',
    "design-tabs.js": "sd-tab-set",
    "sphinx-thebe.css": "thebe-",
    "katex.min.css": "katex|math",
    "katex-math.css": "katex|math",
    "proof.css": 'class="[^"]*proof',
    "exercise.css": 'class="[^"]*(exercise|solution)',
    "mystnb": 'class="[^"]*cell',
    "doctools.js": "search-results",
    "sphinx_highlight.js": "search-results",
    "sphinx-book-theme.js": "(?!)",  # never
}
LENGTH = 200  # characters of a description; search engines show about 160


def complete(
    app: Sphinx,
    pagename: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give the templates what they ask for."""
    context["description"] = description(doctree)
    context["site"] = site = app.config.dlnotes_site
    commit = (site.get("commit") or "")[:8]
    context["commit"] = commit
    body = context.get("body", "") + ("search-results" if pagename == "search" else "")
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context.get(kind, []) if is_needed(file, body)]


def description(doctree: nodes.document | None) -> str:
    """Return the page's first paragraph of running text, cut at the end of a word.

    Example:
        >>> page = nodes.section("", nodes.paragraph("", "Why does it work?"))
        >>> description(page)
        'Why does it work?'
    """
    if doctree is None:
        return ""
    for paragraph in doctree.findall(nodes.paragraph):
        inside = isinstance(paragraph.parent, nodes.section | nodes.document | nodes.container)
        text = " ".join(paragraph.astext().split())
        if inside and text:
            return text if len(text) <= LENGTH else text[:LENGTH].rpartition(" ")[0] + " …"
    return ""


def is_needed(file: Any, body: str) -> bool:
    """Say whether a page with this body needs a script or a style sheet.

    Example:
        >>> is_needed("_static/design-tabs.js", "<p>Text.</p>")
        False
        >>> is_needed("_static/book.css", "<p>Text.</p>")
        True
    """
    name = getattr(file, "filename", file)
    if not name:  # a line within the page: all of them are for the folds of this script
        return "toggle" in file.attributes.get("body", "") and is_needed("togglebutton.js", body)
    stem = str(name).partition("?")[0].rpartition("/")[2]
    wanted = next((what for which, what in NEEDS.items() if stem.startswith(which)), None)
    return wanted is None or re.search(wanted, body) is not None


def setup(app: Sphinx) -> None:
    """Complete each page after all others have had their say."""
    app.connect("html-page-context", complete, priority=900)
