"""The command line: what it does, what it says, and its exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from dlnotes.data import files, registry
from dlnotes.press import builds, cli, options, processes
from tests.lab.test_cluster import running, scheduler

COMMANDS = [
    *([], ["run"], ["build"], ["ledger"], ["doctor"], ["bench"]),
    *(["data"], ["data", "list"], ["data", "fetch"], ["data", "check"]),
]


SITE_MODULE = builds.site_module


class FakeSiteError(RuntimeError):
    pass


@pytest.fixture
def dlnotes(book, monkeypatch, capfd):
    """Run a command in the book; return code and output. The site is a page that counts builds."""
    page = book.root / "_build" / "html" / "index.html"

    def build(root, outcomes):
        assert all(o.error is None for o in outcomes)
        page.parent.mkdir(exist_ok=True)
        page.write_text(str(int(page.read_text()) + 1) if page.is_file() else "1")
        return page

    site = SimpleNamespace(build=build, SiteError=FakeSiteError)
    monkeypatch.setattr(builds, "site_module", lambda root: site)
    monkeypatch.setattr(processes, "device_kind", lambda: "cpu")
    monkeypatch.chdir(book.root)

    def run(*words):
        code = cli.code(words)
        captured = capfd.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err, page=page)

    return run


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_ends_with_examples_that_are_commands(dlnotes, command):
    result = dlnotes(*command, "--help")
    assert result.code == 0
    shown = result.out.split("Examples:")[1].strip().splitlines()
    assert all(text.strip().startswith(" ".join(["dlnotes", *command])) for text in shown)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "-p", "smok"], "unknown profile 'smok'; did you mean 'smoke'? Valid: auto, smoke"),
        (["build", "-p", "CPU"], "unknown profile 'CPU'"),
        (["run", "-d", "cude"], "unknown device 'cude'; did you mean 'cuda'? Valid: auto, cpu"),
        (["run", "-d", "cuda"], "this machine has no GPU; valid here: auto, cpu"),
        (["run", "onne"], "unknown lecture 'onne'; did you mean 'a/one'? Valid: a/one"),
        (["build", "--only", "b/one"], "unknown lecture 'b/one'; did you mean 'a/one'?"),
        (["data", "fetch", "mnits"], "unknown data set 'mnits'; did you mean 'mnist'? Valid: "),
        (["data", "check", "x"], "unknown data set 'x'. Valid: mnist"),
        (
            ["run", "--seeds", "5-1"],
            "rising ranges such as 0-7 or 1,2,9; got '5-1'",
        ),
        (
            ["run", "--seeds", "a"],
            "rising ranges such as 0-7 or 1,2,9; got 'a'",
        ),
        (["run", "--seeds", "1,,2"], "must be numbers and"),
        (["run", "--seeds", "-3"], "must be numbers and"),
        (["run", "--seeds", "1,1"], "each seed may come once, got '1,1'"),
        (
            ["run", "-p", "cpu", "--seeds", "1000-1004"],
            "must be at least 8 at profile cpu, got 5",
        ),
        (["run", "--seeds", "7"], "must be two or more different seeds"),
        (["run", "--seeds", "0-99999999999"], "must be at most 1000; got '0-99999999999'"),
        (["run", "--seeds", "1-999,2000-2001"], "must be at most 1000; got"),
        (["run", "--seeds", "1," + "9" * 5000], "must be numbers and"),
        (["run", "--cluster", "scheduler"], "must be like tcp://scheduler:8786, got 'scheduler'"),
        (["build", "--cluster", "http://a:1"], "must be like tcp://scheduler:8786"),
        (["run", "--cluster", "tcp://a:65536"], "must be like tcp://scheduler:8786"),
        (["run", "--jobs", "0"], "0 is not in the range"),
        (["run", "--profil", "cpu"], "Did you mean '--profile'?"),
        (["biuld"], "Did you mean 'build'?"),
        (["ledger", "--compare", "nowhere.json"], "does not exist"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(dlnotes, book, words, said):
    book.lecture("a/one")
    result = dlnotes(*words)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert said in result.err
    assert not (book.root / "_build").exists()


@pytest.mark.parametrize("seeds", ["1000-1004", "1,2,7", "0-3,9", " 1, 2 ", "0-999"])
def test_seeds_that_the_lectures_understand(seeds):
    from dlnotes import contract

    text = options.Seeds().convert(seeds, None, None)
    assert contract.parse_seeds(text) == contract.parse_seeds(seeds)


def test_run_prints_the_verdicts_of_the_lectures_run(dlnotes, book):
    book.claim("one.x", "a/one")
    book.claim("two.x", "a/two")
    book.lecture("a/one", 'check("one.x")')
    book.lecture("a/two", 'check("two.x")')
    result = dlnotes("run", "one", "--seeds", "3-4", "-p", "smoke")
    assert result.code == 0
    assert "a/one  started (profile smoke, cpu, seeds 3-4)" in result.out
    assert "one.x  holds      effect 0.5 nats, interval [0.25, 0.75], 2 seeds" in result.out
    assert "two" not in result.out
    assert not (book.root / "_build" / "ledger.json").exists()


def test_build_lists_all_failures_and_keeps_the_site(dlnotes, book):
    holds, fails = {"cpu": "holds"}, {"cpu": "fails"}
    for claim, expected in (("x", holds), ("y", fails), ("z", holds), ("v", holds)):
        book.claim(f"one.{claim}", "a/one", expected)
    claims = ('check("one.x")', 'check("one.y", "fails")', 'check("one.z")', 'check("one.v")')
    book.lecture("a/one", *claims)
    first = dlnotes("build")
    assert (first.code, first.page.read_text()) == (0, "1")
    assert "ledger  3 holds, 1 fails, 0 undecided, 0 not-run" in first.out

    book.claim("two.x", "a/two", holds)
    book.claim("three.x", "a/three")
    book.lecture("a/one", *claims[:2], 'check("one.z", "fails")', 'check("one.v", "undecided")')
    book.lecture("a/two", "1 / 0", 'check("two.x")')
    book.lecture("a/three", 'check("three.x")')
    second = dlnotes("build", "--jobs", "3")
    assert (second.code, second.page.read_text()) == (1, "1")
    assert second.err.splitlines() == [
        "dlnotes: 2 failed:",
        "  a/two: cell 4 (1 / 0): ZeroDivisionError: division by zero",
        "  contradiction: one.z (a/one) was expected to be 'holds' at profile cpu but is 'fails':"
        " effect 0.5 nats, interval [0.25, 0.75], 2 seeds; 'one.z.'",
        "The site was not replaced.",
    ]
    assert "warning: one.v (a/one) was expected to be 'holds'" in second.out
    assert "warning: two.x" not in second.out
    rows = book.ledger()
    assert [row["verdict"] for row in rows.values()] == [
        *("holds", "fails", "fails", "undecided", "not-run", "holds")
    ]
    runs = json.loads((book.root / "_build" / "runs.json").read_text())
    assert [(run["lecture"], run["cached"]) for run in runs] == [
        ("a/one", False),
        ("a/three", False),
    ]


def test_a_number_that_is_none_fails_the_build_and_hides_no_other_claim(dlnotes, book):
    for lecture in ("one", "two", "three"):
        book.claim(f"{lecture}.x", f"a/{lecture}", {"cpu": "holds"})
    book.lecture("a/one", 'check("one.x", effect=float("nan"))')
    book.lecture("a/two", 'check("two.x", "fails")')
    book.lecture("a/three", 'if False:\n    check("three.x")')
    result = dlnotes("build")
    assert result.code == 1
    assert "ledger  0 holds, 1 fails, 0 undecided, 2 not-run" in result.out
    first, *failures, last = result.err.splitlines()
    assert first == "dlnotes: 3 failed:"
    assert [text.split(" was expected")[0] for text in failures] == [
        "  a/one: claim one.x: effect must be made of finite numbers, or null; got 'nan'",
        "  contradiction: two.x (a/two)",
        "  contradiction: three.x (a/three)",
    ]
    assert last == "The site was not replaced."
    assert not result.page.exists()


def test_the_reason_of_a_failure_is_told_once(dlnotes, book):
    for i in range(9):
        book.claim(f"one.x{i}", "a/one", {"cpu": "holds"})
    book.lecture("a/one", "1 / 0", *(f'check("one.x{i}")' for i in range(9)))
    result = dlnotes("run")
    assert "warning" not in result.out
    assert "one.x8  not-run   (expected holds)  its lecture failed\n" in result.out
    assert (result.out + result.err).count("ZeroDivisionError") == 2  # at once, and in the end
    assert result.err.splitlines()[-1].startswith("  a/one: cell 4 (1 / 0): ZeroDivisionError")


def test_a_site_that_fails_is_told(dlnotes, book, monkeypatch):
    def build(root, outcomes):
        raise FakeSiteError("index.md:3: unknown role")

    book.lecture("a/one")
    monkeypatch.setattr(builds.site_module(book.root), "build", build)
    result = dlnotes("build")
    assert result.code == 1
    assert result.err.splitlines() == [
        "dlnotes: index.md:3: unknown role",
        "The site was not replaced.",
    ]


def test_sources_with_problems_are_refused_before_anything_runs(dlnotes, book):
    book.lecture("a/one", 'check("no.such")', parameters="")
    result = dlnotes("build")
    assert result.code == 1
    assert "refused before anything ran" in result.err
    assert "cells tagged parameters" in result.err
    assert "unknown claim 'no.such'" in result.err
    assert not (book.root / "_build").exists()


def test_a_bad_table_of_contents_is_refused_before_anything_runs(dlnotes, book, monkeypatch):
    book.lecture("a/one")
    monkeypatch.setattr(builds, "site_module", SITE_MODULE)
    missing = dlnotes("build")
    (book.root / "_config.yml").write_text("title: A book")
    (book.root / "_toc.yml").write_text("root: [")
    malformed = dlnotes("build")
    for result, name in ((missing, "_config.yml"), (malformed, "_toc.yml")):
        assert result.code == 1
        assert result.err.startswith("dlnotes: refused before anything ran:\n")
        assert f"{book.root / name}: cannot be read" in result.err
    assert not (book.root / "_build").exists()


def test_a_folder_that_cannot_be_made_is_told_in_one_line(dlnotes, book):
    book.lecture("a/one")
    (book.root / "_build").touch()
    result = dlnotes("build")
    assert result.code == 1
    assert result.err == f"dlnotes: {book.root / '_build'}: File exists; see dlnotes doctor\n"


def test_only_takes_the_others_from_their_latest_results(dlnotes, book):
    book.claim("two.x", "a/two")
    book.lecture("a/one", "print(1)")
    book.lecture("a/two", 'check("two.x")')
    first = dlnotes("build", "--only", "a/one", "-j", "2")
    assert "a/two  not selected: no result yet, so it runs" in first.out
    assert "a/two  started" in first.out
    book.lecture("a/one", "print(2)")
    book.lecture("a/two", "print(2)", 'check("two.x", "fails")')
    second = dlnotes("build", "--only", "one")
    assert second.code == 0
    assert "a/two  not selected: result of 20" in second.out
    assert "a/two  started" not in second.out
    assert "a/one  started" in second.out
    assert book.ledger()["two.x"]["verdict"] == "holds"
    assert second.page.read_text() == "2"


NEEDS_MNIST = (
    "# ---\n# jupyter:\n#   kernelspec: {name: python3, display_name: P, language: python}\n"
    "#   dlnotes: {datasets: {cpu: [mnist]}}\n# ---\n"
)


def test_without_the_data_the_stand_in_is_used(dlnotes, book, monkeypatch):
    def fetch(name, say):
        raise files.MissingData("mnist: no mirror answers")

    book.lecture("a/one", header=NEEDS_MNIST)
    monkeypatch.setattr(files, "locate", lambda about: None)
    monkeypatch.setattr(files, "fetch", fetch)
    result = dlnotes("build")
    assert result.code == 0
    assert "data  mnist: fetching 12 MB" in result.out
    assert "warning: mnist: no mirror answers; going on with the stand-in" in result.out


def test_damaged_data_fails_the_build(dlnotes, book, monkeypatch):
    def fetch(name, say):
        raise files.DamagedData("train.gz is damaged: its sha256 must be 1, found 2")

    book.lecture("a/one", header=NEEDS_MNIST)
    monkeypatch.setattr(files, "locate", lambda about: Path("/data"))
    monkeypatch.setattr(files, "fetch", fetch)
    result = dlnotes("build")
    assert result.code == 1
    assert result.err == "dlnotes: train.gz is damaged: its sha256 must be 1, found 2\n"


def test_a_damaged_file_that_is_fetched_again_is_told(dlnotes, monkeypatch):
    def fetch(name, say):
        say("train.gz is damaged: its sha256 must be 1, found 2; it was deleted")
        return Path("/data")

    monkeypatch.setattr(files, "locate", lambda about: Path("/data"))
    monkeypatch.setattr(files, "fetch", fetch)
    result = dlnotes("data", "fetch", "mnist")
    assert result.code == 0
    assert result.out.splitlines() == [
        "warning: train.gz is damaged: its sha256 must be 1, found 2; it was deleted",
        "data  mnist: fetching 12 MB",
        "data  mnist: /data",
    ]


def test_data_is_listed_fetched_and_checked(dlnotes, tmp_path, monkeypatch):
    folder = tmp_path / "sets"
    monkeypatch.setattr(files, "folders", lambda: [folder])
    monkeypatch.setenv("DLNOTES_OFFLINE", "1")
    listed = dlnotes("data", "list")
    assert listed.code == 0
    assert "not here; dlnotes data fetch mnist" in listed.out
    entry = registry.info("mnist").files[0]
    (folder / entry.path).parent.mkdir(parents=True)
    (folder / entry.path).write_bytes(b"half")
    checked = dlnotes("data", "check", "mnist")
    assert checked.code == 1
    assert f"mnist          damaged  {folder / entry.path}" in checked.out
    assert f"expected sha256 {entry.sha256}, found " in checked.out
    assert "mnist          missing" in checked.out
    assert checked.err == "dlnotes: not whole: mnist; run: dlnotes data fetch mnist\n"
    fetched = dlnotes("data", "fetch", "mnist")
    assert fetched.code == 1
    assert "DLNOTES_OFFLINE" in fetched.err


@pytest.fixture
def _no_cluster_after(monkeypatch):
    """Forget the cluster that a command names to its kernels."""
    monkeypatch.setenv("DLNOTES_CLUSTER", "")


@pytest.mark.usefixtures("_no_cluster_after")
@pytest.mark.parametrize("command", ["run", "build"])
def test_a_cluster_that_does_not_answer_is_told_before_a_lecture_runs(dlnotes, book, command):
    book.lecture("a/one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        result = dlnotes(command, "--cluster", address)
    assert result.code == 1
    assert result.out == f"cluster  {address}: checking\n"
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith(f"dlnotes: no scheduler answers at {address}: ")
    assert not (book.root / "_build").exists()


@pytest.mark.usefixtures("_no_cluster_after")
def test_a_gpu_may_be_on_a_cluster(dlnotes, book, monkeypatch):
    book.lecture("a/one")
    asked = []

    def answer(command, **options):
        asked.append(command[3:])
        return SimpleNamespace(returncode=1, stdout="", stderr="2 workers but none with a GPU")

    monkeypatch.setattr(builds, "subprocess", SimpleNamespace(run=answer))
    result = dlnotes("run", "-d", "cuda", "--cluster", "tcp://a:1")
    assert (result.code, result.err) == (1, "dlnotes: 2 workers but none with a GPU\n")
    assert asked == [["tcp://a:1", "gpu"]]


IN_THE_CLUSTER = """
import os
from dlnotes.lab import sweeps
offset = 10

def fit(group):
    return [{"value": c["seed"] + offset, "elsewhere": os.getpid()} for c in group]

done = sweeps.run(sweeps.grid(width=[1, 2], seed=[0, 1]), fit)
assert os.getpid() not in {r.metrics["elsewhere"] for r in done}
print([r.metrics["value"] for r in done])
"""


@pytest.mark.usefixtures("_no_cluster_after")
def test_lectures_train_on_a_cluster_and_the_cache_does_not_care(
    dlnotes, book, tmp_path, monkeypatch
):
    book.lecture("a/one", IN_THE_CLUSTER)
    with scheduler(tmp_path) as address:
        with running(tmp_path, "worker", address, "--nthreads", 1):
            first = dlnotes("run", "--cluster", address)
    assert first.code == 0, first.err
    assert f"cluster  {address}: 1 workers, same versions\na/one  started" in first.out
    assert "[10, 11, 10, 11]" in (book.root / "_build" / "executed" / "a/one.ipynb").read_text()
    monkeypatch.setenv("DLNOTES_CLUSTER", "")
    assert "a/one  cached" in dlnotes("run").out


def test_the_ledger_is_printed_and_compared(dlnotes, book, tmp_path):
    assert "there is no ledger at" in dlnotes("ledger").err
    book.claim("one.x", "a/one")
    book.lecture("a/one", 'check("one.x")')
    dlnotes("build")
    assert dlnotes("ledger").out == (
        "one.x  holds      effect 0.5 nats, interval [0.25, 0.75], 2 seeds\n"
    )
    rows = json.loads(dlnotes("ledger", "--json").out)
    assert [row["id"] for row in rows] == ["one.x"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(rows))
    same = dlnotes("ledger", "--compare", str(old))
    assert (same.code, same.out) == (0, "0 verdicts changed\n")
    old.write_text(json.dumps([{**rows[0], "seeds": None}]))
    malformed = dlnotes("ledger", "--compare", str(old))
    assert malformed.code == 1
    assert malformed.err == (
        f"dlnotes: {old} is no ledger: claim one.x: seeds must be a list; got None\n"
    )
    old.write_text(json.dumps([{**rows[0], "verdict": "undecided"}]))
    changed = dlnotes("ledger", "--compare", str(old))
    assert changed.code == 1
    assert "one.x  undecided -> holds (effect 0.5 nats" in changed.out
    (entry,) = json.loads(dlnotes("ledger", "--compare", str(old), "--json").out)
    assert (entry["old"], entry["new"]) == ("undecided", "holds")


def test_a_folder_without_a_book_is_refused(dlnotes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = dlnotes("build")
    assert result.code == 1
    assert "no folder 'book' in" in result.err


def test_the_root_is_found_from_below(dlnotes, book, monkeypatch):
    monkeypatch.chdir(book.root / "book")
    assert cli.find_root() == book.root


COMMAND = "import sys; from dlnotes.press import cli; cli.main(sys.argv[1:])"


def start(book, *words):
    return psutil.Popen(
        [sys.executable, "-c", COMMAND, *words],
        cwd=book.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(what, process):
    while not (found := what()):
        assert process.poll() is None, "it ended before that"
        time.sleep(0.05)
    return found


def test_of_two_builds_the_second_waits_and_finds_the_results_of_the_first(book):
    gate = book.root / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.05)"
    book.lecture("a/one", wait)
    first = start(book, "run")
    wait_for((book.root / "_build" / "lock.pid").is_file, first)
    second = start(book, "run")
    said = second.stdout.readline()
    gate.touch()
    outputs = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert said == f"waiting for the build of pid {first.pid} to end (Ctrl-C gives up)\n"
    assert [first.returncode, second.returncode] == [0, 0]
    assert "a/one  started" in outputs[0]
    assert outputs[1].startswith("a/one  cached")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_kills_its_kernels_and_keeps_what_is_done(book, number):
    book.lecture("a/done", "1")
    book.lecture(
        "b/slow", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    )
    process = start(book, "run", "--jobs", "1")
    mark = book.root / "pid"
    pid = int(wait_for(lambda: mark.is_file() and mark.read_text(), process))
    os.kill(process.pid, number)
    text = process.communicate(timeout=20)[0]
    assert process.returncode == 130
    assert "interrupted; finished lectures are in the cache" in text
    assert not psutil.pid_exists(pid)
    assert len(list((book.root / "_build" / "cache").iterdir())) == 1
    assert {path.name for path in (book.root / "_build").iterdir()} == {"cache", "executed", "lock"}
