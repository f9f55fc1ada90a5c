"""What is written here reaches a clone: no source is hidden from git."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_no_source_is_ignored_by_git():
    ask = ["git", "-C", ROOT, "ls-files", "--others", "--ignored", "--exclude-standard"]
    try:
        said = subprocess.run(
            [*ask, "src", "tests", "book"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    hidden = [
        name for name in said.stdout.splitlines() if name.endswith((".py", ".json", ".yml", ".md"))
    ]
    assert hidden == []
