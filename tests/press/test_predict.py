"""Guesses: what is written for them, and which mistakes fail the build."""

import re
import subprocess
import sys

import pytest

from dlnotes.press import predict

CONF = """
import sys
extensions = ["myst_parser", "guesses"]
sys.path.insert(0, ".")
"""
EXTENSION = """
from dlnotes.press import predict


def setup(app):
    predict.setup(app)
"""


def ask(*options, text="What?"):
    lines = "\n".join(f":{option}" for option in options)
    return f"```{{predict}}\n{lines}\n{text}\n```\n"


def build(folder, pages):
    """Return what Sphinx complains of, and its folder."""
    (folder / "conf.py").write_text(CONF)
    (folder / "guesses.py").write_text(EXTENSION)
    toc = "\n".join(["```{toctree}", *pages, "```"])
    for name, text in ({"index": f"{toc}\n"} | pages).items():
        (folder / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
    command = [sys.executable, "-m", "sphinx", "-q", str(folder), str(folder / "out")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stderr, folder / "out"


def test_every_mistake_is_named_with_its_page(tmp_path):
    pages = {
        "lost": ask("guess: half"),
        "early": "{predicted}`half`\n\n" + ask("guess: half") + "\n{predicted}`half`\n",
        "twice": ask("guess: half") + "\n" + ask("guess: half") + "\n{predicted}`half`\n",
        "bad": ask("guess: Half One"),
        "kind": ask("guess: half", "kind: dial"),
        "few": ask("guess: half", "kind: choice", "choices: a"),
        "right": ask("guess: half") + "\n{predicted}`half <57.5>`\n\n" + ask(),
    }
    told, _ = build(tmp_path, pages)
    for page, problem in {
        "lost": r"the guess 'half' never comes back; write \{predicted\}`half`",
        "early": "predicted: 'half' is not asked above on this page; asked there: none",
        "twice": "'half' is asked twice on this page",
        "bad": "lowercase letters, digits and hyphens, got 'Half One'",
        "kind": '"dial" unknown',
        "few": r"two or more choices \(a \| b\), got choice and \['a'\]",
    }.items():
        assert re.search(rf"{page}\.md:\d*:? WARNING:.*{problem}|{page}\.md:\d+: ERROR", told), told
        assert re.search(problem, told), told
    assert "right.md" not in told


def test_the_page_has_a_labeled_field_and_a_place_for_the_guess(tmp_path):
    text = (
        ask("guess: half", "unit: <%>")
        + "\n{predicted}`half <57.5>`\n\n"
        + ask("guess: who", "choices: a & b | c")
        + "\n{predicted}`who`\n\n"
        + ask(text="No guess.")
    )
    told, out = build(tmp_path, {"page": text})
    assert told == ""
    page = (out / "page.html").read_text()
    assert page.count('<div class="predict" role="group"') == 3
    assert page.count('<form class="predict-form"') == 2
    (field,) = re.findall(r'<input id="([^"]+)" name="[^"]+" type="number"', page)
    assert f'<label for="{field}">Your guess' in page
    assert "<%>" not in page
    assert 'value="a &amp; b"> a &amp; b</label>' in page
    (place,) = re.findall(r'<span class="predicted"[^>]*data-found="57.5"[^>]*>', page)
    name = re.search('data-guess="([^"]+)"', place)[1]
    assert page.count(f'data-guess="{name}"') == 2
    assert len(set(re.findall('data-guess="([^"]+)"', page))) == 2


def test_the_number_of_this_run_is_filled_in():
    text = "a {predicted}`half <right>` b {predicted}`who` {other}`x <right>`"
    assert predict.filled(text, {"right": "'57.5'"}) == text.replace("half <right>", "half <57.5>")
    with pytest.raises(predict.PredictionError, match=r"no number 'wrong' .* valid: right"):
        predict.filled("{predicted}`half <wrong>`", {"right": "1"})
