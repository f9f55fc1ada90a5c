"""The benchmark: everyone trains the same networks, time is taken fairly, the report says it."""

import ast
import dataclasses
import importlib.util
import json
import math
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch.utils.flop_counter import FlopCounterMode

from dlnotes.bench import (
    __main__ as run,
)
from dlnotes.bench import (
    grids,
    limits,
    memory,
    mnist,
    pages,
    pictures,
    provenance,
    pytorch,
    report,
    rivals,
    rounds,
    scaling,
    tables,
)
from dlnotes.bench.grids import Point
from dlnotes.bench.pytorch import Contestant
from dlnotes.data import datasets
from dlnotes.lab import records
from dlnotes.lab.settings import Settings
from dlnotes.press import bench as press
from dlnotes.press import benchpage
from dlnotes.rng import generator

MLP = Point(hidden=(6, 5), batch=5, steps=4, models=3, image=(1, 7, 6))
CNN = Point(hidden=(4,), channels=(3, 2), batch=5, steps=4, models=3, image=(1, 7, 10))
BY_NAME = {rival.name: rival for rival in rivals.RIVALS}


def contestants(name, task):
    if name == "jax":
        pytest.importorskip("jax")
    made = BY_NAME[name].make(task, task.point.models)
    return made if isinstance(made, list) else [made]


def farthest(a, b):
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


# --- everyone trains the same thing ---


@pytest.mark.parametrize("point", [MLP, CNN], ids=["mlp", "cnn"])
@pytest.mark.parametrize("name", [n for n in BY_NAME if n != "dlnotes"])
def test_a_rival_ends_where_the_engine_ends(name, point):
    if BY_NAME[name].absent(point, "cpu") == "has no convolutions":
        pytest.skip("no convolutions")
    task = grids.problem(point)
    engine = contestants("dlnotes", task)[0]
    engine.go()
    order = torch.randperm(point.examples, generator=generator(0, "bench", "batches"))
    for rival in contestants(name, dataclasses.replace(task, order=order)):
        assert farthest(rival.params(), task.params) == 0
        rival.go()
        assert farthest(rival.params(), task.params) > 1e-3  # it did train
        assert farthest(rival.params(), engine.params()) < 1e-6  # steps of 1e-2, rounding 1e-8


@pytest.mark.parametrize("name", BY_NAME)
def test_left_to_its_own_order_everyone_trains_all_epochs(name):
    point = dataclasses.replace(MLP, batch=20, steps=1, epochs=3)  # whole batches: order is nothing
    task = grids.problem(point)
    reference = contestants("indexed", task)[0]
    reference.go()
    for rival in contestants(name, task):
        rival.go()
        assert farthest(rival.params(), reference.params()) < 1e-6


@pytest.mark.parametrize("name", ["loop", "indexed", "vmap"])
def test_orders_differ_from_epoch_to_epoch(name):
    task = grids.problem(MLP)
    torch.manual_seed(0)
    first, second = contestants(name, task)[0], contestants(name, task)[0]
    first.go()
    second.go()
    assert farthest(first.params(), second.params()) > 1e-6


def test_networks_learn_true_or_random_labels():
    y = grids.problem(dataclasses.replace(MLP, models=4, steps=20)).y
    assert y.shape == (4, 100)
    assert torch.equal(y[0], y[1])
    assert not torch.equal(y[0], y[2])
    assert not torch.equal(y[2], y[3])


# --- the grids and their arithmetic ---


@pytest.mark.parametrize("point", [MLP, CNN, Point(hidden=(16, 16, 16), batch=3, steps=1)])
def test_operations_are_those_that_pytorch_counts(point):
    x, y = torch.rand(point.batch, *point.image), torch.zeros(point.batch, dtype=torch.int64)
    with FlopCounterMode(display=False) as counted:
        torch.nn.functional.cross_entropy(pytorch.Network(point)(x), y).backward()
    assert grids.flops(point) == counted.get_total_flops()


def test_the_grids_are_whole_and_timings_about_equally_long():
    points = grids.grid("mlp", grids.CPU)
    shapes = {(p.hidden[0], len(p.hidden), p.batch) for p in points}
    assert len(shapes) == len(points) == 4 * 5 * 2
    assert len(grids.grid("cnn", grids.CPU)) == 4
    assert {p.models for p in points} == {16}
    for p in points:
        assert p.examples >= 256
        assert p.examples <= 60_000
    assert [p.grid for p in grids.grid("mlp", grids.CPU, quick=True)] == ["mlp"] * 3
    assert len(grids.grid("cnn", grids.CPU, quick=True)) == 1


def test_a_timing_too_short_for_one_epoch_takes_several():
    point = grids.sized(Point(hidden=(1,), batch=1000, steps=1), grids.Speed(1e12, 0.0, 1.0))
    assert (point.steps, point.examples) == (60, 60_000)
    assert point.epochs > 1


def test_scaling_spans_two_decades_of_each():
    for along, points in scaling.lines().items():
        sizes = [getattr(p, along) for p in points]
        assert sizes == sorted(sizes)
        assert sizes[-1] == 100 * sizes[0]
        other = "examples" if along == "models" else "models"
        assert len({getattr(p, other) for p in points}) == 1
    assert {len(points) for points in scaling.lines(quick=True).values()} == {3}


# --- how time is taken ---


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when told to."""
    clock = types.SimpleNamespace(now=0.0)
    clock.spend = lambda seconds: lambda: setattr(clock, "now", clock.now + seconds)
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: clock.now)
    return clock


def test_setting_up_is_taken_off(clock):
    racer = Contestant(clock.spend(5.0), 1, dict, setup=clock.spend(2.0))
    assert rounds.net(racer) == 3.0
    assert rounds.net(dataclasses.replace(racer, setup=None)) == 5.0


def test_the_fastest_way_for_a_network_is_kept(clock):
    ways = [Contestant(clock.spend(4.0), 2, dict, "stack"), Contestant(clock.spend(3.0), 1, dict)]
    assert rounds.fastest(ways).variant == "stack"


def test_each_round_begins_with_another():
    log = []
    calls = {name: lambda name=name: log.append(name) or float(len(log)) for name in "abc"}
    times = rounds.in_turn(calls, 4)
    assert "".join(log) == "abcbcacababc"
    assert times["b"] == [2.0, 4.0, 9.0, 11.0]


def test_a_rate_counts_operations_and_seconds(clock):
    product = limits.Product("x", 10, clock.spend(0.5), count=3)
    assert product.rate(seconds=0.9) == pytest.approx(2 * 10**3 * 6 / 1.0 / 1e9)


def test_the_limit_is_the_fastest_of_all_products_tried():
    best, rows = limits.search("cpu", sizes=(64, 128))
    top = max(rows, key=lambda row: row["gflops"]["median"])
    assert (best.library, best.size) == (top["rival"], top["point"]["size"])
    assert {"torch.mm", "torch.bmm", "numpy"} <= {row["rival"] for row in rows}
    if importlib.util.find_spec("jax"):
        assert "JAX" in {row["rival"] for row in rows}


def test_products_multiply():
    for product in limits.candidates("cpu", 32):
        product.once()
        assert product.rate(0.0) > 0


def test_a_point_gives_a_row_for_everyone():
    limit = limits.Product("x", 10, lambda: None)
    rows = rounds.measure(dataclasses.replace(MLP, hidden=(512,)), "cpu", 2, limit)
    by_rival = {row["rival"]: row for row in rows}
    assert by_rival.keys() == BY_NAME.keys() | {"limit"}
    ran = by_rival["loop"]
    assert ran["ms"]["min"] <= ran["ms"]["median"] <= ran["ms"]["max"]
    work = grids.flops(dataclasses.replace(MLP, hidden=(512,)))
    assert ran["gflops"]["max"] == pytest.approx(work / ran["ms"]["min"] / 1e6)
    assert ran["networks"] == 1
    assert by_rival["vmap"]["networks"] == 3
    assert by_rival["loop"]["repeats"] == 2


def test_without_jax_its_place_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(rivals.importlib.util, "find_spec", lambda name: None)
    rows = rounds.measure(CNN, "cpu", 1)
    absent = {row["rival"]: row["absent"] for row in rows if "absent" in row}
    assert absent == {
        "jax": "not installed: pip install 'dlnotes[bench]'",
        "sklearn": "has no convolutions",
    }
    assert tables.absent(rows) == [
        "JAX: not installed: pip install 'dlnotes[bench]'",
        "scikit-learn: has no convolutions",
    ]


def test_scikit_learn_stays_on_the_cpu():
    assert BY_NAME["sklearn"].absent(MLP, "cuda") == "runs on the CPU only"


@pytest.mark.skipif(not memory.supported("cpu"), reason="the peak is measured on Linux only")
def test_memory_measured_is_near_memory_computed():
    point = Point(hidden=(1024,) * 3, batch=2048, steps=2, models=1)
    (row,) = memory.measure([point], "cpu")
    assert row["computed_bytes"] > 4e7
    assert 0.5 < row["ratio"] < 1.5


def test_a_measuring_process_that_fails_says_why():
    broken = Point(hidden=(4,), batch=-1, steps=2, models=1)
    with pytest.raises(RuntimeError, match=r"memory failed at batch -1, width 4.*negative"):
        memory.measure([broken], "cpu")


# --- the report ---

FACTS = {
    "device": "cpu",
    "device_name": "A processor",
    "cores": 2,
    "threads": 2,
    "memory_gb": 24.0,
    "load": 0.25,
    "system": "Linux x86_64",
    "versions": {"python": "3.12"},
    "date": "2026-01-01T00:00:00+00:00",
    "commit": "c" * 40 + " and changes",
}
RATIO = {"loop": 8.0, "indexed": 2.0, "vmap": 1.6, "jax": 1.2, "sklearn": 4.0}


def spread(value):
    return {"median": value, "min": 0.9 * value, "max": 1.2 * value}


def rows_of(ratios=RATIO, share=0.8):
    """A made-up run in which every rival takes that many times as long."""
    rows = []
    for point in grids.grid("mlp", grids.CPU) + grids.grid("cnn", grids.CPU):
        base = {"grid": point.grid, "point": point.record()}
        for name, ratio in {"dlnotes": 1.0, **ratios}.items():
            timed = {"ms": spread(2.0 * ratio), "gflops": spread(100 / ratio)}
            rows.append(base | {"rival": name} | timed)
        if point.hidden and point.hidden[0] >= 512:
            limit = {"rival": "limit", "variant": "oneDNN, 64 x 64"}
            rows.append(base | limit | {"gflops": spread(100 / share)})
    for library, rate in (("torch.mm", 100.0), ("oneDNN", 150.0)):
        product = {"rival": library, "point": {"size": 64}, "gflops": spread(rate)}
        rows.append({"grid": "limit"} | product)
    for along, points in scaling.lines().items():
        for point in points:
            at = point.record() | {"examples": point.examples}
            seconds = spread(point.models * point.examples * 1e-6)
            rows.append({"grid": "scaling", "along": along, "point": at, "seconds": seconds})
    peak = {"peak_bytes": 3_000_000, "computed_bytes": 2_000_000, "ratio": 1.5}
    rows.append({"grid": "memory", "point": MLP.record(), **peak})
    return [FACTS | {"rival": "dlnotes", "repeats": 5} | row for row in rows]


def verdicts(rows):
    return {target.text: target.reached for target in report.targets(rows)}


def test_ratios_are_those_of_medians():
    found = report.matches(rows_of())
    assert len(found) == 44
    assert found[0].name == "batch 1024, width 16, depth 2"
    assert found[0].ratios == pytest.approx(RATIO)
    assert {m.share for m in found} == {None, 0.8}
    assert next(m.name for m in found if m.grid == "cnn") == "batch 1024, channels 8-16"


def test_targets_are_reached_or_not():
    told = verdicts(rows_of())
    missed = {text for text, reached in told.items() if reached is False}
    assert missed == {"at least 15 times the loop with DataLoader, mean at width 16"}
    assert len(told) == 15


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({"loop": 0.9}, "at least 1.0 times the loop with DataLoader everywhere"),
        ({"loop": 3.0}, "at least 4 times the loop with DataLoader, mean at batch 128"),
        ({"loop": 5.0}, "the goal beyond: 6 times the loop with DataLoader, mean at batch 1024"),
        ({"jax": 1.05}, "above 1.1 times JAX, mean"),
        ({"vmap": 1.4}, "above 1.5 times torch.func.vmap, mean"),
        (
            {"indexed": 0.9},
            "at least 0.95 times the best of the loop on tensors, vmap and JAX everywhere",
        ),
    ],
)
def test_a_target_missed_is_said(change, missed):
    assert verdicts(rows_of(RATIO | change))[missed] is False


def test_the_share_of_the_limit_is_judged_by_the_lowest():
    text = "at least 70 % of the fastest matrix product at every width from 512"
    assert verdicts(rows_of(share=0.69))[text] is False
    rows = rows_of()
    lowest = next(row for row in rows if row["rival"] == "limit")
    lowest["gflops"] = spread(1000)
    assert verdicts(rows)[text] is False


def test_one_target_applies_only_where_the_own_product_is_slow():
    text = "at least 1.5 times everywhere, if PyTorch's own product is the slow one"
    rows = rows_of()
    assert verdicts(rows)[text] is True
    next(row for row in rows if row["rival"] == "oneDNN")["gflops"] = spread(120.0)
    assert verdicts(rows)[text] is None
    assert report.own_product_is_slow([]) is None


def test_growth_is_fitted():
    rows = rows_of()
    assert report.slope(report.lines(rows)["models"]) == pytest.approx(1)
    for row in rows:
        if row["grid"] == "scaling":
            row["seconds"] = spread(row["point"]["models"] ** 1.3 * row["point"]["examples"])
    assert verdicts(rows)["time no more than linear in models"] is False
    assert verdicts(rows)["time no more than linear in examples"] is True


def test_on_a_gpu_the_target_is_another():
    rows = [row | {"device": "cuda"} for row in rows_of(RATIO | {"loop": 49.0})]
    assert verdicts(rows)["at least 50 times the loop with DataLoader, mean"] is False
    assert not any("width 16" in text for text in verdicts(rows))


def test_tables_show_every_point_and_every_mean():
    text = "\n".join(table.text() for table in tables.all_tables(rows_of()))
    points = [line for line in text.splitlines() if line.startswith("batch 1")]
    assert len(points) == 44 + 20 + 2  # every point, every share of the limit, two means
    means = next(line for line in text.splitlines() if line.startswith("width 512"))
    assert means.split()[2:] == ["10", "8.00", "2.00", "1.60", "1.20", "4.00"]
    assert "80%" in text
    assert "at least 15 times" in text
    assert "not reached" in text


def test_tables_of_one_grid_leave_the_rest_out():
    only = [row for row in rows_of() if row["grid"] == "scaling"]
    assert [table.title for table in tables.all_tables(only)] == ["Scaling", "Targets"]


def test_pictures_are_the_same_bytes_and_have_words(tmp_path):
    rows = rows_of()
    first = pictures.write(rows, tmp_path / "a.svg")
    again = pictures.write(rows, tmp_path / "b.svg")
    assert [p.name for p in first.values()] == ["a.svg", "a-scaling.svg"]
    for one, other in zip(first.values(), again.values(), strict=True):
        assert one.read_bytes() == other.read_bytes()
    svg = first["ratios"].read_text()
    for text in ("loop with DataLoader", "width 1024", "convolutional networks"):
        assert f"<!-- {text} -->" in svg
    assert "loop with DataLoader 8.00 to 8.00, geometric mean 8.00" in pictures.ratios_alt(rows)
    told = pictures.scaling_alt(rows)
    assert "models 1 to 100: 0.006 s to 0.6 s, fitted slope 1.00" in told


def test_a_single_grid_has_a_single_picture(tmp_path):
    only = [row for row in rows_of() if row["grid"] == "scaling"]
    assert list(pictures.write(only, tmp_path / "a.png")) == ["scaling"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert pictures.write([], tmp_path / "none.svg") == {}


def test_the_page_says_what_is_not_so_good(tmp_path):
    source = tmp_path / "run.jsonl"
    rows = rows_of(RATIO | {"jax": 0.5})
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pages.main(tmp_path / "out", [source])
    page = (tmp_path / "out" / "bench.md").read_text()
    assert "dlnotes was the fastest at 0 of 44 points" in page
    assert "where JAX took 0.50 times as long" in page
    assert "On 2026-01-01, on A processor: 2 cores, threads: 2, 24 GB" in page
    assert "Commit cccccccccccc and changes." in page
    assert "reached 80% of the machine's fastest matrix product" in page
    assert "{drawing} _figures/bench-cpu.svg" in page
    assert "downloads/data/bench/run.jsonl" in page
    assert "geometric mean 8.00" in page


# --- the command ---


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"grid": "mpl"}, "grid must be one of mlp, cnn, memory, scaling, all; got 'mpl'"),
        ({"device": "gpu"}, "device must be one of auto, cpu, cuda; got 'gpu'"),
        ({"repeats": 0}, "repeats must be a whole number >= 1, got 0"),
        ({"threads": "2"}, "threads must be a whole number >= 1, got '2'"),
        ({"plot": "a.pdf"}, "plot must end in .svg or .png, got 'a.pdf'"),
        ({"json": "no/such/folder/a.jsonl"}, "cannot write no/such/folder/a.jsonl: No such"),
        ({"json": "."}, "cannot write .: Is a directory"),
        ({"plot": "no/such/a.svg"}, "cannot write no/such/a.svg"),
    ],
)
def test_bad_requests_are_refused_before_anything_is_measured(asked, said, monkeypatch, capsys):
    monkeypatch.setattr(run, "run", lambda ask: pytest.fail("measured"))
    assert run.main(json.dumps(asked)) == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(run, "measure", lambda *a: pytest.fail("measured"))
    monkeypatch.setattr(run, "set_threads", lambda *a: 1)
    assert run.main('{"device": "cuda"}') == 2
    assert "torch finds no GPU" in capsys.readouterr().err


def test_checking_a_file_leaves_it_as_it_was(tmp_path):
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_text("kept")
    run.Ask(json=str(old), plot=str(tmp_path / "a.svg"))
    run.Ask(json=str(new))
    assert old.read_text() == "kept"
    assert [p.name for p in tmp_path.iterdir()] == ["old.jsonl"]


def test_every_library_gets_the_same_number_of_threads(monkeypatch):
    monkeypatch.setattr(run.os, "environ", environ := {})
    assert run.set_threads(3, "cpu") == 3
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")
    assert {environ[name] for name in names} == {"3"}
    assert environ["JAX_PLATFORMS"] == "cpu"
    assert run.set_threads(None, "cuda") >= 1


def test_rows_are_written_as_they_come_and_told_at_the_end(tmp_path, monkeypatch, capsys):
    file, plot = tmp_path / "rows.jsonl", tmp_path / "a.svg"
    bare = [{k: v for k, v in row.items() if k not in FACTS} for row in rows_of()]

    def measure(ask, device, say):
        for row in bare:
            yield [row]
        assert len(file.read_text().splitlines()) == len(bare)  # before the end

    monkeypatch.setattr(run, "prepare", lambda ask, threads: "cpu")
    monkeypatch.setattr(run, "set_threads", lambda *a: 1)
    monkeypatch.setattr(run, "measure", measure)
    assert run.main(json.dumps({"json": str(file), "plot": str(plot)})) == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {"cpu", "threads", "versions", "date", "commit", "point", "rival"} <= rows[0].keys()
    assert rows[0]["versions"]["torch"] == torch.__version__
    assert plot.is_file()
    assert (tmp_path / "a-scaling.svg").is_file()
    out, err = capsys.readouterr()
    assert "at least 15 times" in out
    assert "picture:" in err


def test_a_commit_is_that_of_the_code(tmp_path):
    assert provenance.commit(tmp_path) is None

    def git(*words):
        call = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", tmp_path, *words]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-m", "a")
    assert provenance.commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "a").write_text("b")
    assert provenance.commit(tmp_path) == git("rev-parse", "HEAD") + " and changes"
    (tmp_path / "copy").mkdir()
    assert provenance.commit(tmp_path / "copy") is None


def test_the_command_passes_on_what_it_was_asked_and_the_exit_code(monkeypatch):
    calls = []
    monkeypatch.setattr(press.subprocess, "call", lambda call: calls.append(call) or 1)
    done = CliRunner().invoke(press.bench, ["-g", "cnn", "--quick", "--repeats", "2"])
    assert done.exit_code == 1
    assert calls[0][:3] == [sys.executable, "-m", "dlnotes.bench"]
    asked = json.loads(calls[0][3])
    assert asked == {"grid": "cnn", "quick": True, "repeats": 2, "device": "auto"}
    run.Ask(**asked)


def test_the_command_names_the_grids(monkeypatch):
    done = CliRunner().invoke(press.bench, ["--grid", "mpl"])
    assert done.exit_code == 2
    assert "unknown grid 'mpl'" in done.output
    assert "'mlp'" in done.output
    assert set(press.GRIDS) == set(run.get_args(run.Grid))
    assert "dlnotes bench --quick" in CliRunner().invoke(press.bench, ["--help"]).output


# --- the page of the book ---


@pytest.fixture
def root(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "bench.md").write_text("# Bench\n")
    (tmp_path / "results" / "bench").mkdir(parents=True)
    return tmp_path


def archive(root, name, **changes):
    path = root / "results" / "bench" / name
    rows = [row | changes for row in rows_of()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_book_without_the_page_gets_nothing(tmp_path):
    assert benchpage.files(tmp_path) == {}


def test_without_archived_rows_the_page_says_so(root):
    assert benchpage.files(root) == {benchpage.PART: benchpage.NOTHING.encode()}
    assert "no archived run" in benchpage.NOTHING


def test_the_newest_rows_of_each_device_are_shown_and_drawn_once(root, monkeypatch):
    archive(root, "z.jsonl")
    newer = archive(root, "a.jsonl", date="2026-02-02T00:00:00+00:00")
    gpu = archive(root, "gpu.jsonl", device="cuda")
    assert benchpage.newest(root) == [newer, gpu]
    files = benchpage.files(root)
    assert set(files) == {
        benchpage.PART,
        "book/_figures/bench-cpu-scaling-dark.svg",
        "book/_figures/bench-cpu-scaling.svg",
        "book/_figures/bench-cpu-dark.svg",
        "book/_figures/bench-cpu.svg",
        "book/_figures/bench-cuda-scaling-dark.svg",
        "book/_figures/bench-cuda-scaling.svg",
        "book/_figures/bench-cuda-dark.svg",
        "book/_figures/bench-cuda.svg",
        "_extra/downloads/data/bench/a.jsonl",
        "_extra/downloads/data/bench/gpu.jsonl",
    }
    page = files[benchpage.PART].decode()
    assert page.index("measured on a CPU") < page.index("measured on a GPU")
    assert "2026-02-02" in page
    monkeypatch.setattr(press.subprocess, "run", lambda *a, **k: pytest.fail("drawn again"))
    assert benchpage.files(root) == files


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"device": "cpu"}'])
def test_a_file_that_holds_no_rows_is_named(root, text):
    (root / "results" / "bench" / "bad.jsonl").write_text(text)
    with pytest.raises(benchpage.BenchError, match=r"bad\.jsonl is not a file of rows"):
        benchpage.files(root)


def test_rows_that_cannot_be_drawn_are_named(root):
    path = archive(root, "short.jsonl")
    path.write_text(json.dumps({"device": "cpu", "date": "2026"}) + "\n")
    with pytest.raises(benchpage.BenchError, match=r"no report .* from .*short\.jsonl: Key"):
        benchpage.files(root)


def test_no_module_but_its_own_imports_the_benchmark():
    source = Path(run.__file__).parents[1]
    for path in [*source.glob("*.py"), *(source / "press").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert not [n for n in names if n.startswith("dlnotes.bench")], path


def test_the_grid_on_real_labels_and_random_ones(tmp_path):
    train, test = datasets.standardize(*datasets.load("digits"))
    settings, path = Settings(profile="smoke", seeds=(0, 1)), tmp_path / "grid.jsonl"
    small = {"widths": (16,), "depths": (1,), "batch": 50, "epochs": 20}
    done = mnist.run(train, test, settings, path=path, **small)
    table = records.frame(done)
    assert table.groupby("labels").size().to_dict() == {"true": 3, "random": 3}
    right = table.groupby("labels")["test accuracy"].mean()
    assert right["true"] > 0.5 > 0.2 > right["random"]  # ten classes
    assert (table.parameters == 64 * 16 + 16 + 16 * 10 + 10).all()
    assert table.steps.tolist() == [20 * math.ceil(len(train) / 50)] * 6
    assert len(table["loss curve"][0]) == 11
    again = mnist.run(train, test, settings, path=path, **small)
    assert again == done
    assert len(path.read_text().splitlines()) == 6
