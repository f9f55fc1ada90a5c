"""A record is one training run: its config, its metrics, and where they came from; one JSON line.

A file of records can be shared by several processes and survives being cut off at any byte. Beside
it lie ``<file>.lock``, held while a process writes, and ``<file>.running``, which tells the others
what a process is working on; both are empty, and may be deleted when nobody works.
"""

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from filelock import FileLock

try:
    import fcntl
except ImportError:  # Windows: processes do not see each other's reservations
    fcntl = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run.

    Attributes:
        config: What was asked for, as plain JSON values; it identifies the run.
        metrics: What was measured; numbers, strings, lists of numbers. None stands for a number
            that is not finite: the run diverged.
        provenance: Where and when: seconds, device, versions and the like.
    """

    config: dict[str, Any]
    metrics: dict[str, Any]
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)


def key(config: dict[str, Any]) -> str:
    """Return the fingerprint of a config; the order of its entries does not matter.

    Raises:
        ValueError: If an entry is no plain JSON value: nan and infinity are none.

    Example:
        >>> key({"seed": 0, "rate": 0.5}) == key({"rate": 0.5, "seed": 0})
        True
    """
    try:
        text = json.dumps(config, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"a config must hold finite numbers, strings, True, False, None, and lists and "
            f"dictionaries of them, got {config}; convert what is none of these, and write None "
            "or a name for a value that is not finite"
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Return a value as strict JSON has it.

    Args:
        value: Numbers, strings, lists and dictionaries, also NumPy's and PyTorch's.

    Returns:
        Python's own types; None for a number that is not finite.

    Raises:
        TypeError: If a part is of another type.

    Example:
        >>> plain({"loss": float("nan"), "curve": (1, 0.5)})
        {'loss': None, 'curve': [1, 0.5]}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(
        f"a record must hold numbers, strings, lists and dictionaries, got "
        f"{type(value).__name__}: {value!r}; convert it"
    )


def pack(yes: Iterable[bool]) -> str:
    """Return a long row of yes and no as a short text, for a record.

    Example:
        >>> pack([True, False, False, False, True])
        '5:88'
    """
    bits = np.asarray(yes, dtype=bool)
    return f"{len(bits)}:{np.packbits(bits).tobytes().hex()}"


def unpack(texts: Iterable[str]) -> np.ndarray:
    """Return what `pack` packed, one row a text, as True and False.

    Example:
        >>> unpack(["5:88"]).tolist()
        [[True, False, False, False, True]]
    """
    rows = []
    for text in texts:
        count, _, digits = text.partition(":")
        packed = np.frombuffer(bytes.fromhex(digits), dtype=np.uint8)
        rows.append(np.unpackbits(packed, count=int(count)).astype(bool))
    return np.stack(rows)


# -- the file -----------------------------------------------------------------------------------


def append(path: Path, records: Iterable[Record]) -> None:
    """Add records to a file and see them onto the disk; the file is made if it is missing.

    A last line that a killed process left unfinished is closed first, so that it spoils nothing.

    Args:
        path: A ``.jsonl`` file.
        records: What to add; a number in metrics that is not finite is written as null.
    """
    with _locked(path):
        _write(path, records)


def append_new(path: Path, records: Iterable[Record]) -> list[Record]:
    """Add the records whose configs the file does not hold yet, in one step for all processes.

    Args:
        path: As for `append`.
        records: What to add.

    Returns:
        For each record the one that the file now holds: itself, or what was there before.
    """
    with _locked(path):
        before = known(path)
        added = {key(r.config): r for r in records}
        _write(path, [record for k, record in added.items() if k not in before])
    return [before.get(k, record) for k, record in added.items()]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        yield


def _write(path: Path, records: Iterable[Record]) -> None:
    """Write whole lines at the end of a locked file."""
    text = "".join(_line(record) for record in records)
    with path.open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _line(record: Record) -> str:
    """Return a record as a line of strict JSON; its config as it is, since that is its key."""
    content = plain(dataclasses.asdict(record)) | {"config": record.config}
    return json.dumps(content, allow_nan=False) + "\n"


def read(path: Path) -> list[Record]:
    """Return the records of a file, without the lines that a killed process left unfinished.

    Args:
        path: A file written by `append`; a missing file holds no records.

    Returns:
        Records in the order written.
    """
    records = []
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    for line in text.splitlines():
        try:
            records.append(Record(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            continue
    return records


def known(path: Path | None) -> dict[str, Record]:
    """Return the records of a file by the key of their config; no file holds none."""
    return {key(record.config): record for record in read(path)} if path else {}


class Reservations:
    """What a process is working on, for the others that work on the same file to see.

    A reservation is a lock on one byte of ``<path>.running``. It lasts until the end of the
    ``with`` block or of the process, however that ends.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the reservations on a file of records; without one, nobody else can want any."""
        self._file = None
        if path and fcntl:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(f"{path}.running", "a+b")

    def take(self, keys: Iterable[str]) -> bool:
        """Reserve all of these configs, or none if another process has reserved one of them."""
        taken: list[int] = []
        try:
            for k in keys if self._file else ():
                byte = int(k, 16) >> 2  # a file has places for 62 bits of a key
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                taken.append(byte)
        except (BlockingIOError, PermissionError):  # which of the two is up to the system
            for byte in taken:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
            return False
        return True

    def __enter__(self) -> Self:
        """Return the reservations; all are given free at the end of the block."""
        return self

    def __exit__(self, *args: object) -> None:
        """Give all free."""
        if self._file:
            self._file.close()


# -- the table ----------------------------------------------------------------------------------


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row a record and one column a config entry or metric.

    A metric that is None, because it was not finite, is nan.

    Raises:
        ValueError: If a config entry and a metric have the same name.

    Example:
        >>> frame([Record(config={"seed": 3}, metrics={"accuracy": 0.5})]).to_dict("records")
        [{'seed': 3, 'accuracy': 0.5}]
    """
    rows = []
    for record in records:
        if both := record.config.keys() & record.metrics.keys():
            raise ValueError(f"a metric needs a name of its own, got {sorted(both)} in both")
        rows.append({**record.config, **_with_nan(record.metrics)})
    return pd.DataFrame(rows)


def pick(table: pd.DataFrame, **entries: Any) -> pd.DataFrame:
    """Return the rows of a table that have these entries, by seed.

    Args:
        table: From `frame`; it has a column ``seed``.
        **entries: Column -> the value it must have.

    Raises:
        ValueError: If there is no such column, or no such row.

    Example:
        >>> table = pd.DataFrame({"rate": [0.5, 0.5, 1.0], "seed": [1, 0, 0]})
        >>> pick(table, rate=0.5).seed.tolist()
        [0, 1]
    """
    if absent := [name for name in entries if name not in table]:
        raise ValueError(f"no column {', '.join(absent)}; there are {', '.join(table.columns)}")
    found = table[(table[list(entries)] == pd.Series(entries)).all(axis=1)]
    if found.empty:
        raise ValueError(f"no row has {entries}; did the sweep run it?")
    return found.sort_values("seed")


def _with_nan(value: Any) -> Any:
    """Put nan where None stands."""
    if isinstance(value, dict):
        return {name: _with_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_nan(part) for part in value]
    return math.nan if value is None else value
