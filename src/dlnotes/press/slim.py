"""Leave out of the published site what no page asks for, and let its styles do without scripts."""

import re
import shutil
from collections.abc import Callable, Container
from pathlib import Path

UNUSED = (
    ".buildinfo",
    "*webpack-macros.html",
    "sphinx-thebe.js",
    "sphinx-thebe.css",
    "*.map",
    "*.ttf",
    "*.LICENSE.txt",
    "locales",
    "fontawesome*",
    "bootstrap.js",
    "pydata-sphinx-theme.js",
    "sphinx-book-theme.js",
    "theme.css",
    "design-tabs.js",
    "copybutton_funcs.js",
    "file.png",
    "minus.png",
    "plus.png",
    "*-solid.svg",
)
LARGE = ("pydata-sphinx-theme.css", "sphinx-book-theme.css")  # made for all pages of all books
_SELECTOR = re.compile(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+")
_RULE = re.compile(r"[^{};]*\{[^{}]*\}")
_FONT = re.compile(r"@font-face\{[^}]*Font Awesome[^}]*\}")
_THEME = re.compile(r"\[data-theme=[\"']?(light|dark)[\"']?\]")
_NONE = ":not([data-theme])"


def ignored() -> Callable[[str, list[str]], set[str]]:
    """Return what ``shutil.copytree`` asks about names."""
    return shutil.ignore_patterns(*UNUSED)


def style(text: str) -> str:
    """Return a style sheet without the icon font, with its two palettes chosen without scripts.

    Example:
        >>> style(".fa-sun:before{content:x}p{margin:0}")
        'p{margin:0}'
    """
    text = _FONT.sub("", text)
    text = _RULE.sub(lambda rule: "" if _draws_an_icon(rule[0]) else rule[0], text)
    text = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", text)
    return text + _schemes(text)


def _draws_an_icon(rule: str) -> bool:
    selectors = re.sub(r"/\*.*?\*/", "", rule, flags=re.DOTALL).partition("{")[0].split(",")
    return all(re.match(r"\s*\.fa[a-z]*[-.:\w]*", selector) for selector in selectors)


def _schemes(text: str) -> str:
    """Return rules for a page whose theme no script has set, and the light palette for paper."""
    rules: dict[str, list[str]] = {"light": [], "dark": []}
    for rule in _RULE.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
        selectors, _, body = rule.partition("{")
        for theme, found in rules.items():
            of_theme = [s.strip() for s in selectors.split(",") if _themes(s) == {theme}]
            if of_theme:
                found.append(f"{','.join(of_theme)}{{{body}")
    if not any(rules.values()):
        return ""
    light, dark = (_THEME.sub(_NONE, "".join(found)) for found in rules.values())
    paper = _THEME.sub(f":is([data-theme=dark],{_NONE})", "".join(rules["light"]))
    blocks = {
        "screen and (prefers-color-scheme: light)": light,
        "screen and (prefers-color-scheme: dark)": dark,
        "print": paper,
    }
    return "".join(f"\n@media {when}{{{what}}}" for when, what in blocks.items() if what)


def _themes(selector: str) -> set[str]:
    return set(_THEME.findall(selector))


def prune(text: str, words: Container[str]) -> str:
    """Return a style sheet without the rules for classes that are no word of any page or script.

    Example:
        >>> prune(".card{margin:0}.bd-main .lead,p{margin:0}", {"bd-main"})
        'p{margin:0}'
    """

    def kept(match: re.Match[str]) -> str:
        selectors, _, body = match[0].partition("{")
        if selectors.lstrip().startswith("@"):
            return match[0]
        used = [s for s in _SELECTOR.findall(selectors) if _is_used(s, words)]
        return f"{','.join(used)}{{{body}" if used else ""

    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return _RULE.sub(kept, text)


def _is_used(selector: str, words: Container[str]) -> bool:
    plain = re.sub(r":(not|is|where|has)\([^()]*(\([^()]*\))?[^()]*\)", "", selector)
    return all(name in words for name in re.findall(r"\.(-?[A-Za-z_][\w-]*)", plain))


def styles(site: Path) -> None:
    """Rewrite all style sheets of a published site."""
    texts = [path.read_text(encoding="utf-8") for path in site.rglob("*.html")]
    texts += [path.read_text(encoding="utf-8") for path in site.glob("_static/*.js")]
    words = set(re.findall(r"[\w-]+", " ".join(texts)))
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        if path.name in LARGE:
            text = prune(text, words)
        path.write_text(style(text), encoding="utf-8")
