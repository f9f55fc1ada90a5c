from importlib import metadata

import pytest
import torch

from dlnotes.contract import parse_seeds
from dlnotes.lab.settings import Settings
from dlnotes.networks import products


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("1000-1002", (1000, 1001, 1002)), ("7,1, 2", (7, 1, 2)), ("0-1,5", (0, 1, 5))],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds
    assert Settings(profile="cpu", seeds=text).seeds == seeds


@pytest.mark.parametrize("text", ["", "a", "5-1", "1-", "-3", "1..3", "1;2"])
def test_bad_seeds(text):
    with pytest.raises(ValueError, match="numbers and rising ranges"):
        parse_seeds(text)


def test_repeated_seed():
    with pytest.raises(ValueError, match="each seed may come once"):
        parse_seeds("0-3,2")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"profile": "cpus"}, "profile must be one of smoke, cpu, gpu; got 'cpus'"),
        ({"device": "tpu"}, "device must be one of auto, cpu, cuda; got 'tpu'"),
        ({"products": "mkl"}, "products must be one of pytorch, onednn; got 'mkl'"),
        ({"precision": "fp8"}, "precision must be one of float64, float32, tf32, bf16; got 'fp8'"),
        ({"seeds": (3,)}, "at least two seeds"),
        ({"seeds": (3, 3)}, "different integers"),
        ({"seeds": (True, 3)}, "different integers"),
        ({"seeds": (-1, 3)}, "different integers >= 0"),
    ],
)
def test_bad_settings(change, match):
    with pytest.raises(ValueError, match=match):
        Settings(**{"profile": "cpu", "seeds": (0, 1)} | change)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there():
    with pytest.raises(ValueError, match="torch finds no GPU"):
        Settings(profile="cpu", device="cuda", seeds=(0, 1))


def test_a_gpu_may_be_on_a_cluster(monkeypatch):
    monkeypatch.setenv("DLNOTES_CLUSTER", "tcp://scheduler:8786")
    run = Settings(profile="cpu", device="cuda", seeds=(0, 1))
    assert run.torch_device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_provenance():
    run = Settings(profile="smoke", device="cpu", seeds=(4, 5)).provenance()
    assert (run["device"], run["seeds"], run["profile"]) == ("cpu", [4, 5], "smoke")
    assert run["versions"]["torch"] == metadata.version("torch")
    assert run["device_name"]


@pytest.mark.parametrize(
    ("precision", "rounding", "dtype"),
    [
        ("float64", "highest", torch.float64),
        ("float32", "highest", torch.float32),
        ("tf32", "high", torch.float32),
        ("bf16", "medium", torch.float32),
    ],
)
def test_precision_is_set_and_recorded(precision, rounding, dtype):
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    run = Settings(profile="smoke", device="cpu", seeds=(0, 1), precision=precision).prepare()
    try:
        assert torch.get_float32_matmul_precision() == rounding
        assert torch.backends.cudnn.allow_tf32 == (precision in ("tf32", "bf16"))
        assert run.dtype == dtype
        assert run.provenance()["precision"] == precision
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


@pytest.mark.parametrize("library", ["onednn", "pytorch"])  # the last one as lectures have it
def test_the_library_of_products_is_set_and_recorded(library):
    run = Settings(profile="cpu", device="cpu", seeds=(0, 1), products=library).prepare()
    assert products.used() == run.provenance()["products"] == library
    assert run.provenance()["threads"] == torch.get_num_threads()


def test_a_lecture_does_not_ask_for_another_library():
    assert Settings(profile="cpu", seeds=(0, 1)).products == "pytorch"


def test_convolutions_on_a_gpu_are_the_same_on_every_run(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    Settings(profile="smoke", device="cpu", seeds=(0, 1)).prepare()
    assert torch.backends.cudnn.deterministic


@pytest.mark.parametrize(("profile", "seeds"), [("smoke", 2), ("cpu", 8), ("gpu", 10)])
def test_the_usual_seeds_are_those_of_the_profile(profile, seeds):
    assert Settings(profile=profile, device="cpu").seeds == tuple(range(seeds))
    assert Settings(profile=profile, seeds="").seeds == tuple(range(seeds))
    assert Settings(profile=profile, seeds="7-8").seeds == (7, 8)
