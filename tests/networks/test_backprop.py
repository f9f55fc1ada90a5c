from dataclasses import replace

import pytest
import torch

from dlnotes.networks import backprop, metrics, models
from dlnotes.rng import generator
from tests.networks.test_models import CNN, LINEAR, MLP, MLP_NORM, gens

ONE_CLASS = replace(MLP, num_classes=1)
NO_BIAS = replace(MLP, bias=False)


def draw(config, count, own):
    gen = generator(0, "dense")
    params = models.init(config, gens(count), dtype=torch.float64)
    params = {n: p + torch.rand(p.shape, generator=gen, dtype=p.dtype) for n, p in params.items()}
    lead = (count, 9) if own else (9,)
    x = torch.randn(*lead, *config.input_shape, generator=gen, dtype=torch.float64)
    return params, x, torch.randint(config.num_classes, (count, 9), generator=gen)


@pytest.mark.parametrize(
    "config", [MLP, LINEAR, ONE_CLASS, NO_BIAS], ids=["mlp", "linear", "one-class", "no-bias"]
)
@pytest.mark.parametrize("own", [True, False], ids=["own-x", "shared-x"])
@pytest.mark.parametrize("smoothing", [None, (0.0, 0.3, 1.0)])
@pytest.mark.parametrize("count", [1, 3])
def test_the_algebra_equals_autograd(config, own, smoothing, count):
    params, x, y = draw(config, count, own)
    like = params["dense0.weight"]
    smoothing = None if smoothing is None else like.new_tensor(smoothing[:count])
    leaves = {name: p.clone().requires_grad_() for name, p in params.items()}
    logits = models.forward(config, leaves, x)
    loss = metrics.cross_entropy(logits, y, label_smoothing=smoothing)
    gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
    scale = like.new_tensor([2.0, -1.0, 0.5])[:count]
    into = {name: torch.ones_like(p) for name, p in params.items()}
    backprop.add_gradients(config, params, x, y, into=into, scale=scale, label_smoothing=smoothing)
    for got, gradient in zip(into.values(), gradients, strict=True):
        factor = scale.view(-1, *[1] * (gradient.ndim - 1))
        torch.testing.assert_close(got, 1 + factor * gradient)
    # the parameters themselves may be what is added to: each is used before it is changed
    backprop.add_gradients(
        config, params, x, y, into=params, scale=scale, label_smoothing=smoothing
    )
    for name, p in params.items():
        torch.testing.assert_close(p, leaves[name] + into[name] - 1)


def test_what_it_covers():
    assert backprop.covers(MLP)
    assert backprop.covers(LINEAR)
    assert not backprop.covers(CNN)
    assert not backprop.covers(MLP_NORM)
