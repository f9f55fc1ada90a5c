"""Data files: where they lie, whether they are whole, and how to get them.

What is known of a set, an `Info` of `dlnotes.data.registry`, is handed in; no name is looked up.
Files keep the layout of torchvision (``MNIST/raw/*.gz``, ``cifar-10-batches-py/*``), so that a
download the reader already has is found. No byte reaches a caller before its sha256 was compared
with the registry.
"""

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pooch

from dlnotes.data import downloads
from dlnotes.data.registry import Entry, Info


class MissingData(FileNotFoundError):
    """A data set is not on this machine and could not be fetched."""


class DamagedData(ValueError):
    """A file is not the one that the registry names; it was not opened."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The state of one file, as ``check`` found it; ``found`` is None where the file is missing."""

    path: Path
    status: Literal["ok", "missing", "damaged"]
    expected: str
    found: str | None


# -- looking for files --------------------------------------------------------------------------


def folders() -> list[Path]:
    """Return the folders searched, in order: ``$DLNOTES_DATA``, the repository's, the cache."""
    here = Path.cwd()
    given = os.environ.get("DLNOTES_DATA")
    root = next((p for p in (here, *here.parents) if (p / "_toc.yml").is_file()), None)
    found = [Path(given)] if given else []
    found += [root / "data"] if root else []
    return [folder.resolve() for folder in (*found, pooch.os_cache("dlnotes"))]


def locate(about: Info) -> Path | None:
    """Return the first folder that has all files of a set, whole or not, or None."""
    complete = (f for f in folders() if all((f / entry.path).is_file() for entry in about.files))
    return next(complete, None)


def contents(about: Info, *, download: bool = True) -> dict[str, bytes]:
    """Return every file of a set, read and checked; the bytes hashed are the very bytes returned.

    A damaged file is deleted, unless it lies in ``$DLNOTES_DATA``, where nothing is ever changed.

    Args:
        about: The set.
        download: Whether a set that is not here may be fetched.

    Returns:
        File name without its folder -> the file as stored, so still compressed where it is.

    Raises:
        DamagedData: If a sha256 differs.
        MissingData: If the set is not here and is not, or cannot be, fetched.
    """
    folder = locate(about)
    if folder is None:
        if not download:
            searched = ", ".join(map(str, folders()))
            todo = f"run: dlnotes data fetch {about.name}"
            raise MissingData(f"{about.name} is in none of {searched}; {todo}")
        folder = fetch(about)
    return {entry.name: _read(about, folder, entry) for entry in about.files}


def _read(about: Info, folder: Path, entry: Entry) -> bytes:
    content = (folder / entry.path).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise _damaged(about, folder, entry, found)
    return content


def check(about: Info) -> list[Report]:
    """Compare every file of a set with the registry; delete nothing.

    Returns:
        One report per file, in the first folder that has most of them.
    """
    folder = max(folders(), key=lambda f: sum((f / entry.path).is_file() for entry in about.files))
    return [_report(folder / entry.path, entry.sha256) for entry in about.files]


def _report(where: Path, expected: str) -> Report:
    if not where.is_file():
        return Report(path=where, status="missing", expected=expected, found=None)
    found = pooch.file_hash(where)
    status = "ok" if found == expected else "damaged"
    return Report(path=where, status=status, expected=expected, found=found)


def _damaged(about: Info, folder: Path, entry: Entry, found: str) -> DamagedData:
    where = folder / entry.path
    what = f"{where} is damaged: its sha256 must be {entry.sha256}, found {found}"
    repair = f"run: dlnotes data fetch {about.name}"
    given = os.environ.get("DLNOTES_DATA")
    if given and folder == Path(given).resolve():
        todo = "it lies in DLNOTES_DATA and is left alone: delete it or unset DLNOTES_DATA, then "
        return DamagedData(f"{what}; {todo}{repair}")
    try:
        where.unlink()
    except OSError as error:
        return DamagedData(f"{what}; it cannot be deleted ({error.strerror}): delete it, {repair}")
    return DamagedData(f"{what}; it was deleted, {repair}")


# -- fetching -----------------------------------------------------------------------------------


def fetch(about: Info, *, progress: bool = True, say: Callable[[str], None] | None = None) -> Path:
    """Make sure that a set is on this machine and whole; download what is missing to the cache.

    A broken download goes on where it stopped. ``DLNOTES_OFFLINE=1`` forbids all downloads.

    Args:
        about: The set.
        progress: Draw a bar on stderr, if that is a terminal.
        say: Receives a line about each damaged file that is replaced; None prints to stderr.

    Returns:
        The folder that holds the set.

    Raises:
        DamagedData: If a file in ``$DLNOTES_DATA`` is damaged; elsewhere it is replaced.
        MissingData: If no mirror delivers the set, or nothing can be written.
        OSError: If the disk is full.
    """
    if (folder := _whole(about, say or _complain)) is not None:
        return folder
    if os.environ.get("DLNOTES_OFFLINE") == "1":
        off = "downloads are off here (DLNOTES_OFFLINE=1)"
        raise MissingData(
            f"{about.name} is not on this machine and {off}; run: dlnotes data fetch {about.name}"
        )
    cache = Path(pooch.os_cache("dlnotes"))
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with downloads.locked(cache / f"{about.name}.lock", progress=progress):
            if locate(about) is None:  # no other process fetched it meanwhile
                _download(about, cache, progress)
    except downloads.DownloadError as error:
        todo = "try again later, or let DLNOTES_DATA name a folder that has it"
        raise MissingData(f"{about.name} could not be fetched ({error}); {todo}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(
                errno.ENOSPC, f"no room for {about.name} in {cache}; free some space"
            ) from error
        raise MissingData(f"{about.name} cannot be stored in {cache}: {error}") from error
    return cache


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _whole(about: Info, say: Callable[[str], None]) -> Path | None:
    """Return a folder in which every file of a set is right, after deleting damaged ones."""
    while (folder := locate(about)) is not None:
        try:
            for entry in about.files:
                found = pooch.file_hash(folder / entry.path)
                if found != entry.sha256:
                    raise _damaged(about, folder, entry, found)
        except DamagedData as damage:
            if locate(about) == folder:  # it could not be deleted
                raise
            say(str(damage))
        else:
            return folder
    return None


def _download(described: Info, cache: Path, progress: bool) -> None:
    """Bring the files of a set into the cache; those that are there and right stay."""
    wanted = [e for e in described.downloads if _report(cache / e.path, e.sha256).status != "ok"]
    unpacked = described.files if described.archive else ()
    if shutil.disk_usage(cache).free < sum(entry.bytes for entry in (*wanted, *unpacked)):
        raise OSError(errno.ENOSPC, "too little room, found before anything was written")
    silent = downloads.unreachable(wanted[0].urls) if wanted else {}
    hosts = {urlsplit(url).netloc for url in silent}
    for entry in wanted:
        urls = [url for url in entry.urls if urlsplit(url).netloc not in hosts]
        target = cache / entry.path
        try:
            downloads.download(
                urls, target, sha256=entry.sha256, size=entry.bytes, progress=progress
            )
        except downloads.DownloadError as error:
            raise downloads.DownloadError({**silent, **error.reasons}) from error
    if described.archive is not None:
        members = {entry.path: entry.sha256 for entry in described.files}
        downloads.unpack(cache / described.archive.path, members, cache)
