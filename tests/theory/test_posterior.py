"""Normal distributions over weights, against torch.distributions, brute force and coverage."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from dlnotes.networks import metrics, models, stacks
from dlnotes.rng import each, generator
from dlnotes.theory import posterior

CONFIG = models.ModelConfig(kind="mlp", input_shape=(4,), num_classes=3, hidden=(5,))


def stack(seeds=2):
    params = models.init(CONFIG, each(range(seeds), "init"), dtype=torch.float64)
    ties = torch.tensor([0.3, 0.1, 0.2], dtype=torch.float64)  # broken where no unit is active
    return params | {"dense1.bias": ties.repeat(seeds, 1)}


def scales(params, name="scale"):
    gen = generator(0, name)
    return {k: torch.rand(p.shape, generator=gen, dtype=p.dtype) + 0.1 for k, p in params.items()}


def data(n=60):
    gen = generator(1, "data")
    x = torch.randn(n, 4, generator=gen, dtype=torch.float64)
    return x, torch.randint(3, (n,), generator=gen)


def test_the_divergence_is_that_of_torch_distributions():
    mean, other = stack(), {k: p + 0.3 for k, p in stack().items()}
    q = posterior.gaussian(mean, scales(mean))
    p = posterior.gaussian(other, scales(mean, "other"))
    for m in range(2):
        whole = sum(
            kl_divergence(
                Normal(mean[k][m], q.scale[k][m]), Normal(other[k][m], p.scale[k][m])
            ).sum()
            for k in mean
        )
        assert float(posterior.kl(q, p)[m]) == pytest.approx(float(whole), rel=1e-12)
    assert posterior.kl(q, q).tolist() == [0.0, 0.0]


def test_the_divergence_is_the_mean_log_ratio_of_densities():
    mean = {"bias": torch.tensor([[0.3, -0.2]], dtype=torch.float64)}
    q = posterior.gaussian(mean, 0.5)
    p = posterior.gaussian({"bias": torch.zeros(1, 2, dtype=torch.float64)}, 0.8)
    gens, total = [generator(0, "draws")], []
    for _ in range(4000):
        w = posterior.sample(q, gens)["bias"]
        at = [Normal(d.mean["bias"], d.scale["bias"]).log_prob(w).sum() for d in (q, p)]
        total.append(float(at[0] - at[1]))
    values = torch.tensor(total)
    error = values.std() / math.sqrt(len(values))
    assert float((values.mean() - posterior.kl(q, p)[0]).abs()) < 4 * error


def test_draws_have_the_mean_and_the_scale():
    q = posterior.gaussian({"bias": torch.tensor([[1.0], [-2.0]])}, (0.5, 2.0))
    gens = each(range(2), "draws")
    drawn = torch.stack([posterior.sample(q, gens)["bias"] for _ in range(2000)])[..., 0]
    assert torch.allclose(drawn.mean(0), torch.tensor([1.0, -2.0]), atol=0.15)
    assert torch.allclose(drawn.std(0), torch.tensor([0.5, 2.0]), rtol=0.05)


def test_a_model_draws_from_its_own_generator_only():
    params, q = stack(3), posterior.gaussian(stack(3), 0.1)
    whole = posterior.sample(q, each(range(3), "draws"))
    alone = posterior.gaussian(stacks.select(params, 2), 0.1)
    assert all(
        torch.equal(part[0], whole[name][2])
        for name, part in posterior.sample(alone, [generator(2, "draws")]).items()
    )


def test_without_noise_the_risk_is_that_of_the_mean_network():
    x, y = data()
    q = posterior.gaussian(stack(), 1e-9)
    _, accuracy = metrics.evaluate(CONFIG, stack(), x, y)
    found = posterior.risk(CONFIG, q, x, y, gens=each(range(2), "risk"), block=20, draws=2)
    assert torch.allclose(found.estimate, 1 - accuracy)
    assert found.draws == 6
    rows = torch.stack([torch.arange(0, 40), torch.arange(20, 60)])
    _, accuracy = metrics.evaluate(CONFIG, stack(), x, y, rows=rows)
    found = posterior.risk(CONFIG, q, x, y, gens=each(range(2), "risk"), rows=rows, block=10)
    assert torch.allclose(found.estimate, 1 - accuracy)


def test_models_may_have_labels_of_their_own():
    x, y = data()
    q, labels = posterior.gaussian(stack(), 1e-9), torch.stack([y, (y + 1) % 3])
    _, accuracy = metrics.evaluate(CONFIG, stack(), x, labels)
    found = posterior.risk(CONFIG, q, x, labels, gens=each(range(2), "risk"), block=30)
    assert torch.allclose(found.estimate, 1 - accuracy)


def test_the_risk_agrees_with_one_network_a_draw_on_all_examples():
    x, y = data()
    q = posterior.gaussian(stack(1), 0.4)
    gens, wrong = [generator(7, "brute")], []
    for _ in range(600):
        _, accuracy = metrics.evaluate(CONFIG, posterior.sample(q, gens), x, y)
        wrong.append(1 - float(accuracy[0]))
    found = posterior.risk(CONFIG, q, x, y, gens=[generator(8, "risk")], block=3, draws=60)
    assert float(found.estimate[0]) == pytest.approx(sum(wrong) / 600, abs=0.015)


def test_the_interval_of_the_risk_covers_as_often_as_it_says():
    x, y = data(20)
    q, misses = posterior.gaussian(stack(1), 0.4), 0
    exact = posterior.risk(CONFIG, q, x, y, gens=[generator(0, "exact")], block=1, draws=400)
    for seed in range(100):
        found = posterior.risk(CONFIG, q, x, y, gens=[generator(seed, "r")], block=2, draws=1)
        low, high = found.lower(0.1), found.upper(0.1)
        assert low <= found.estimate <= high
        misses += not bool(low <= exact.estimate <= high)
    assert misses <= 20


def test_generators_are_left_as_they_were():
    x, y = data()
    q, gens = posterior.gaussian(stack(), 0.3), each(range(2), "risk")
    first = posterior.risk(CONFIG, q, x, y, gens=gens, block=20)
    assert torch.equal(
        first.estimate, posterior.risk(CONFIG, q, x, y, gens=gens, block=20).estimate
    )


@pytest.mark.parametrize("scale", [0.0, -0.1, math.nan, math.inf, (0.1, 0.0)])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(ValueError, match="positive and finite"):
        posterior.gaussian(stack(), scale)


def test_what_does_not_fit_is_refused():
    x, y = data()
    q = posterior.gaussian(stack(), 0.1)
    with pytest.raises(ValueError, match="shapes of the means"):
        posterior.gaussian(stack(), {k: torch.ones(1, 1).double() for k in stack()})
    with pytest.raises(ValueError, match="without batch normalization"):
        posterior.gaussian({"running_mean": torch.zeros(1, 2)}, 0.1)
    with pytest.raises(ValueError, match="each of the 2 models"):
        posterior.sample(q, each(range(3), "draws"))
    with pytest.raises(ValueError, match="same weights"):
        posterior.kl(q, posterior.gaussian(stack(3), 0.1))
    with pytest.raises(ValueError, match="must divide the 60 examples"):
        posterior.risk(CONFIG, q, x, y, gens=each(range(2), "risk"), block=7)
    with pytest.raises(ValueError, match="draws be at least 1"):
        posterior.risk(CONFIG, q, x, y, gens=each(range(2), "risk"), block=20, draws=0)
