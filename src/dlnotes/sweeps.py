"""A sweep runs a list of configs: equal shapes together, what is recorded not again."""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dlnotes import records
from dlnotes.records import Record

Config = dict[str, Any]


def grid(**axes: Iterable[Any]) -> list[Config]:
    """Return every combination of the axes, the last one varying fastest.

    Example:
        >>> grid(rate=[0.0, 1.0], seed=[3])
        [{'rate': 0.0, 'seed': 3}, {'rate': 1.0, 'seed': 3}]
    """
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def run(
    configs: Sequence[Config],
    run_group: Callable[[list[Config]], list[dict[str, Any]]],
    *,
    together: Sequence[str] = ("seed",),
    path: Path | None = None,
    provenance: dict[str, Any] | None = None,
) -> list[Record]:
    """Run every config once and return its record, in the order of ``configs``.

    Args:
        configs: Plain JSON values; no two alike.
        run_group: Trains the configs it is given as one stack and returns one dictionary of
            metrics a config, in order.
        together: The entries in which the configs of one stack may differ.
        path: A file of records: what it holds is not run again, and every stack is added to it as
            soon as it is done. Use a new file when the code behind ``run_group`` has changed.
        provenance: Added to each new record, beside the seconds its stack took.

    Returns:
        One record a config.

    Raises:
        ValueError: If two configs are equal, or ``run_group`` returns too few or too many metrics.

    Example:
        >>> done = run(grid(seed=[1, 2]), lambda group: [{"twice": 2 * c["seed"]} for c in group])
        >>> [record.metrics for record in done]
        [{'twice': 2}, {'twice': 4}]
    """
    keys = [records.key(config) for config in configs]
    if len(set(keys)) < len(keys):
        twice = next(c for c, k in zip(configs, keys, strict=True) if keys.count(k) > 1)
        raise ValueError(f"each config may stand once in a sweep, got twice: {twice}")
    done = {records.key(r.config): r for r in records.read(path)} if path else {}
    groups: dict[str, list[Config]] = {}
    for config, k in zip(configs, keys, strict=True):
        if k not in done:
            shape = {name: value for name, value in config.items() if name not in together}
            groups.setdefault(records.key(shape), []).append(config)
    for group in tqdm(groups.values(), desc="sweep", unit="stack"):
        fresh = _run_one(group, run_group, provenance or {})
        if path:
            records.append(path, fresh)
        done |= {records.key(r.config): r for r in fresh}
    return [done[k] for k in keys]


def _run_one(
    group: list[Config],
    run_group: Callable[[list[Config]], list[dict[str, Any]]],
    provenance: dict[str, Any],
) -> list[Record]:
    """Run one stack and return its records."""
    start = time.perf_counter()
    measured = run_group(group)
    seconds = time.perf_counter() - start
    if len(measured) != len(group):
        raise ValueError(
            f"run_group must return one result a config, got {len(measured)} for {len(group)}"
        )
    where = {**provenance, "seconds": round(seconds, 3), "stack": len(group)}
    return [
        Record(config=c, metrics=m, provenance=where) for c, m in zip(group, measured, strict=True)
    ]
