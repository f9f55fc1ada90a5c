"""MyST becomes plain Markdown, whole; what cannot is refused, never passed through."""

import pytest
from pybtex.database import parse_string

from dlnotes.press.crossrefs import Label, Links
from dlnotes.press.plain import plain
from dlnotes.press.spans import Page

BIB = """
@article{dyson2004, author={Dyson, Freeman}, title={A meeting}, year={2004}, journal={Nature}}
@article{two2020, author={M{\\"u}ller, A. and Bach, B.}, title={Two}, year={2020}, journal={J}}
@article{many2021, author={A, A. and B, B. and C, C.}, title={Many}, year={2021}, journal={J}}
"""
TITLES = {"book/part/here": "Here", "book/part/there": "There", "book/glossary": "Glossary"}
LABELS = {
    "top": Label("book/part/here", "Here"),
    "far": Label("book/part/there", "Theorem 2"),
    "loss": Label("book/part/here", "(1)"),
    "noise": Label("book/part/here", "Figure 3"),
    "ex-twice": Label("book/part/here", "Exercise 2"),
    "thm": Label("book/part/here", "Theorem 1"),
}
LEDGER = {
    "a.own": {"id": "a.own", "verdict": "holds", "effect": 1.5, "statement": "It *holds*."},
    "b.far": {"id": "b.far", "verdict": "fails", "effect": None, "statement": "It fell."},
}


def page(site=None):
    links = Links("book/part/here", TITLES, LABELS, site)
    return Page(links, parse_string(BIB, "bibtex"), LEDGER, frozenset({"a.own"}))


@pytest.mark.parametrize(
    ("myst", "markdown"),
    [
        ("{cite:p}`dyson2004`", "(Dyson, 2004)"),
        ("{cite:p}`dyson2004,two2020`", "(Dyson, 2004; Müller and Bach, 2020)"),
        ("{cite:t}`many2021` found", "A et al. (2021) found"),
        ("a {term}`batch`, {term}`batches <batch>`", "a batch, batches"),
        ("{math}`x^2` and $\\sqrt[3]{x} \\{.a\\}$", "$x^2$ and $\\sqrt[3]{x} \\{.a\\}$"),
        ("by {eq}`loss`, in {numref}`noise`", "by (1), in Figure 3"),
        ("{numref}`the picture %s <noise>`, {ref}`top`", "the picture 3, Here"),
        ("{prf:ref}`far`", "Theorem 2 of “There”"),
        ("{doc}`there`, {doc}`next <there>`", "There, next"),
        ("[words](../glossary), [out](https://e.org)", "words, [out](https://e.org)"),
        ("{verdict}`fails`", "**does not hold**"),
        ("{glue:text}`share`", "{glue:text}`share`"),
        ("{claim}`a.own`", "It *holds*. [{claim}`a.own`]"),
        ("{claim}`b.far`", "It fell. [**does not hold**]"),
        ("`{claim}` and ``{ref}`x` ``", "`{claim}` and ``{ref}`x` ``"),
        ("a [red]{.red} word {kbd}`Esc`", "a red word <kbd>Esc</kbd>"),
        ("(top)=\n% a note\n<!-- to\ndo -->\ntext", "text"),
        ("$$ x = 1 $$ (loss)", "$$ x = 1 \\tag{1}$$"),
        ("```{math}\n:label: loss\nx = 1\n```", "\n$$\nx = 1 \\tag{1}\n$$\n"),
        ("```python\n% {claim}`x`\n# :::\n```", "```python\n% {claim}`x`\n# :::\n```"),
        ("```{code-block} bash\nls\n```", "```bash\nls\n```"),
        (":::{note}\nMind.\n:::", "\n> **Note**\n>\n> Mind.\n"),
        (":::{admonition} Guess\n:class: tip\nHow many?\n:::", "\n> **Guess**\n>\n> How many?\n"),
        (
            ":::{dropdown} Why\nSo.\n:::",
            "\n<details><summary>Why</summary>\n\nSo.\n\n</details>\n",
        ),
        ("```{margin}\nAside.\n```", "\n> Aside.\n"),
        (
            "```{exercise} Twice\n:label: ex-twice\n\nWrite.\n```",
            "\n**Exercise 2: Twice**\n\nWrite.\n",
        ),
        (
            "````{prf:theorem} Of $x$\n:label: thm\n\n```{math}\nx\n```\n````",
            "\n**Theorem 1 (Of $x$)**\n\n$$\nx\n$$\n",
        ),
        (
            ":::{claim-table}\na.own | all\nb.far\n:::",
            "\n| claim | verdict |\n| --- | --- |\n| all | {claim}`a.own` |\n"
            "| It fell. | **does not hold** |\n",
        ),
        ("```{prf:proof}\nClear.\n```", "\n**Proof.** Clear. ∎\n"),
        ("```{bibliography}\n:filter: docname in docnames\n```", ""),
        (
            '````{figure} a.svg\n---\nalt: "A line"\nname: noise\n---\nIt *rises*.\n````',
            "\n*Picture: A line*\n\n**Figure 3.** It *rises*.\n",
        ),
        (
            ":::{table} Sizes\n\n| a |\n| - |\n| 1 |\n:::",
            "\n**Sizes**\n\n| a |\n| - |\n| 1 |\n",
        ),
        ("- a\n  ```{note}\n  b\n  ```", "- a\n\n  > **Note**\n  >\n  > b\n"),
    ],
)
def test_each_form_of_the_book_survives_as_plain_markdown(myst, markdown):
    assert plain(myst, page()) == markdown


def test_a_text_by_verdict_stays_one_where_the_readers_run_decides():
    text = "{by-verdict}``%s | holds: {term}`Batch`, {glue:text}`n` | fails: No. | undecided: So?``"
    own = "{by-verdict}``a.own | holds: Batch, {glue:text}`n` | fails: No. | undecided: So?``"
    assert plain(text % "a.own", page()) == own
    assert plain(text % "b.far", page()) == "No."


def test_links_lead_to_the_site_where_it_has_an_address():
    site = page("https://e.org/book")
    assert plain("{doc}`next <there>`", site) == "[next](https://e.org/book/book/part/there.html)"
    far = "[Theorem 2 of “There”](https://e.org/book/book/part/there.html#far)"
    assert plain("{ref}`far`", site) == far
    words = plain("[words](../glossary.md)", site)
    assert words == "[words](https://e.org/book/book/glossary.html)"


def test_what_was_cited_is_remembered_in_order():
    paper = page()
    plain("{cite:p}`two2020` {cite:t}`dyson2004,two2020`", paper)
    assert list(paper.cited) == ["two2020", "dyson2004"]


@pytest.mark.parametrize(
    ("myst", "complaint"),
    [
        ("```{tab-set}\n```", r"directive \{tab-set\} has no form.*write it otherwise"),
        ("```{raw} html\n<b>\n```", r"directive \{raw\}"),
        ("{download}`a.csv`", r"role \{download\} has no form"),
        (":::{note}\n{index}`x`\n:::", r"role \{index\}"),
        ("{cite:p}`dison2004`", "did you mean 'dyson2004'"),
        ("{ref}`nowhere`", "unknown label 'nowhere'"),
        ("{doc}`nowhere`", "unknown page"),
        ("{claim}`a.owm`", "did you mean 'a.own'"),
        ("{verdict}`maybe`", "unknown verdict"),
    ],
)
def test_what_has_no_plain_form_or_names_nothing_is_refused(myst, complaint):
    with pytest.raises(ValueError, match=complaint):
        plain(myst, page())


def test_symbols_become_a_list():
    text = ":::{symbols}\n$W$ | weights, {glue:text}`n` each\n:::"
    assert plain(text, page()) == "\n- $W$: weights, {glue:text}`n` each\n"
