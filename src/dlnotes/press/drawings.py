"""Figures on the page: ``{drawing}``, a figure directive for pictures that have a dark copy.

Both copies stand in the page and the style sheet shows one. Those of a flipbook's other frames
are loaded when they are first wanted; its control is shown by ``reading.js``.
"""

import html
import json
import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.directives.patches import Figure

from dlnotes.press import figures


class drawing(nodes.image):
    """One picture of a figure, for a light or a dark page."""


class Drawing(Figure):
    """``{drawing} file.svg``: a figure for light and dark pages, or a flipbook of several."""

    option_spec = Figure.option_spec | {"flipbook": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the figure with all its pictures, and the control of a flipbook."""
        book = json.loads(self.options.pop("flipbook", "null"))
        (figure, *rest) = super().run()
        image = figure.next_node(nodes.image) if isinstance(figure, nodes.figure) else None
        if image is None:
            return [figure, *rest]
        env = self.state.document.settings.env
        first = not env.temp_data.get("dlnotes_drawn")
        env.temp_data["dlnotes_drawn"] = True
        alt = image.get("alt", "")
        frames = book["frames"] if book else [{"file": image["uri"], "alt": alt}]
        default = book["default"] if book else 0
        pictures = []
        for i, frame in enumerate(frames):
            about = {"number": i if book else None, "shown": i == default, "first": first}
            pictures += self._pictures(frame["file"], frame["alt"], **about)
        if book:
            number = env.new_serialno("flipbook")
            pictures.append(nodes.raw("", control(book, f"flipbook-{number}"), format="html"))
            figure["classes"].append("flipbook")
        image.replace_self(pictures)
        return [figure, *rest]

    def _pictures(
        self, uri: str, alt: str, *, number: int | None, shown: bool, first: bool
    ) -> list[drawing]:
        """Return the picture for a light page and, where there is a copy, that for a dark one."""
        env = self.state.document.settings.env
        path = Path(env.relfn2path(uri)[1])
        about = {"alt": alt, "number": number, "shown": shown, "size": size(path)}
        copy = path.with_name(Path(figures.twin(uri)).name)
        if not copy.is_file():
            return [drawing(uri=uri, classes=["dark-light"], lazy=not first, **about)]
        light = drawing(uri=uri, classes=["dark-light", "for-light"], lazy=not first, **about)
        dark = {"uri": figures.twin(uri), "classes": ["dark-light", "for-dark"], "lazy": True}
        return [light, drawing(**dark, **about)]


def size(path: Path) -> tuple[int, int] | None:
    """Return width and height of an SVG file in CSS pixels, None where it does not say them."""
    head = path.read_text(encoding="utf-8")[:4000] if path.is_file() else ""
    tag = re.search(r"<svg\b[^>]*>", head)
    said = dict(re.findall(r'\b(width|height)="([\d.]+(?:pt)?)"', tag[0])) if tag else {}
    if set(said) != {"width", "height"}:
        return None
    return _pixels(said["width"]), _pixels(said["height"])


def _pixels(length: str) -> int:
    """Return a length in CSS pixels: a point is four thirds of one."""
    return round(float(length.removesuffix("pt")) * (4 / 3 if length.endswith("pt") else 1))


def control(book: dict[str, Any], name: str) -> str:
    """Return the control of a flipbook as HTML; it stays hidden until a script can answer it."""
    frames, default = book["frames"], book["default"]
    label, values = html.escape(book["label"]), [html.escape(f["value"]) for f in frames]
    if book["kind"] == "slider":
        ticks = "".join(f"<span>{value}</span>" for value in values)
        choice = (
            f'<label for="{name}">{label}</label>'
            f'<input id="{name}" type="range" min="0" max="{len(frames) - 1}" step="1" '
            f'value="{default}" aria-valuetext="{values[default]}" autocomplete="off">'
            f'<div class="flipbook-ticks" aria-hidden="true">{ticks}</div>'
        )
    else:
        buttons = "".join(
            f'<button type="button" aria-pressed="{str(i == default).lower()}">{value}</button>'
            for i, value in enumerate(values)
        )
        choice = (
            f'<div role="group" aria-labelledby="{name}">'
            f'<span class="flipbook-label" id="{name}">{label}</span>{buttons}</div>'
        )
    told = html.escape(json.dumps([{"value": f["value"], "says": f["says"]} for f in frames]))
    says = html.escape(frames[default]["says"])
    return (
        f'<div class="flipbook-control" data-frames="{told}" data-default="{default}" hidden>'
        f'{choice}<output aria-live="polite">{says}</output></div>'
    )


def visit(translator: Any, node: drawing) -> None:
    """Write a picture; one that is not shown first has its address kept for the script."""
    builder = translator.builder
    name = builder.images.get(node["uri"])
    source = posixpath.join(builder.imgpath, quote(name)) if name else node["uri"]
    attributes = {"class": " ".join(node["classes"]), "alt": node["alt"]}
    attributes["src" if node["shown"] else "data-src"] = source
    if node["size"]:
        width, height = map(str, node["size"])
        attributes |= {"width": width, "height": height, "style": f"--drawn: {width}px"}
    attributes["loading"] = "lazy" if node["lazy"] else "eager"
    if node["number"] is not None:
        attributes["data-frame"] = str(node["number"])
    written = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes.items())
    translator.body.append(f"<img {written}{'' if node['shown'] else ' hidden'}>\n")
    raise nodes.SkipNode


def flatten(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Leave one plain image of each figure where no page is written."""
    if app.builder.format == "html":
        return
    for node in list(doctree.findall(drawing)):
        if node["shown"] and "for-dark" not in node["classes"]:
            plain = {key: node[key] for key in ("uri", "alt", "candidates")}
            node.replace_self(nodes.image(**plain))
        else:
            node.parent.remove(node)


def setup(app: Sphinx) -> None:
    """Register the directive and its node."""
    app.add_node(drawing, html=(visit, None))
    app.add_directive("drawing", Drawing)
    app.connect("doctree-resolved", flatten)
