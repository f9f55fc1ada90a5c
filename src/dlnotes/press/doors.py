"""The files at the site's root that Sphinx does not make: first page, lost page, map for robots."""

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

FIRST = "book/index.html"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{head}
<style>body {{ font: 1.1rem/1.6 Charter, Georgia, serif; margin: 4rem auto; max-width: 36rem; \
padding: 0 1.25rem }}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def files(site: Path, facts: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """Yield each file's name and text for the site in a folder."""
    title = _title(site / FIRST)
    link = f'<a href="{FIRST}">{title}</a>'
    refresh = f'<meta http-equiv="refresh" content="0; url={FIRST}">'
    address = facts.get("address")
    base = f'<base href="{html.escape(address)}">' if address else ""
    canonical = f'<link rel="canonical" href="{html.escape(address + FIRST)}">' if address else ""
    yield (
        "index.html",
        _PAGE.format(title=title, head=f"{refresh}\n{canonical}".rstrip(), body=f"<h1>{link}</h1>"),
    )
    lost = "<h1>There is no such page</h1>\n<p>It may have moved. The book begins here: "
    yield (
        "404.html",
        _PAGE.format(title=f"No such page — {title}", head=base, body=f"{lost}{link}.</p>"),
    )
    if address:
        yield "sitemap.xml", sitemap(site, address)
        yield "robots.txt", f"User-agent: *\nAllow: /\nSitemap: {address}sitemap.xml\n"


def sitemap(site: Path, address: str) -> str:
    """Return the addresses of all pages of the book."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.glob("book/**/*.html"))
    places = "".join(f"<url><loc>{html.escape(address + page)}</loc></url>\n" for page in pages)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}\n<urlset xmlns="{space}">\n{places}</urlset>\n'


def _title(page: Path) -> str:
    found = re.search(r"<h1[^>]*>(.*?)<", page.read_text(encoding="utf-8"), re.DOTALL)
    return found[1].strip() if found else "The book"
