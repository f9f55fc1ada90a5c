"""What a download says of itself: what it is, where it is from, its licence, how to cite it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LICENCE = "The text is under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), the code "
LICENCE += "under the [MIT license](https://opensource.org/license/mit)."


@dataclass(frozen=True)
class Origin:
    """Where a build is from; None for what this machine does not know.

    Attributes:
        site: The site's address, without a slash at its end.
        repository: The repository's address.
        commit: What was built.
    """

    site: str | None = None
    repository: str | None = None
    commit: str | None = None

    @property
    def install(self) -> str | None:
        """What pip installs to get the package of this commit.

        >>> Origin(repository="https://example.org/a", commit="0f").install
        '"dlnotes @ git+https://example.org/a@0f"'
        """
        known = self.repository and self.commit
        return f'"dlnotes @ git+{self.repository}@{self.commit}"' if known else None


@dataclass(frozen=True)
class Imprint:
    """What a download says of itself.

    Attributes:
        about: Markdown: what this is, where it is from, its licence, how to cite it.
        install: What pip installs to get the package; None leaves the line out.
    """

    about: str = ""
    install: str | None = None


def read(root: Path, lecture: str, title: str, run: Mapping[str, Any], origin: Origin) -> Imprint:
    """Return the imprint of a lecture.

    Args:
        root: The root of the project.
        lecture: Its name.
        title: Its title.
        run: What its run has recorded of itself.
        origin: Where the build is from.
    """
    book = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    address = f"{origin.site}/book/{lecture}.html" if origin.site else None
    data = ", ".join(dict.fromkeys(d["name"] for d in run.get("datasets") or [])) or "no data"
    paragraphs = [
        f"A lecture of *{book['title']}*, to run and to change. Its published run was made at "
        f"profile {run.get('profile', 'unknown')} on {data}.",
        f"**Page:** <{address}>" if address else "",
        f"**Source:** <{origin.repository}>" if origin.repository else "",
        f"**Licence:** {LICENCE}",
        f"**To cite:** {_citation(book, title, address, origin.commit)}",
    ]
    return Imprint("\n\n".join(filter(None, paragraphs)), origin.install)


def _citation(book: Mapping[str, Any], title: str, address: str | None, commit: str | None) -> str:
    authors = ", ".join(_name(author) for author in book["authors"])
    year = str(book["date-released"])[:4]
    build = f", commit {commit[:12]}" if commit else ""
    where = f" <{address}>" if address else ""
    return (
        f"{authors} ({year}). “{title}”. In *{book['title']}*, version {book['version']}{build}."
        + where
    )


def _name(author: Mapping[str, str]) -> str:
    full = f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
    return author.get("name") or full
