"""Download one file from several mirrors, whole or not at all.

pooch hashes; the transfer is our own, because pooch's starts over when a connection breaks. Here
what has arrived stays in ``<file>.part`` and the next attempt asks only for the rest, from the next
mirror if need be. A file gets its name after its sha256 was found right.
"""

import contextlib
import shutil
import sys
import tarfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pooch
import requests
from filelock import FileLock, Timeout
from tqdm import tqdm

TIMEOUT = (4.0, 15.0)  # seconds to connect, and to wait for the next bytes
PATIENCE = 5.0  # seconds within which a mirror must show that it is there


class DownloadError(Exception):
    """No mirror delivered the file; ``reasons`` tells why, by address."""

    def __init__(self, reasons: dict[str, str]) -> None:
        """Keep the reasons and join them into one line."""
        super().__init__("; ".join(f"{url}: {why}" for url, why in reasons.items()))
        self.reasons = reasons


def download(
    urls: Iterable[str], target: Path, *, sha256: str, size: int, progress: bool = True
) -> None:
    """Fetch a file from the first mirror that delivers it.

    Args:
        urls: Mirrors, tried in this order.
        target: Where the file goes; ``<target>.part`` holds what an earlier attempt left.
        sha256: The hash that the file must have, in hexadecimal.
        size: Of the file in bytes.
        progress: Draw a bar on stderr, if that is a terminal.

    Raises:
        DownloadError: If no mirror delivered the file; what arrived is kept.
    """
    part = target.with_name(target.name + ".part")
    reasons: dict[str, str] = {}
    queue = list(urls)
    for url in queue:
        before = _size(part)
        why = _attempt(url, part, sha256=sha256, size=size, progress=progress)
        if why is None:
            part.replace(target)
            return
        reasons[url] = why
        if _size(part) > before:  # it broke off on the way: worth another try after the others
            queue.append(url)
    raise DownloadError(reasons)


def _attempt(url: str, part: Path, *, sha256: str, size: int, progress: bool) -> str | None:
    """Complete ``part`` from one mirror; say what went wrong, or None if it has the right hash."""
    resumed = part.exists()
    try:
        _stream(url, part, size, progress)
    except requests.RequestException as error:
        return _reason(error)
    except OSError:  # writing failed: the disk is full, or not ours
        part.unlink(missing_ok=True)
        raise
    found = pooch.file_hash(part)
    if found == sha256:
        return None
    sent = part.stat().st_size
    part.unlink()
    if resumed:  # its beginning may have come from elsewhere: once more, from the start
        return _attempt(url, part, sha256=sha256, size=size, progress=progress)
    return f"sent {sent} bytes with sha256 {found} instead of {size} with {sha256}"


def _stream(url: str, part: Path, size: int, progress: bool) -> None:
    done = _size(part)
    if done >= size:
        return
    headers = {"Accept-Encoding": "identity"}  # the file as it is stored, not unpacked on the way
    if done:
        headers["Range"] = f"bytes={done}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        bar = tqdm(
            desc=part.stem,
            initial=done if resumed else 0,
            total=size,
            unit="B",
            unit_scale=True,
            disable=None if progress else True,
        )
        part.parent.mkdir(parents=True, exist_ok=True)
        with bar, part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_content(2**16):
                bar.update(file.write(chunk))
                if file.tell() > size:
                    return


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def unreachable(urls: Iterable[str]) -> dict[str, str]:
    """Ask all mirrors at once whether they are there.

    Without a network each mirror alone may take a minute to fail (many addresses per name, slow
    name servers), so all are asked together and none is waited for longer than ``PATIENCE``.

    Args:
        urls: One address per mirror.

    Returns:
        The addresses that gave no answer, with the reason. Any answer counts, even "not found".
    """
    silent = dict.fromkeys(urls, f"no answer within {PATIENCE:g} s")

    def ask(url: str) -> None:
        try:
            requests.head(url, timeout=TIMEOUT)
        except requests.RequestException as error:
            silent[url] = _reason(error)
        else:
            del silent[url]

    threads = [threading.Thread(target=ask, args=[url], daemon=True) for url in silent]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return silent.copy()


def _reason(error: requests.RequestException) -> str:
    """Say in a few words what requests says in several nested ones."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    cause: BaseException = error
    while cause.__context__ is not None:  # down to what the operating system said
        cause = cause.__context__
    return str(cause)


def unpack(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    """Take files out of a tar archive whose hash was checked, check each, delete the archive.

    Args:
        archive: The archive.
        members: sha256 by name inside the archive; other members are left out.
        folder: Where the members go, under their names.

    Raises:
        DownloadError: If a member is not the one expected.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name not in members:
                continue
            target = folder / member.name
            part = target.with_name(target.name + ".part")
            part.parent.mkdir(parents=True, exist_ok=True)
            with tar.extractfile(member) as source, part.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            found = pooch.file_hash(part)
            if found != members[member.name]:
                part.unlink()
                raise DownloadError({f"{archive}, {member.name}": f"sha256 is {found}"})
            part.replace(target)
    archive.unlink()


@contextlib.contextmanager
def locked(lock: Path, *, progress: bool) -> Iterator[None]:
    """Let one process at a time in; the others wait, and say so on stderr if it is a terminal.

    Args:
        lock: The file to lock; it stays behind, empty.
        progress: False for no word.
    """
    guard = FileLock(lock)
    try:
        guard.acquire(blocking=False)
    except Timeout:
        if progress and sys.stderr.isatty():
            tqdm.write(f"another process is at it, waiting for {lock}", file=sys.stderr)
        guard.acquire()
    try:
        yield
    finally:
        guard.release()
