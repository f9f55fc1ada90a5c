"""The files at the root of the site, and what a build knows of where it will stand."""

import json
import xml.etree.ElementTree

import pytest

from dlnotes.press import about, doors, landing

ADDRESS = "https://example.org/notes/"


@pytest.fixture
def site(tmp_path):
    page = tmp_path / "book" / "part"
    page.mkdir(parents=True)
    (tmp_path / "book" / "index.html").write_text('<h1>Why?<a href="#why">#</a></h1>')
    (page / "lecture.html").write_text("<h1>Lecture</h1>")
    return tmp_path


def test_without_an_address_none_is_made_up(site):
    files = dict(doors.files(site, {"address": None}))
    assert files.keys() == {"index.html", "404.html"}
    assert "<title>Why?</title>" in files["index.html"]
    assert 'lang="en"' in files["index.html"]
    assert '<a href="book/index.html">Why?</a>' in files["index.html"]
    assert "<base" not in files["404.html"]


def test_with_an_address_robots_find_all_pages(site):
    files = dict(doors.files(site, {"address": ADDRESS}))
    places = [e.text for e in xml.etree.ElementTree.fromstring(files["sitemap.xml"]).iter()]
    pages = [place for place in places if place and place.strip()]
    assert pages == [f"{ADDRESS}book/index.html", f"{ADDRESS}book/part/lecture.html"]
    assert f"Sitemap: {ADDRESS}sitemap.xml" in files["robots.txt"]
    assert f'<base href="{ADDRESS}">' in files["404.html"]


@pytest.mark.parametrize(
    ("told", "address"), [(ADDRESS, ADDRESS), (ADDRESS[:-1], ADDRESS), ("", None)]
)
def test_the_address_comes_from_outside(tmp_path, monkeypatch, told, address):
    monkeypatch.setenv("DLNOTES_ADDRESS", told)
    monkeypatch.setenv("GITHUB_SHA", "abc")
    [(name, content)] = about.files(tmp_path)
    assert json.loads(content)["address"] == address
    assert json.loads(content)["commit"] == "abc"
    (tmp_path / "_data").mkdir()
    (tmp_path / name).write_bytes(content)
    assert about.read(tmp_path)["address"] == address


def test_a_stage_without_the_file_knows_nothing(tmp_path):
    assert set(about.read(tmp_path).values()) == {None}


def test_the_count_says_each_verdict_that_there_is():
    told = landing.count(["holds", "holds", "fails"], "ledger.html")
    assert "3 claims" in told
    assert "<b>2</b> hold<" in told
    assert "<b>1</b> does not hold<" in told
    assert "undecided" not in told


def test_the_words_of_a_figure_come_from_its_lecture(tmp_path):
    source = '````{figure} _figures/a-b.svg\n---\nname: "a-b"\nalt: "Two \\"lines\\"."\n---\n````'
    page = tmp_path / "a.ipynb"
    page.write_text(json.dumps({"cells": [{"source": "x"}, {"source": source}]}))
    assert landing.alternative(page, "a-b") == 'Two "lines".'
    assert landing.alternative(page, "a-c") == ""
