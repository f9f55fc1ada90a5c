"""A module imports only modules above it in this list; press imports nothing numerical."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "dlnotes"
ORDER = (
    "machine products settings rng stats params kernels registry downloads files formats datasets "
    "corruption models memorizers metrics optimizers dense training curvature records cluster "
    "sweeps claims figures"
).split()
NUMERICAL = {"torch", "numpy", "scipy", "pandas", "sklearn", "matplotlib", "seaborn"}


def imports(path):
    """Return the dotted names that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_the_list_is_complete():
    assert sorted(ORDER) == sorted(p.stem for p in SOURCE.glob("*.py") if p.stem != "__init__")


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_those_before_it(module):
    names = imports(SOURCE / f"{module}.py")
    used = {n.split(".")[1] for n in names if n.startswith("dlnotes.")}
    assert used <= set(ORDER[: ORDER.index(module)])


@pytest.mark.parametrize("path", sorted((SOURCE / "press").glob("*.py")), ids=lambda p: p.stem)
def test_press_imports_nothing_numerical(path):
    names = imports(path)
    assert not NUMERICAL & {n.split(".")[0] for n in names}
    light = {"registry", "downloads", "files", "press"}
    assert {n.split(".")[1] for n in names if n.startswith("dlnotes.")} <= light
