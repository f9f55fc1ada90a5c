import json
import time

import pytest
import torch

from dlnotes.networks import products
from dlnotes.rng import generator


@pytest.fixture(autouse=True)
def fresh_answers():
    """Start and leave without a calibration."""
    before = dict(products._onednn_is_faster)
    products._onednn_is_faster.clear()
    products._nearest.cache_clear()
    yield
    products._onednn_is_faster.clear()
    products._onednn_is_faster.update(before)
    products._nearest.cache_clear()


def factors(form):
    gen = generator(0, form)
    a = torch.randn(*((3, 96, 64) if form[0] == "n" else (3, 64, 96)), generator=gen)
    b = torch.randn(*((3, 64, 80) if form[1] == "n" else (3, 80, 64)), generator=gen)
    return (a if form[0] == "n" else a.mT), (b if form[1] == "n" else b.mT)


@pytest.mark.parametrize("form", ["nn", "tn", "nt"])
@pytest.mark.parametrize("onednn", [True, False])
def test_both_roads_give_the_product(form, onednn, monkeypatch):
    a, b = factors(form)
    calls = []
    road = products._onednn
    monkeypatch.setattr(products, "_onednn", lambda x, y: calls.append(1) or road(x, y))
    products._onednn_is_faster[form] = {(100, 100, 100): onednn}
    expected = a.double() @ b.double()
    # float32: sums of 64 products of size 1 are right to about 64 * 2^-24
    torch.testing.assert_close(products.product(a, b).double(), expected, rtol=1e-5, atol=1e-5)
    into = torch.ones(3, 96, 80)
    products.accumulate(into, a, b)
    torch.testing.assert_close(into.double(), 1 + expected, rtol=1e-5, atol=1e-5)
    assert len(calls) == (6 if onednn else 0)


def test_the_nearest_shape_decides_and_narrow_ones_stay_plain():
    products._onednn_is_faster["nn"] = {(128, 128, 128): False, (1024, 1024, 1024): True}
    wide, mid, thin = torch.ones(1, 900, 900), torch.ones(1, 200, 200), torch.ones(1, 16, 2000)
    assert products._by_onednn(wide, wide)
    assert not products._by_onednn(mid, mid)
    assert not products._by_onednn(thin, thin.mT)
    assert not products._by_onednn(wide.double(), wide.double())
    assert not products._by_onednn(wide.mT, wide)  # another form, never measured


def test_calibration_is_quick_and_happens_once(tmp_path, monkeypatch):
    path = tmp_path / "cache" / "products.json"
    start = time.perf_counter()
    products.calibrate(path)
    assert time.perf_counter() - start < 5
    first = {form: dict(answers) for form, answers in products._onednn_is_faster.items()}
    (rows,) = json.loads(path.read_text()).values()
    assert len(rows) == 3 * len(products.SHAPES)
    assert all(ratio > 0 for *_, ratio in rows)
    monkeypatch.setattr(products, "_measure", lambda: pytest.fail("measured again"))
    products.calibrate(path)
    assert products._onednn_is_faster == first
    monkeypatch.setattr(products, "cpu_name", lambda: "another processor")
    monkeypatch.setattr(products, "_measure", lambda: [["nn", 1024, 1024, 1024, 2.0]])
    products.calibrate(path)
    assert products._onednn_is_faster == {"nn": {(1024, 1024, 1024): True}}
    assert len(json.loads(path.read_text())) == 2


@pytest.mark.parametrize("damage", ["", "{", "[1]"])
def test_a_damaged_file_is_measured_again(tmp_path, monkeypatch, damage):
    path = tmp_path / "products.json"
    path.write_text(damage)
    monkeypatch.setattr(products, "_measure", lambda: [["nn", 64, 64, 64, 0.5]])
    products.calibrate(path)
    assert products._onednn_is_faster == {"nn": {(64, 64, 64): False}}
    assert json.loads(path.read_text())


def test_without_a_place_to_keep_it(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(products, "_measure", lambda: [["nn", 64, 64, 64, 2.0]])
    products.calibrate(blocked / "products.json")
    assert products._onednn_is_faster == {"nn": {(64, 64, 64): True}}


def test_without_the_operator_nothing_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    products.calibrate(tmp_path / "products.json")
    assert products._onednn_is_faster == {}
    assert not (tmp_path / "products.json").exists()
