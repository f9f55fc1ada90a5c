"""Tiny books in temporary folders: lectures that need no torch and run in a second."""

import json
import textwrap

import pytest
import yaml

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     name: python3
#     display_name: Python 3
#     language: python
#   dlnotes:
#     datasets:
#       smoke: []
#       cpu: []
#       gpu: []
# ---

# %% [markdown]
# # A lecture
"""
PARAMETERS = """\
# %% tags=["parameters"]
profile = "cpu"
device = "auto"
seeds = ""
"""
RUN = """\
# %%
from IPython.display import display


def show(kind, **fields):
    display({f"application/vnd.dlnotes.{kind}+json": fields, "text/plain": kind}, raw=True)


def check(claim, verdict="holds", effect=0.5, interval=(0.25, 0.75)):
    show(
        "claim", id=claim, verdict=verdict, effect=effect, interval=list(interval), unit="nats",
        method="exact", reason="", seeds=[1, 2], profile=profile, device="cpu", dataset="digits",
    )


show(
    "run", profile=profile, device="cpu", device_name="any", precision="float64", seeds=[1, 2],
    datasets=[], versions={"numpy": "2"},
)
"""


class TinyBook:
    """A book under construction; ``lecture`` and ``claim`` add to it."""

    def __init__(self, root):
        self.root = root
        self.claims = []
        (root / "book").mkdir(parents=True)
        self.write_claims()

    def write_claims(self):
        """Write one claims.yml for each part that has claims, and one without any."""
        parts = {"a": []}
        for claim in self.claims:
            parts.setdefault(str(claim["lecture"] or "a").split("/")[0], []).append(claim)
        for part, claims in parts.items():
            path = self.root / "book" / part / "claims.yml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(yaml.safe_dump(claims))

    def claim(self, claim, lecture, /, expected=None, **changes):
        about = {"statement": f"{claim}.", "kind": "identity", "unit": "nats", "sources": []}
        foreseen = {"predicted": expected or {"cpu": "holds"}, "expected": expected or {}}
        self.claims.append({"id": claim, "lecture": lecture, **about, **foreseen} | changes)
        self.write_claims()

    def lecture(self, name, *cells, header=HEADER, parameters=PARAMETERS, run=RUN):
        path = self.root / "book" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        body = "".join(f"\n# %%\n{textwrap.dedent(cell).strip()}\n" for cell in cells)
        path.write_text(f"{header}\n{parameters}\n{run}\n{body}")
        return path

    def ledger(self):
        rows = json.loads((self.root / "_build" / "ledger.json").read_text())
        return {row["id"]: row for row in rows}


@pytest.fixture
def book(tmp_path):
    return TinyBook(tmp_path / "a book")  # the blank is meant


@pytest.fixture(scope="module")
def shared_book(tmp_path_factory):
    return TinyBook(tmp_path_factory.mktemp("shared") / "a book")
