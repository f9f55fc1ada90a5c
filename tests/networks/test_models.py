from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from dlnotes.networks import models
from dlnotes.networks.models import ModelConfig
from dlnotes.rng import generator
from tests import reference

MLP = ModelConfig(kind="mlp", input_shape=(1, 6, 6), num_classes=4, hidden=(7, 5))
LINEAR = ModelConfig(kind="mlp", input_shape=(9,), num_classes=3, hidden=())
CNN = ModelConfig(
    kind="cnn", input_shape=(2, 7, 5), num_classes=4, hidden=(6,), channels=(3, 4), kernel_size=3
)
BARE = ModelConfig(
    kind="cnn", input_shape=(1, 6, 6), num_classes=1, hidden=(), channels=(2,), stride=1, bias=False
)
LOCAL = replace(CNN, kind="local")
MLP_NORM, CNN_NORM, LOCAL_NORM = (replace(m, batch_norm=True) for m in (MLP, CNN, LOCAL))
BY_NAME = {
    "mlp": MLP,
    "linear": LINEAR,
    "cnn": CNN,
    "bare-cnn": BARE,
    "local": LOCAL,
    "mlp-norm": MLP_NORM,
    "cnn-norm": CNN_NORM,
    "local-norm": LOCAL_NORM,
    "no-bias": replace(LOCAL_NORM, bias=False),
}


def gens(count):
    return [generator(seed, "init") for seed in range(count)]


def scrambled(config, count):
    """Parameters none of which is 0 or 1, so that each is seen to be used."""
    params = models.init(config, gens(count), dtype=torch.float64)
    gen = generator(0, "scramble")
    return {n: p + torch.rand(p.shape, generator=gen, dtype=p.dtype) for n, p in params.items()}


@pytest.mark.parametrize("config", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("train", [True, False])
def test_each_model_computes_what_it_computes_alone(config, count, train):
    x = torch.randn(count, 5, *config.input_shape, generator=generator(0, "x"), dtype=torch.float64)
    for shared in (True, False):
        ours, theirs = scrambled(config, count), scrambled(config, count)
        logits = models.forward(config, ours, x[0] if shared else x, train=train)
        for i in range(count):
            alone = reference.forward_one(config, theirs, i, x[0 if shared else i], train=train)
            torch.testing.assert_close(logits[i], alone)
        for name, p in theirs.items():  # running averages too
            torch.testing.assert_close(ours[name], p)


@pytest.mark.parametrize("config", [CNN, CNN_NORM], ids=["cnn", "cnn-norm"])
@pytest.mark.parametrize("train", [True, False])
def test_all_ways_to_convolve_agree(config, train):
    """The GPU's way, one grouped convolution, runs on a CPU as well."""
    x = torch.randn(3, 5, *config.input_shape, generator=generator(0, "x"), dtype=torch.float64)
    each = models._convolve_each(config, scrambled(config, 3), x, train)
    for way in (models._convolve_grouped, models._convolve_patches):
        torch.testing.assert_close(way(config, scrambled(config, 3), x, train), each)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("sides", [(6, 6), (7, 5), (1, 4)])
def test_patches_and_their_derivatives_equal_those_of_unfold(size, stride, sides):
    x = torch.randn(2, 3, *sides, 4, generator=generator(0, "x"), dtype=torch.float64)

    def ours(x):
        return models._Patches.apply(x, size, stride)

    def theirs(x):
        patches = F.unfold(x.movedim(4, 1).flatten(0, 1), size, padding=size // 2, stride=stride)
        return patches.unflatten(0, (2, 4)).movedim(1, 3).flatten(2)

    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)
    found = []
    for way in (ours, theirs):
        at = x.clone().requires_grad_()
        (once,) = torch.autograd.grad(way(at).pow(3).sum(), at, create_graph=True)
        (twice,) = torch.autograd.grad(once.pow(2).sum(), at)
        found.append((once, twice))
    torch.testing.assert_close(*found)


def test_which_way_to_convolve_depends_on_shapes_only():
    """Small kernels on batches that fit go by patches, all else by one call a model."""
    few = torch.zeros(8, 100, 1, 28, 28)
    many = torch.zeros(1, 1, 1, 28, 28).expand(8, 1000, -1, -1, -1)
    net = replace(CNN, input_shape=(1, 28, 28), channels=(8, 16))
    assert models._way_to_convolve(net, few) == models._convolve_patches
    # 8 models * 1000 examples * 7 * 7 places * 8 * 9 numbers of 4 bytes each are 113 MB
    for config, x in (
        (net, many),
        (replace(net, kernel_size=5), few),
        (replace(net, stride=1), few),
    ):
        assert models._way_to_convolve(config, x) == models._convolve_each


def test_equal_weights_everywhere_make_a_local_layer_a_convolution():
    cnn = models.init(CNN, gens(2), dtype=torch.float64)
    local = {}
    for name, p in cnn.items():
        places = 12 if "0" in name else 4  # 7 x 5 pixels: 4 x 3 places, then 2 x 2
        if name.startswith("conv"):
            p = p.flatten(2) if name.endswith("weight") else p
            p = p.unsqueeze(1).expand(-1, places, *p.shape[1:])
        local[name.replace("conv", "local")] = p
    x = torch.randn(5, *CNN.input_shape, generator=generator(0, "x"), dtype=torch.float64)
    as_cnn, as_local = models.forward(CNN, cnn, x), models.forward(LOCAL, local, x)
    torch.testing.assert_close(as_local, as_cnn)


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


@pytest.mark.untyped
@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "rnn"}, r"one of \('mlp', 'cnn', 'local'\), got 'rnn'"),
        ({"hidden": (0,)}, "every size must be >= 1"),
        ({"kernel_size": -1}, "every size must be >= 1"),
        ({"channels": (3,)}, "an MLP none"),
        ({"kind": "cnn"}, "at least one entry in channels"),
        ({"kind": "cnn", "channels": (3,), "kernel_size": 4}, "odd kernel_size"),
        ({"kind": "cnn", "channels": (3,), "input_shape": (9,)}, "channels, height, width"),
    ],
)
def test_bad_config(change, match):
    fields = {"kind": "mlp", "input_shape": (1, 6, 6), "num_classes": 4, "hidden": (7,)}
    with pytest.raises(ValueError, match=match):
        ModelConfig(**fields | change)


@pytest.mark.untyped
def test_bad_input():
    params = models.init(MLP, gens(2))
    for shape in ((5, 1, 6, 7), (3, 5, 1, 6, 6)):
        with pytest.raises(ValueError, match="x must be"):
            models.forward(MLP, params, torch.zeros(shape))
    with pytest.raises(ValueError, match="at least one model"):
        models.init(MLP, [])
