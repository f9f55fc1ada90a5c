"""What the site is made from: every file of the stage, as a path and its content.

Pages, configuration and downloads are derived here from the book's sources and from the executed
notebooks; nothing is written.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from dlnotes import contract, machine
from dlnotes.contract import CLAIM_MIME, RUN_MIME
from dlnotes.press import (
    crossrefs,
    downloads,
    editions,
    figures,
    folds,
    imprint,
    numbers,
    predict,
    references,
    texts,
)
from dlnotes.press.execute import Outcome
from dlnotes.press.lectures import LectureError
from dlnotes.press.numbers import NumberError
from dlnotes.press.predict import PredictionError
from dlnotes.press.spans import Page

NOTEBOOK_BRANCH = "notebooks"
LAUNCH_HOSTS = {
    "https://github.com": {
        "notebook_interface": "jupyterlab",
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
    }
}

_TITLE = re.compile(r"^# .+$", re.MULTILINE)


class StageError(ValueError):
    """A lecture that cannot be made a page."""


def files(root: Path, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the stage: its path there and its content."""
    notebooks = {o.lecture: nbformat.read(o.notebook, as_version=4) for o in outcomes}
    ledger = _read_rows(root / "_build" / "ledger.json")
    verdicts = {row["id"]: row["verdict"] for row in ledger}
    yield from _book_files(root / "book", verdicts)
    yield "_config.yml", _config(root)
    yield "_toc.yml", (root / "_toc.yml").read_bytes()
    runs = _read_rows(root / "_build" / "runs.json")
    yield "_data/ledger.json", _dump(ledger)
    yield "_data/runs.json", _dump(_with_device(runs, notebooks))
    yield from _downloads(root, notebooks, ledger)
    for name, notebook in notebooks.items():
        yield from _lecture_files(name, _told(name, notebook, verdicts))
    for name in _lectures_of_toc(root):
        if name not in notebooks:
            yield f"book/{name}.md", _placeholder(name)


def _book_files(book: Path, verdicts: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the pages, told by the verdicts, the bibliography, and the static files."""
    places = {"_static": "_static", "_templates": "_templates", "_vendor": "_extra/_static"}
    for path in sorted(p for p in book.rglob("*") if p.is_file()):
        inside = path.relative_to(book)
        place = places.get(inside.parts[0])
        if place:
            yield f"{place}/{Path(*inside.parts[1:]).as_posix()}", path.read_bytes()
        elif path.suffix == ".md":
            text = contract.by_verdict(path.read_text(encoding="utf-8"), verdicts)
            yield f"book/{inside.as_posix()}", text.encode()
        elif path.suffix in {".bib", ".svg", ".png"}:
            yield f"book/{inside.as_posix()}", path.read_bytes()


def _told(name: str, notebook: NotebookNode, verdicts: Mapping[str, str]) -> NotebookNode:
    """Return the lecture with the texts of its verdicts.

    Raises:
        StageError: A caption has none for one of them.
    """
    try:
        return texts.chosen(notebook, verdicts)
    except LectureError as error:
        raise StageError(f"lecture {name}: {error}") from error


def _lecture_files(name: str, notebook: NotebookNode) -> Iterator[tuple[str, bytes]]:
    """Yield a lecture's page, its figures, and the data behind them.

    Raises:
        StageError: A figure, a fold or a number does not say what the page needs.
    """
    page = editions.public(notebook)
    part, slug = name.split("/")
    cells = []
    try:
        _fill(page.cells, editions.glued(notebook), editions.behind(notebook))
        for cell in page.cells:
            drawn = []
            for output in _take_figures(cell):
                yield from figures.files(output, f"book/{part}/_figures", slug)
                figure = output.metadata["dlnotes"]["figure"]
                label = f"{slug}-{figure}"
                table = output.data.get("text/csv")
                if table:
                    yield f"_extra/downloads/data/{part}/{label}.csv", table.encode()
                link = f"../../downloads/data/{part}/{label}.csv" if table else None
                text = figures.directive(output, slug, link)
                drawn.append(new_markdown_cell(text, id=f"{cell.id}-{figure}"[:64]))
            cells += folds.placed(cell, drawn)
    except (figures.FigureError, folds.FoldError, NumberError, PredictionError) as error:
        raise StageError(f"lecture {name}: {error}") from error
    page.cells = _with_cost_label(cells, name)
    yield f"book/{name}.ipynb", nbformat.writes(_shown(page)).encode()


def _downloads(
    root: Path, notebooks: Mapping[str, NotebookNode], ledger: Sequence[Mapping]
) -> Iterator[tuple[str, bytes]]:
    """Yield the notebook and the script of each lecture."""
    drawn = {
        name: [f"{name.split('/')[1]}-{figure}" for figure in editions.drawn(notebook)]
        for name, notebook in notebooks.items()
    }
    titles, labels = crossrefs.read(root, drawn)
    entries = references.read(root / "book" / "references.bib")
    rows, known = {row["id"]: row for row in ledger}, origin(root)
    for name, notebook in notebooks.items():
        links = crossrefs.Links(f"book/{name}", titles, labels, known.site)
        page = Page(links, entries, rows, own=frozenset(editions.claims_of(notebook)))
        about = imprint.read(root, name, titles[f"book/{name}"], _stated(notebook), known)
        made = downloads.notebook(notebook, page, about)
        yield f"_extra/downloads/{name}.ipynb", nbformat.writes(made).encode()
        yield f"_extra/downloads/{name}.py", downloads.script(notebook, page, about).encode()


def _take_figures(cell: NotebookNode) -> list[NotebookNode]:
    """Remove the figures from a cell's outputs and return them."""
    outputs = cell.get("outputs", [])
    taken = [output for output in outputs if "dlnotes" in output.get("metadata", {})]
    if taken:
        cell.outputs = [output for output in outputs if output not in taken]
    return taken


def _fill(
    cells: Sequence[NotebookNode], left: Mapping[str, str], behind: Mapping[str, str]
) -> None:
    """Put the numbers of this run into the sentences, and beside the reader's guesses.

    Raises:
        NumberError, PredictionError: No cell has left a number; with the cell that shows it.
    """
    for place, cell in enumerate(cells, 1):
        if cell.cell_type == "markdown":
            try:
                text = predict.filled(cell.source, left)
                cell.source = numbers.filled(text, left, behind)
            except (NumberError, PredictionError) as error:
                raise type(error)(f"cell {place} ({cell.get('id')}): {error}") from error


def _with_cost_label(cells: Sequence[NotebookNode], name: str) -> list[NotebookNode]:
    """Return the cells with the cost label under the first title.

    Raises:
        StageError: No cell has a title.
    """
    for index, cell in enumerate(cells):
        title = _TITLE.search(cell.source) if cell.cell_type == "markdown" else None
        if title:
            label = f"```{{cost-label}} {name}\n```"
            cell.source = f"{cell.source[: title.end()]}\n\n{label}\n{cell.source[title.end() :]}"
            return [*cells[:index], cell, *cells[index + 1 :]]
    raise StageError(f"lecture {name}: no cell has a title; begin the first text with '# '")


def _shown(page: NotebookNode) -> NotebookNode:
    """Return the page with only such outputs as a browser can show."""
    private = {CLAIM_MIME, RUN_MIME, "text/csv"}
    for cell in page.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = {k: v for k, v in output.data.items() if k not in private}
    return page


def _with_device(runs: Sequence[Mapping], notebooks: Mapping[str, NotebookNode]) -> list[Mapping]:
    """Return the runs shown, each with what its notebook states; whether it was cached is left out.

    A page must not change because the same result came from the cache this time.
    """
    shown = [run for run in runs if run["lecture"] in notebooks]
    joined = [_stated(notebooks[run["lecture"]]) | dict(run) for run in shown]
    return [{key: value for key, value in run.items() if key != "cached"} for run in joined]


def _stated(notebook: NotebookNode) -> dict:
    """Return what the lecture itself states of its run."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return next((dict(o.data[RUN_MIME]) for o in outputs if RUN_MIME in o.get("data", {})), {})


def _lectures_of_toc(root: Path) -> list[str]:
    """Return the lectures that the table of contents lists."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    names = [file.removeprefix("book/") for file in _values(toc, "file")]
    return [name for name in names if (root / "book" / f"{name}.py").is_file()]


def _values(tree: object, key: str) -> Iterator[str]:
    """Yield the values under a key, at any depth of lists and mappings."""
    if isinstance(tree, dict):
        yield from [tree[key]] if key in tree else []
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from _values(child, key)


def _placeholder(name: str) -> bytes:
    title = name.split("/")[-1].replace("-", " ").capitalize()
    text = (
        f"# {title}\n\nThis lecture was left out of this build. `make book` builds all of them.\n"
    )
    return text.encode()


def _read_rows(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))


def _dump(rows: Sequence[Mapping]) -> bytes:
    return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def _config(root: Path) -> bytes:
    """Return the root's configuration with what only this machine knows."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    sphinx = config.setdefault("sphinx", {})
    node = {"katex_prerender": shutil.which("node") is not None}
    sphinx["config"] = (sphinx.get("config") or {}) | node
    address = repository(root)
    host = "/".join((address or "").split("/")[:3])
    if host in LAUNCH_HOSTS:
        config["repository"] = {"url": address, "branch": NOTEBOOK_BRANCH}
        config["launch_buttons"] = LAUNCH_HOSTS[host]
        config.setdefault("html", {})["use_repository_button"] = True
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()


def repository(root: Path) -> str | None:
    """Return the web address of the repository, or None where neither workflow nor git knows it."""
    server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if server and name:
        return f"{server}/{name}"
    remote = machine.git(root, "remote", "get-url", "origin")
    match = re.fullmatch(r"(?:https://(?:[^@/]+@)?|git@)([^/:]+)[/:](.+?)(?:\.git)?/?", remote)
    return f"https://{match[1]}/{match[2]}" if match else None


def origin(root: Path) -> imprint.Origin:
    """Return where this build is from, as far as this machine knows."""
    site = os.environ.get("DLNOTES_ADDRESS", "").strip().rstrip("/")
    commit = os.environ.get("GITHUB_SHA") or machine.git(root, "rev-parse", "HEAD")
    return imprint.Origin(site or None, repository(root), commit or None)
