import pytest
import torch

from dlnotes.networks import optimizers
from dlnotes.rng import generator

THEIRS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
RATES = {
    "learning_rate": [0.1, 0.01, 0.3],
    "momentum": [0.0, 0.9, 0.5],
    "weight_decay": [0.0, 0.1, 0.01],
}


def draw(*names):
    gen = generator(0, *names)
    shapes = {"weight": (3, 4, 5), "bias": (3, 5)}
    return {n: torch.randn(s, generator=gen, dtype=torch.float64) for n, s in shapes.items()}


def adding(gradients):
    """What `step` calls for the gradients, when they are known."""

    def accumulate(into, scale):
        for name, gradient in gradients.items():
            into[name] += gradient * scale.view(-1, *[1] * (gradient.ndim - 1))

    return accumulate


@pytest.mark.parametrize("optimizer", THEIRS)
@pytest.mark.parametrize("left_out", [(), ("weight_decay",), ("weight_decay", "momentum")])
def test_each_model_moves_as_torch_moves_it_alone(optimizer, left_out):
    params = draw("params")
    rates = {name: torch.tensor(v, dtype=torch.float64) for name, v in RATES.items()}
    rates = {n: v for n, v in rates.items() if n not in left_out}
    alone = []
    for i in range(3):
        own = {name: p[i].clone().requires_grad_() for name, p in params.items()}
        options = {
            "lr": RATES["learning_rate"][i],
            "weight_decay": RATES["weight_decay"][i] * ("weight_decay" in rates),
        }
        if optimizer == "sgd":
            options["momentum"] = RATES["momentum"][i] * ("momentum" in rates)
        alone.append((own, THEIRS[optimizer](own.values(), **options)))
    state = optimizers.init(optimizer, params, rates)
    for count in range(1, 6):
        gradients = draw("gradients", count)
        optimizers.step(optimizer, params, adding(gradients), state, rates)
        for i, (own, theirs) in enumerate(alone):
            for name, p in own.items():
                p.grad = gradients[name][i].clone()
            theirs.step()
    for i, (own, _) in enumerate(alone):
        for name, p in own.items():  # float64, other order of the same operations
            torch.testing.assert_close(params[name][i], p.detach(), rtol=1e-12, atol=1e-12)


def test_the_proximal_step_ends_at_the_lasso_of_a_quadratic():
    # minimize (w - c)^2 / 2 + l1 |w|: the solution is c pulled towards zero by l1, and exact zeros
    goal = torch.tensor([[3.0, -0.4, 0.2, -2.0]], dtype=torch.float64)
    params = {"weight": torch.zeros_like(goal)}
    rates = {name: torch.tensor([0.5], dtype=torch.float64) for name in ("learning_rate", "l1")}
    state = optimizers.init("sgd", params, rates)
    for _ in range(1, 100):
        gradient = {"weight": params["weight"] - goal}
        optimizers.step("sgd", params, adding(gradient), state, rates)
    expected = torch.tensor([[2.5, 0.0, 0.0, -1.5]], dtype=torch.float64)
    torch.testing.assert_close(params["weight"], expected)
    assert (params["weight"] == 0).sum() == 2
