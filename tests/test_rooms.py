"""Each room of the package knows only the rooms it needs; press computes nothing."""

import ast
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[1] / "book"
SOURCE = Path(__file__).parents[1] / "src" / "dlnotes"
VOCABULARY = {"rng", "stats", "machine", "contract"}
NUMERICAL = {"torch", "numpy", "scipy", "pandas", "sklearn", "matplotlib", "seaborn"}
KNOWS = {
    "data": {"data"},
    "networks": {"networks"},
    "measures": {"measures", "networks"},
    "theory": {"theory", "networks", "measures"},
    "lab": {"lab", "networks", "data"},
    "bench": {"bench", "lab", "networks", "data"},
    "press": {"press"},
}
PRESS_KNOWS = {"contract", "machine", "data.registry", "data.files", "data.downloads"}
MODULES = sorted(path for path in SOURCE.rglob("*.py"))


def called(path):
    """Return the module's name below the package: ``networks.models``, ``rng``."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def imports(path):
    """Return what a file imports, as dotted names, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the package's name out"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules_of_the_package(path):
    """Return the modules of the package that a file imports, by their names below it."""
    names = {name.removeprefix("dlnotes.") for name in imports(path) if name.startswith("dlnotes.")}
    known = {called(p) for p in MODULES}
    used = set()
    for name in names:
        parts = name.split(".")
        heads = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        used |= {head for head in heads if head in known}
    return used


@pytest.mark.parametrize("path", MODULES, ids=called)
def test_a_module_knows_only_the_rooms_it_needs(path):
    room, *inside = called(path).split(".")
    used = modules_of_the_package(path)
    if not inside:  # vocabulary, and the package itself with its __main__
        assert used <= ({"press.cli"} if room == "__main__" else set())
        return
    allowed = KNOWS[room] | VOCABULARY
    if room == "press":
        used, allowed = used - PRESS_KNOWS, KNOWS[room]
    assert {name.split(".")[0] for name in used} <= allowed, used


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("__init__.py")), ids=called)
def test_no_init_imports_anything(path):
    """A re-export would tie every lecture's cache key to the whole folder."""
    assert not imports(path)


@pytest.mark.parametrize("path", sorted((SOURCE / "press").glob("*.py")), ids=called)
def test_press_imports_nothing_numerical(path):
    assert not NUMERICAL & {name.split(".")[0] for name in imports(path)}


def test_figures_know_no_network():
    rooms = {n for n in modules_of_the_package(SOURCE / "lab" / "figures.py") if "." in n}
    assert rooms <= {"lab.frames", "lab.prose"}


def test_no_two_modules_import_each_other():
    arrows = {called(path): modules_of_the_package(path) for path in MODULES}
    while leaves := [name for name, used in arrows.items() if not used & arrows.keys()]:
        arrows = {name: used for name, used in arrows.items() if name not in leaves}
    assert not arrows, f"these import each other in a circle: {sorted(arrows)}"


def test_every_room_is_known_here():
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert rooms == KNOWS.keys()
    top = {path.stem for path in SOURCE.glob("*.py")}
    assert top <= VOCABULARY | {"__init__", "__main__"}


@pytest.mark.parametrize("path", sorted(BOOK.glob("*/*.py")), ids=lambda path: path.stem)
def test_no_lecture_gives_the_name_of_a_module_it_imports_to_something_else(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("dlnotes")
        for alias in node.names
    }
    bound = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert not bound & modules
