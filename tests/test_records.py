import json
import subprocess
import sys

import pytest

from dlnotes import records
from dlnotes.records import Record


def make(seed):
    return Record(
        config={"seed": seed, "rate": 0.5}, metrics={"loss": seed / 3, "curve": [1.0, 0.5]}
    )


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "runs.jsonl"
    records.append(path, [make(0), make(1)])
    records.append(path, [make(2)])
    assert records.read(path) == [make(0), make(1), make(2)]
    assert [json.loads(line)["config"]["seed"] for line in path.read_text().splitlines()] == [
        0,
        1,
        2,
    ]


def test_a_missing_file_holds_no_records(tmp_path):
    assert records.read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_a_file_cut_off_anywhere_loses_only_its_last_line(tmp_path, cut):
    path = tmp_path / "runs.jsonl"
    records.append(path, [make(0), make(1)])
    path.write_bytes(path.read_bytes()[:-cut])
    kept = records.read(path)
    assert kept[:1] == [make(0)]
    records.append(path, [make(2)])
    assert records.read(path) == [*kept, make(2)]


WRITE = """
import sys
from pathlib import Path
from dlnotes import records
for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 50):
    records.append(Path(sys.argv[1]), [records.Record(config={"seed": seed}, metrics={})])
"""


def test_two_processes_on_one_file(tmp_path):
    path = tmp_path / "runs.jsonl"
    calls = [[sys.executable, "-c", WRITE, str(path), start] for start in ("0", "100")]
    writers = [subprocess.Popen(call) for call in calls]
    assert [writer.wait() for writer in writers] == [0, 0]
    seeds = [r.config["seed"] for r in records.read(path)]
    assert sorted(seeds) == [*range(50), *range(100, 150)]


def test_key_is_about_values_not_order():
    assert records.key({"a": 1, "b": 2}) == records.key({"b": 2, "a": 1})
    assert records.key({"a": 1}) != records.key({"a": 2})


def test_frame():
    table = records.frame([make(0), make(1)])
    assert table.columns.tolist() == ["seed", "rate", "loss", "curve"]
    assert table.loss.tolist() == [0, 1 / 3]
    with pytest.raises(ValueError, match=r"\['seed'\] in both"):
        records.frame([Record(config={"seed": 0}, metrics={"seed": 1})])
