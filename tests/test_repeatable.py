"""No clock decides a number: two processes give the same bytes, however busy the machine is."""

import os
import subprocess
import sys

import pytest

TRAIN = """
import hashlib
import torch
from dlnotes.lab.settings import Settings
from dlnotes.networks import models, training
from dlnotes.rng import generator

run = Settings(profile="cpu", device="cpu", seeds="0-3").prepare()
shapes = {
    "mlp": {"kind": "mlp", "input_shape": (400,), "hidden": (256, 256)},
    "cnn": {"kind": "cnn", "input_shape": (1, 20, 20), "hidden": (32,), "channels": (8, 16)},
}
for name, shape in shapes.items():
    model = models.ModelConfig(num_classes=10, **shape)
    x = torch.randn(512, *model.input_shape, generator=generator(0, "x"))
    y = torch.randint(10, (4, 512), generator=generator(0, "y"))
    start = models.init(model, [generator(seed, "init") for seed in run.seeds])
    config = training.TrainConfig(batch_size=128, max_epochs=2, learning_rate=0.05, momentum=0.9)
    gens = [generator(seed, "order") for seed in run.seeds]
    done = training.train(model, config, start, x, y, gens=gens)
    digest = hashlib.sha256(done.loss.numpy().tobytes())
    for p in done.params.values():
        digest.update(p.numpy().tobytes())
    print(name, digest.hexdigest())
"""
BUSY = "while True: pass"


@pytest.fixture
def load():
    """Keep every core busy."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    yield
    for other in others:
        other.kill()
        other.wait()


def trained(cache):
    """Train in a process of its own, whose user has no cache yet."""
    homes = {"HOME": str(cache), "XDG_CACHE_HOME": str(cache / "cache")}
    env = os.environ | homes | {"OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-c", TRAIN]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env=env)
    assert not list(cache.rglob("*.json")), "a number was kept for the next process"
    return done.stdout


@pytest.fixture
def at_rest(tmp_path):
    (tmp_path / "a").mkdir()
    return trained(tmp_path / "a")


def test_two_processes_give_the_same_bytes_one_of_them_under_load(tmp_path, at_rest, load):
    (tmp_path / "b").mkdir()
    assert trained(tmp_path / "b") == at_rest
    assert at_rest.split()[::2] == ["mlp", "cnn"]
