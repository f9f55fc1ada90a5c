"""The parameters of many networks in one dictionary; each tensor leads with the axis ``models``."""

from collections.abc import Sequence

import torch
from torch import Tensor

Params = dict[str, Tensor]
"""Parameter name -> tensor whose first axis counts the models of the stack."""

AVERAGES = ("running_mean", "running_var")
"""Last parts of the names of tensors that are kept with the parameters but not trained."""


def num_models(params: Params) -> int:
    """Return how many models the stack holds.

    Raises:
        ValueError: If the tensors disagree about it, or there are none.

    Example:
        >>> num_models({"weight": torch.zeros(3, 2, 2), "bias": torch.zeros(3, 2)})
        3
    """
    sizes = {name: len(tensor) for name, tensor in params.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(
            f"all tensors of a stack must have one leading `models` axis, got sizes {sizes}; "
            "stack the models with stacks.stack"
        )
    return next(iter(sizes.values()))


def num_parameters(params: Params) -> int:
    """Return the number of trained scalars of *one* model of the stack.

    Example:
        >>> num_parameters({"weight": torch.zeros(3, 2, 2), "bias": torch.zeros(3, 2)})
        6
    """
    return sum(tensor[0].numel() for tensor in trained(params).values())


def trained(params: Params) -> Params:
    """Return the parameters that training changes by gradients: all but running averages.

    Example:
        >>> list(trained({"bias": torch.zeros(1, 2), "running_mean": torch.zeros(1, 2)}))
        ['bias']
    """
    return {name: p for name, p in params.items() if name.rpartition(".")[2] not in AVERAGES}


def select(params: Params, models: int | Sequence[int] | Tensor) -> Params:
    """Return a copy of some models as a stack of their own (one model: a stack of one).

    Args:
        params: The stack.
        models: One index, several, or a boolean mask over the ``models`` axis.

    Returns:
        New tensors; changing them leaves ``params`` as it is.

    Example:
        >>> select({"bias": torch.tensor([[1.0], [2.0], [3.0]])}, 1)
        {'bias': tensor([[2.]])}
    """
    index = torch.as_tensor([models] if isinstance(models, int) else models)
    return {name: tensor[index.to(tensor.device)] for name, tensor in params.items()}


def stack(parts: Sequence[Params]) -> Params:
    """Return one stack that holds the models of all ``parts``, in order.

    Raises:
        ValueError: If there are no parts or they do not have the same parameters and shapes.

    Example:
        >>> one, two = {"bias": torch.tensor([[1.0]])}, {"bias": torch.tensor([[2.0], [3.0]])}
        >>> stack([one, two])["bias"].flatten()
        tensor([1., 2., 3.])
    """
    shapes = [{name: tuple(t.shape[1:]) for name, t in part.items()} for part in parts]
    if not parts or any(shape != shapes[0] for shape in shapes):
        raise ValueError(
            f"models of one stack must have equal parameter shapes, got {shapes}; "
            "train unequal shapes one after another"
        )
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
