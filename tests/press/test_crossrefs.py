from dlnotes.press import crossrefs

TEXT = """(top)=
# A title

$$ x = 1 $$ (one)

$$
y = 2
$$ (two)

```{exercise} Not named
What?
```

:::{exercise} Named
:label: ex
What?
:::

```{prf:lemma} Small
:label: lem
```

```{figure} a.svg
---
alt: A
name: fig
---
```
"""


def test_labels_are_numbered_within_a_page_each_kind_alone():
    assert dict(crossrefs.labeled(TEXT)) == {
        "top": "A title",
        "one": "(1)",
        "two": "(2)",
        "ex": "Exercise 2",
        "lem": "Lemma 1",
        "fig": "Figure 1",
    }


def test_the_book_is_read_with_the_figures_that_were_drawn(tmp_path):
    part = tmp_path / "book" / "part"
    part.mkdir(parents=True)
    (tmp_path / "book" / "index.md").write_text("# The front\n")
    (part / "a.py").write_text(
        "# %% [markdown]\n# (a)=\n# # Lecture A\n\n# %%\nx = 1  # no title\n"
    )
    titles, labels = crossrefs.read(tmp_path, {"part/a": ["a-first", "a-second"]})
    assert titles == {"book/index": "The front", "book/part/a": "Lecture A"}
    assert labels["a"] == crossrefs.Label("book/part/a", "Lecture A")
    assert labels["a-second"].words == "Figure 2"
