"""From a figure in a notebook to its files and its place on the page.

A figure is drawn on a white plate for a light page and says in a comment which color takes the
place of which on a dark one. Here it loses the plate, and a copy in the other colors is written
beside it. A flipbook carries several frames.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from nbformat import NotebookNode

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PAIRS = re.compile(r"<!-- dark:((?: #[0-9a-f]{6}=#[0-9a-f]{6})+) -->")
_PLATE = re.compile(r'<rect class="plate"[^>]*/>\n?')
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_FRAME = ("value", "alt", "says", "svg")


class FigureError(ValueError):
    """A figure whose notebook does not say what the page needs."""


def dark(svg: str) -> str | None:
    """Return a figure in the colors of a dark page, None where it does not say them.

    >>> dark('<!-- dark: #000000=#ffffff --><svg fill="#000000"/>')
    '<svg fill="#ffffff"/>'
    """
    said = _PAIRS.search(svg)
    if said is None:
        return None
    colors = dict(pair.split("=") for pair in said[1].split())
    return _COLOR.sub(lambda m: colors.get(m[0], m[0]), svg.replace(said[0], ""))


def twin(uri: str) -> str:
    """Return the name of the copy for a dark page.

    >>> twin("_figures/noise-curve.svg")
    '_figures/noise-curve-dark.svg'
    """
    path = PurePath(uri)
    return path.with_stem(f"{path.stem}-dark").as_posix()


def both(path: str, svg: str) -> Iterator[tuple[str, bytes]]:
    """Yield a figure and, where it has one, its copy for a dark page, each with its path."""
    bare = _PLATE.sub("", svg)
    yield path, bare.encode()
    turned = dark(bare)
    if turned is not None:
        yield twin(path), turned.encode()


def files(output: NotebookNode, folder: str, slug: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a notebook's figure: path -> content.

    Args:
        output: The display output.
        folder: Where its page looks for figures.
        slug: The lecture's name within its part.

    Raises:
        FigureError: The notebook does not say what the page needs.
    """
    about = checked(output)
    label = f"{slug}-{about['figure']}"
    yield from both(f"{folder}/{label}.svg", output.data["image/svg+xml"])
    book = about.get("flipbook", {"frames": [], "default": None})
    for i, frame in enumerate(book["frames"]):
        if i != book["default"]:
            yield from both(f"{folder}/{label}-frame{i}.svg", frame["svg"])


def directive(output: NotebookNode, slug: str, data: str | None) -> str:
    """Return a figure as MyST: label, alternative text, caption, link to its data.

    Args:
        output: The display output.
        slug: The lecture's name within its part.
        data: Where the data lie, seen from the page.
    """
    about = checked(output)
    label = f"{slug}-{about['figure']}"
    options = {"name": label, "alt": " ".join(about["alt"].split()), "class": "dark-light"}
    if "flipbook" in about:
        options["flipbook"] = json.dumps(_listed(about["flipbook"], label), ensure_ascii=False)
    header = "\n".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in options.items()
    )
    link = f' <a href="{data}" download>Data (CSV)</a>' if data else ""
    caption = " ".join(about["caption"].split())
    return f"````{{drawing}} _figures/{label}.svg\n---\n{header}\n---\n{caption}{link}\n````"


def _listed(book: Mapping, label: str) -> dict:
    """Return a flipbook with a file in the place of each frame's drawing."""
    frames = [
        {
            "value": frame["value"],
            "alt": " ".join(frame["alt"].split()),
            "says": " ".join(frame["says"].split()),
            "file": f"_figures/{label}{'' if i == book['default'] else f'-frame{i}'}.svg",
        }
        for i, frame in enumerate(book["frames"])
    ]
    return {key: book[key] for key in ("label", "kind", "default")} | {"frames": frames}


def checked(output: NotebookNode) -> Mapping:
    """Return what a figure's output says of itself.

    Raises:
        FigureError: Something is missing or has the wrong form.
    """
    about = output.metadata["dlnotes"]
    name = about.get("figure")
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise FigureError(f"a figure is named {name!r}; use lowercase letters, digits, hyphens")
    for key in ("alt", "caption"):
        if not (isinstance(about.get(key), str) and about[key].strip()):
            raise FigureError(f"figure {name}: it has no {key}; show it with figures.show")
    if "image/svg+xml" not in output.data:
        raise FigureError(f"figure {name}: it has no SVG; show it with figures.show")
    if "flipbook" in about and (problem := _wrong_book(about["flipbook"])):
        raise FigureError(f"flipbook {name}: {problem}; show it with figures.flipbook")
    return about


def _wrong_book(book: object) -> str | None:
    """Return what is wrong with a flipbook, if anything."""
    if not isinstance(book, Mapping):
        return f"its description must be a mapping, got {book!r}"
    frames = book.get("frames")
    if not (isinstance(frames, list) and len(frames) > 1):
        return "it must have at least two frames"
    if not (isinstance(book.get("label"), str) and book["label"].strip()):
        return "its control has no label"
    if book.get("kind") not in ("slider", "buttons"):
        return f"its kind must be slider or buttons, got {book.get('kind')!r}"
    if not (type(book.get("default")) is int and 0 <= book["default"] < len(frames)):
        return f"its default must be the number of a frame, got {book.get('default')!r}"
    for i, frame in enumerate(frames):
        fields = frame if isinstance(frame, Mapping) else {}
        lacking = [k for k in _FRAME if not str(fields.get(k) or "").strip()]
        if lacking:
            return f"frame {i} has no {' and no '.join(lacking)}"
    values = [frame["value"] for frame in frames]
    if len(set(values)) < len(values):
        return f"two frames have one value: {values}"
    return None
