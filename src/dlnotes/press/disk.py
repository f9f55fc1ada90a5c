"""Files written so that nobody sees half of one, and what to say when the disk refuses."""

import errno
import os
import textwrap
from pathlib import Path


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file unless it holds that text already, so that its date tells of changes.

    Args:
        path: The file; its folder is made when missing.
        text: What it shall hold.

    Returns:
        Whether it was written.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def problem(error: OSError, place: Path) -> str:
    """Say in one line what the disk refused and what to do."""
    full = os.strerror(errno.ENOSPC)  # several errors at once come as text, without a number
    if error.errno == errno.ENOSPC or full in str(error):
        return f"the disk that holds {place} is full; free some space (the cache is _build/cache)"
    reason = textwrap.shorten(error.strerror or str(error), 300)
    return f"{error.filename or place}: {reason}; see dlnotes doctor"
