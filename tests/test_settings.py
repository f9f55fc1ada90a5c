from importlib import metadata

import pytest
import torch

from dlnotes.settings import Settings, parse_seeds


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


def test_provenance():
    run = Settings(profile="smoke", device="cpu", seeds=(4, 5)).provenance()
    assert (run["device"], run["seeds"], run["profile"]) == ("cpu", [4, 5], "smoke")
    assert run["versions"]["torch"] == metadata.version("torch")
    assert run["device_name"]
