"""What a result depends on, and that the cache never hands out half an entry."""

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlnotes import machine
from dlnotes.data import files, registry
from dlnotes.press import cache, disk, lectures

PARAMETERS = {"profile": "cpu", "device": "cpu", "seeds": ""}


@pytest.fixture
def package(tmp_path):
    """A package in which ``top`` needs ``middle``, which needs ``base`` and its data."""
    folder = tmp_path / "fake"
    for name, text in {
        "__init__": "",
        "base": "TABLE = 'table.json'",
        "middle": "from fake import base\nfrom .deep import leaf",
        "top": "import fake.middle as m\ndef f():\n    from fake.late import g",
        "late": "def g(): pass",
        "other": "import base",
        "deep/__init__": "",
        "deep/leaf": "from ..sibling import x",
        "sibling": "x = 1",
        "press/__init__": "from fake import other",
        "press/cli": "",
        "circular": "from fake import circular",
    }.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "table.json").write_text("{}")
    (folder / "unused.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        ("import numpy", []),
        ("import fake", ["__init__.py"]),
        ("from fake import other", ["__init__.py", "other.py"]),
        ("import fake.base", ["__init__.py", "base.py", "table.json"]),
        ("from fake.base import TABLE", ["__init__.py", "base.py", "table.json"]),
        ("from fake import circular", ["__init__.py", "circular.py"]),
        ("def f():\n    import fake.late", ["__init__.py", "late.py"]),
        ("from fake import press\nfrom fake.press import cli", ["__init__.py"]),
        (
            "from fake import top",
            [
                *("__init__.py", "base.py", "deep/__init__.py", "deep/leaf.py", "late.py"),
                *("middle.py", "sibling.py", "table.json", "top.py"),
            ],
        ),
    ],
)
def test_imports_are_followed(package, code, reached):
    found = cache.modules([code], package)
    assert [path.relative_to(package).as_posix() for path in found] == reached


def test_a_star_reaches_every_module_but_the_press(package):
    names = {path.stem for path in cache.modules(["from fake import *"], package)}
    assert {"top", "other", "late", "table"} <= names
    assert "cli" not in names


@pytest.mark.parametrize("module", ["rng", "data.files", "lab.settings"])
def test_python_itself_imports_what_is_followed(module):
    """Import one module in a fresh interpreter and look at what came with it."""
    ask = (
        f"import sys, dlnotes.{module}\n"
        "loaded = [m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'dlnotes']\n"
        "print(*loaded, sep='\\n')"
    )
    text = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    followed = {str(path) for path in cache.modules([f"import dlnotes.{module}"])}
    assert set(text.stdout.splitlines()) <= followed


def test_the_registry_counts_when_files_is_reached():
    assert "registry.json" in {p.name for p in cache.modules(["import dlnotes.data.files"])}
    assert "registry.json" not in {p.name for p in cache.modules(["import dlnotes.rng"])}


class Keys:
    """The key of one lecture of a book, computed anew at every call."""

    def __init__(self, book):
        self.book = book

    def __call__(self, **changes):
        (lecture,) = lectures.find(self.book.root)
        source = lectures.read(lecture.path)
        return cache.key(self.book.root, lecture, source, PARAMETERS | changes)


NEEDS_MNIST = (
    "# ---\n# jupyter:\n#   kernelspec: {name: python3, display_name: P, language: python}\n"
    "#   dlnotes: {datasets: {cpu: [mnist]}}\n# ---\n"
)
CHANGES = {
    "format": lambda patch, root: patch(cache, "FORMAT", "0"),
    "source": lambda patch, root: append(root / "book" / "a" / "one.py", "# more"),
    "modules": lambda patch, root: append(root / "fake" / "base.py", "# more"),
    "archive": lambda patch, root: append(root / "results" / "a" / "one.jsonl", "{}"),
    "data": lambda patch, root: patch(files, "locate", lambda name: Path("/anywhere")),
    "versions": lambda patch, root: patch(machine, "versions", lambda packages: {"torch": "0"}),
    "threads": lambda patch, root: patch(cache, "THREADS", 2),
    "processor": lambda patch, root: patch(machine, "cpu_name", lambda: "another"),
    "python": lambda patch, root: patch(cache.platform, "python_version", lambda: "4.0.0"),
    "system": lambda patch, root: patch(cache.platform, "system", lambda: "Other"),
    "machine": lambda patch, root: patch(cache.platform, "machine", lambda: "other"),
}


def append(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"{text}\n")


@pytest.mark.parametrize("part", CHANGES)
def test_every_part_of_the_key_changes_it(book, monkeypatch, part):
    monkeypatch.setattr(cache, "PACKAGE", book.root / "fake")
    monkeypatch.setattr(files, "locate", lambda name: None)
    append(book.root / "fake" / "base.py", "x = 1")
    book.lecture("a/one", "import fake.base", header=NEEDS_MNIST)
    key = Keys(book)
    before = key()
    CHANGES[part](monkeypatch.setattr, book.root)
    assert key() != before


@pytest.mark.parametrize("change", [{"profile": "smoke"}, {"device": "cuda"}, {"seeds": "1-2"}])
def test_every_parameter_changes_the_key(book, change):
    book.lecture("a/one")
    key = Keys(book)
    assert key(**change) != key()


def test_the_key_does_not_change_with_anything_else(book):
    path = book.lecture("a/one", "x = 1")
    key = Keys(book)
    before = key()
    book.claim("a.b", "a/two")
    (book.root / "book" / "index.md").write_text("# Hello")
    (book.root / "results" / "a").mkdir(parents=True)
    (book.root / "results" / "a" / "two.jsonl").write_text("{}")
    path.touch()
    assert key() == before


def test_editing_a_module_changes_the_keys_of_its_users_alone(book, package, monkeypatch):
    monkeypatch.setattr(cache, "PACKAGE", package)
    codes = {"a/base": "import fake.base", "a/top": "from fake import top", "a/none": "x = 1"}
    for name, code in codes.items():
        book.lecture(name, code)

    def keys():
        return {
            lecture.name: cache.key(book.root, lecture, lectures.read(lecture.path), PARAMETERS)
            for lecture in lectures.find(book.root)
        }

    def changed_by(name):
        before = keys()
        (package / name).write_text((package / name).read_text() + " ")
        return sorted(lecture for lecture, key in keys().items() if key != before[lecture])

    assert changed_by("late.py") == ["a/top"]
    assert changed_by("base.py") == ["a/base", "a/top"]
    assert changed_by("table.json") == ["a/base", "a/top"]
    assert changed_by("press/cli.py") == []
    assert changed_by("unused.json") == []
    assert changed_by("other.py") == []


def test_the_key_knows_whether_the_data_is_there(book, monkeypatch):
    book.lecture("a/one", header=NEEDS_MNIST)
    key = Keys(book)
    monkeypatch.setattr(files, "locate", lambda name: None)
    without = key(), key(profile="smoke")
    monkeypatch.setattr(files, "locate", lambda name: Path("/anywhere"))
    assert key() != without[0]
    assert key(profile="smoke") == without[1]
    assert cache.data_state(["mnist"])["mnist"][0] == registry.info("mnist").files[0].sha256


def store(root, key="k", **changes):
    run = {"lecture": "a/one", "profile": "cpu", "date": "2026-01-01", "key": key} | changes
    return cache.store(root, run, '{"cells": []}\n')


def test_an_entry_is_found_again(tmp_path):
    assert cache.load(tmp_path, "k") is None
    store(tmp_path)
    assert list(cache.load(tmp_path, "k")) == ["lecture", "profile", "date", "key"]
    store(tmp_path, profile="gpu")
    assert cache.load(tmp_path, "k")["profile"] == "gpu"
    assert [path.name for path in (tmp_path / "_build" / "cache").iterdir()] == ["k"]


@pytest.mark.parametrize("name", ["notebook.ipynb", "run.json"])
@pytest.mark.parametrize("damage", ["", '{"cells": [', "[]", "{}", '{"cells": []}', "\ufffd"])
def test_a_damaged_entry_is_no_entry(tmp_path, name, damage):
    entry = store(tmp_path)
    (entry / name).write_text(damage, encoding="utf-8")
    assert cache.load(tmp_path, "k") is None
    assert cache.latest(tmp_path, "a/one", "cpu") is None
    store(tmp_path)
    assert cache.load(tmp_path, "k") is not None


@pytest.mark.parametrize("changes", [{"date": 5}, {"seconds": None}, {"lecture": "a/two"}])
def test_an_entry_whose_record_was_changed_is_no_entry(tmp_path, changes):
    path = store(tmp_path) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert cache.load(tmp_path, "k") is None
    assert cache.latest(tmp_path, changes.get("lecture", "a/one"), "cpu") is None


def test_an_entry_of_another_key_is_no_entry(tmp_path):
    store(tmp_path, "other").rename(tmp_path / "_build" / "cache" / "k")
    assert cache.load(tmp_path, "k") is None


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(path, text, **options):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        store(tmp_path)
    assert list((tmp_path / "_build").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "any"), "the disk that holds /here is full; free some space"),
        (shutil.Error([("a", "b", "[Errno 28] No space left on device")] * 99), "is full; free"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied; see dlnotes doc"),
        (OSError("odd"), "/here: odd; see dlnotes doctor"),
        (shutil.Error([("a", "b", "odd")] * 99), "see dlnotes doctor"),
    ],
)
def test_what_the_disk_refuses_is_one_short_line(error, said):
    told = disk.problem(error, Path("/here"))
    assert said in told
    assert len(told) < 400


def test_the_newest_entry_of_a_profile_is_found(tmp_path):
    assert cache.latest(tmp_path, "a/one", "cpu") is None
    for key, date in (("k1", "2026-01-01"), ("k3", "2026-01-03"), ("k2", "2026-01-02")):
        store(tmp_path, key, date=date)
    store(tmp_path, "k4", date="2027-01-01", profile="gpu")
    assert cache.latest(tmp_path, "a/one", "cpu")["key"] == "k3"


def test_a_file_is_written_only_if_it_changes(tmp_path):
    path = tmp_path / "new" / "file"
    assert [disk.write_if_changed(path, text) for text in "aab"] == [True, False, True]
    assert path.read_text() == "b"
    assert list(path.parent.iterdir()) == [path]


def test_the_commit_is_told_with_a_mark_on_changes(tmp_path):
    def git(*words):
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        command = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init")
    assert machine.commit(tmp_path) is None
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "first")
    git("tag", "v1")
    head = git("rev-parse", "HEAD")
    assert machine.commit(tmp_path) == head
    (tmp_path / "file").write_text("2")
    assert machine.commit(tmp_path) == f"{head} and changes"
