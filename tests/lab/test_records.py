import json
import math
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from dlnotes.lab import records
from dlnotes.lab.records import Record


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


@pytest.mark.parametrize("damage", [b'{"config": {}, "met', b"\xff\xfe\0", b"[1, 2]", b"null", b""])
def test_a_damaged_line_hides_no_other(tmp_path, damage):
    path = tmp_path / "runs.jsonl"
    records.append(path, [make(0)])
    path.write_bytes(path.read_bytes() + damage + b"\n")
    records.append(path, [make(1)])
    assert records.read(path) == [make(0), make(1)]


def test_what_is_not_finite_is_null_in_the_file_and_nan_in_the_table(tmp_path):
    path = tmp_path / "runs.jsonl"
    metrics = {"loss": math.nan, "curve": [1.0, math.inf, -math.inf], "diverged": True}
    records.append(path, [Record(config={"seed": 0}, metrics=metrics)])

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    line = json.loads(path.read_text(), parse_constant=refuse)
    assert line["metrics"] == {"loss": None, "curve": [1.0, None, None], "diverged": True}
    table = records.frame(records.read(path))
    assert np.isnan(table.loss[0])
    np.testing.assert_equal(table.curve[0], [1.0, math.nan, math.nan])
    assert table.diverged[0]


def test_values_of_numpy_and_torch_are_plain_in_a_record():
    value = {"a": np.float32(0.5), "b": torch.tensor([1, 2]), "c": (np.int64(3), np.nan)}
    assert records.plain(value) == {"a": 0.5, "b": [1, 2], "c": [3, None]}
    assert [type(v) for v in records.plain(value).values()] == [float, list, list]
    with pytest.raises(TypeError, match=r"must hold numbers, .* got set: .1.; convert it"):
        records.plain({"a": [{1}]})


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, np.float32(1.0), [math.nan]])
def test_a_config_that_is_not_plain_is_refused(tmp_path, value):
    config = {"seed": 0, "rate": value}
    with pytest.raises(ValueError, match=r"a config must hold finite .* 'rate': .*; convert"):
        records.key(config)
    with pytest.raises((ValueError, TypeError)):
        records.append(tmp_path / "runs.jsonl", [Record(config=config, metrics={})])


def test_of_two_records_of_one_config_the_first_stays(tmp_path):
    path = tmp_path / "runs.jsonl"
    other = Record(config=make(1).config, metrics={"loss": -1.0})
    assert records.append_new(path, [make(0), make(1)]) == [make(0), make(1)]
    assert records.append_new(path, [other, make(2)]) == [make(1), make(2)]
    assert records.read(path) == [make(0), make(1), make(2)]
    assert list(records.known(path).values()) == records.read(path)
    assert records.known(None) == {}


WRITE = """
import sys
from pathlib import Path
from dlnotes.lab import records
for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 50):
    record = records.Record(config={"seed": seed}, metrics={"writer": sys.argv[2]})
    getattr(records, sys.argv[3])(Path(sys.argv[1]), [record])
"""


@pytest.mark.parametrize(
    ("starts", "how", "seeds"),
    [
        (("0", "100"), "append", [*range(50), *range(100, 150)]),
        (("0", "20"), "append_new", [*range(70)]),
    ],
)
def test_two_processes_on_one_file(tmp_path, starts, how, seeds):
    path = tmp_path / "runs.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(path), start, how]) for start in starts
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(r.config["seed"] for r in records.read(path)) == seeds


RESERVE = """
import sys
from pathlib import Path
from dlnotes.lab import records
with records.Reservations(Path(sys.argv[1])) as reserved:
    print(reserved.take([letter * 16 for letter in sys.argv[2]]), flush=True)
    sys.stdin.read()
"""


def test_a_reservation_holds_until_its_process_ends_in_whatever_way(tmp_path):
    path = tmp_path / "new" / "runs.jsonl"
    call = [sys.executable, "-c", RESERVE, str(path)]
    with subprocess.Popen([*call, "ab"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"True\n"
        with records.Reservations(path) as reserved:
            assert not reserved.take(["c" * 16, "b" * 16])
            third = subprocess.run([*call, "c"], input=b"", capture_output=True)
            assert third.stdout == b"True\n"  # c was not kept
            other.send_signal(signal.SIGKILL)
            other.wait()
            assert reserved.take(["c" * 16, "b" * 16])


def test_without_a_file_everything_may_be_reserved():
    with records.Reservations(None) as reserved:
        assert reserved.take(["a"])


def test_key_is_about_values_not_order():
    assert records.key({"a": 1, "b": 2}) == records.key({"b": 2, "a": 1})
    assert records.key({"a": 1}) != records.key({"a": 2})


def test_frame():
    table = records.frame([make(0), make(1)])
    assert table.columns.tolist() == ["seed", "rate", "loss", "curve"]
    assert table.loss.tolist() == [0, 1 / 3]
    with pytest.raises(ValueError, match=r"\['seed'\] in both"):
        records.frame([Record(config={"seed": 0}, metrics={"seed": 1})])


@pytest.mark.parametrize("count", [1, 8, 9, 1000])
def test_yes_and_no_are_packed_and_unpacked(count):
    yes = np.random.default_rng(count).random((3, count)) < 0.5
    texts = [records.pack(row) for row in yes]
    assert (records.unpack(texts) == yes).all()
    assert len(texts[0]) <= 6 + 2 * (count // 8 + 1)


def test_pick_finds_the_rows_by_seed():
    rows = [(task, rate, seed) for task in ("a", "b") for rate in (0.0, 1.0) for seed in (2, 0, 1)]
    table = pd.DataFrame(rows, columns=["task", "rate", "seed"]).assign(fitted=True)
    found = records.pick(table, task="b", rate=1.0)
    assert found.values.tolist() == [["b", 1.0, seed, True] for seed in (0, 1, 2)]
    assert len(records.pick(table, fitted=True)) == 12


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        ({"tsak": "a"}, "no column tsak; there are task, seed"),
        ({"task": "c"}, "no row has .*'c'"),
    ],
)
def test_pick_refuses_what_is_not_there(entries, match):
    with pytest.raises(ValueError, match=match):
        records.pick(pd.DataFrame({"task": ["a"], "seed": [0]}), **entries)
