"""The site step: what is staged, when Sphinx runs, what it refuses; half a site never shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlnotes.contract import RUN_MIME, WORDS
from dlnotes.press import labels, lectures, site, sources, stage
from dlnotes.press.execute import Outcome
from tests.ledger_row import ROW

ROOT = Path(__file__).parents[2]
NAME = "part/noise"
RUN = {
    "lecture": NAME,
    "profile": "smoke",
    "device": "cpu",
    "seconds": 12.5,
    "peak_mb": 498,
    "cached": False,
    "datasets": [{"name": "digits", "source": "x", "sha256": [], "stand_in_for": "mnist"}],
    "precision": "float32",
    "versions": {"torch": "2.13.0"},
    "commit": None,
    "key": "0123456789abcdef",
    "date": "2026-11-20T08:00:00+00:00",
}
CONFIG = """
title: Notes
only_build_toc_files: true
execute: {execute_notebooks: "off"}
parse: {myst_enable_extensions: [dollarmath]}
sphinx:
  recursive_update: true
  extra_extensions: [sphinxcontrib.katex, dlnotes.press.sphinx_ext]
  config:
    html_extra_path: [_extra]
    html_math_renderer: katex
    katex_css_path: katex/katex.min.css
"""
TOC = """
format: jb-book
root: book/index
chapters: [{file: book/part/noise}, {file: book/ledger}, {file: book/part}, {file: book/surprises}]
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'


def lecture(text="Here: {claim}`fit.all` and {verdict}`fails`."):
    figure = new_output(
        "display_data",
        data={"image/svg+xml": SVG, "text/csv": "x,y\n1,2\n", "text/plain": "alt"},
        metadata={
            "dlnotes": {"figure": "curve", "alt": 'It says: "3" # of 4', "caption": "C $a$."}
        },
    )
    run = new_output(
        "display_data",
        data={RUN_MIME: {"device_name": "EPYC", "seeds": [0, 1, 2]}, "text/plain": "run"},
    )
    return new_notebook(
        cells=[
            new_markdown_cell(f"(noise)=\n# Can it fit noise?\n\n{text}", id="a"),
            new_code_cell("show()", id="b", execution_count=1, outputs=[run, figure]),
            new_code_cell("### BEGIN SOLUTION\nsecret()\n### END SOLUTION", id="c"),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )


class Project:
    """A small project with one executed lecture."""

    def __init__(self, root):
        self.root = root
        self.html = root / "_build" / "html"
        for name, text in {
            "_config.yml": CONFIG,
            "_toc.yml": TOC,
            "CITATION.cff": (ROOT / "CITATION.cff").read_text(),
            "book/references.bib": "",
            "book/index.md": "# Notes\n",
            "book/ledger.md": "# Ledger\n\n```{ledger-table}\n```\n\n```{runs-table}\n```\n",
            "book/part.md": "# Part\n\n```{ledger-table}\n:part: part\n```\n",
            "book/surprises.md": "# No\n\n```{ledger-table}\n:verdicts: fails undecided\n```\n",
            "book/part/noise.py": "",
            "book/_vendor/katex/katex.min.css": "a {}",
        }.items():
            self.write(name, text)
        self.record([ROW], [RUN])
        self.notebook(lecture())

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def record(self, ledger, runs):
        self.write("_build/ledger.json", json.dumps(ledger))
        self.write("_build/runs.json", json.dumps(runs))

    def notebook(self, notebook):
        self.executed = self.root / "_build" / "executed.ipynb"
        nbformat.write(notebook, self.executed)

    @property
    def outcomes(self):
        return [Outcome(NAME, RUN, self.executed, cached=False, seconds=1.0, error=None)]

    def files(self):
        return dict(stage.files(self.root, self.outcomes))

    def build(self):
        return site.build(self.root, self.outcomes)

    def page(self, name=f"book/{NAME}.html"):
        return (self.html / name).read_text()


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    return Project(tmp_path / "a project")


# What is staged


def test_the_page_has_cost_label_and_figure_and_no_private_output(project):
    page = nbformat.reads(project.files()[f"book/{NAME}.ipynb"].decode(), as_version=4)
    nbformat.validate(page)
    assert page.cells[0].source.startswith(
        f"(noise)=\n# Can it fit noise?\n\n```{{cost-label}} {NAME}\n```\n"
    )
    assert [list(o.data) for o in page.cells[1].outputs] == [["text/plain"]]
    assert page.cells[2].source.startswith("````{drawing} _figures/noise-curve.svg\n---\n")
    header = yaml.safe_load(page.cells[2].source.split("---")[1])
    assert header == {"name": "noise-curve", "alt": 'It says: "3" # of 4', "class": "dark-light"}


def test_figures_data_and_downloads_are_files(project):
    files = project.files()
    assert files["book/part/_figures/noise-curve.svg"].decode() == SVG
    assert files["_extra/downloads/data/part/noise-curve.csv"] == b"x,y\n1,2\n"
    assert files["_extra/_static/katex/katex.min.css"] == b"a {}"
    notebook = nbformat.reads(files[f"_extra/downloads/{NAME}.ipynb"].decode(), as_version=4)
    assert "It reaches" in nbformat.writes(notebook)
    assert b"# %%" in files[f"_extra/downloads/{NAME}.py"]
    assert not [name for name, content in files.items() if b"secret" in content]


def test_a_cached_result_stages_the_same_files(project):
    before = project.files()
    project.record([ROW], [RUN | {"cached": True}])
    assert project.files() == before


def test_a_lecture_without_a_run_gets_a_page_that_says_so(project):
    project.write("_toc.yml", TOC.replace("]", ", {file: book/part/other}]"))
    project.write("book/part/other.py", "")
    assert b"left out of this build" in project.files()["book/part/other.md"]


def test_a_lecture_without_a_title_is_refused(project):
    notebook = lecture()
    notebook.cells[0].source = "no title"
    project.notebook(notebook)
    with pytest.raises(site.SiteError, match=r"part/noise\.py: its first cell must begin with"):
        project.build()


def broken(kind):
    """Return a lecture in which one thing does not say what its page needs."""
    notebook = lecture("{predicted}`half <no-number>`" if kind == "number" else "Text.")
    if kind == "flipbook":
        notebook.cells[1].outputs[1].metadata["dlnotes"]["flipbook"] = {"frames": []}
    if kind == "fold":
        notebook.cells[1].metadata.update(tags=["hide-input"], title=3)
    return notebook


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("flipbook", "part/noise: flipbook curve: it must have at least two frames"),
        ("fold", "part/noise: cell b: the title of a fold is one line, got 3"),
        ("number", "part/noise: .* no number 'no-number' was left by a cell; valid: none"),
    ],
)
def test_what_does_not_say_what_its_page_needs_is_refused(project, kind, problem):
    project.notebook(broken(kind))
    with pytest.raises(site.SiteError, match=problem):
        project.build()


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b"),
        ("https://user:word@github.com/a/b", "https://github.com/a/b"),
        ("git@github.com:a/b.git", "https://github.com/a/b"),
        ("/somewhere/on/disk", None),
    ],
)
def test_the_address_is_read_from_git(project, remote, address):
    subprocess.run(["git", "init", "-q", project.root], check=True)
    subprocess.run(["git", "-C", project.root, "remote", "add", "origin", remote], check=True)
    assert stage.repository(project.root) == address


def test_launch_buttons_and_install_cell_only_with_an_address(project, monkeypatch):
    config = yaml.safe_load(project.files()["_config.yml"])
    assert "repository" not in config
    assert "launch_buttons" not in config
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    files = project.files()
    config = yaml.safe_load(files["_config.yml"])
    assert config["repository"] == {"url": "https://github.com/a/b", "branch": "notebooks"}
    assert "colab_url" in config["launch_buttons"]
    download = nbformat.reads(files[f"_extra/downloads/{NAME}.ipynb"].decode(), as_version=4)
    (pip,) = (cell for cell in download.cells if cell.source.startswith("%pip"))
    assert "git+https://github.com/a/b@c0ffee" in pip.source


# What Sphinx makes of it


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("site") / "a project")
    project.build()
    return project


def test_the_claim_has_its_evidence_beside_it(built):
    page = built.page()
    assert '<span class="claim" id="claim-fit-all">' in page
    assert (
        '<button type="button" class="verdict" popovertarget="claim-card-0" '
        'aria-label="Evidence for: It reaches x^2 at 99.9\u00a0%. holds">' in page
    )
    assert "On average 0.5\u00a0share over 3 seeds." in page
    assert 'href="../../book/ledger.html#fit-all"' in page
    assert '<span class="verdict verdict-fails">' in page


def test_the_ledger_lists_the_claim_and_leads_back_to_the_sentence(built):
    page = built.page("book/ledger.html")
    assert 'href="part/noise.html#claim-fit-all"' in page
    row = re.search(r'<tr class="([^"]*)" id="fit-all">', page)[1].split()
    assert {"ledger-row", "is-holds", "is-otherwise", "part-part", "verdict-holds"} < set(row)
    assert re.search(r"<h2><a[^>]*>(<[^>]*>)*Can it fit noise\?", page)
    assert page.count("Can it fit noise?") > 1  # in the contents of the page, too
    assert "1 claim: 1 holds, 0 do not hold" in page
    assert "The 1 verdicts over seeds rest on 3 intervals" in page
    assert "Of 1 predictions, 0 came true, 1 did not" in page
    assert "does not hold; since then expected: holds, because a pilot saw it" in page
    assert '<span class="was was-otherwise">predicted: does not hold</span>' in page
    for fact in ("3 seeds: 0–2", "the widest", "ends 1 half-widths inside the limit"):
        assert fact in page


def test_a_search_for_a_claim_finds_its_sentence(built):
    index = (built.html / "searchindex.js").read_text()
    assert '"claim-fit-all"' in index
    assert "all: It reaches x^2 at 99\u20249" in index.replace("\\u2024", "\u2024").replace(
        "\\u00a0", " "
    )


PARTS = """
```{claim-table}
fit.all | true *labels*

fit.other
```
"""


def test_a_table_of_claims_is_their_place_in_the_lecture(project):
    other = ROW | {"id": "fit.other", "statement": "Another one.", "verdict": "fails"}
    project.record([ROW, other], [RUN])
    project.notebook(lecture(PARTS + "\nLater again: {claim}`fit.all`"))
    project.build()
    page = project.page()
    assert page.count('id="claim-fit-all"') == 1
    assert re.search(r'<tr class="verdict-holds row-\w+" id="claim-fit-all">', page)
    assert "true <em>labels</em>" in page
    assert "Evidence for: true labels (It reaches $x^2$ at 99.9\u00a0%.) holds" in page
    assert "Another one." in page  # without a label it is the sentence
    assert 'href="part/noise.html#claim-fit-other"' in project.page("book/ledger.html")


def test_a_part_of_the_ledger_links_to_the_sentences_and_is_linked_by_nothing(built):
    page = built.page("book/part.html")
    assert 'href="part/noise.html#claim-fit-all"' in page
    assert 'id="fit-all"' not in page
    assert "1 claim: 1 holds" in page
    assert "of them may be expected to miss" in page
    assert "0 claims: 0 hold" in built.page("book/surprises.html")


def test_the_runs_say_what_they_took_together(built):
    page = built.page("book/ledger.html")
    assert "1 lecture ran for 12 s together, in 12 s by the clock." in page


def test_the_cost_label_says_what_it_cost_and_that_data_stood_in(built):
    page = built.page()
    assert "Stand-in data." in page
    for fact in ("12 s on EPYC", "498 MB", "digits (stand-in for mnist)", "key 01234567"):
        assert fact in page


def test_math_is_set_and_nothing_comes_from_elsewhere(built):
    page = built.page()
    assert 'class="katex"' in page
    assert "unpkg" not in page
    assert "jsdelivr" not in page


def test_nothing_changed_means_no_sphinx(built, monkeypatch):
    monkeypatch.setattr(site, "_run", lambda *_: pytest.fail("Sphinx was started"))
    assert built.build() == built.html / "index.html"


def test_a_changed_verdict_reaches_the_pages_and_a_vanished_page_goes(project):
    project.write("book/extra.md", "# Extra\n")
    project.write("_toc.yml", TOC.replace("]", ", {file: book/extra}]"))
    project.build()
    assert (project.html / "book" / "extra.html").is_file()
    project.record([ROW | {"verdict": "undecided"}], [RUN])
    project.build()
    assert "verdict-undecided" in project.page()
    (project.root / "book" / "extra.md").unlink()
    project.write("_toc.yml", TOC)
    project.build()
    assert not (project.html / "book" / "extra.html").exists()


@pytest.mark.parametrize("text", ["{claim}`fit.some`", "```{nowhere}\nx\n```"])
def test_what_no_download_can_say_is_refused_with_its_cell(project, text):
    project.notebook(lecture(text))
    with pytest.raises(site.SiteError, match=r"book/part/noise.py, cell 1 .*(fit.some|nowhere)"):
        project.build()


def test_claims_of_lectures_to_come_are_listed_as_predictions(project):
    """They count as no verdict, and lead to no page."""
    later = ROW | {"id": "sum.all", "lecture": "part/later-on", "statement": "It adds."}
    later |= {"verdict": "not-run", "effect": None, "interval": None, "q": None}
    project.record([ROW, later | {"reason": labels.PLANNED}], [RUN])
    project.build()
    page = (project.html / "book" / "ledger.html").read_text()
    assert "1 claim: 1 holds" in page
    assert "1 prediction waits" in page
    assert re.search(r"<summary>Later on</summary>\s*<ul", page)
    assert re.search(r'id="sum-all"><p>It adds. Predicted: does not hold.</p>', page)


SYMBOLS = "```{symbols}\n$W$ | the weights, {glue:text}`width`\n\n$x$ | an image\n```\n"


def test_symbols_are_a_list_of_their_values(project):
    notebook = lecture(f"Here: {{claim}}`fit.all`\n\n{SYMBOLS}")
    project.notebook(notebook)
    with pytest.raises(site.SiteError, match=r"cell 1 \(a\): unknown glue:text .*'width'"):
        project.build()
    notebook.cells.append(leaves("width", "16", behind="mean of two seeds: 15, 17"))
    project.notebook(notebook)
    project.build()
    listed = re.search(r'<dl class="[^"]*symbols[^"]*">.*?</dl>', project.page(), re.DOTALL)[0]
    assert listed.count("<dt>") == 2
    behind = re.search(r'aria-describedby="(behind-\d+)">16</span>', listed)[1]
    assert f'<p id="{behind}"><b>16</b> <span>mean of two seeds' in project.page()


def test_a_symbol_without_words_is_refused(project):
    project.notebook(lecture("Here: {claim}`fit.all`\n\n```{symbols}\nW\n```"))
    with pytest.raises(site.SiteError, match=r"symbols: needs 'letter \| what it is', got 'W'"):
        project.build()


def leaves(name, text, behind):
    """Return a cell that has left a number."""
    about = {"name": name, "mime_prefix": "application/papermill.record/", "behind": behind}
    data = {"application/papermill.record/text/plain": repr(text)}
    output = new_output("display_data", data, metadata={"scrapbook": about})
    return new_code_cell("prose.mean(...)", id="left", outputs=[output])


WRONG = r"{claim}`fit.some` {verdict}`perhaps` $\frac{$ {doc}`nowhere`"


def test_every_mistake_is_named_and_the_old_site_stays(project):
    project.build()
    before = project.page()
    project.notebook(lecture("No claim is stated here."))
    wrong = f"{WRONG}\n\n```{{claim-table}}\nfit.any | a\n```\n"
    table = "```{ledger-table}\n:part: prat\n:verdicts: true\n```\n"
    project.write("book/part.md", f"# P\n\n{wrong}\n{table}")
    for _ in range(2):  # the second time Sphinx must not have forgotten
        with pytest.raises(site.SiteError) as failure:
            project.build()
        message = str(failure.value)
        assert "unknown claim 'fit.some'; valid: fit.all" in message
        assert "unknown claim 'fit.any'; valid: fit.all" in message
        assert "a claim-table has no claim" in message
        assert "unknown verdict 'perhaps'; valid: holds, fails, undecided, not-run" in message
        assert "nowhere" in message
        assert "unknown part 'prat'; valid: part" in message
        assert "unknown verdicts 'true'; valid: fails, holds, not-run, undecided" in message
        assert "book/part" in message
        assert "claim-fit-all" in message  # the ledger's row leads to no sentence
        if shutil.which("node"):
            assert "bad TeX" in message
    assert project.page() == before


NO_ROOM = "[Errno 28] No space left on device"


@pytest.mark.parametrize("error", [OSError(28, "any"), shutil.Error([("a", "b", NO_ROOM)] * 99)])
def test_a_full_disk_leaves_the_old_site(project, monkeypatch, error):
    project.build()
    before = project.page()
    project.notebook(lecture("Other text. {claim}`fit.all`"))

    def full(*args, **options):
        raise error

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(site.SiteError, match=r"^the disk that holds .* is full; .*$"):
        project.build()
    assert project.page() == before
    assert not (project.root / "_build" / "html.new").exists()
    monkeypatch.undo()
    project.build()
    assert "Other text." in project.page()


@pytest.mark.parametrize(
    ("log", "free"), [(f"Traceback\nOSError: {NO_ROOM}: 'x'\n", 10**9), ("", 0)]
)
def test_a_disk_that_was_full_for_sphinx_is_said_in_one_line(project, monkeypatch, log, free):
    def run(command, path):
        path.write_text(log)
        return 1

    usage = shutil.disk_usage(project.root)
    monkeypatch.setattr(site, "_run", run)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    with pytest.raises(site.SiteError, match=r"^the disk that holds .* is full; .*$"):
        project.build()
    assert not project.html.exists()


@pytest.mark.parametrize("name", ["index.html", f"book/{NAME}.html"])
def test_a_site_with_a_file_gone_or_cut_is_made_again(built, name):
    text = built.page(name)
    for harm in (Path.unlink, lambda path: path.write_text(text[:99])):
        harm(built.html / name)
        built.build()
        assert built.page(name) == text


def test_a_hanging_sphinx_is_ended_with_all_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "TIMEOUT", 0.5)
    status = site._run(["sh", "-c", "sleep 60 & sleep 60"], tmp_path / "log")
    assert status == -1
    assert "no end after 0.5 seconds" in (tmp_path / "log").read_text()


# What is refused before anything runs


def test_configuration_and_contents_are_as_the_book_tool_wants_them(project):
    sources.check_site(project.root)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("_config.yml", "title: [", "cannot be read"),
        ("_config.yml", "", "None is not of type 'object'"),
        ("_config.yml", "sphinx: {config: [1]}", "is not of type 'null', 'object'"),
        ("_config.yml", "title: 5", "5 is not of type 'string'"),
        ("_config.yml", None, "cannot be read"),
        ("_toc.yml", "root: [", "cannot be read"),
        ("_toc.yml", "5", "toc is not a mapping"),
        ("_toc.yml", "{root: 5}", "is malformed"),
        ("_toc.yml", "{root: book/index, chapters: 5}", "is malformed"),
        ("_toc.yml", "{root: book/index, defaults: 5}", "is malformed"),
        ("_toc.yml", "{root: book/index, format: [x]}", "is malformed"),
        ("_toc.yml", "{root: book/indx, format: jb-book}", "there is no book/indx"),
        ("_toc.yml", TOC.replace("noise", "nose"), "there is no book/part/nose"),
        ("_toc.yml", None, "cannot be read"),
    ],
)
def test_a_wrong_configuration_or_table_of_contents_is_refused(project, name, text, problem):
    if text is None:
        (project.root / name).unlink()
    else:
        project.write(name, text)
    with pytest.raises(lectures.LectureError, match=f"^.*/{name}: .*{problem}.*$"):
        sources.check_site(project.root)


def test_a_configuration_without_a_part_for_sphinx_will_do(project):
    project.write("_config.yml", "title: Notes\nsphinx: {config: null}")
    sources.check_site(project.root)
    config = yaml.safe_load(project.files()["_config.yml"])
    assert list(config["sphinx"]["config"]) == ["katex_prerender"]


# Words


@pytest.mark.parametrize(
    ("seeds", "text"),
    [([], ""), ([7], "1 seed: 7"), ([3, 1, 2], "3 seeds: 1–3"), ([1, 3], "2 seeds: 1, 3")],
)
def test_seeds_are_said_as_spans(seeds, text):
    assert labels.spans(seeds) == text


@pytest.mark.parametrize("verdict", WORDS)
def test_a_badge_never_speaks_by_color_alone(verdict):
    badge = labels.badge(verdict)
    assert labels.SYMBOLS[verdict] in badge
    assert WORDS[verdict] in badge


EQUAL = {"kind": "identity", "intervals": 0, "q": None, "p_holds": None, "p_fails": None}


def test_expectation_counts_the_intervals_of_the_verdicts_of_this_build():
    rows = [ROW] * 40 + [ROW | {"verdict": "not-run"}, ROW | EQUAL]
    said = labels.expect(rows)
    assert "The 40 verdicts over seeds rest on 120 intervals" in said
    assert "about 6.0 of them" in said
    assert "Of the 40 claims decided, 40 keep their verdict" in said
    assert "39 keep" in labels.expect([ROW | {"q": 0.06}, *[ROW] * 39])
    assert "No verdict" in labels.expect([ROW | {"verdict": "not-run"}])


def test_claims_with_a_known_truth_and_placebos_are_counted():
    known, alike = ROW | {"kind": "calibration"}, ROW | {"kind": "placebo"}
    said = labels.expect(
        [known, known | {"verdict": "undecided"}, alike, alike | {"verdict": "fails"}]
    )
    assert "Where the truth is known, 1 of 2 claims got it right." in said
    assert "Placebos declared different: 1 of 2 (about 0.1 expected)." in said
    assert "2 placebos" in labels.count([alike, alike])
    assert "2 equalities" in labels.count([ROW | EQUAL] * 2)


def test_the_score_of_predictions_says_where_we_were_wrong():
    rows = [ROW | {"predicted": p} for p in ("holds", "fails", "undecided", None)]
    assert labels.score(rows).startswith("Of 3 predictions, 1 came true, 1 did not, and 1 could")
    assert "Nothing that was predicted" in labels.score([ROW | {"verdict": "not-run"}])


def test_what_was_foreseen_is_told_with_what_is_expected_since():
    assert labels.foreseen(ROW | {"predicted": "holds"}) == "holds"
    assert labels.foreseen(ROW | {"predicted": None}) == "no prediction"
    told = labels.foreseen(ROW | {"predicted": "holds", "note": "It was another sentence."})
    assert told == "holds. It was another sentence."


def test_an_unmeasured_claim_has_no_numbers():
    assert labels.numbers(ROW | {"effect": None, "interval": None}) == ""
    assert labels.numbers(ROW | {"effect": -2.0, "interval": None}) == "−2 share"
