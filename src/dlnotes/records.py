"""A record is one training run: its config, its metrics, and where they came from; one JSON line.

A file of records can be appended to by several processes and survives being cut off at any byte.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run.

    Attributes:
        config: What was asked for, as plain JSON values; it identifies the run.
        metrics: What was measured; numbers, strings, lists of numbers.
        provenance: Where and when: seconds, device, versions and the like.
    """

    config: dict[str, Any]
    metrics: dict[str, Any]
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)


def key(config: dict[str, Any]) -> str:
    """Return the fingerprint of a config; the order of its entries does not matter.

    Example:
        >>> key({"seed": 0, "rate": 0.5}) == key({"rate": 0.5, "seed": 0})
        True
    """
    text = json.dumps(config, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def append(path: Path, records: Iterable[Record]) -> None:
    """Add records to a file and see them onto the disk; the file is made if it is missing.

    A last line that a killed process left unfinished is closed first, so that it spoils nothing.

    Args:
        path: A ``.jsonl`` file.
        records: What to add.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(dataclasses.asdict(r), sort_keys=True) + "\n" for r in records)
    with FileLock(f"{path}.lock"), path.open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[Record]:
    """Return the records of a file, without the lines that a killed process left unfinished.

    Args:
        path: A file written by `append`; a missing file holds no records.

    Returns:
        Records in the order written.
    """
    records = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            records.append(Record(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            continue
    return records


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row a record and one column a config entry or metric.

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
        rows.append({**record.config, **record.metrics})
    return pd.DataFrame(rows)
