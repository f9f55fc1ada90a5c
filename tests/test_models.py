import pytest
import torch

from dlnotes import models
from dlnotes.models import ModelConfig
from dlnotes.rng import generator
from tests import reference

MLP = ModelConfig(kind="mlp", input_shape=(1, 6, 6), num_classes=4, hidden=(7, 5))
LINEAR = ModelConfig(kind="mlp", input_shape=(9,), num_classes=3, hidden=())
CNN = ModelConfig(
    kind="cnn", input_shape=(2, 7, 5), num_classes=4, hidden=(6,), channels=(3, 4), kernel_size=3
)
BARE = ModelConfig(
    kind="cnn", input_shape=(1, 6, 6), num_classes=1, hidden=(), channels=(2,), stride=1
)


def gens(count):
    return [generator(seed, "init") for seed in range(count)]


@pytest.mark.parametrize(
    "config", [MLP, LINEAR, CNN, BARE], ids=["mlp", "linear", "cnn", "bare-cnn"]
)
@pytest.mark.parametrize("count", [1, 3])
def test_each_model_computes_what_it_computes_alone(config, count):
    params = {name: p.double() for name, p in models.init(config, gens(count)).items()}
    x = torch.randn(count, 5, *config.input_shape, generator=generator(0, "x"), dtype=torch.float64)
    own = models.forward(config, params, x)
    shared = models.forward(config, params, x[0])
    for i in range(count):
        torch.testing.assert_close(own[i], reference.forward_one(config, params, i, x[i]))
        torch.testing.assert_close(shared[i], reference.forward_one(config, params, i, x[0]))


def test_both_ways_to_convolve_agree():
    """The GPU's way, one grouped convolution, runs on a CPU as well."""
    params = {name: p.double() for name, p in models.init(CNN, gens(3)).items()}
    x = torch.randn(3, 5, *CNN.input_shape, generator=generator(0, "x"), dtype=torch.float64)
    layers = [(params[f"conv{i}.weight"], params[f"conv{i}.bias"]) for i in range(2)]
    shape = {"stride": CNN.stride, "padding": 1}
    each, grouped = (
        way(layers, x, shape) for way in (models._convolve_each, models._convolve_grouped)
    )
    torch.testing.assert_close(grouped, each)


def test_a_model_depends_on_its_own_generator_only():
    three, one = models.init(MLP, gens(3)), models.init(MLP, gens(3)[2:])
    assert all(torch.equal(three[name][2:], one[name]) for name in one)


def test_he_initialization_keeps_the_scale():
    wide = ModelConfig(kind="mlp", input_shape=(500,), num_classes=500, hidden=())
    weight = models.init(wide, gens(1))["dense0.weight"]
    assert weight.var().item() == pytest.approx(2 / 500, rel=0.02)
    conv = ModelConfig(
        kind="cnn", input_shape=(10, 3, 3), num_classes=1, hidden=(), channels=(400,)
    )
    assert models.init(conv, gens(1))["conv0.weight"].var().item() == pytest.approx(
        2 / 250, rel=0.03
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "rnn"}, "'mlp' or 'cnn', got 'rnn'"),
        ({"hidden": (0,)}, "every size must be >= 1"),
        ({"kernel_size": -1}, "every size must be >= 1"),
        ({"channels": (3,)}, "an MLP none"),
        ({"kind": "cnn"}, "at least one convolution"),
        ({"kind": "cnn", "channels": (3,), "kernel_size": 4}, "odd kernel_size"),
        ({"kind": "cnn", "channels": (3,), "input_shape": (9,)}, "channels, height, width"),
    ],
)
def test_bad_config(change, match):
    fields = {"kind": "mlp", "input_shape": (1, 6, 6), "num_classes": 4, "hidden": (7,)}
    with pytest.raises(ValueError, match=match):
        ModelConfig(**fields | change)


def test_bad_input():
    params = models.init(MLP, gens(2))
    for shape in ((5, 1, 6, 7), (3, 5, 1, 6, 6)):
        with pytest.raises(ValueError, match="x must be"):
            models.forward(MLP, params, torch.zeros(shape))
    with pytest.raises(ValueError, match="at least one model"):
        models.init(MLP, [])
