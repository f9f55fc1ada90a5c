"""The doctor: what is there is ok, what is not comes with a remedy."""

import shutil
from importlib import metadata
from pathlib import Path

import pytest

from dlnotes.data import files, registry
from dlnotes.press import cli, doctor, processes


def test_every_check_that_fails_has_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(files, "folders", lambda: [tmp_path])
    checks = {check.name: check for check in doctor.examine(tmp_path)}
    missing = {"node", "chromium", "git", "data mnist", "data fashion-mnist", "data cifar10"}
    assert missing <= {name for name, check in checks.items() if not check.ok}
    assert all(check.remedy for check in checks.values() if not check.ok)
    assert not any(checks[name].required for name in missing)
    assert doctor.told(checks["git"]) == (
        "missing  git: not found (results carry the commit); apt-get install git"
    )
    assert checks["data mnist"].remedy == "dlnotes data fetch mnist"


def test_packages_are_compared_with_what_is_asked(monkeypatch):
    asked = ["click>=99", "nosuchpackage>=1", "psutil>=1", 'pytest>=99; extra == "test"']
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    lectures, site, tests = doctor.packages()
    click = metadata.version("click")
    assert lectures.found == f"click>=99 (found {click}), nosuchpackage>=1 (absent) not met"
    assert lectures.remedy == "python -m pip install 'click>=99' 'nosuchpackage>=1'"
    assert lectures.required
    assert site.ok
    assert (tests.ok, tests.required) == (False, False)


def test_this_interpreter_and_its_packages_will_do():
    assert all(check.ok for check in (doctor.python(), doctor.packages()[0]))


def test_a_damaged_set_is_not_ok(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "folders", lambda: [tmp_path])
    entry = registry.info("mnist").files[0]
    (tmp_path / entry.path).parent.mkdir(parents=True)
    (tmp_path / entry.path).write_bytes(b"half")
    mnist = next(check for check in doctor.data() if check.name == "data mnist")
    assert not mnist.ok
    assert mnist.found == f"damaged: {tmp_path / entry.path}"


@pytest.mark.parametrize(("kind", "profile"), [("cpu", "cpu"), ("cuda", "gpu")])
def test_the_profile_that_auto_means_is_told(monkeypatch, kind, profile):
    monkeypatch.setattr(processes, "device_kind", lambda: kind)
    assert doctor.gpu().found.endswith(f"profile auto is {profile}")


def test_a_full_disk_and_a_folder_that_cannot_be_written_are_required(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10**8))
    assert not doctor.disk(tmp_path).ok
    assert not doctor.writable(Path("/proc")).ok
    (tmp_path / "_build").touch()
    assert not doctor.writable(tmp_path).ok


def test_the_exit_code_is_1_only_if_something_required_is_missing(monkeypatch, capsys):
    def examine(root):
        return [doctor.Look(name="node", ok=False, found="no", required=required)]

    monkeypatch.setattr(doctor, "examine", examine)
    required = False
    assert cli.code(["doctor"]) == 0
    required = True
    assert cli.code(["doctor"]) == 1
    assert "required and missing: node" in capsys.readouterr().err
