"""The built site, served on localhost and opened in a real browser."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SOURCES = ("_config.yml", "_toc.yml", "CITATION.cff", "book", "pyproject.toml")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Return the folder of the built site: the one DLNOTES_SITE names, else a fresh small one."""
    named = os.environ.get("DLNOTES_SITE")
    if named:
        assert (Path(named) / "index.html").is_file(), f"DLNOTES_SITE={named} holds no index.html"
        return Path(named)
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # one folder, and so one build, for all workers
    copy = shared / "a site"
    with filelock.FileLock(shared / "site.lock"):
        if not (copy / "_build" / "html").is_dir():
            build(copy)
    return copy / "_build" / "html"


def build(copy):
    """Build the site at profile smoke in a copy of the project; its path has a space in it."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in SOURCES:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, copy / name)
    cache = ROOT / "_build" / "cache"
    if cache.is_dir():
        shutil.copytree(cache, copy / "_build" / "cache")
    program = "import sys; from dlnotes.press.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "build", "--profile", "smoke"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    built = done.returncode == 0 and (copy / "_build" / "html" / "index.html").is_file()
    assert built, f"the site did not build:\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="session")
def address(site):
    """Serve the site on localhost and return its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Start the Chromium of this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens a page of the site, in a context of its own."""
    contexts = []

    def open_(path, *, width=1280, height=900, **options):
        page = opened(browser, f"{address}/{path}", width, height, **options)
        contexts.append(page.context)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def opened_pages():
    """Hold the page that was opened last, by its path."""
    return {}


@pytest.fixture
def look_at(opened_pages, browser, address):
    """Return a function like `open_page` for tests that leave the page as it was.

    A lecture takes seconds to open; tests of the same page in a row share it.
    """

    def look(path):
        if path not in opened_pages:
            while opened_pages:
                opened_pages.popitem()[1].context.close()
            opened_pages[path] = opened(browser, f"{address}/{path}")
        page = opened_pages[path]
        page.bring_to_front()  # a page behind another one may draw no frame, and wait for ever
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")
        return page

    return look


def opened(browser, url, width=1280, height=900, **options):
    """Open a page in a context of its own; it remembers its complaints and requests."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        reduced_motion="reduce",  # else colors are measured half-way between two themes
        **options,
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.complaints, page.requests = [], []
    page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(url, wait_until="load")
    return page
