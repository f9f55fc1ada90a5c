import pytest
import torch

from dlnotes.networks import products
from dlnotes.rng import generator


@pytest.fixture(autouse=True)
def switched_back():
    """Leave the switch as lectures have it."""
    yield
    products.use("pytorch")


def factors(form):
    gen = generator(0, form)
    a = torch.randn(*((3, 96, 64) if form[0] == "n" else (3, 64, 96)), generator=gen)
    b = torch.randn(*((3, 64, 80) if form[1] == "n" else (3, 80, 64)), generator=gen)
    return (a if form[0] == "n" else a.mT), (b if form[1] == "n" else b.mT)


@pytest.mark.parametrize("form", ["nn", "tn", "nt"])
@pytest.mark.parametrize("library", ["onednn", "pytorch"])
def test_both_libraries_give_the_product(form, library, monkeypatch):
    a, b = factors(form)
    calls = []
    road = products._onednn
    monkeypatch.setattr(products, "_onednn", lambda x, y: calls.append(1) or road(x, y))
    products.use(library)
    expected = a.double() @ b.double()
    # float32: sums of 64 products of size 1 are right to about 64 * 2^-24
    torch.testing.assert_close(products.product(a, b).double(), expected, rtol=1e-5, atol=1e-5)
    into = torch.ones(3, 96, 80)
    products.accumulate(into, a, b)
    torch.testing.assert_close(into.double(), 1 + expected, rtol=1e-5, atol=1e-5)
    assert len(calls) == (6 if library == "onednn" else 0)


def test_the_switch_and_the_shapes_decide():
    wide, thin = torch.ones(1, 900, 900), torch.ones(1, 16, 2000)
    assert products.used() == "pytorch"
    assert not products._by_onednn(wide, wide)
    products.use("onednn")
    assert products._by_onednn(wide, wide)
    assert products._by_onednn(wide.mT, wide)
    assert not products._by_onednn(thin, thin.mT)
    assert not products._by_onednn(thin.mT, thin)
    assert not products._by_onednn(wide.double(), wide.double())


@pytest.mark.untyped
def test_a_library_that_is_not_there(monkeypatch):
    with pytest.raises(ValueError, match="one of pytorch, onednn; got 'blas'"):
        products.use("blas")
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    with pytest.raises(ValueError, match="has no oneDNN; use 'pytorch'"):
        products.use("onednn")
