"""A downloaded notebook runs by itself to its end, a script as well; figures show untrusted."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from dlnotes.press.lectures import find

ROOT = Path(__file__).resolve().parents[2]
LECTURES = [lecture.name for lecture in find(ROOT)]
SMOKE = ('profile = "cpu"', 'profile = "smoke"')
pytestmark = pytest.mark.lecture


def printed(cells):
    """Return the lines that the code cells printed."""
    outputs = [o for c in cells for o in c.get("outputs", []) if o.get("name") == "stdout"]
    return "".join(output.text for output in outputs).splitlines()


def rounded(line):
    """Return a printed line without the digits of rounding errors: they differ with the threads."""
    return re.sub(r"\d(\.\d+)?e-1\d", "rounding", line)


@pytest.mark.parametrize("name", LECTURES)
def test_a_downloaded_script_runs_to_its_end_with_the_numbers_of_the_page(site, tmp_path, name):
    text = (site / "downloads" / f"{name}.py").read_text(encoding="utf-8")
    assert text.count(SMOKE[0]) == 1
    path = tmp_path / "downloaded.py"
    path.write_text(text.replace(*SMOKE), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout.splitlines()
    assert not [line for line in said if line.startswith("{") or "<svg" in line]
    tasks = text.count("exercises.attempt()")
    assert sum(line.startswith("not done yet: nothing is returned") for line in said) == tasks > 0
    cells = nbformat.read(site / "downloads" / f"{name}.ipynb", as_version=4).cells
    page = printed(cells)
    assert page, "the notebook printed nothing to compare"
    if "profile smoke" in str(cells):  # the site under test was built at that profile
        assert {rounded(line) for line in page} <= {rounded(line) for line in said}


@pytest.mark.parametrize("name", LECTURES)
def test_no_download_has_a_dead_link_or_a_word_of_myst(site, name):
    cells = nbformat.read(site / "downloads" / f"{name}.ipynb", as_version=4).cells
    told = [o.data["text/markdown"] for c in cells for o in c.get("outputs", []) if shows(o)]
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"] + told
    assert told, "no text follows the run"
    for text in texts:
        assert not re.findall(r"\]\((?!https?:)[^)$]*\)", text.replace("\\", ""))
        assert not re.findall(r"\{[a-z][a-z:-]+\}`|^:::|^```\{|^\(.+\)=$|^%", text, re.MULTILINE)


def shows(output):
    """Tell whether an output is text."""
    return "text/markdown" in output.get("data", {})


@pytest.fixture
def laboratory(site, tmp_path):
    """Serve a download in JupyterLab, from a folder of its own; return its address."""
    program = shutil.which("jupyter-lab")
    if program is None:
        pytest.skip("no JupyterLab; run: python -m pip install jupyterlab")
    notebook = nbformat.read(site / "downloads" / f"{LECTURES[-2]}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(*SMOKE)
        if cell.source.startswith("%pip"):  # the package under test is here already
            cell.source = "pass"
    nbformat.write(notebook, tmp_path / "download.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", "--ip=127.0.0.1", "--expose-app-in-browser"]
    homes = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "RUNTIME")}
    environment = os.environ | homes | {"HOME": str(tmp_path)}
    server = subprocess.Popen(
        [program, *options],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            time.sleep(0.5)
        yield f"{address}/lab/tree/download.ipynb"
    finally:
        server.terminate()
        server.wait(30)


def sentences(cells):
    """Return the texts that cells tell."""
    outputs = [output for cell in cells for output in cell.get("outputs", []) if shows(output)]
    return ["".join(output["data"]["text/markdown"]).strip() for output in outputs]


MODEL = "window.jupyterapp.shell.currentWidget.content.model"
WIDTHS = "[...document.querySelectorAll('.jp-OutputArea-output img')].map(i => i.naturalWidth)"
CELLS = f"{MODEL}.sharedModel.cells.map(cell => cell.toJSON())"


def test_in_jupyterlab_the_figures_show_and_all_cells_run_to_the_end(browser, laboratory):
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.goto(laboratory)
    page.locator(".jp-Notebook .jp-RenderedImage img").first.wait_for(state="attached")
    trusted = f"Array.from({MODEL}.cells).filter(c => c.type === 'code').some(c => c.trusted)"
    assert not page.evaluate(trusted.replace("some", "every")), "trusted: this shows nothing"
    drawn = sum("prose.caption" in cell["source"] for cell in page.evaluate(CELLS))
    page.wait_for_function(f"{WIDTHS}.filter(width => width > 0).length === {drawn}")
    before = page.evaluate(CELLS)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    cells = [cell for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
    assert not [cell["source"] for cell in cells if not cell["execution_count"]]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [o["evalue"] for o in outputs if o["output_type"] == "error"]
    assert "not done yet" in str(outputs)
    page.wait_for_function(f"{WIDTHS}.filter(width => width > 0).length === {drawn}")
    if "profile smoke" in str(before):  # as the site under test
        assert sentences(cells) == sentences(before)
    page.context.close()
