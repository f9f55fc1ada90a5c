"""Information: dense determinants, scikit-learn, numerical integration and known truths."""

import math

import pytest
import torch
from scipy import integrate
from sklearn.metrics import mutual_info_score
from torch.distributions import MultivariateNormal, kl_divergence

from dlnotes.networks import metrics, models
from dlnotes.rng import each, generator
from dlnotes.theory import information, posterior

CONFIG = models.ModelConfig(kind="mlp", input_shape=(4,), num_classes=3, hidden=(5,))


def normal(*shape, name="normal"):
    return torch.randn(*shape, generator=generator(0, name), dtype=torch.float64)


@pytest.mark.parametrize(("weights", "data"), [(3, 8), (8, 3), (1, 1)])
def test_a_channels_information_is_that_of_the_joint_covariance(weights, data):
    gain, root, noise = normal(weights, data), normal(data, data, name="root"), 0.7
    covariance = root @ root.T
    marginal = gain @ covariance @ gain.T + noise**2 * torch.eye(weights).double()
    joint = torch.cat(
        [
            torch.cat([marginal, gain @ covariance], 1),
            torch.cat([covariance @ gain.T, covariance], 1),
        ]
    )
    exact = (marginal.logdet() + covariance.logdet() - joint.logdet()) / 2
    assert information.channel(gain, covariance, noise) == pytest.approx(float(exact), rel=1e-9)


def test_a_channels_information_is_the_mean_divergence_from_the_marginal():
    gain, noise = normal(2, 3), 0.5
    marginal = gain @ gain.T + noise**2 * torch.eye(2).double()
    whole = MultivariateNormal(torch.zeros(2).double(), marginal)
    data = torch.randn(20_000, 3, generator=generator(1, "data"), dtype=torch.float64)
    given = MultivariateNormal(data @ gain.T, noise**2 * torch.eye(2).double())
    mean = kl_divergence(given, whole).mean()
    found = information.channel(gain, torch.eye(3).double(), noise)
    assert found == pytest.approx(float(mean), rel=0.02)


def test_halving_the_noise_adds_ln_2_for_each_weight_in_the_limit():
    gain, eye = normal(3, 8), torch.eye(8).double()
    fine, finer = (information.channel(gain, eye, noise) for noise in (1e-5, 0.5e-5))
    assert finer - fine == pytest.approx(3 * math.log(2), rel=1e-6)


def test_a_channel_without_noise_or_with_a_negative_variance_is_refused():
    one = torch.ones(1, 1, dtype=torch.float64)
    for noise in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="noise must be positive"):
            information.channel(one, one, noise)
    with pytest.raises(ValueError, match="positive semidefinite"):
        information.channel(one, -one, 1.0)


def trainings(count, pairs, truth, seed=0):
    """Draw coins, and predictions that repeat the coin with probability ``truth``, else chance."""
    gen = generator(seed, "trainings")
    coins = torch.rand(count, pairs, generator=gen) < 0.5
    first = torch.randint(3, (count, pairs), generator=gen)
    tells = torch.rand(count, pairs, generator=gen) < truth
    second = torch.where(tells, coins.long(), torch.randint(2, (count, pairs), generator=gen))
    return torch.stack([first, second], 2), coins


def test_the_plug_in_estimate_is_that_of_scikit_learn():
    said, coins = trainings(40, 7, 0.6)
    found = information.evaluated(said, coins)
    for i in range(7):
        both = (said[:, i, 0] * 3 + said[:, i, 1]).tolist()
        exact = mutual_info_score(both, coins[:, i].tolist())
        assert float(found.nats[i]) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0])
def test_the_jackknife_takes_most_of_the_bias_away(truth):
    right, wrong = (1 + truth) / 2, (1 - truth) / 2
    exact = math.log(2) + sum(p * math.log(p) for p in (right, wrong) if p > 0)
    said, coins = trainings(40, 4000, truth)
    found = information.evaluated(said, coins)
    plain = float(found.nats.mean())
    assert abs(found.mean - exact) < max(0.2 * abs(plain - exact), 0.004)


def test_the_jackknifes_error_is_the_spread_of_repeated_estimates():
    many = [information.evaluated(*trainings(40, 50, 0.5, seed)) for seed in range(200)]
    spread = float(torch.tensor([one.mean for one in many]).std())
    told = sum(one.error for one in many) / 200
    assert told == pytest.approx(spread, rel=0.35)


def test_trainings_that_do_not_fit_are_refused():
    said, coins = trainings(2, 5, 0.5)
    with pytest.raises(ValueError, match="at least 3 trainings"):
        information.evaluated(said, coins)
    said, coins = trainings(5, 5, 0.5)
    with pytest.raises(ValueError, match="trainings, pairs, 2"):
        information.evaluated(said[:, :, :1], coins)


def stack(name="init"):
    return models.init(CONFIG, each(range(2), name), dtype=torch.float64)


def data(n=50):
    gen = generator(1, "data")
    x = torch.randn(n, 4, generator=gen, dtype=torch.float64)
    return x, torch.randint(3, (n,), generator=gen)


def test_the_divergence_at_tolerance_is_that_of_the_normals_it_names():
    x, y = data()
    params, center, grid = stack(), stack("other"), (0.3, 1.0, 3.0)
    found = information.at_tolerance(
        CONFIG, params, center, x, y, gens=each(range(2), "noise"), prior_scales=grid, draws=3
    )
    q = posterior.gaussian(params, found.scale.tolist())
    every = torch.stack([posterior.kl(q, posterior.gaussian(center, t)) for t in grid])
    assert torch.allclose(found.nats, every.min(0).values)
    assert found.prior_scale.tolist() == [grid[i] for i in every.argmin(0)]
    before, _ = metrics.evaluate(CONFIG, params, x, y)
    gens, after = each(range(2), "noise"), 0.0
    zero = posterior.gaussian({name: torch.zeros_like(p) for name, p in params.items()}, 1.0)
    for _ in range(3):
        z = posterior.sample(zero, gens)
        moved = {
            name: p + found.scale.view(-1, *[1] * (p.ndim - 1)) * z[name]
            for name, p in params.items()
        }
        after = after + metrics.evaluate(CONFIG, moved, x, y)[0] / 3
    assert torch.allclose(after - before, torch.full((2,), 0.1).double(), atol=2e-3)


def test_the_tolerated_noise_is_that_of_an_integral():
    # both classes at zero weights: the loss is the mean of ln(1 + exp(d)), d normal with 2 s^2
    config = models.ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
    zero = {"dense0.weight": torch.zeros(1, 2, 1, dtype=torch.float64)}
    x, y = torch.ones(2, 1, dtype=torch.float64), torch.tensor([0, 1])
    found = information.at_tolerance(
        config, zero, zero, x, y, gens=[generator(0, "noise")], prior_scales=[1.0], draws=500
    )
    spread = math.sqrt(2) * float(found.scale[0])

    def at(d):
        density = math.exp(-((d / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))
        return density * math.log1p(math.exp(d))

    rise = integrate.quad(at, -8 * spread, 8 * spread)[0] - math.log(2)
    assert rise == pytest.approx(0.1, rel=0.15)


def test_subsets_count_as_they_would_alone():
    x, y = data()
    rows = torch.stack([torch.arange(20), torch.arange(20, 40)])
    options = {"gens": each(range(2), "noise"), "prior_scales": [1.0], "draws": 2}
    both = information.at_tolerance(CONFIG, stack(), stack("other"), x, y, rows=rows, **options)
    alone = information.at_tolerance(CONFIG, stack(), stack("other"), x[:20], y[:20], **options)
    assert float(both.nats[0]) == pytest.approx(float(alone.nats[0]), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prior_scales": []}, "must be positive"),
        ({"prior_scales": [0.0]}, "must be positive"),
        ({"most": 0.0}, "must be positive"),
        ({"low": 2.0}, "choose a smaller `low`"),
        ({"high": 2e-4}, "larger `high`"),
    ],
)
def test_a_tolerance_that_cannot_be_found_is_refused(change, said):
    x, y = data()
    options = {"gens": each(range(2), "noise"), "prior_scales": [1.0]} | change
    with pytest.raises(ValueError, match=said):
        information.at_tolerance(CONFIG, stack(), stack("other"), x, y, **options)
