"""Executed notebooks: what papermill left, cleaned, and the records that the lecture put there."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlnotes.contract import RUN_MIME

if TYPE_CHECKING:
    from nbformat import NotebookNode

RUN_FIELDS = ("device", "datasets", "precision", "versions")
MEMORY_ADDRESS = re.compile(r"(?<= at )0x[0-9a-f]{8,}")
STYLED = re.compile(r'(?<=<table id=")T_[0-9a-f]{5}(?=")')
PROBE_ID, INJECTED_ID = "memory-probe", "injected-parameters"
PROBE = """import resource as _resource, sys as _sys
_unit = 1024**2 if _sys.platform == "darwin" else 1024
print(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss // _unit)"""


class RecordError(ValueError):
    """A lecture ran, but what it recorded about itself cannot be used."""


def text(notebook: "NotebookNode") -> str:
    """Return a notebook as the text of its file."""
    import nbformat

    return nbformat.writes(notebook) + "\n"


def write(notebook: "NotebookNode", path: Path) -> None:
    """Write a notebook."""
    path.write_text(text(notebook), encoding="utf-8")


def read_left(path: Path) -> "NotebookNode | None":
    """Read the notebook that papermill left; None when it left none, or half of one."""
    import nbformat

    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError):  # json's and nbformat's errors are ValueErrors
        return None


def with_memory_probe(notebook: "NotebookNode") -> "NotebookNode":
    """Return a copy with one more cell at its end, which prints the kernel's peak memory in MB."""
    import nbformat

    copy = nbformat.from_dict(json.loads(json.dumps(notebook)))
    probe = nbformat.v4.new_code_cell(PROBE, id=PROBE_ID)
    return nbformat.from_dict({**copy, "cells": [*copy.cells, probe]})


def take_memory_probe(notebook: "NotebookNode") -> int | None:
    """Remove the memory probe and return what it printed, in MB."""
    probes = [cell for cell in notebook.cells if cell.get("id") == PROBE_ID]
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != PROBE_ID]
    texts = [o.text for cell in probes for o in cell.outputs if o.get("name") == "stdout"]
    return int("".join(texts)) if texts else None


def clean(notebook: "NotebookNode") -> None:
    """Remove in place what differs between two runs with the same inputs; mark the injected cell.

    Times go, and stderr (progress bars); text that the kernel sent in pieces becomes one piece;
    memory addresses become 0x0, and styled tables of pandas get counted ids in place of drawn ones.
    """
    ids: dict[str, str] = {}
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = list(_joined(cell.outputs))
            for output in cell.outputs:
                _settle(output, ids)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
            cell["id"] = INJECTED_ID
        elif not tags:
            cell.metadata.pop("tags", None)


def records(notebook: "NotebookNode", mime: str) -> list[dict[str, Any]]:
    """Return the JSON objects that a notebook shows under a mime type, in order."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return [o["data"][mime] for o in outputs if mime in o.get("data", {})]


def run_record(notebook: "NotebookNode", declared: Sequence[str]) -> dict[str, Any]:
    """Return what a lecture says about its run.

    Args:
        notebook: The executed lecture.
        declared: The data sets that its header names for the profile of the run.

    Returns:
        The record, with `RUN_FIELDS` at least.

    Raises:
        RecordError: It does not say it exactly once, leaves something out, or used a data set that
            is not declared, so that the cache would not notice its change.
    """
    found = records(notebook, RUN_MIME)
    if len(found) != 1:
        raise RecordError(f"shows {len(found)} run records ({RUN_MIME}); must show exactly one")
    missing = [name for name in RUN_FIELDS if name not in found[0]]
    if missing:
        raise RecordError(f"its run record ({RUN_MIME}) lacks {', '.join(missing)}")
    used = [
        data["stand_in_for"] or data["name"]
        for data in found[0]["datasets"]
        if data["sha256"] or data["stand_in_for"]
    ]
    hidden = [name for name in used if name not in declared]
    if hidden:
        raise RecordError(f"used {', '.join(hidden)}; its header must name it under datasets")
    return found[0]


def failure(
    source: "NotebookNode",
    left: "NotebookNode | None",
    log: str,
    cell_timeout: int,
    run_timeout: int | None,
) -> str:
    """Say in one line why a run failed.

    Args:
        source: The lecture as it was given to papermill.
        left: What papermill left of it.
        log: What papermill printed.
        cell_timeout: Seconds that a cell was given.
        run_timeout: Seconds that the run was given if it was killed for using them up, else None.

    Returns:
        Cell, first line of the cell, and what happened there.
    """
    cell = _culprit(left)
    where = _where(source, cell) if cell else ""
    if run_timeout:
        return f"the lecture ran longer than {run_timeout} s{where and f', it was in {where}'}"
    errors = [o for o in (cell or {}).get("outputs", []) if o["output_type"] == "error"]
    if "nbclient.exceptions.DeadKernelError" in log:
        return f"{where or 'before the first cell'}: the kernel died (killed, or out of memory)"
    if "nbclient.exceptions.CellTimeoutError" in log:
        return f"{where} ran longer than {cell_timeout} s"
    if errors:
        value = " ".join(errors[-1]["evalue"].split())
        return f"{where}: {errors[-1]['ename']}: {value}"
    last = [text for text in log.splitlines() if text.strip()][-1:]
    return f"{where or 'papermill'}: {last[0].strip() if last else 'ended without a word'}"


def _joined(outputs: list["NotebookNode"]) -> Iterator["NotebookNode"]:
    previous = None
    for output in outputs:
        if output.get("name") == "stderr":
            continue
        if previous is not None and output.get("name") == previous.get("name") == "stdout":
            previous["text"] += output["text"]
            continue
        previous = output
        yield output


def _settle(output: "NotebookNode", ids: dict[str, str]) -> None:
    """Replace in place what is drawn anew in each process; ids: the table ids replaced so far."""
    if "text" in output:
        output["text"] = MEMORY_ADDRESS.sub("0x0", output["text"])
    data = output.get("data", {})
    if "text/plain" in data:
        data["text/plain"] = MEMORY_ADDRESS.sub("0x0", data["text/plain"])
    for drawn in STYLED.findall(data.get("text/html", "")):
        ids.setdefault(drawn, f"T_{len(ids):05d}")
        data["text/html"] = data["text/html"].replace(drawn, ids[drawn])


def _culprit(left: "NotebookNode | None") -> "NotebookNode | None":
    """Return the cell that raised, else the last one that papermill began."""
    cells = [cell for cell in left.cells if cell.cell_type == "code"] if left else []
    marks = [(cell, cell.metadata.get("papermill", {})) for cell in cells]
    raised = [cell for cell, mark in marks if mark.get("exception")]
    begun = [cell for cell, mark in marks if mark.get("start_time")]
    return (raised[:1] or begun[-1:] or [None])[0]


def _where(source: "NotebookNode", culprit: "NotebookNode") -> str:
    ids = [cell["id"] for cell in source.cells]
    number = f"cell {ids.index(culprit['id']) + 1}" if culprit["id"] in ids else "an added cell"
    lines = [text for text in culprit.source.splitlines() if re.search(r"\w", text)]
    return f"{number} ({lines[0].strip()})" if lines else number
