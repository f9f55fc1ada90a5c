"""A downloaded notebook runs by itself, from the first cell to the exercises."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from dlnotes.press.lectures import find

ROOT = Path(__file__).resolve().parents[2]
LECTURES = [lecture.name for lecture in find(ROOT)]
pytestmark = pytest.mark.lecture


def printed(cells):
    """Return the lines that the code cells printed."""
    outputs = [o for c in cells for o in c.get("outputs", []) if o.get("name") == "stdout"]
    return "".join(output.text for output in outputs).splitlines()


@pytest.mark.parametrize("name", LECTURES)
def test_a_downloaded_notebook_gives_the_numbers_of_the_page(site, tmp_path, name):
    cells = nbformat.read(site / "downloads" / f"{name}.ipynb", as_version=4).cells
    code = [c for c in cells if c.cell_type == "code"]
    kept = [c for c in code if "check" not in c.metadata.get("tags", [])]
    assert len(kept) < len(code), "the stubs cannot pass their checks"
    script = "\n".join(c.source for c in kept if not c.source.startswith("%pip"))
    assert 'profile = "cpu"' in script
    path = tmp_path / "downloaded.py"
    path.write_text(script.replace('profile = "cpu"', 'profile = "smoke"', 1))
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    page = printed(kept)
    assert page, "the notebook printed nothing to compare"
    if "profile smoke" in str(kept):  # the site under test was built at that profile
        assert set(page) <= set(done.stdout.splitlines())
