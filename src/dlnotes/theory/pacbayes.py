"""Stochastic networks trained on a PAC-Bayes bound or at a price; the certificate of their risk."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from dlnotes.networks import stacks
from dlnotes.networks.batches import Batches
from dlnotes.networks.models import ModelConfig, forward
from dlnotes.networks.recipe import Gens
from dlnotes.networks.stacks import Params
from dlnotes.theory import bounds, posterior
from dlnotes.theory.posterior import Gaussian, StochasticRisk


@dataclass(frozen=True)
class Prior:
    """What a posterior is compared with: normal distributions, and the examples they have seen.

    Attributes:
        mean: Their means: weights before any training, or trained on ``saw`` alone.
        scales: Standard deviations to choose from, fixed beforehand; a choice among m of them is
            paid for by taking each bound at delta / m (a union bound).
        saw: The examples that the means depend on, indices, one row a model; None for none.
    """

    mean: Params
    scales: tuple[float, ...]
    saw: Int64[Tensor, "models rows"] | None = None

    def __post_init__(self) -> None:
        if not self.scales or not all(0 < s < math.inf for s in self.scales):
            raise ValueError(f"a prior needs scales that are positive, got {self.scales}")

    def nearest(self, q: Gaussian) -> tuple[Float64[Tensor, "models"], Float64[Tensor, "models"]]:
        """Return the smallest divergence of ``q`` from these priors in nats, and its scale."""
        every = [posterior.kl(q, posterior.gaussian(self.mean, s)) for s in self.scales]
        least = torch.stack(every).min(0)
        return least.values, torch.tensor(self.scales, dtype=torch.float64)[least.indices.cpu()]


@dataclass(frozen=True, kw_only=True)
class PosteriorConfig:
    """How a posterior is trained.

    Attributes:
        batch_size: Examples a step, >= 1.
        epochs: Passes over the examples, >= 0.
        learning_rate: Of Adam, > 0.
        start: Standard deviation at the start, > 0; the means start at those of the prior.
        floor: Probability of the right class below which the loss stays as it is, in (0, 1): so
            the cross-entropy has a largest value, ``ln(1/floor)``, and is divided by it.
        delta: Of the bound, in (0, 1).
        price: Of a nat of divergence, in nats of cross-entropy, >= 0; one number, or one a model.
            None trains on the bound; else ``floor`` and ``delta`` play no part.
    """

    batch_size: int
    epochs: int
    learning_rate: float
    start: float
    floor: float = 1e-4
    delta: float = 0.025
    price: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        prices = self.price if isinstance(self.price, tuple) else (self.price or 0.0,)
        limits = {
            "0 <= price < inf": all(0 <= price < math.inf for price in prices),
            "batch_size >= 1": self.batch_size >= 1,
            "epochs >= 0": self.epochs >= 0,
            "0 < learning_rate < inf": 0 < self.learning_rate < math.inf,
            "0 < start < inf": 0 < self.start < math.inf,
            "0 < floor < 1": 0 < self.floor < 1,
            "0 < delta < 1": 0 < self.delta < 1,
        }
        if broken := [limit for limit, held in limits.items() if not held]:
            raise ValueError(f"a posterior needs {' and '.join(broken)}, got {self}")


def quadratic(risk: Tensor, kl: Tensor, *, n: int, delta: float) -> Tensor:
    """Return the bound that a posterior is trained on: smooth, and never below `bounds.seeger`.

    With c = (kl + ln(2 sqrt(n) / delta)) / (2n) it is ``(sqrt(risk + c) + sqrt(c))^2``, the
    quadratic bound of Perez-Ortiz et al. (2021, theorem 1).

    Args:
        risk: Mean loss of the posterior on the n examples, in [0, 1].
        kl: Divergence from the prior in nats, >= 0.
        n: Examples, >= 1.
        delta: In (0, 1).

    Example:
        With kl = 2 - ln 4, n = 1 and delta = 1/2 there is c = 1, and (1 + 1)^2 = 4:

        >>> risk = torch.zeros((), dtype=torch.float64)
        >>> round(float(quadratic(risk, risk + 2 - math.log(4), n=1, delta=0.5)), 9)
        4.0
    """
    c = (kl + math.log(2 * math.sqrt(n) / delta)) / (2 * n)
    return ((risk + c).sqrt() + c.sqrt()).square()


def train(
    model: ModelConfig,
    config: PosteriorConfig,
    prior: Prior,
    x: Tensor,
    y: Int64[Tensor, "..."],
    *,
    rows: Int64[Tensor, "models rows"] | None = None,
    gens: Gens,
    noise: Sequence[torch.Generator],
) -> Gaussian:
    """Train means and standard deviations of all weights on a PAC-Bayes bound, or at a price.

    In each step every model draws one network, and follows the gradient of what that network gives
    (Blundell et al. 2015, for the gradient).

    Without a price the clipped cross-entropy stands for the risk in `quadratic`. The scale of the
    prior is the best one at that moment; `certify` takes one of its grid.

    At a price it is the mean cross-entropy plus ``price / n`` times the divergence from the prior,
    whose one scale is fixed (Achille and Soatto 2018, for this trade-off). At price 1 its minimum
    over all distributions, not only normal ones, is the Bayesian posterior.

    Args:
        model: The shape of the models.
        config: How to train.
        prior: Where the means start, and what the divergence is measured from.
        x: Inputs, ``[examples, *input_shape]``.
        y: Labels, ``[examples]`` or ``[models, examples]``.
        rows: The examples of each model, indices; None for all. They may include those that the
            prior saw: only `certify` may not use these.
        gens: What draws the order of the examples: one CPU generator, or one a model.
        noise: One CPU generator a model, which draws the networks.

    Returns:
        The posteriors.

    Raises:
        ValueError: If there are no examples, generators or prices and models differ in number, or
            there is a price and the prior has several scales.
    """
    models = stacks.num_models(prior.mean)
    own = y if y.ndim == 2 else y.expand(models, -1)
    batches = Batches(model.input_shape, x, own, gens=gens, rows=rows)
    if batches.examples == 0 or len(noise) != models:
        raise ValueError(
            f"need examples and a generator of noise for each of the {models} models, got "
            f"{batches.examples} and {len(noise)}"
        )
    objective = _objective(config, prior, batches.examples)
    noise, alive = [gen.clone_state() for gen in noise], torch.arange(models, device=y.device)
    mean = {name: p.detach().clone().requires_grad_() for name, p in prior.mean.items()}
    log_scale = {
        name: torch.full_like(p, math.log(config.start)).requires_grad_()
        for name, p in prior.mean.items()
    }
    steps = torch.optim.Adam([*mean.values(), *log_scale.values()], lr=config.learning_rate)
    for _ in range(config.epochs):
        order = batches.order(list(range(models)))
        for some in order.split(config.batch_size, dim=-1):
            batch_x, batch_y = batches.take(some, alive)
            q = Gaussian(mean, {name: s.exp() for name, s in log_scale.items()})
            logits = forward(model, posterior.sample(q, noise), batch_x)
            log_p = logits.log_softmax(2).gather(2, batch_y[..., None])[..., 0]
            steps.zero_grad()
            objective(q, log_p).sum().backward()
            steps.step()
    return posterior.gaussian(
        {name: p.detach() for name, p in mean.items()},
        {name: s.detach().exp() for name, s in log_scale.items()},
    )


def _objective(
    config: PosteriorConfig, prior: Prior, n: int
) -> Callable[[Gaussian, Tensor], Float64[Tensor, "models"]]:
    """Return what is minimized, given the posterior and the ``ln p`` of one network's answers."""

    def bound(q: Gaussian, log_p: Tensor) -> Tensor:
        risk = log_p.clamp(min=math.log(config.floor)).mean(1) / math.log(config.floor)
        return quadratic(risk.double(), _best_kl(q, prior.mean), n=n, delta=config.delta)

    if config.price is None:
        return bound
    models = stacks.num_models(prior.mean)
    prices = config.price if isinstance(config.price, tuple) else (config.price,) * models
    if len(prior.scales) != 1 or len(prices) != models:
        raise ValueError(
            f"a price needs a prior with one scale, and one price or one for each of the {models} "
            f"models, got {len(prior.scales)} scales and {len(prices)} prices"
        )
    fixed = posterior.gaussian(prior.mean, prior.scales[0])
    each = torch.tensor(prices, dtype=torch.float64, device=fixed.mean["dense0.weight"].device)

    def priced(q: Gaussian, log_p: Tensor) -> Tensor:
        return each * posterior.kl(q, fixed) / n - log_p.mean(1)

    return priced


def _best_kl(q: Gaussian, center: Params) -> Float64[Tensor, "models"]:
    """Return the divergence from the prior around ``center`` whose scale makes it least.

    That scale's square is the mean over weights of ``s^2 + (m - m')^2``; there the divergence is
    the sum over weights of the logarithm of scale over s.
    """
    squares = [
        (q.scale[name].square() + (mean - center[name]).square()).flatten(1)
        for name, mean in q.mean.items()
    ]
    best = torch.cat(squares, 1).double().mean(1).log() / 2
    logs = torch.cat([s.flatten(1) for s in q.scale.values()], 1).double().log()
    return (best[:, None] - logs).sum(1)


@dataclass(frozen=True)
class Certificate:
    """What is certain of stochastic networks, with a probability of 1 - delta - delta_sampled.

    Attributes:
        bound: The risk on new examples is not above this, one number a model.
        risk: Share of wrong answers on the n examples, as drawn.
        risk_upper: What it is not above, sampling included.
        kl: Divergence from the prior in nats.
        scale: The prior's standard deviation, chosen from its grid.
        n: Examples that were evaluated; the prior saw none of them.
        saw: Examples that the prior saw.
        delta: Share of training sets for which the bound may fail.
        delta_sampled: Share of draws of the networks for which ``risk_upper`` may fail.
    """

    bound: Float64[Tensor, "models"]
    risk: StochasticRisk
    risk_upper: Float64[Tensor, "models"]
    kl: Float64[Tensor, "models"]
    scale: Float64[Tensor, "models"]
    n: int
    saw: int
    delta: float
    delta_sampled: float


def certify(
    model: ModelConfig,
    q: Gaussian,
    prior: Prior,
    x: Tensor,
    y: Int64[Tensor, "..."],
    *,
    rows: Int64[Tensor, "models rows"] | None = None,
    gens: Sequence[torch.Generator],
    delta: float,
    delta_sampled: float,
    block: int = 100,
    draws: int = 1,
) -> Certificate:
    """Bound the risk of stochastic networks on new examples.

    `dlnotes.theory.bounds.seeger` of the upper end of the risk on the n examples (Langford and
    Caruana 2002, for the two steps, and Perez-Ortiz et al. 2021).

    Args:
        model: The shape of the models.
        q: The posteriors, which may depend on all examples.
        prior: Distributions that do not depend on the examples that are evaluated.
        x: Inputs, ``[examples, *input_shape]``.
        y: Labels, ``[examples]`` or ``[models, examples]``.
        rows: The examples that are evaluated, indices without repeats, one row a model; None for
            all. n is their number.
        gens: One CPU generator a model, which draws the networks.
        delta: Share of training sets for which the bound may fail, in (0, 1).
        delta_sampled: Share of draws of the networks for which it may fail, in (0, 1).
        block: Examples a network, see `posterior.risk`.
        draws: Passes over the examples.

    Raises:
        ValueError: If the prior saw an example that is evaluated, an example is counted twice, or
            ``delta`` and ``delta_sampled`` are not in (0, 1), or add up to 1 or more.
    """
    models, examples = stacks.num_models(q.mean), y.shape[-1]
    if rows is None:
        rows = torch.arange(examples, device=y.device).expand(models, -1)
    if any(len(row.unique()) != len(row) for row in rows):
        raise ValueError(
            "a certificate counts each example once, but `rows` holds some twice: it would claim "
            "more examples than it evaluates"
        )
    if prior.saw is not None:
        _refuse_overlap(prior.saw, rows, examples)
    if not (0 < delta < 1 and 0 < delta_sampled < 1 and delta + delta_sampled < 1):
        raise ValueError(
            "delta and delta_sampled must be in (0, 1), and their sum below 1, got "
            f"{delta} and {delta_sampled}; 0.025 and 0.01, say"
        )
    kl, scale = prior.nearest(q)
    found = posterior.risk(model, q, x, y, gens=gens, rows=rows, block=block, draws=draws)
    upper, n = found.upper(delta_sampled), rows.shape[1]
    given = {"n": n, "delta": delta / len(prior.scales), "loss_range": 1.0}
    bound = [bounds.seeger(float(r), kl=float(k), **given) for r, k in zip(upper, kl, strict=True)]
    return Certificate(
        bound=torch.tensor(bound, dtype=torch.float64),
        risk=found,
        risk_upper=upper,
        kl=kl.cpu(),
        scale=scale,
        n=n,
        saw=0 if prior.saw is None else prior.saw.shape[1],
        delta=delta,
        delta_sampled=delta_sampled,
    )


def _refuse_overlap(saw: Tensor, rows: Tensor, examples: int) -> None:
    for m, (before, now) in enumerate(zip(saw, rows, strict=True)):
        marked = torch.zeros(examples, dtype=torch.bool, device=rows.device)
        marked[before] = True
        if both := int(marked[now].sum()):
            raise ValueError(
                f"the prior must not depend on the examples it is evaluated on, but that of model "
                f"{m} saw {both} of {len(now)}; pass the other examples as `rows`"
            )
