"""Mend the HTML of a page as it is published: language, numbers of ids, sizes of images."""

import re
from collections import Counter
from pathlib import Path

_CJK = "\u2e80-\u2fdf\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
_RUN = re.compile(rf"[{_CJK}][{_CJK}\s]*[{_CJK}]|[{_CJK}]")
_SKIPPED = re.compile(r"(<(script|style|title)\b.*?</\2>|<!--.*?-->|<[^>]*>)", re.DOTALL)
_IMAGE = re.compile(r'<img\b[^>]*?\bsrc="(?P<source>[^":?]+)"[^>]*>')
_LENGTHS = re.compile(r'<svg\b[^>]*?\swidth="([\d.]+)(pt|px|)"\sheight="([\d.]+)(?:pt|px|)"')
_ROLES = ('role="list" class="citation-list"', 'role="doc-biblioentry"')
"""Of bibliographies; screen readers are told not to combine them."""
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1" />'


def page(text: str, folder: Path) -> str:
    """Return a page's HTML mended; ``folder`` is where the page lies."""
    for role in _ROLES:
        text = text.replace(role, role.partition(" ")[2])
    return mark_chinese(number_ids(size_images(text.replace(_VIEWPORT, "", 1), folder)))


def mark_chinese(text: str) -> str:
    """Mark runs of Chinese as such, so that a voice reads them and a font draws them right.

    Example:
        >>> mark_chinese('<dd title="變異數">In Chinese: 變異數.</dd>')
        '<dd title="變異數">In Chinese: <span lang="zh-Hant">變異數</span>.</dd>'
    """
    pieces, start = [], 0
    for tag in _SKIPPED.finditer(text):
        pieces += [_marked(text[start : tag.start()]), tag[0]]
        start = tag.end()
    return "".join([*pieces, _marked(text[start:])])


def _marked(text: str) -> str:
    return text if text.isascii() else _RUN.sub(r'<span lang="zh-Hant">\g<0></span>', text)


def number_ids(text: str) -> str:
    """Number the ids that an extension gives again and again, from the second on.

    Example:
        >>> number_ids('<div id="exercise-content"><div id="exercise-content">')
        '<div id="exercise-content"><div id="exercise-content-2">'
    """
    seen: Counter[str] = Counter()

    def numbered(match: re.Match[str]) -> str:
        seen[match[1]] += 1
        return match[0] if seen[match[1]] == 1 else f' id="{match[1]}-{seen[match[1]]}"'

    return re.sub(r' id="((?:exercise|solution|proof)-content)"', numbered, text)


def size_images(text: str, folder: Path) -> str:
    """Give each drawing its size, and let all but the first wait until they are looked at."""
    count = 0

    def sized(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        extra = size(folder / match["source"]) if "width=" not in match[0] else ""
        extra += ' loading="lazy"' if count > 1 and "loading=" not in match[0] else ""
        return f"<img{extra}{match[0].removeprefix('<img')}"

    return _IMAGE.sub(sized, text)


def size(image: Path) -> str:
    """Return the width and height of an SVG in CSS pixels as attributes, or nothing."""
    if image.suffix != ".svg" or not image.is_file():
        return ""
    found = _LENGTHS.search(image.read_text(encoding="utf-8")[:2000])
    if not found:
        return ""
    factor = 4 / 3 if found[2] == "pt" else 1
    width, height = (round(float(length) * factor) for length in (found[1], found[3]))
    return f' width="{width}" height="{height}"'
