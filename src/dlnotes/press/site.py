"""Stage the public notebooks beside the book's pages and have Sphinx make the site of them.

The stage, ``_build/stage``, is written only where its content changed, so that Sphinx reads again
only what it must; with nothing changed Sphinx is not started at all. ``_build/html`` is replaced
by renaming, and only by a site that was built without a warning.
"""

import contextlib
import errno
import hashlib
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import dlnotes
from dlnotes.press import about, benchpage, disk, doors, editions, mend, slim, stage
from dlnotes.press.execute import Outcome

PACKAGES = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "sphinxcontrib-katex")
MARK = ".made-from"
TIMEOUT = 600  # seconds; Sphinx takes a few for a small book
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_WARNING = re.compile(r"\b(WARNING|ERROR|CRITICAL|Exception|[Ee]rror):")


class SiteError(RuntimeError):
    """The site was not built, and why; the previous one is still there."""


def build(root: Path, outcomes: Sequence[Outcome]) -> Path:
    """Build the site from executed lectures and return its first page.

    Args:
        root: The root of the project; ``_build/ledger.json`` and ``runs.json`` must be written.
        outcomes: One for each lecture that is to be shown, none of them failed.

    Returns:
        The path of ``_build/html/index.html``.

    Raises:
        SiteError: Sphinx warned or failed, or the disk did not take the site.
    """
    build_dir = root / "_build"
    try:
        files = dict(stage.files(root, outcomes)) | benchpage.files(root)
        files |= dict(about.files(root))
        key = _key(files)
        if not _is_current(build_dir / "html", key):
            _sync(build_dir, files)
            _run_sphinx(build_dir)
            _publish(build_dir, key)
    except (stage.StageError, editions.EditionError) as error:
        raise SiteError(f"the site was not built: {error}") from error
    except OSError as error:
        raise SiteError(disk.problem(error, root)) from error
    return build_dir / "html" / "index.html"


def _tools() -> str:
    """Return a digest of the programs that make the site."""
    versions = [f"{name}={importlib.metadata.version(name)}" for name in PACKAGES]
    code = [path.read_text() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256("\0".join([sys.version, *versions, *code]).encode()).hexdigest()


def _key(files: Mapping[str, bytes]) -> str:
    """Return a digest of everything the site is made from."""
    digest = hashlib.sha256(_tools().encode())
    for path in sorted(Path(dlnotes.__file__).parent.rglob("*.py")):  # shown as reference pages
        digest.update(path.read_bytes())
    for name in sorted(files):
        digest.update(f"\0{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()


def _is_current(html: Path, key: str) -> bool:
    mark = html / MARK
    return mark.is_file() and mark.read_text() == _mark(html, key)


def _mark(html: Path, key: str) -> str:
    """Return what a site was made from, and its files with their sizes in bytes."""
    files = sorted(p for p in html.rglob("*") if p.is_file() and p.name != MARK)
    return "\n".join([key, *(f"{p.relative_to(html)} {p.stat().st_size}" for p in files)])


def _sync(build_dir: Path, files: Mapping[str, bytes]) -> None:
    """Make the stage hold exactly these files.

    Sphinx's memory goes when a file disappeared, for it would leave the page behind, and when the
    programs changed, for it would not read a page again.
    """
    folder, out = build_dir / "stage", build_dir / "out"
    present = [path for path in folder.rglob("*") if path.is_file()]
    stale = [path for path in present if path.relative_to(folder).as_posix() not in files]
    mark = out / ".made-by"
    if stale or not mark.is_file() or mark.read_text() != _tools():
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        mark.write_text(_tools())
    for path in stale:
        path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _run_sphinx(build_dir: Path) -> None:
    """Run jupyter-book over the stage.

    Raises:
        SiteError: It warned, failed or hung. Its memory is deleted: it would not warn again.
        OSError: The disk is full.
    """
    program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    places = [str(build_dir / "stage"), "--path-output", str(build_dir / "out")]
    command = [sys.executable, "-c", program, "build", *places, "-W", "-n", "--keep-going", "-q"]
    log = build_dir / "sphinx.log"
    if _run(command, log):
        told, free = log.read_text(errors="replace"), shutil.disk_usage(build_dir).free
        shutil.rmtree(build_dir / "out", ignore_errors=True)
        full = os.strerror(errno.ENOSPC)
        if full in told or free < 1e6:  # the log, too, may have found no room
            raise OSError(errno.ENOSPC, full)
        raise SiteError(_complaints(told, build_dir / "stage"))


def _run(command: Sequence[str], log: Path) -> int:
    """Run a command and all it starts; return its exit status, -1 when it hung.

    It writes to a file, not to a pipe: a renderer of formulas that it left behind would keep a
    pipe open for ever.
    """
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            start_new_session=True,
        )
        try:
            return process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            stream.write(f"\nERROR: no end after {TIMEOUT} seconds\n".encode())
            return -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _complaints(log: str, folder: Path) -> str:
    """Return the lines of Sphinx's log that say what is wrong."""
    told = _COLOR.sub("", log).partition("Traceback (most recent call last)")[0]
    lines = [line.replace(f"{folder}/", "").strip() for line in told.splitlines() if line.strip()]
    wrong = [line for line in lines if _WARNING.search(line)] or lines[-20:]
    listed = "\n".join(f"  {line}" for line in dict.fromkeys(wrong))
    return f"the site has errors:\n{listed}"


def _publish(build_dir: Path, key: str) -> None:
    """Put the new site in the place of the old one."""
    html, new, old = (build_dir / name for name in ("html", "html.new", "html.old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        shutil.copytree(build_dir / "out" / "_build" / "html", new, ignore=slim.ignored())
        _finish(new, about.read(build_dir / "stage"))
        (new / MARK).write_text(_mark(new, key))
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if html.exists():
        html.rename(old)
    new.rename(html)
    shutil.rmtree(old, ignore_errors=True)


def _finish(site: Path, facts: Mapping[str, str | None]) -> None:
    """Mend the pages and style sheets of a copied site and add what stands at its root."""
    slim.styles(site)
    for path in site.rglob("*.html"):
        path.write_text(mend.page(path.read_text(encoding="utf-8"), path.parent), encoding="utf-8")
    for name, text in doors.files(site, facts):
        (site / name).write_text(text, encoding="utf-8")
