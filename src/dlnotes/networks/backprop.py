"""The gradients of a plain MLP written out by hand: backpropagation in five lines of algebra.

Autograd would find the same numbers. Written by hand, they are added straight to where they are
wanted, a weight gradient never exists as a tensor of its own, and a stack of narrow networks spends
its time on arithmetic instead of bookkeeping.
"""

from collections.abc import Hashable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from dlnotes.networks.models import ModelConfig
from dlnotes.networks.products import accumulate, product
from dlnotes.networks.stacks import Params

Room = dict[Hashable, Tensor]


def covers(config: ModelConfig) -> bool:
    """Return whether this module can do it: dense layers and ReLUs, nothing else."""
    return config.kind == "mlp" and not config.batch_norm


def add_gradients(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    y: Int64[Tensor, "models batch"],
    *,
    into: Params,
    scale: Float[Tensor, "models"],
    label_smoothing: Float[Tensor, "models"] | None = None,
    room: Room | None = None,
) -> None:
    """Add ``scale`` times the gradient of each model's mean cross-entropy to ``into``, in place.

    With logits z = W h + b of a layer, the loss's derivative by z (``delta``) gives the others
    (Rumelhart, Hinton and Williams 1986): by W it is ``delta h'``, by b the sum of ``delta`` over
    the batch, by h ``W' delta``, which passes the ReLU below where that was positive. At the top,
    ``delta`` is softmax minus target.

    Args:
        config: An MLP that `covers` accepts.
        params: Its parameters. ``into`` may be the same tensors: a layer's are changed after their
            last use.
        x: Inputs, ``[batch, *input_shape]`` for all or ``[models, batch, *input_shape]``.
        y: Labels in ``[0, num_classes)``.
        into: What is added to.
        scale: One factor a model.
        label_smoothing: As in `dlnotes.networks.metrics.cross_entropy`.
        room: Tensors to work in, kept from call to call; empty at first. On a CPU, a step would
            else spend a tenth of its time on getting fresh memory from the system.

    Example:
        A linear model with zero weights gives both classes probability 1/2; at input 3 with label 0
        the derivative by the weights is (1/2 - 1) * 3 and 1/2 * 3:

        >>> config = ModelConfig(kind="mlp", input_shape=(1,), num_classes=2, hidden=(), bias=False)
        >>> params, into = {"dense0.weight": torch.zeros(1, 2, 1)}, {}
        >>> into["dense0.weight"] = torch.zeros(1, 2, 1)
        >>> x, y, one = torch.tensor([[3.0]]), torch.tensor([[0]]), torch.ones(1)
        >>> add_gradients(config, params, x, y, into=into, scale=one)
        >>> into["dense0.weight"].flatten()
        tensor([-1.5000,  1.5000])
    """
    room = {} if room is None else room
    depth, (models, batch) = len(config.hidden) + 1, y.shape
    # Inputs that all models share make the first layer one wide product: a stack of one.
    shared = tuple(x.shape[1:]) == config.input_shape
    h = x.flatten(1)[None].mT if shared else x.flatten(2).mT
    inputs = []
    for i in range(depth):
        inputs.append(h)
        weight = params[f"dense{i}.weight"]
        z = _take(room, ("z", i), (models, weight.shape[1], batch), weight)
        wide = shared and i == 0
        product(_beside(weight, wide), h, out=_beside(z, wide))
        if config.bias:
            z += params[f"dense{i}.bias"].unsqueeze(2)
        h = z.relu_() if i < depth - 1 else z

    delta = h.softmax(1)
    hit = delta.new_full((models, 1, 1), -1.0)
    if label_smoothing is not None:
        hit = (label_smoothing - 1).view(-1, 1, 1)
        delta -= (label_smoothing / config.num_classes).view(-1, 1, 1)
    delta.scatter_add_(1, y.unsqueeze(1), hit.expand(models, 1, batch))
    delta *= (scale / batch).view(-1, 1, 1)

    for i in reversed(range(depth)):
        weight, h = params[f"dense{i}.weight"], inputs[i]
        if i:  # two tensors take turns, where widths are equal
            below = _take(room, ("below", i % 2, weight.shape[2]), h.shape, h)
            product(weight.mT, delta, out=below)
        if config.bias:
            into[f"dense{i}.bias"].add_(delta.sum(2))
        wide = shared and i == 0
        accumulate(_beside(into[f"dense{i}.weight"], wide), _beside(delta, wide), h.mT)
        if i:
            torch.ops.aten.threshold_backward.grad_input(below, h, 0, grad_input=below)
            delta = below


def _take(room: Room, key: Hashable, shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Return the room's tensor of that name; a new one if there is none of this shape."""
    if key not in room or room[key].shape != shape:
        room[key] = like.new_empty(shape)
    return room[key]


def _beside(
    of_models: Float[Tensor, "models rows columns"], wide: bool
) -> Float[Tensor, "stacks rows2 columns"]:
    """Return a view with the models' rows below one another if their inputs are shared."""
    return of_models.flatten(0, 1)[None] if wide else of_models
