"""Normal distributions over the weights of a stack: draw, divergence, risk of the random network.

A network whose weights are drawn anew for every prediction is called stochastic. Its risk is the
mean loss over examples and draws: what PAC-Bayes bounds speak of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from dlnotes.networks import stacks
from dlnotes.networks.models import ModelConfig, forward
from dlnotes.networks.stacks import Params
from dlnotes.theory import bounds

Scale = float | Sequence[float] | Params
"""One standard deviation for all weights, one a model, or one a weight."""


@dataclass(frozen=True)
class Gaussian:
    """Independent normal distributions of all weights of the models of a stack.

    Attributes:
        mean: Their means.
        scale: Their standard deviations, tensors of the same shapes.
    """

    mean: Params
    scale: Params


def gaussian(mean: Params, scale: Scale) -> Gaussian:
    """Return independent normal distributions around the weights of a stack.

    Args:
        mean: The stack; running averages of batch normalization have no distribution.
        scale: Standard deviation, > 0 and finite: one number, one a model, or one a weight.

    Raises:
        ValueError: If a scale is not positive and finite, the scales do not fit the stack, or the
            stack has running averages.

    Example:
        >>> q = gaussian({"bias": torch.zeros(2, 3)}, (0.1, 0.2))
        >>> q.scale["bias"][:, 0]
        tensor([0.1000, 0.2000])
    """
    models = stacks.num_models(mean)
    if fixed := sorted(mean.keys() - stacks.trained(mean).keys()):
        raise ValueError(
            f"every tensor needs a distribution, and {fixed} have none; take a model without batch "
            "normalization"
        )
    if isinstance(scale, dict):
        spread = scale
    else:
        each = torch.as_tensor(scale, dtype=torch.float64).expand(models)
        spread = {name: _beside(each, p).expand_as(p).to(p) for name, p in mean.items()}
    if any(spread[name].shape != p.shape for name, p in mean.items()):
        raise ValueError("scales must have the shapes of the means, one tensor a name")
    for name, s in spread.items():
        if not bool(((s > 0) & s.isfinite()).all()):
            raise ValueError(
                f"standard deviations must be positive and finite, but {name} has "
                f"{float(s.min()):.3g} to {float(s.max()):.3g}; train their logarithms"
            )
    return Gaussian(mean=mean, scale=spread)


def sample(of: Gaussian, gens: Sequence[torch.Generator]) -> Params:
    """Draw one network a model.

    Args:
        of: The distributions.
        gens: One CPU generator a model, which are advanced.

    Raises:
        ValueError: If generators and models differ in number.

    Example:
        >>> q = gaussian({"bias": torch.tensor([[3.0]])}, 1e-9)
        >>> sample(q, [torch.Generator().manual_seed(0)])["bias"]
        tensor([[3.]])
    """
    if len(gens) != stacks.num_models(of.mean):
        raise ValueError(
            f"each of the {stacks.num_models(of.mean)} models needs a generator, got {len(gens)}"
        )
    drawn = {}
    for name, mean in of.mean.items():
        z = torch.stack([torch.randn(mean.shape[1:], generator=gen) for gen in gens]).to(mean)
        drawn[name] = torch.addcmul(mean, of.scale[name], z)
    return drawn


def kl(q: Gaussian, p: Gaussian) -> Float64[Tensor, "models"]:
    """Return the divergence of ``q`` from ``p`` in nats, of each model.

    A weight with means m, m' and standard deviations s, s' adds
    ``ln(s'/s) + (s^2 + (m - m')^2) / (2 s'^2) - 1/2`` (Kullback 1959). Gradients pass through.

    Args:
        q: The posterior, say.
        p: The prior, say, of the same shapes.

    Raises:
        ValueError: If the two have different tensors.

    Example:
        Moving 3 of 5 weights by two standard deviations costs 3 * 2^2 / 2 nats:

        >>> p = gaussian({"bias": torch.zeros(1, 5)}, 0.5)
        >>> q = gaussian({"bias": torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0]])}, 0.5)
        >>> kl(q, p)
        tensor([6.], dtype=torch.float64)
    """
    shapes = [{name: tuple(t.shape) for name, t in d.mean.items()} for d in (q, p)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"both must be about the same weights, got {shapes[0]} and {shapes[1]}")
    total = torch.zeros((), dtype=torch.float64)
    for name, mean in q.mean.items():
        other = p.scale[name].double()
        share = q.scale[name].double() / other
        moved = (mean.double() - p.mean[name].double()) / other
        nats = (share.square() + moved.square() - 1) / 2 - share.log()
        total = total + nats.flatten(1).sum(1)
    return total


@dataclass(frozen=True)
class StochasticRisk:
    """Share of wrong answers of stochastic networks on given examples.

    Attributes:
        estimate: Mean over examples and draws, one number a model.
        draws: Independent networks behind each number.
    """

    estimate: Float64[Tensor, "models"]
    draws: int

    def upper(self, delta: float) -> Float64[Tensor, "models"]:
        """Return what the exact risk is not above, with a probability of at least 1 - delta.

        See `dlnotes.theory.bounds.sampled`: exact for any number of draws.
        """
        given = {"draws": self.draws, "delta": delta, "loss_range": 1.0}
        found = [bounds.sampled(min(1.0, float(r)), **given) for r in self.estimate]
        return torch.tensor(found, dtype=torch.float64)

    def lower(self, delta: float) -> Float64[Tensor, "models"]:
        """Return what the exact risk is not below, with a probability of at least 1 - delta."""
        turned = StochasticRisk(1 - self.estimate, self.draws)
        return 1 - turned.upper(delta)


def risk(
    model: ModelConfig,
    q: Gaussian,
    x: Tensor,
    y: Int64[Tensor, "..."],
    *,
    gens: Sequence[torch.Generator],
    rows: Int64[Tensor, "models rows"] | None = None,
    block: int = 100,
    draws: int = 1,
) -> StochasticRisk:
    """Estimate the share of wrong answers, with a fresh network for each block of examples.

    The means of the blocks are independent numbers in [0, 1], and the mean of their means is the
    risk on these examples. So the count of draws is that of the blocks, and with it the exact
    interval is short, though each network is used once.

    Args:
        model: The shape of the models.
        q: Distributions of their weights.
        x: Inputs, ``[examples, *input_shape]``, the same for all models.
        y: Labels, ``[examples]`` or ``[models, examples]``.
        gens: One CPU generator a model; left as they were.
        rows: The examples of each model, indices; None for all.
        block: Examples a network, >= 1; it must divide the number of examples.
        draws: Passes over the examples, >= 1.

    Returns:
        The estimate, from ``draws * examples / block`` networks.

    Raises:
        ValueError: If ``block`` does not divide the number of examples, or ``draws`` is below 1.

    Example:
        >>> config = ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
        >>> q = gaussian({"dense0.weight": torch.tensor([[[1.0], [-1.0]]])}, 1e-9)
        >>> x, y = torch.tensor([[3.0], [-3.0]]), torch.tensor([0, 0])
        >>> risk(config, q, x, y, gens=[torch.Generator()], block=1, draws=5)
        StochasticRisk(estimate=tensor([0.5000], dtype=torch.float64), draws=10)
    """
    models = stacks.num_models(q.mean)
    examples = y.shape[-1] if rows is None else rows.shape[1]
    if block < 1 or draws < 1 or examples == 0 or examples % block:
        raise ValueError(
            f"blocks of {block} must divide the {examples} examples, and draws be at least 1 (got "
            f"{draws}): unequal blocks would count unequally"
        )
    gens = [gen.clone_state() for gen in gens]
    each = torch.arange(models, device=y.device)[:, None]
    own = y if y.ndim == 2 else y.expand(models, -1)
    wrong = torch.zeros(models, dtype=torch.float64, device=y.device)
    with torch.no_grad():
        for _ in range(draws):
            for start in range(0, examples, block):
                some = slice(start, start + block)
                part = x[some] if rows is None else x[rows[:, some]]
                labels = own[:, some] if rows is None else own[each, rows[:, some]]
                answers = forward(model, sample(q, gens), part).argmax(2)
                wrong += (answers != labels).double().sum(1)
    return StochasticRisk(wrong.cpu() / (examples * draws), draws * examples // block)


def _beside(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))
