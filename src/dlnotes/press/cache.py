"""The cache of executed lectures: what a result depends on, and where it is kept.

Same key, same result: the key covers the lecture's cells, the `dlnotes` modules it imports
(transitively, never `dlnotes.press`) with the data files they name, the archived results of the
lecture, the parameters, the checksums of its data sets, the versions of what computes and draws,
and the kind of device: on a CPU the processor and the number of threads, which both decide how a
sum is rounded. An entry is a folder ``_build/cache/<key>``; it appears whole or not at all.
"""

import ast
import functools
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlnotes import machine
from dlnotes.contract import THREADS
from dlnotes.press.lectures import Lecture

if TYPE_CHECKING:
    from nbformat import NotebookNode

PACKAGE = Path(__file__).resolve().parents[1]
FORMAT = "2"  # raise it when executed notebooks are to be cleaned or stored in another way
PACKAGES = (
    *("torch", "numpy", "scipy", "pandas", "matplotlib", "seaborn", "scikit-learn", "mnist1d"),
    *("ipykernel", "papermill"),
)


def key(root: Path, lecture: Lecture, notebook: "NotebookNode", parameters: dict[str, str]) -> str:
    """Return the key of a lecture's result.

    Args:
        root: The root of the book.
        lecture: The lecture.
        notebook: Its source, as `lectures.read` gives it.
        parameters: profile, device (``cpu`` or ``cuda``) and seeds.

    Returns:
        24 hexadecimal digits.
    """
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    parts = {
        "format": FORMAT,
        "source": json.dumps(notebook, sort_keys=True),
        "modules": digests(modules(code, PACKAGE), PACKAGE),
        "archive": digests(archive(root, lecture.name), root),
        "parameters": parameters,
        "data": data_state(lecture.needs(parameters["profile"])),
        "versions": machine.versions(PACKAGES),
        "threads": THREADS,
        "processor": machine.cpu_name() if parameters["device"] == "cpu" else None,
        "python": [platform.python_version(), platform.system(), platform.machine()],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def modules(code: Iterable[str], package: Path = PACKAGE) -> list[Path]:
    """Return the package's files that code reaches by its imports.

    Args:
        code: Python sources, such as the cells of a lecture.
        package: Folder of the package; imports are followed by its name.

    Returns:
        Modules, and the data files of the package that these modules name, sorted.
    """
    reached: set[Path] = set()
    new = {path for text in code for path in _imports(ast.parse(text), package, package)}
    while new:
        reached |= new
        new = {p for path in new for p in _named(path, path.read_bytes(), package)[0]} - reached
    literals = {t for path in reached for t in _named(path, path.read_bytes(), package)[1]}
    data = (p for p in package.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc"})
    return sorted(reached | {p for p in data if p.name in literals and not _is_press(p, package)})


def archive(root: Path, name: str) -> list[Path]:
    """Return the archived results of a lecture: what stands at ``results/<part>/<slug>*``."""
    tops = (Path(root) / "results").glob(f"{name}*")
    return sorted(
        p for top in tops for p in (top.rglob("*") if top.is_dir() else [top]) if p.is_file()
    )


def digests(paths: Iterable[Path], base: Path) -> dict[str, str]:
    """Return the sha256 of each file under its path relative to a base folder."""
    return {
        path.relative_to(base).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def data_state(names: Iterable[str]) -> dict[str, Any]:
    """Return the checksums of each fetched data set; "stand-in" where it is not on the machine."""
    from dlnotes.data import files, registry

    sets = [registry.info(name) for name in names]
    return {
        about.name: [f.sha256 for f in about.files] if files.locate(about) else "stand-in"
        for about in sets
    }


def load(root: Path, key: str) -> dict[str, Any] | None:
    """Return the run record of a cache entry; None unless the entry is as it was stored."""
    folder = Path(root) / "_build" / "cache" / key
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        notebook = (folder / "notebook.ipynb").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    seal = run.pop("seal", None) if isinstance(run, dict) else None
    return run if seal and seal == _seal(run, notebook) and run["key"] == key else None


def latest(root: Path, lecture: str, profile: str) -> dict[str, Any] | None:
    """Return the newest run record of a lecture at a profile, whatever its source was then."""
    folders = sorted((Path(root) / "_build" / "cache").glob("*"))
    runs = [run for folder in folders if (run := load(root, folder.name))]
    fits = [run for run in runs if (run["lecture"], run["profile"]) == (lecture, profile)]
    return max(fits, key=lambda run: run["date"], default=None)


def store(root: Path, run: dict[str, Any], notebook: str) -> Path:
    """Make an entry of an executed notebook.

    Args:
        root: The root of the book.
        run: The run record; its ``key`` is that of the entry.
        notebook: The executed notebook as text.

    Returns:
        The folder of the entry.
    """
    entry = Path(root) / "_build" / "cache" / run["key"]
    draft = Path(root) / "_build" / f"work-{os.getpid()}-{run['key']}"
    sealed = json.dumps(run | {"seal": _seal(run, notebook)}, indent=1, allow_nan=False)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        (draft / "notebook.ipynb").write_text(notebook, encoding="utf-8")
        (draft / "run.json").write_text(f"{sealed}\n", encoding="utf-8")
        entry.parent.mkdir(exist_ok=True)
        shutil.rmtree(entry, ignore_errors=True)
        draft.replace(entry)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return entry


def _seal(run: dict[str, Any], notebook: str) -> str:
    """Return a digest of all that an entry holds, by which a changed one is known."""
    parts = [FORMAT, json.dumps(run, sort_keys=True), notebook]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _is_press(path: Path, package: Path) -> bool:
    return path.relative_to(package).parts[0] == "press"


def _imports(tree: ast.Module, package: Path, folder: Path) -> set[Path]:
    """Return the modules of the package that a syntax tree imports (folder: where it stands)."""
    found: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first, *rest = alias.name.split(".")
                found |= _files(package, rest) if first == package.name else set()
        elif isinstance(node, ast.ImportFrom):
            names = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [folder, *folder.parents][node.level - 1]
            elif names[:1] == [package.name]:
                base, names = package, names[1:]
            else:
                continue
            for alias in node.names:
                found |= _files(package, [*base.relative_to(package).parts, *names, alias.name])
    return {path for path in found if not _is_press(path, package)}


def _files(package: Path, names: list[str]) -> set[Path]:
    """Return every file that importing ``package.a.b`` runs; names past a module are moot."""
    if names[-1:] == ["*"]:
        return _files(package, names[:-1]) | set(package.joinpath(*names[:-1]).glob("*.py"))
    here, found = package, {package / "__init__.py"}
    for name in names:
        found |= {here / f"{name}.py", here / name / "__init__.py"}
        here /= name
    return {path for path in found if path.is_file()}


@functools.cache  # many lectures reach the same modules
def _named(path: Path, content: bytes, package: Path) -> tuple[set[Path], set[str]]:
    """Return the modules that a module imports, and the file names that its texts may be."""
    tree = ast.parse(content)
    nodes = ast.walk(tree)
    texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    names = {text.split("/")[-1] for text in texts if "\n" not in text}
    return _imports(tree, package, path.parent), names
