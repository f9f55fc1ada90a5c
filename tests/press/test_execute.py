"""Lectures are executed: what is kept, what is run again, and how failures are told."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupyter_client
import nbformat
import psutil
import pytest

from dlnotes.contract import RUN_MIME
from dlnotes.press import cache, execute, lectures, notebooks, processes

PARAMETERS = {"profile": "smoke", "device": "cpu", "seeds": "1,2"}
pytestmark = pytest.mark.usefixtures("_no_sign_of_life")


@pytest.fixture
def _no_sign_of_life(monkeypatch):
    monkeypatch.setattr(execute, "HEARTBEAT", 60.0)


def run(book, only=(), say=lambda text: None, **options):
    chosen = lectures.select(lectures.find(book.root), only)
    outcomes = execute.run_all(book.root, chosen, PARAMETERS, say=say, **options)
    return {outcome.lecture: outcome for outcome in outcomes}


def outputs(outcome):
    notebook = notebooks.read_left(outcome.notebook)
    return "".join(
        o.text for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stdout"
    )


FAILURES = {
    "bad/raises": "# a comment\nvalue = 1\nraise KeyError('two\\nlines')",
    "bad/killed": "import os\nos.kill(os.getpid(), 9)",
    "bad/slow": "import time\ntime.sleep(60)",
    "bad/silent": "pass",
}


@pytest.fixture(scope="module")
def failed(shared_book):
    """The outcomes of one run in which four lectures fail in four ways and two do not."""
    for name, cell in FAILURES.items():
        shared_book.lecture(name, cell, **({"run": ""} if name == "bad/silent" else {}))
    shared_book.lecture("good/one", "print('one')")
    shared_book.lecture("good/two", "print('two')")
    said = []
    outcomes = run(shared_book, say=said.append, jobs=4, cell_timeout=2)
    return shared_book, outcomes, said


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bad/raises", "cell 4 (# a comment): KeyError: 'two\\nlines'"),
        ("bad/killed", "cell 4 (import os): the kernel died (killed, or out of memory)"),
        ("bad/slow", "cell 4 (import time) ran longer than 2 s"),
        ("bad/silent", "shows 0 run records"),
    ],
)
def test_a_failure_names_cell_and_reason(failed, name, error):
    book, outcomes, said = failed
    assert error in outcomes[name].error
    assert (outcomes[name].run, outcomes[name].notebook) == (None, None)
    assert any(text.startswith(f"{name}  FAILED after 0:") for text in said)
    assert (book.root / "_build" / "failed" / f"{name}.ipynb").is_file()


def test_the_traceback_is_kept(failed):
    book = failed[0]
    text = (book.root / "_build" / "failed" / "bad" / "raises.ipynb").read_text()
    assert '"ename": "KeyError"' in text


@pytest.mark.parametrize(("stillborn", "starts"), [(2, 3), (9, 3)])
def test_a_kernel_that_does_not_come_up_is_started_again(book, monkeypatch, stillborn, starts):
    book.lecture("a/one", "1")
    real, calls = processes.start, []

    def start(place, folder, *rest):
        calls.append(folder)
        if len(calls) > stillborn:
            return real(place, folder, *rest)
        (folder / "log.txt").write_text(f"RuntimeError: {execute.STILLBORN}")
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])

    monkeypatch.setattr(processes, "start", start)
    said = []
    outcome = run(book, say=said.append)["a/one"]
    assert len(calls) == starts
    assert sum("starting it again" in text for text in said) == 2
    assert (outcome.error is None) == (stillborn < starts)
    if outcome.error:
        assert execute.STILLBORN in outcome.error


def test_jupyter_client_still_says_it_in_these_words():
    source = Path(jupyter_client.manager.__file__).parent.rglob("*.py")
    assert any(execute.STILLBORN in path.read_text() for path in source)


def test_the_others_finish(failed):
    _, outcomes, said = failed
    assert [outputs(outcomes[f"good/{name}"]) for name in ("one", "two")] == ["one\n", "two\n"]
    assert "good/one  started (profile smoke, cpu, seeds 1,2)" in said
    assert any(text.startswith("good/one  done in 0:0") for text in said)


def test_only_whole_results_are_kept_and_no_draft_is_left(failed):
    book = failed[0]
    entries = list((book.root / "_build" / "cache").iterdir())
    kept = {json.loads((e / "run.json").read_text())["lecture"] for e in entries}
    assert kept == {"good/one", "good/two"}
    left = {path.name for path in (book.root / "_build").iterdir()}
    assert left == {"cache", "executed", "failed"}


def test_the_run_record_has_its_fields(failed):
    outcome = failed[1]["good/one"]
    run = outcome.run
    assert list(run) == [
        *("lecture", "profile", "device", "seconds", "peak_mb", "datasets", "precision"),
        *("products", "threads", "versions", "commit", "key", "date"),
    ]
    assert (run["lecture"], run["profile"], run["device"]) == ("good/one", "smoke", "cpu")
    assert 20 < run["peak_mb"] < 1000
    assert run["seconds"] == outcome.seconds > 0


def test_the_next_run_runs_only_what_is_missing(failed):
    book, _, _ = failed
    book.lecture("bad/raises", "print('mended')")
    (book.root / "book" / "index.md").write_text("# Changed")
    (book.root / "book" / "good" / "one.py").touch()
    said = []
    outcomes = run(book, only=["good/one", "good/two", "bad/raises"], say=said.append)
    assert {name for name, o in outcomes.items() if o.cached} == {"good/one", "good/two"}
    assert outputs(outcomes["bad/raises"]) == "mended\n"
    assert any(text.startswith("good/one  cached (took 0:0") for text in said)
    assert not (book.root / "_build" / "failed" / "bad" / "raises.ipynb").exists()


WORDY = """
import os, random, sys
from tqdm import tqdm
for _ in tqdm(range(3)):
    print("out"); print("err", file=sys.stderr)
print(hash("text"), os.getcwd(), profile, device, seeds)
print(*[os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "DLNOTES_OFFLINE")])
print(sys.executable)
{1: 2}
"""


def test_two_runs_are_byte_identical_and_fresh_runs_again(book, monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # sums of several threads would differ
        monkeypatch.setenv(name, "4")
    book.lecture("a/one", WORDY)
    first = run(book)["a/one"]
    content = first.notebook.read_bytes()
    again = run(book)["a/one"]
    fresh = run(book, fresh=True)["a/one"]
    assert [o.cached for o in (first, again, fresh)] == [False, True, False]
    assert fresh.notebook.read_bytes() == content == again.notebook.read_bytes()
    assert fresh.run["key"] == first.run["key"]
    notebook = notebooks.read_left(fresh.notebook)
    injected = [c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert [c["id"] for c in injected] == ["injected-parameters"]
    assert "remove-cell" in injected[0].metadata.tags
    text = outputs(fresh)
    assert f"{book.root} smoke cpu 1,2\n1 1 1\n{sys.executable}\n" in text
    assert "err" not in text
    assert "ru_maxrss" not in content.decode()
    assert "papermill" not in content.decode()


def test_a_damaged_entry_is_run_again(book):
    book.lecture("a/one", "print(1)")
    key = run(book)["a/one"].run["key"]
    entry = book.root / "_build" / "cache" / key / "notebook.ipynb"
    entry.write_text(entry.read_text()[:100])
    outcome = run(book)["a/one"]
    assert not outcome.cached
    assert outputs(outcome) == "1\n"


def test_a_lecture_over_its_time_is_killed_with_its_kernel(book, monkeypatch):
    mark, real = book.root / "pid", time.monotonic

    def later_once_it_runs():
        return real() + 9999 * bool(mark.is_file() and mark.read_text())

    monkeypatch.setattr(execute.time, "monotonic", later_once_it_runs)
    cell = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(10**6)"
    book.lecture("a/one", cell)
    outcome = run(book, run_timeout=5000)["a/one"]
    assert outcome.error == "the lecture ran longer than 5000 s, it was in cell 4 (import os, time)"
    assert not psutil.pid_exists(int(mark.read_text()))


def test_a_lecture_that_takes_long_gives_signs_of_life(book, monkeypatch):
    monkeypatch.setattr(execute, "HEARTBEAT", 0.3)
    book.lecture("a/one", "1")
    said = []
    run(book, say=said.append)
    assert said.count("a/one  running 0:00") >= 1


def test_a_full_disk_is_said_and_leaves_no_entry(book, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    book.lecture("a/one", "1")
    monkeypatch.setattr(cache, "store", full)
    outcome = run(book)["a/one"]
    assert "is full; free some space" in outcome.error
    assert not (book.root / "_build" / "cache").exists()


def test_an_interrupt_kills_the_kernels_and_leaves_no_folder(book, monkeypatch):
    started = []

    def interrupt(job, *args):
        started.append(job.process)
        if len(psutil.Process(job.process.pid).children()) == 1:  # the kernel
            started.append(psutil.Process(job.process.pid).children()[0])
            raise KeyboardInterrupt
        return False

    book.lecture("a/one", "import time\ntime.sleep(60)")
    monkeypatch.setattr(execute, "_ended", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(book)
    assert not psutil.pid_exists(started[0].pid)
    assert not started[-1].is_running()
    assert list((book.root / "_build").iterdir()) == []


def test_a_second_interrupt_does_not_stop_the_killing(book, monkeypatch):
    wait = subprocess.Popen.wait
    started = []

    def interrupt(job, *args):
        started.append(job.process)
        if len({process.pid for process in started}) == 2:
            raise KeyboardInterrupt
        return False

    def interrupted_wait(process, timeout=None):
        os.kill(os.getpid(), signal.SIGINT)
        return wait(process, timeout)

    for name in ("one", "two"):
        book.lecture(f"a/{name}", "import time\ntime.sleep(60)")
    monkeypatch.setattr(execute, "_ended", interrupt)
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted_wait)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(book, jobs=2)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert not [process.pid for process in started if psutil.pid_exists(process.pid)]


TEMPORARY = """
import ipykernel.connect, os, tempfile
print(ipykernel.connect.get_connection_file(), tempfile.gettempdir(), sep="\\n")
"""


def test_the_connection_file_lies_in_the_build_and_temporary_files_do_not(book):
    book.lecture("a/one", TEMPORARY)
    connection, temporary = outputs(run(book)["a/one"]).splitlines()
    assert (book.root / "_build") in Path(connection).parents
    assert temporary == tempfile.gettempdir()


def test_what_a_killed_build_left_is_removed(tmp_path):
    ended = psutil.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine, theirs = tmp_path / f"work-{os.getpid()}-x", tmp_path / f"work-{ended.pid}-x"
    mine.mkdir()
    theirs.mkdir()
    with processes.workplace(tmp_path) as place:
        assert place.is_dir()
    assert list(tmp_path.iterdir()) == [mine]


def test_the_latest_result_stands_in_for_the_current_one(book):
    book.lecture("a/one", "print(1)")
    (lecture,) = lectures.find(book.root)
    assert execute.latest(book.root, lecture, PARAMETERS) is None
    first = run(book)["a/one"]
    book.lecture("a/one", "print(2)")
    latest = execute.latest(book.root, lecture, PARAMETERS)
    assert (latest.run["key"], latest.cached) == (first.run["key"], True)
    assert execute.latest(book.root, lecture, PARAMETERS | {"profile": "gpu"}) is None


@pytest.mark.parametrize(
    ("asked", "kind", "resolved"),
    [
        ({}, "cpu", ("cpu", "cpu")),
        ({"profile": "auto", "device": "auto"}, "cuda", ("gpu", "cuda")),
        ({"profile": "auto", "device": "cpu"}, "cuda", ("cpu", "cpu")),
        ({"profile": "smoke", "device": "auto"}, "cuda", ("smoke", "cuda")),
        ({"profile": "gpu", "device": "auto"}, "cpu", ("gpu", "cpu")),
    ],
)
def test_auto_is_resolved_by_the_machine(monkeypatch, asked, kind, resolved):
    monkeypatch.setattr(processes, "device_kind", lambda: kind)
    parameters = execute.resolve(asked)
    assert (parameters["profile"], parameters["device"]) == resolved


def test_one_lecture_at_a_time_on_a_gpu(book, monkeypatch):
    monkeypatch.setattr(execute, "_execute", lambda order, todo, jobs, say: pytest.fail(str(jobs)))
    monkeypatch.setattr(processes, "device_kind", lambda: "cuda")
    book.lecture("a/one", "1")
    with pytest.raises(pytest.fail.Exception, match=r"^1$"):
        execute.run_all(book.root, lectures.find(book.root), {}, say=lambda text: None)


def test_text_sent_in_pieces_is_joined_and_stderr_dropped(book):
    path = book.lecture("a/one")
    notebook = lectures.read(path)
    pieces = [("stdout", "a"), ("stderr", "x"), ("stdout", "b"), ("stderr", "y")]
    cell = notebook.cells[-1]
    cell.outputs = [nbformat.v4.new_output("stream", name=n, text=text) for n, text in pieces]
    notebooks.clean(notebook)
    assert [(o.name, o.text) for o in cell.outputs] == [("stdout", "ab")]


def test_what_each_process_draws_anew_is_settled(book):
    notebook = lectures.read(book.lecture("a/one"))
    tables = [f'<style>#{i} td {{}}</style><table id="{i}">' for i in ("T_eaf89", "T_12ab0")]
    cell = notebook.cells[-1]
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": plain})
        for html, plain in zip(tables, ("<X at 0x7f9d0007d6d0>", "at 0x1f"), strict=True)
    ]
    cell.outputs += [nbformat.v4.new_output("stream", name="stdout", text="<X at 0x7f9d0007d6d0>")]
    notebooks.clean(notebook)
    assert [o.get("data", {}).get("text/html") for o in cell.outputs] == [
        '<style>#T_00000 td {}</style><table id="T_00000">',
        '<style>#T_00001 td {}</style><table id="T_00001">',
        None,
    ]
    assert [o.get("data", o).get("text/plain") for o in cell.outputs[:2]] == [
        "<X at 0x0>",
        "at 0x1f",
    ]
    assert cell.outputs[2].text == "<X at 0x0>"


def test_a_run_record_must_be_whole(book):
    notebook = lectures.read(book.lecture("a/one"))
    data = {RUN_MIME: {"device": "cpu", "versions": {}}}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data)]
    with pytest.raises(notebooks.RecordError, match="lacks datasets, precision"):
        notebooks.run_record(notebook, [])


@pytest.mark.parametrize(
    "used",
    [
        {"name": "mnist", "sha256": ["0"], "stand_in_for": None},
        {"name": "digits", "sha256": [], "stand_in_for": "mnist"},
    ],
)
def test_a_data_set_that_the_header_does_not_name_is_refused(book, used):
    notebook = lectures.read(book.lecture("a/one"))
    embedded = {"name": "digits", "sha256": [], "stand_in_for": None}
    data = {"device": "cpu", "versions": {}, "precision": "", "datasets": [used, embedded]}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", {RUN_MIME: data})]
    assert notebooks.run_record(notebook, ["mnist"]) == data
    with pytest.raises(notebooks.RecordError, match="used mnist; its header must name it"):
        notebooks.run_record(notebook, [])


def test_the_press_imports_nothing_numerical():
    ask = (
        "import sys\nfrom dlnotes.press import cli, builds, doctor, execute, ledger, lectures\n"
        "from dlnotes.data import files\n"
        "print(*{'torch', 'numpy', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    text = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert text.stdout.strip() == ""
