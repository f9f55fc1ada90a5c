"""How sharply the training loss of each model of a stack is curved at its weights.

The Hessian, all second derivatives of the loss, is never built: its product with a vector is one
more pass of backpropagation (Pearlmutter 1994), and its largest eigenvalues need no more than such
products (LeCun, Simard and Pearlmutter 1993). Batch normalization uses its running averages, so
that what is measured is one fixed function, and the loss is a mean over the examples given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64, Shaped
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from dlnotes.networks import backprop, metrics, stacks
from dlnotes.networks.models import ModelConfig, forward
from dlnotes.networks.stacks import Params
from dlnotes.rng import generator

Which = Literal["algebraic", "magnitude"]


@dataclass(frozen=True, kw_only=True)
class Eigenvalues:
    """The largest eigenvalues of the Hessian of each model.

    Attributes:
        values: Largest first; unit: loss a squared unit of the weights.
        errors: Length of ``H v - value * v`` for the unit vector ``v`` found: since H is symmetric,
            some eigenvalue lies this close to the value. (A larger one might have been missed.)
    """

    values: Float64[Tensor, "models count"]
    errors: Float64[Tensor, "models count"]


class _Hessian:
    """The gradients of a stack's losses, kept so that they can be differentiated once more."""

    def __init__(
        self,
        model: ModelConfig,
        params: Params,
        x: Tensor,
        y: Tensor,
        loss: metrics.Loss,
        relative: bool,
    ) -> None:
        self.at = {n: p.detach().requires_grad_() for n, p in stacks.trained(params).items()}
        self.relative = relative
        if bad := [name for name, p in self.at.items() if not p.isfinite().all()]:
            raise ValueError(
                f"parameters must be finite, got nan or inf in {bad}; leave out models that "
                "diverged (Run.diverged)"
            )
        y = y if metrics.own_labels(y) else y.expand(stacks.num_models(params), *y.shape)
        logits = forward(model, {**params, **self.at}, x)
        # The models share no parameter: the gradient of the sum of losses is each model's own.
        total = metrics.LOSSES[loss](logits, y).sum()
        self.gradients = torch.autograd.grad(total, list(self.at.values()), create_graph=True)

    def times(self, vectors: Params) -> Params:
        """Return the product of each model's Hessian with its own vector."""
        at = list(self.at.values())
        given = [self._scale(name, vectors[name]) for name in self.at]
        products = torch.autograd.grad(
            self.gradients, at, given, retain_graph=True, materialize_grads=True
        )
        return {n: self._scale(n, p) for n, p in zip(self.at, products, strict=True)}

    def _scale(self, name: str, vector: Tensor) -> Tensor:
        return vector * self.at[name].detach().abs() if self.relative else vector


def hessian_product(
    model: ModelConfig,
    params: Params,
    vectors: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    loss: metrics.Loss = "cross_entropy",
    relative: bool = False,
) -> Params:
    """Return, for each model, the Hessian of its mean loss times a vector of its own.

    The derivative of the gradient along v is H v: backpropagation through the gradient, for about
    the cost of two gradients.

    Args:
        model: The shape of the models.
        params: Where the Hessian is taken.
        vectors: One tensor a trained parameter, shaped like it.
        x: Inputs, ``[examples, ...]`` or ``[models, examples, ...]``; all of them at once.
        y: Labels or targets, as in `dlnotes.networks.metrics.evaluate`.
        loss: ``"cross_entropy"`` (nats) or ``"squared_error"`` (half the squared distance).
        relative: Whether to take ``D H D`` for H, with D the diagonal matrix of the absolute
            weights: the Hessian by *relative* changes of the weights. Multiplying what enters a
            ReLU unit by a > 0 and dividing what leaves it by a does not change its eigenvalues.

    Returns:
        Products, named and shaped like ``vectors``.

    Raises:
        ValueError: If ``vectors`` does not fit the trained parameters, or these are not finite.

    Example:
        One example (1, 2) with target 0: the loss is (w1 + 2 w2)^2 / 2, and H is [[1, 2], [2, 4]].

        >>> linear = ModelConfig(
        ...     kind="mlp", input_shape=(2,), num_classes=1, hidden=(), bias=False
        ... )
        >>> w, x, y = torch.ones(1, 1, 2), torch.tensor([[1.0, 2.0]]), torch.zeros(1, 1)
        >>> v = {"dense0.weight": torch.tensor([[[1.0, 0.0]]])}
        >>> hessian_product(linear, {"dense0.weight": w}, v, x, y, loss="squared_error")
        {'dense0.weight': tensor([[[1., 2.]]])}
    """
    needed = {n: tuple(p.shape) for n, p in stacks.trained(params).items()}
    got = {name: tuple(v.shape) for name, v in vectors.items()}
    if needed != got:
        raise ValueError(
            f"vectors must have the names and shapes of the trained parameters, {needed}, got {got}"
        )
    return _Hessian(model, params, x, y, loss, relative).times(vectors)


def largest_eigenvalues(
    model: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    count: int = 1,
    which: Which = "algebraic",
    loss: metrics.Loss = "cross_entropy",
    relative: bool = False,
    tolerance: float = 1e-4,
) -> Eigenvalues:
    """Return the largest eigenvalues of each model's Hessian, by Lanczos iteration.

    The largest one is the *sharpness*: the second derivative of the loss along the direction in
    which it bends up most. All start from one vector, drawn from a stream of its own.

    Args:
        model: The shape of the models.
        params: Where the Hessians are taken.
        x: Inputs, as in `hessian_product`.
        y: Labels or targets, as there.
        count: How many eigenvalues, below the number of parameters of one model; one that occurs
            several times counts as often.
        which: ``"algebraic"``, the largest with their sign: what bends up most. ``"magnitude"``,
            the largest in absolute value: away from a minimum this may be a negative one, and it
            is what plain power iteration finds.
        loss: As there.
        relative: As there; the result does not change when ReLU units are rescaled.
        tolerance: Relative accuracy at which the iteration stops, > 0; well above the rounding
            error of the parameters' type.

    Returns:
        Values and errors, ``[models, count]``, on the CPU.

    Raises:
        ValueError: If an option is out of range, or a parameter is not finite.

    Example:
        The Hessian of the example of `hessian_product`, [[1, 2], [2, 4]], has eigenvalues 5 and 0:

        >>> linear = ModelConfig(
        ...     kind="mlp", input_shape=(2,), num_classes=1, hidden=(), bias=False
        ... )
        >>> w, x, y = torch.ones(1, 1, 2), torch.tensor([[1.0, 2.0]]), torch.zeros(1, 1)
        >>> found = largest_eigenvalues(linear, {"dense0.weight": w}, x, y, loss="squared_error")
        >>> round(found.values.item(), 4)
        5.0
    """
    size = stacks.num_parameters(params)
    if not 1 <= count < size or which not in get_args(Which) or not tolerance > 0:
        raise ValueError(
            f"need 1 <= count < {size} (parameters of a model), which in {get_args(Which)} and "
            f"tolerance > 0, got {count}, {which!r} and {tolerance}"
        )
    own_x = tuple(x.shape[1:]) != model.input_shape
    own_y = metrics.own_labels(y)
    start = torch.randn(size, generator=generator(0, "curvature", "start")).double().numpy()
    code = {"algebraic": "LA", "magnitude": "LM"}[which]
    values, errors = [], []
    for m in range(stacks.num_models(params)):
        one = stacks.select(params, m)
        mine = (x[m : m + 1] if own_x else x, y[m : m + 1] if own_y else y)
        operator = _operator(_Hessian(model, one, *mine, loss, relative), size)
        found, vectors = eigsh(operator, count, which=code, v0=start, tol=tolerance)
        order = np.argsort(-(found if which == "algebraic" else np.abs(found)))
        off = operator @ vectors - vectors * found
        values.append(found[order])
        errors.append(np.linalg.norm(off, axis=0)[order])
    return Eigenvalues(
        values=torch.from_numpy(np.stack(values)), errors=torch.from_numpy(np.stack(errors))
    )


def _operator(hessian: _Hessian, size: int) -> LinearOperator:
    """Wrap the Hessian of a stack of one for scipy, which works on flat float64 vectors."""
    shapes = {name: p.shape for name, p in hessian.at.items()}
    sizes, like = [s.numel() for s in shapes.values()], next(iter(hessian.at.values()))

    def times(flat: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(flat.reshape(-1)).to(like).split(sizes)
        vectors = {n: p.view(s) for (n, s), p in zip(shapes.items(), parts, strict=True)}
        products = hessian.times(vectors).values()
        return torch.cat([p.flatten() for p in products]).double().cpu().numpy()

    return LinearOperator((size, size), matvec=times, dtype=np.float64)


def trace(
    model: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    *,
    loss: metrics.Loss = "cross_entropy",
    batch_size: int = 250,
) -> Float64[Tensor, "models"]:
    """Return the trace of the Hessian of each model's mean loss, exactly, for a plain MLP.

    Between its kinks a ReLU network is linear in each single weight, so only the loss bends along
    it: the second derivative by a weight w is ``sum_cd dz_c/dw A_cd dz_d/dw``, with A the Hessian
    of the loss by the logits z. For the cross-entropy ``A = sum_c p_c (e_c - p) (e_c - p)'``, with
    p the softmax: so the trace is the mean squared length of the gradient, over labels drawn from
    the network's own p, which is the trace of the Fisher matrix. The examples' own labels do not
    enter.

    Args:
        model: An MLP without batch normalization.
        params: Where the Hessians are taken.
        x: Inputs, ``[examples, ...]`` or ``[models, examples, ...]``.
        loss: ``"cross_entropy"`` (nats) or ``"squared_error"`` (half the squared distance).
        batch_size: Examples at a time, >= 1; changes the memory, and the result by rounding only.

    Returns:
        One trace a model, >= 0, summed in float64; unit: loss a squared unit of the weights.

    Raises:
        ValueError: If the model is no plain MLP, or ``batch_size`` is below 1.

    Example:
        The inputs 1 and 2, with a weight for each, bend half the squared error by 1 and 4:

        >>> linear = ModelConfig(
        ...     kind="mlp", input_shape=(2,), num_classes=1, hidden=(), bias=False
        ... )
        >>> params, x = {"dense0.weight": torch.ones(1, 1, 2)}, torch.tensor([[1.0, 2.0]])
        >>> trace(linear, params, x, loss="squared_error").item()
        5.0
    """
    if not backprop.covers(model) or batch_size < 1:
        raise ValueError(
            f"the exact trace needs an MLP without batch normalization and batch_size >= 1, got "
            f"{model} and {batch_size}"
        )
    examples = x.flatten(1)[None] if tuple(x.shape[1:]) == model.input_shape else x.flatten(2)
    total = torch.zeros(stacks.num_models(params), dtype=torch.float64, device=x.device)
    for part in examples.split(batch_size, dim=1):
        total += _bent(model, params, part, loss)
    return total / examples.shape[1]


def _bent(
    model: ModelConfig, params: Params, h: Float[Tensor, "_ batch features"], loss: metrics.Loss
) -> Float64[Tensor, "models"]:
    """Return the trace of the Hessian of the summed loss of some examples."""
    inputs, weights = [], [params[f"dense{i}.weight"] for i in range(len(model.hidden) + 1)]
    for i, weight in enumerate(weights):
        inputs.append(h)
        z = h @ weight.mT
        z = z + params[f"dense{i}.bias"][:, None] if model.bias else z
        h = z.relu()
    # A is the sum over classes of delta delta': one pass of backpropagation for each class.
    delta = torch.eye(model.num_classes, dtype=z.dtype, device=z.device)[None, :, None]
    if loss == "cross_entropy":
        p = z.softmax(2)
        delta = p.mT.sqrt()[..., None] * (delta - p[:, None])  # models classes batch classes
    else:
        delta = delta.expand(len(z), -1, z.shape[1], -1)
    total = 0.0
    for i in reversed(range(len(weights))):
        seen = inputs[i].square().sum(2) + model.bias  # the bias sees a one
        total = total + (delta.square().sum(3) * seen[:, None]).double().sum((1, 2))
        if i:
            delta = (delta @ weights[i][:, None]) * (inputs[i] > 0)[:, None]
    return total


def perturbation_cost(
    model: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Shaped[Tensor, "..."],
    *,
    size: float,
    gens: Sequence[torch.Generator],
    draws: int = 10,
    loss: metrics.Loss = "cross_entropy",
) -> Float64[Tensor, "models draws"]:
    """Return by how much the loss rises when every weight changes by a random share of itself.

    Weight w becomes w (1 + size z), z standard normal. Relative to each weight, and not to the
    norm of a layer or of a unit's weights: only then does rescaling a ReLU unit, which leaves the
    function as it is, leave every draw as it is. The mean for a small ``size`` is ``size^2 / 2``
    times the trace of the relative Hessian (see `hessian_product`).

    Args:
        model: The shape of the models.
        params: Where the loss is perturbed; left unchanged.
        x: Inputs, as in `hessian_product`.
        y: Labels or targets, as there.
        size: Standard deviation of the relative change, >= 0.
        gens: One CPU generator a model; left as they were.
        draws: Random changes a model, >= 1. Their mean is the estimate, their spread its error.
        loss: As there.

    Returns:
        Loss after minus loss before, one number a draw; may be negative.

    Raises:
        ValueError: If ``size`` is negative, ``draws`` is below 1, or generators and models differ
            in number.

    Example:
        >>> linear = ModelConfig(kind="mlp", input_shape=(2,), num_classes=1, hidden=())
        >>> zero = {"dense0.weight": torch.zeros(1, 1, 2), "dense0.bias": torch.zeros(1, 1)}
        >>> x, y, gens = torch.ones(3, 2), torch.ones(3, 1), [torch.Generator()]
        >>> options = {"size": 0.1, "gens": gens, "draws": 2, "loss": "squared_error"}
        >>> perturbation_cost(linear, zero, x, y, **options).tolist()  # a share of zero is zero
        [[0.0, 0.0]]
    """
    if not size >= 0 or draws < 1 or len(gens) != stacks.num_models(params):
        raise ValueError(
            f"need size >= 0, draws >= 1 and a generator for each of the "
            f"{stacks.num_models(params)} models, got {size}, {draws} and {len(gens)} generators"
        )
    gens = [gen.clone_state() for gen in gens]
    before, _ = metrics.evaluate(model, params, x, y, loss=loss)
    after = []
    for _ in range(draws):
        moved = dict(params)
        for name, p in stacks.trained(params).items():
            z = torch.stack([torch.randn(p.shape[1:], generator=gen) for gen in gens]).to(p)
            moved[name] = p * (1 + size * z)
        after.append(metrics.evaluate(model, moved, x, y, loss=loss)[0])
    return torch.stack(after, 1) - before[:, None]
