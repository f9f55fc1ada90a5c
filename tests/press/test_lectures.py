"""What is refused before anything runs, and how it is said."""

import subprocess

import pytest

from dlnotes.press import lectures, sources
from dlnotes.press.lectures import LectureError


def checked(book):
    lectures.refuse_wrong(lectures.find(book.root), sources.load_claims(book.root))


def test_a_lecture_tells_its_name_claims_and_data(book):
    header = (
        "# ---\n# jupyter:\n#   kernelspec: {name: python3, display_name: P, language: python}\n"
        "#   dlnotes:\n#     datasets: {cpu: [mnist]}\n# ---\n"
    )
    book.claim("one.b", "part/one")
    book.claim("one.a", "part/one")
    text = 'check("one.b")\nx.check("one.a", 1)\ncheck("nodot")\ncheck(x)\nother("one.c")'
    book.lecture("part/one", text, header=header)
    checked(book)
    (lecture,) = lectures.find(book.root)
    assert (lecture.name, lecture.claims) == ("part/one", ("one.b", "one.a"))
    assert lecture.needs("cpu") == ["mnist"]
    assert lecture.needs("smoke") == []


def test_folders_with_an_underscore_hold_no_lectures(book):
    book.lecture("_static/script", "1")
    assert lectures.find(book.root) == []


def test_cell_ids_depend_on_the_text_alone(book):
    path = book.lecture("part/one", "x = 1", "x = 1", "y = 2")
    first, second = ([c["id"] for c in lectures.read(path).cells] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)
    book.lecture("part/one", "x = 1", "x = 1", "y = 3")
    third = [c["id"] for c in lectures.read(path).cells]
    assert [a == b for a, b in zip(first, third, strict=True)] == [True] * 5 + [False]


def test_all_problems_of_all_lectures_come_at_once_with_file_and_remedy(book):
    book.claim("two.never", "part/two")
    book.claim("three.x", "part/tree")
    book.lecture("part/one", 'check("two.nevr")', parameters="")
    book.lecture("part/two", "pass")
    book.lecture("part/three", 'check("two.never")\ncheck("two.never")')
    with pytest.raises(LectureError) as error:
        checked(book)
    expected = (
        ("one.py: has 0 cells tagged parameters", 'write # %% tags=["parameters"]'),
        ("one.py: unknown claim 'two.nevr'", "did you mean 'two.never'?"),
        ("two.py: never checks its claim two.never", 'add claims.check("two.never", ...)'),
        ("three.py: checks two.never, which claims.yml gives to part/two", ""),
        ("three.py: checks two.never twice", ""),
        ("claims.yml: claim three.x: unknown lecture 'part/tree'", "did you mean 'part/three'?"),
    )
    problems = str(error.value).splitlines()
    for what, remedy in expected:
        assert any(what in problem and remedy in problem for problem in problems), what


PLAIN = "# ---\n# jupyter:\n#   kernelspec: {name: python3, display_name: P, language: python}\n"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "the header lacks kernelspec name, display_name, language"),
        ("# ---\n# jupyter:\n#   kernelspec: {name: p, language: python}\n# ---\n", "display_name"),
        ("# ---\n# jupyter: {a: [\n# ---\n", "lacks kernelspec"),
        ("# ---\n# jupyter: {kernelspec: python3}\n# ---\n", "lacks kernelspec"),
        (f"{PLAIN}#   dlnotes: {{datasets: {{cpus: []}}}}\n# ---\n", "did you mean 'cpu'"),
        (f"{PLAIN}#   dlnotes: {{datasets: {{cpu: [mnits]}}}}\n# ---\n", "did you mean 'mnist'"),
        (f"{PLAIN}#   dlnotes: {{datasets: {{cpu: mnist}}}}\n# ---\n", "must be a list"),
        (f"{PLAIN}#   dlnotes: {{datasets: [mnist]}}\n# ---\n", "must map profiles to lists"),
        (f"{PLAIN}#   dlnotes: [mnist]\n# ---\n", "must map profiles to lists"),
    ],
)
def test_a_bad_header_is_refused(book, header, problem):
    book.lecture("part/one", "1", header=header)
    with pytest.raises(LectureError, match=problem):
        checked(book)


def test_a_source_that_is_no_text_is_refused(book):
    book.lecture("part/one").write_bytes(b"# %%\n\xff\xfe = 1")
    with pytest.raises(LectureError, match=r"one\.py: cannot be read as a notebook"):
        checked(book)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("x = (", "cell 4 is not plain Python"),
        ("# %matplotlib inline\nx = 1", "shell lines and magics are not allowed"),
        ("### BEGIN SOLUTION\n1\n### END SOLUTION", "holds a solution; tag it exercise"),
        ("### BEGIN SOLUTION\n1", "each ### BEGIN SOLUTION needs one ### END SOLUTION"),
        ("### END SOLUTION\n### BEGIN SOLUTION", "each ### BEGIN SOLUTION needs one"),
    ],
)
def test_a_bad_cell_is_refused(book, cell, problem):
    book.lecture("part/one", cell)
    with pytest.raises(LectureError, match=problem):
        checked(book)


def texts(book, *cells):
    path = book.lecture("part/one")
    marked = "".join(f"\n# %% [markdown]\n{cell}\n" for cell in cells)
    path.write_text(path.read_text() + marked)
    return path.read_text().splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "# It is right on 80\n# % of the images.",
        "# - Right on 80\n#   % of the images.",
        "# :::{note}\n# Right on 80\n# %, that is.\n# :::",
        "# ```python\n# % 7\n# ```\n# Right on 80\n# %",
    ],
)
def test_a_line_of_a_paragraph_that_the_page_takes_for_a_comment_is_refused(book, text):
    lines = texts(book, "# % Of the author, first.\n#\n# Text.", text)
    at = max(n for n, line in enumerate(lines, 1) if line[2:].strip().startswith("%"))
    with pytest.raises(LectureError) as error:
        checked(book)
    (told,) = str(error.value).splitlines()
    assert f"one.py: line {at}: a line that starts with % is a comment" in told
    assert repr(lines[at - 1][2:].strip()) in told
    assert "move the % to its number" in told


@pytest.mark.parametrize(
    "text",
    [
        "# % Of the author.\n# % Still.\n# Text, 5 % of it.",
        "# Text.\n#\n# % Of the author.",
        "# ```python\n# x = 1\n# %timeit x\n# ```",
        "# ```{code-block} python\n# x = 1\n# %timeit x\n# ```",
    ],
)
def test_a_comment_of_the_author_and_a_percent_in_code_are_allowed(book, text):
    texts(book, text)
    checked(book)


def test_an_exercise_without_solution_is_refused(book):
    path = book.lecture("part/one")
    path.write_text(path.read_text() + '\n# %% tags=["exercise"]\nx = 1\n')
    with pytest.raises(LectureError, match="put its solution between"):
        checked(book)


def test_a_parameters_cell_must_set_all_three(book):
    book.lecture("part/one", parameters='# %% tags=["parameters"]\nprofile: str = "cpu"\n')
    with pytest.raises(LectureError, match="does not set device, seeds"):
        checked(book)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": "statistics"}, "unknown kind 'statistics'; did you mean 'statistical'"),
        ({"predicted": {}}, "predicted is empty; write what you think before the first run"),
        ({"predicted": {"cpu": "hold"}}, "unknown verdict 'hold'; did you mean 'holds'"),
        (
            {"predicted": {"cpu": "holds"}, "expected": {"cpu": "fails"}},
            "expected 'fails' at profile cpu, predicted 'holds'; say why in a because",
        ),
        (
            {"predicted": {"cpu": "holds"}, "expected": {"smoke": "holds"}},
            "expects a verdict at profile smoke, and predicts none there",
        ),
        (
            {"predicted": {"gpu": "holds"}, "expected": {"gpu": "holds"}},
            r"expected at profile gpu, but results/ holds no run of its lecture",
        ),
        ({"becuase": "it is"}, "unknown field 'becuase'; did you mean 'because'"),
        ({"because": 5}, "because must be text; got 5"),
        ({"expected": {"gpus": "holds"}}, "unknown profile 'gpus'; did you mean 'gpu'"),
        ({"expected": {"gpu": "hold"}}, "unknown verdict 'hold'; did you mean 'holds'"),
        ({"expected": "holds"}, "must map profiles to verdicts"),
        ({"id": "nodot"}, "must have an id with a dot"),
        ({"id": ["x"]}, r"id must be text; got \['x'\]"),
        ({"id": 1.5}, "id must be text; got 1.5"),
        ({"lecture": None}, "lecture must be text; got None"),
        ({"statement": None}, "statement must be text; got None"),
        ({"statement": 5}, "statement must be text; got 5"),
        ({"statement": " "}, "statement must be text; got ' '"),
        ({"unit": None}, "unit must be text; got None"),
        ({"sources": "zhang2017"}, "sources must be a list of keys of references.bib"),
        ({"sources": ["zang2017"]}, "unknown source 'zang2017'; did you mean 'zhang2017'"),
        ({"sources": [5]}, "unknown source 5"),
    ],
)
def test_a_malformed_claim_is_refused(book, changes, problem):
    (book.root / "book" / "references.bib").write_text("@article{zhang2017,\n  year = {2017},\n}")
    book.claim("a.b", "part/one", **changes)
    with pytest.raises(LectureError, match=problem):
        sources.load_claims(book.root)


@pytest.mark.parametrize("lost", ["n<d", "a <b>word</b>", "x</p>", "x <!-- y", "<img src=x>"])
def test_a_sentence_that_a_page_would_take_for_html_is_refused(book, lost):
    book.claim("a.b", "part/one", statement=f"It is {lost}.")
    with pytest.raises(LectureError, match=r"claim a\.b: statement has '<.*with a space"):
        sources.load_claims(book.root)


@pytest.mark.parametrize("kept", ["n < d", "$n<d$ and $a<b$", "n<3", "n <= d"])
def test_a_comparison_that_a_page_shows_is_kept(book, kept):
    book.claim("a.b", "part/one", statement=f"It is {kept}.")
    assert sources.load_claims(book.root)["a.b"]["statement"] == f"It is {kept}."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {id: a.b}", "a.b: lacks lecture, statement, kind, unit, sources, predicted"),
        ("a: 1", "must be a list of claims"),
        ("- [", "cannot be read"),
        ("- 2026-99-99", "cannot be read"),
        ("- {id: a.b}\n- {id: a.b}", "a.b: stands there twice"),
    ],
)
def test_a_malformed_claims_file_is_refused(book, text, problem):
    (book.root / "book" / "a" / "claims.yml").write_text(text)
    with pytest.raises(LectureError, match=problem):
        sources.load_claims(book.root)


def test_sources_are_keys_of_the_bibliography(book):
    entries = (
        "% @book{not,\n@article{zhang2017,\n  title = {A},\n}\n @Book { lee:2019 , year = 2019}\n"
    )
    book.claim("a.b", "part/one", sources=["zhang2017"], unit="")
    with pytest.raises(LectureError, match=r"unknown source 'zhang2017'\. Valid: none"):
        sources.load_claims(book.root)
    (book.root / "book" / "references.bib").write_text(entries)
    assert sources.bibliography(book.root) == ["zhang2017", "lee:2019"]
    assert list(sources.load_claims(book.root)) == ["a.b"]


def test_a_missing_claims_file_is_refused(book):
    (book.root / "book" / "a" / "claims.yml").unlink()
    with pytest.raises(LectureError, match=r"no part has a claims\.yml"):
        sources.load_claims(book.root)


def test_a_claim_stands_in_the_file_of_its_part_and_once_in_the_book(book):
    book.claim("a.b", "part/one")
    path = book.root / "book" / "a" / "claims.yml"
    path.write_text((book.root / "book" / "part" / "claims.yml").read_text())
    with pytest.raises(LectureError) as found:
        sources.load_claims(book.root)
    assert "a.b: is about part/one; write it into claims.yml of that part" in str(found.value)
    assert "a.b: stands there twice; keep one" in str(found.value)


def git(book, *words):
    named = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", book.root, *named, *words], check=True, capture_output=True)


def test_a_prediction_is_the_one_first_committed(book):
    """A reworded sentence and a revised expectation leave it as it was."""
    git(book, "init", "--quiet")
    book.claim("a.b", "part/one", {"cpu": "holds"})
    git(book, "add", ".")
    git(book, "commit", "-m", "predicted")
    book.claims[0] |= {"statement": "Reworded.", "expected": {"cpu": "fails"}, "because": "seen"}
    book.write_claims()
    assert list(sources.load_claims(book.root)) == ["a.b"]
    for predicted in ({"cpu": "fails"}, {"cpu": "holds", "gpu": "holds"}):
        book.claims[0]["predicted"] = predicted
        book.write_claims()
        told = r"a\.b: predicted was {'cpu': 'holds'} when it was first committed, now it is"
        with pytest.raises(LectureError, match=told):
            sources.load_claims(book.root)
        git(book, "commit", "--all", "-m", "changed afterwards")  # committing it does not help
    book.claims[0]["predicted"] = {"cpu": "holds"}
    book.claim("a.new", "part/one", {"cpu": "fails"})  # not committed yet: free to choose
    assert sources.load_claims(book.root)["a.new"]["predicted"] == {"cpu": "fails"}


def test_what_is_expected_of_a_gpu_needs_an_archived_run(book):
    both = {"predicted": {"gpu": "holds"}, "expected": {"gpu": "holds"}}
    book.claim("a.b", "part/one", **both)
    archived = book.root / "results" / "part" / "one.jsonl"
    archived.parent.mkdir(parents=True)
    archived.write_text("{}")
    assert sources.load_claims(book.root)["a.b"]["expected"] == {"gpu": "holds"}


def test_a_claim_may_be_planned_before_its_lecture_is_there(book):
    book.claim("one.x", "part/one", planned=True)
    checked(book)
    book.lecture("part/one")
    with pytest.raises(LectureError, match=r"lecture part/one is there: take out planned"):
        checked(book)


def test_lectures_are_selected_by_name_slug_or_path(book):
    for name in ("a/one", "a/two", "b/two"):
        book.lecture(name)
    found = lectures.find(book.root)

    def names(*only):
        return [lecture.name for lecture in lectures.select(found, only)]

    assert names() == ["a/one", "a/two", "b/two"]
    assert names("one") == names("a/one") == names(str(book.root / "book/a/one.py")) == ["a/one"]
    assert names("b/two", "one") == ["a/one", "b/two"]
    with pytest.raises(LectureError, match="'two' is not unique; say one of: a/two, b/two"):
        names("two")
    with pytest.raises(LectureError, match="unknown lecture 'onne'; did you mean 'a/one'"):
        names("onne")
