"""Training on a bound against a search; certificates against their parts and in coverage."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize

from dlnotes.networks import models, stacks
from dlnotes.rng import each, generator
from dlnotes.theory import bounds, pacbayes, posterior

CONFIG = models.ModelConfig(kind="mlp", input_shape=(4,), num_classes=2, hidden=())
RECIPE = pacbayes.PosteriorConfig(batch_size=50, epochs=30, learning_rate=0.02, start=0.1)


def data(n=200, seed=1):
    gen = generator(seed, "data")
    x = torch.randn(n, 4, generator=gen)
    return x, (x[:, 0] + 0.3 * torch.randn(n, generator=gen) > 0).long()


def prior(seeds=2, saw=None, scales=(0.05, 0.1, 0.3)):
    return pacbayes.Prior(models.init(CONFIG, each(range(seeds), "init")), scales, saw)


def trained(x, y, seeds=2, config=RECIPE, **options):
    noise = each(range(seeds), "noise")
    given = prior(seeds)
    gens = each(range(seeds), "order")
    return given, pacbayes.train(CONFIG, config, given, x, y, gens=gens, noise=noise, **options)


@pytest.mark.parametrize("risk", [0.0, 0.02, 0.3, 0.9])
@pytest.mark.parametrize("kl", [0.0, 5.0, 300.0])
def test_what_is_trained_on_is_a_bound(risk, kl):
    loose = pacbayes.quadratic(
        torch.tensor(risk).double(), torch.tensor(kl).double(), n=1000, delta=0.05
    )
    tight = bounds.seeger(risk, kl=kl, n=1000, delta=0.05, loss_range=1.0)
    assert float(loose) >= tight * (1 - 1e-9) or float(loose) >= 1
    square = math.sqrt((kl + math.log(2 * math.sqrt(1000) / 0.05)) / 2000)
    assert float(loose) == pytest.approx((math.sqrt(risk + square**2) + square) ** 2)


def test_the_best_scale_of_the_prior_is_the_one_of_a_search():
    x, y = data()
    given, q = trained(x, y)
    found = pacbayes._best_kl(q, given.mean)
    grid = [posterior.kl(q, posterior.gaussian(given.mean, s / 2000)) for s in range(10, 4000)]
    assert torch.allclose(found, torch.stack(grid).min(0).values, rtol=1e-4)


def test_training_finds_what_a_search_finds_in_one_dimension():
    # one input, two weights w and -w would do: the bound's minimum over mean and scale, by a grid
    config = models.ModelConfig(
        kind="mlp", input_shape=(1,), num_classes=1 + 1, hidden=(), bias=False
    )
    gen = generator(0, "one")
    y = torch.randint(2, (400,), generator=gen)
    x = (y.float() - 0.5 + 0.5 * torch.randn(400, generator=gen))[:, None]
    mean = {"dense0.weight": torch.zeros(1, 2, 1)}
    given = pacbayes.Prior(mean, (1.0,))

    def value(q):
        gens, total = [generator(3, "value")], 0.0
        for _ in range(60):
            w = posterior.sample(q, gens)
            log_p = models.forward(config, w, x).log_softmax(2)[0, torch.arange(400), y]
            total += float(log_p.clamp(min=math.log(1e-4)).mean() / math.log(1e-4)) / 60
        risk, kl = torch.tensor([total]).double(), pacbayes._best_kl(q, mean)
        return float(pacbayes.quadratic(risk, kl, n=400, delta=0.025))

    def at(w, s):
        return posterior.gaussian({"dense0.weight": torch.tensor([[[-w], [w]]])}, s)

    searched = min(value(at(w / 4, s)) for w in range(1, 17) for s in (0.1, 0.3, 0.6, 1.0, 1.5))
    recipe = pacbayes.PosteriorConfig(batch_size=400, epochs=600, learning_rate=0.02, start=0.5)
    q = pacbayes.train(
        config, recipe, given, x, y, gens=[generator(0, "order")], noise=[generator(0, "noise")]
    )
    assert value(q) <= searched * 1.02


class OneInput:
    """Logits w0 x and w1 x of two classes: the loss depends on w1 - w0 alone, so integrals do."""

    config = models.ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
    center, spread, n = {"dense0.weight": torch.zeros(1, 2, 1)}, 0.7, 30

    def __init__(self):
        gen = generator(0, "one input")
        self.y = torch.randint(2, (self.n,), generator=gen)
        self.x = (self.y - 0.5 + 0.7 * torch.randn(self.n, generator=gen))[:, None]
        self.nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        self.weights = weights / weights.sum()

    def losses(self, d):
        """Return the summed cross-entropy where w1 - w0 is d."""
        margins = np.outer(d, ((2 * self.y - 1) * self.x[:, 0]).double().numpy())
        return np.logaddexp(0, -margins).sum(1)

    def value(self, price, m, s):
        """Return the objective at means -m and m and one standard deviation s."""
        loss = self.weights @ self.losses(2 * m + math.sqrt(2) * s * self.nodes)
        share = s / self.spread
        nats = 2 * (-math.log(share) + (share**2 + (m / self.spread) ** 2 - 1) / 2)
        return (loss + price * nats) / self.n

    def best(self, price):
        found = optimize.minimize(
            lambda v: self.value(price, v[0], math.exp(v[1])), [0.5, -1.0], method="Nelder-Mead"
        )
        return found.x[0], math.exp(found.x[1])

    def trained(self, prices, spread=None):
        count = len(prices)
        center = {name: p.repeat(count, 1, 1) for name, p in self.center.items()}
        given = pacbayes.Prior(center, (spread or self.spread,))
        recipe = pacbayes.PosteriorConfig(
            batch_size=self.n, epochs=1200, learning_rate=0.01, start=0.3, price=prices
        )
        noise = each(range(count), "noise")
        order = generator(0, "order")
        return pacbayes.train(self.config, recipe, given, self.x, self.y, gens=order, noise=noise)


def test_training_at_a_price_finds_what_a_minimizer_of_the_integral_finds():
    problem, prices = OneInput(), (0.1, 1.0, 5.0)
    q = problem.trained(prices)
    for i, price in enumerate(prices):
        low, high = q.mean["dense0.weight"][i, :, 0].tolist()
        m, s = (high - low) / 2, float(q.scale["dense0.weight"][i].log().mean().exp())
        best_m, best_s = problem.best(price)
        assert problem.value(price, m, s) == pytest.approx(
            problem.value(price, best_m, best_s), rel=0.005
        )
        assert m == pytest.approx(best_m, abs=0.1)
        assert s == pytest.approx(best_s, rel=0.2)


def test_at_price_one_the_cost_is_the_evidence_and_never_less():
    # -ln of the mean over the prior of the labels' probability, an integral over w1 - w0
    problem = OneInput()
    d = math.sqrt(2) * problem.spread * problem.nodes
    evidence = -math.log(problem.weights @ np.exp(-problem.losses(d)))
    q = problem.trained((1.0,))
    low, high = q.mean["dense0.weight"][0, :, 0].tolist()
    s = float(q.scale["dense0.weight"].log().mean().exp())
    cost = problem.n * problem.value(1.0, (high - low) / 2, s)
    assert evidence <= cost <= 1.03 * evidence


def test_where_a_nat_is_dear_nothing_is_learned_and_where_it_is_free_most():
    x, y = data()
    recipe = pacbayes.PosteriorConfig(
        batch_size=200, epochs=400, learning_rate=0.02, start=0.1, price=(0.0, 1e5)
    )
    given = prior(scales=(0.1,))
    q = pacbayes.train(
        CONFIG, recipe, given, x, y, gens=generator(0, "a"), noise=each(range(2), "noise")
    )
    nats = posterior.kl(q, posterior.gaussian(given.mean, 0.1))
    risk = posterior.risk(CONFIG, q, x, y, gens=each(range(2), "risk")).estimate
    start = posterior.gaussian(given.mean, 0.1)
    before = posterior.risk(CONFIG, start, x, y, gens=each(range(2), "risk")).estimate
    assert nats[1] < 0.01 < 50 < nats[0]
    assert risk[0] < 0.2
    assert risk[1] == pytest.approx(float(before[1]), abs=0.05)


@pytest.mark.parametrize(
    ("scales", "price"), [((0.1, 0.2), 1.0), ((0.1,), (1.0,)), ((0.1,), (1.0, 1.0, 1.0))]
)
def test_a_price_needs_one_scale_and_one_price_a_model(scales, price):
    x, y = data()
    recipe = pacbayes.PosteriorConfig(
        batch_size=50, epochs=1, learning_rate=0.1, start=0.1, price=price
    )
    with pytest.raises(ValueError, match="one price or one for each of the 2 models"):
        pacbayes.train(
            CONFIG,
            recipe,
            prior(scales=scales),
            x,
            y,
            gens=generator(0, "a"),
            noise=each((0, 1), "b"),
        )


def test_a_model_trains_as_it_would_alone():
    x, y = data()
    given, q = trained(x, y, 3)
    alone = pacbayes.Prior(stacks.select(given.mean, 1), given.scales)
    one = pacbayes.train(
        CONFIG, RECIPE, alone, x, y, gens=[generator(1, "order")], noise=[generator(1, "noise")]
    )
    for name, p in one.mean.items():
        assert torch.allclose(p[0], q.mean[name][1], atol=1e-5)
        assert torch.allclose(one.scale[name][0], q.scale[name][1], rtol=1e-4)


def test_without_an_epoch_the_posterior_is_the_prior():
    x, y = data()
    start = pacbayes.PosteriorConfig(batch_size=50, epochs=0, learning_rate=0.1, start=0.1)
    given, q = trained(x, y, config=start)
    least, scale = given.nearest(q)
    assert torch.allclose(least, torch.zeros(2).double(), atol=1e-5)
    assert torch.allclose(scale, torch.full((2,), 0.1).double())


def test_a_certificate_is_made_of_its_parts():
    x, y = data(400)
    saw = torch.arange(0, 200).expand(2, -1)
    rows = torch.arange(200, 400).expand(2, -1)
    given = prior(saw=saw)
    q = posterior.gaussian(given.mean, (0.02, 0.2))
    found = pacbayes.certify(
        CONFIG,
        q,
        given,
        x,
        y,
        rows=rows,
        gens=each(range(2), "certify"),
        delta=0.03,
        delta_sampled=0.01,
        block=20,
        draws=3,
    )
    risk = posterior.risk(
        CONFIG, q, x[200:], y[200:], gens=each(range(2), "certify"), block=20, draws=3
    )
    assert torch.equal(found.risk.estimate, risk.estimate)
    assert (found.n, found.saw, found.risk.draws) == (200, 200, 30)
    for m in range(2):
        every = [float(posterior.kl(q, posterior.gaussian(given.mean, s))[m]) for s in given.scales]
        assert float(found.kl[m]) == min(every)
        most = (min(every) + math.log(2 * math.sqrt(200) / (0.03 / 3))) / 200
        upper = bounds.kl_inverse(float(risk.estimate[m]), math.log(100) / 30)
        assert float(found.bound[m]) == pytest.approx(bounds.kl_inverse(upper, most), rel=1e-9)


def test_certificates_hold_as_often_as_they_say():
    test_x, test_y = data(20_000, seed=99)
    broken, count = 0, 60
    short = pacbayes.PosteriorConfig(batch_size=20, epochs=5, learning_rate=0.05, start=0.1)
    for seed in range(count // 4):
        x, y = data(40, seed=1000 + seed)
        given, q = trained(x, y, 4, short)
        options = {"delta": 0.1, "delta_sampled": 0.1, "block": 10}
        found = pacbayes.certify(CONFIG, q, given, x, y, gens=each(range(4), seed), **options)
        risk = posterior.risk(CONFIG, q, test_x, test_y, gens=each(range(4), seed, "test"))
        broken += int((risk.estimate > found.bound).sum())
    assert broken <= 0.2 * count


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": torch.tensor([[3, 4, 4], [0, 1, 2]])}, "counts each example once"),
        ({"rows": torch.arange(100, 103).expand(2, -1)}, "saw 3 of 3"),
        ({"rows": None}, "model 0 saw 100 of 200"),
        ({"delta": 0.0}, "must be in"),
        ({"delta_sampled": 1.0}, "must be in"),
        ({"delta": 0.6, "delta_sampled": 0.5}, "their sum below 1"),
        ({"block": 2}, "must divide the 3 examples"),
    ],
)
def test_a_certificate_that_would_not_hold_is_refused(change, said):
    x, y = data()
    given = prior(saw=torch.arange(100, 200).expand(2, -1))
    options = {
        "rows": torch.arange(3).expand(2, -1),
        "gens": each(range(2), "certify"),
        "delta": 0.1,
        "delta_sampled": 0.1,
        "block": 3,
    } | change
    with pytest.raises(ValueError, match=said):
        pacbayes.certify(CONFIG, posterior.gaussian(given.mean, 0.1), given, x, y, **options)


@pytest.mark.parametrize(
    "change",
    [
        *({"batch_size": 0}, {"start": 0.0}, {"delta": 1.0}, {"floor": 1.0}),
        *({"learning_rate": 0.0}, {"price": -1.0}, {"price": (1.0, math.inf)}),
    ],
)
def test_a_recipe_that_is_none_is_refused(change):
    given = {"batch_size": 50, "epochs": 1, "learning_rate": 0.1, "start": 0.1} | change
    with pytest.raises(ValueError, match="a posterior needs"):
        pacbayes.PosteriorConfig(**given)


def test_a_prior_needs_scales_and_a_generator_for_each_model():
    with pytest.raises(ValueError, match="scales that are positive"):
        prior(scales=())
    with pytest.raises(ValueError, match="scales that are positive"):
        prior(scales=(0.1, 0.0))
    x, y = data()
    with pytest.raises(ValueError, match="each of the 2 models"):
        pacbayes.train(CONFIG, RECIPE, prior(), x, y, gens=generator(0, "a"), noise=[])
