"""What only the machine that builds knows of the site: its address, its repository, its commit."""

import json
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

from dlnotes.press import stage

FILE = "_data/site.json"


def files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the file of the stage that carries it to every page.

    The address comes from ``DLNOTES_ADDRESS``. Without it no page states an address.
    """
    origin = stage.origin(root)
    facts = {
        "address": f"{origin.site}/" if origin.site else None,
        "repository": origin.repository,
        "commit": origin.commit,
    }
    yield FILE, json.dumps(facts, indent=1).encode()


def read(source: Path) -> dict[str, str | None]:
    """Return the facts that a stage holds; all of them unknown where it holds none."""
    path = source / FILE
    unknown = dict.fromkeys(["address", "repository", "commit"])
    return unknown | (json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})


def configure(app: Sphinx, config: Config) -> None:
    """Let every page know the facts; pages are written anew when one of them changed."""
    facts = read(Path(app.srcdir))
    config.dlnotes_site = facts
    if facts["address"]:
        config.html_baseurl = facts["address"]


def setup(app: Sphinx) -> None:
    """Register the facts as configuration."""
    app.add_config_value("dlnotes_site", {}, "html")
    app.connect("config-inited", configure)
