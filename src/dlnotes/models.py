"""Stacked networks: many networks of one shape run as one batched computation.

Every parameter leads with the axis ``models`` (see `dlnotes.params`). Dense layers are batched
matrix products, convolutions are grouped, one group a model, where that is fast. Model i of a stack
computes what it would compute alone, to rounding error.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from dlnotes.params import Params


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a network with ReLU units.

    ``mlp``: flatten, then dense hidden layers, then a linear layer to the logits.
    ``cnn``: convolutions first (zero padding, stride ``stride``), then the same as ``mlp``.

    Attributes:
        kind: ``"mlp"`` or ``"cnn"``.
        input_shape: Shape of one example, ``(channels, height, width)``; an MLP takes any shape.
        num_classes: Number of logits, >= 1.
        hidden: Width of each dense hidden layer; ``()`` gives a linear classifier.
        channels: Output channels of each convolution; at least one for a CNN, none for an MLP.
        kernel_size: Odd side of the convolution kernels, in pixels.
        stride: Step of every convolution, in pixels.
    """

    kind: Literal["mlp", "cnn"]
    input_shape: tuple[int, ...]
    num_classes: int
    hidden: tuple[int, ...]
    channels: tuple[int, ...] = ()
    kernel_size: int = 5
    stride: int = 2

    def __post_init__(self) -> None:
        if self.kind not in ("mlp", "cnn"):
            raise ValueError(f"kind must be 'mlp' or 'cnn', got {self.kind!r}")
        sizes = (*self.input_shape, self.num_classes, *self.hidden, *self.channels)
        if min(*sizes, self.stride, self.kernel_size) < 1:
            raise ValueError(f"every size must be >= 1, got {self}")
        if (self.kind == "cnn") != bool(self.channels):
            raise ValueError(
                f"a CNN has at least one convolution and an MLP none, got kind={self.kind!r} "
                f"with channels={self.channels}"
            )
        if self.kind == "cnn" and (len(self.input_shape) != 3 or self.kernel_size % 2 == 0):
            raise ValueError(
                "a CNN needs input_shape (channels, height, width) and an odd kernel_size, got "
                f"{self.input_shape} and {self.kernel_size}"
            )


def _dense_sizes(config: ModelConfig) -> list[int]:
    """Return the widths from the flattened features to the logits."""
    features = math.prod(config.input_shape)
    if config.kind == "cnn":
        _, height, width = config.input_shape
        for _ in config.channels:
            height, width = -(-height // config.stride), -(-width // config.stride)
        features = config.channels[-1] * height * width
    return [features, *config.hidden, config.num_classes]


def _he_normal(
    shape: tuple[int, ...], fan_in: int, gens: Sequence[torch.Generator]
) -> Float[Tensor, "models ..."]:
    """Draw one tensor a generator from N(0, 2 / fan_in)."""
    scale = math.sqrt(2 / fan_in)
    return torch.stack([torch.randn(shape, generator=gen) * scale for gen in gens])


def init(config: ModelConfig, gens: Sequence[torch.Generator]) -> Params:
    """Draw the initial parameters of a stack, one model a generator.

    Weights are normal with variance 2 / fan_in, biases zero (He et al. 2015, section 2.2). A model
    depends on its own generator only, not on its neighbours in the stack.

    Args:
        config: The shape shared by all models.
        gens: One CPU generator a model.

    Returns:
        ``conv{i}.weight`` [models, out, in, k, k], ``conv{i}.bias`` [models, out],
        ``dense{i}.weight`` [models, in, out], ``dense{i}.bias`` [models, out]; float32, CPU.

    Raises:
        ValueError: If ``gens`` is empty.

    Example:
        >>> config = ModelConfig(kind="mlp", input_shape=(3,), num_classes=2, hidden=(4,))
        >>> params = init(config, [torch.Generator().manual_seed(0)])
        >>> [tuple(p.shape) for p in params.values()]
        [(1, 3, 4), (1, 4), (1, 4, 2), (1, 2)]
    """
    if not gens:
        raise ValueError("a stack needs at least one model, got no generators; pass one a model")
    params: Params = {}
    size = config.kernel_size
    channels = (config.input_shape[0], *config.channels)
    for i, (c_in, c_out) in enumerate(itertools.pairwise(channels)):
        params[f"conv{i}.weight"] = _he_normal((c_out, c_in, size, size), c_in * size * size, gens)
        params[f"conv{i}.bias"] = torch.zeros(len(gens), c_out)
    widths = _dense_sizes(config)
    for i, (w_in, w_out) in enumerate(itertools.pairwise(widths)):
        params[f"dense{i}.weight"] = _he_normal((w_in, w_out), w_in, gens)
        params[f"dense{i}.bias"] = torch.zeros(len(gens), w_out)
    return params


def forward(
    config: ModelConfig, params: Params, x: Float[Tensor, "..."]
) -> Float[Tensor, "models batch classes"]:
    """Return the logits of every model of the stack.

    Args:
        config: The shape of the models.
        params: Their parameters.
        x: Inputs, ``[models, batch, *input_shape]`` (each model its own) or
            ``[batch, *input_shape]`` (all models the same).

    Returns:
        Logits, one row an example.

    Raises:
        ValueError: If the shape of ``x`` is neither of the two.

    Example:
        A linear classifier with weights 1 and bias 0.5 adds up its inputs:

        >>> config = ModelConfig(kind="mlp", input_shape=(3,), num_classes=1, hidden=())
        >>> params = {"dense0.weight": torch.ones(1, 3, 1), "dense0.bias": torch.full((1, 1), 0.5)}
        >>> forward(config, params, torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[[6.5000]]])
    """
    models = len(params["dense0.bias"])
    shape = config.input_shape
    if tuple(x.shape[1:]) == shape:
        x = x.expand(models, *x.shape)
    if tuple(x.shape[2:]) != shape or len(x) != models:
        raise ValueError(
            f"x must be [batch, {shape}] or [{models} models, batch, {shape}], got {tuple(x.shape)}"
        )
    if config.kind == "cnn":
        x = _convolve(config, params, x)
    x = x.flatten(2)
    for i in range(len(config.hidden) + 1):
        bias = params[f"dense{i}.bias"].unsqueeze(1)
        x = torch.baddbmm(bias, x if i == 0 else x.relu(), params[f"dense{i}.weight"])
    return x


def _convolve(
    config: ModelConfig, params: Params, x: Float[Tensor, "models batch channels height width"]
) -> Float[Tensor, "models batch channels2 height2 width2"]:
    """Run the convolutions; the output has passed its ReLU.

    One grouped convolution suits a GPU. A CPU is up to three times faster with one call a model.
    """
    names = [f"conv{i}" for i in range(len(config.channels))]
    layers = [(params[f"{name}.weight"], params[f"{name}.bias"]) for name in names]
    shape = {"stride": config.stride, "padding": config.kernel_size // 2}
    return (_convolve_grouped if x.is_cuda else _convolve_each)(layers, x, shape)


def _convolve_grouped(
    layers: Sequence[tuple[Tensor, Tensor]], x: Tensor, shape: dict[str, int]
) -> Tensor:
    """Convolve all models at once, one group a model."""
    models = len(x)
    x = x.transpose(0, 1).flatten(1, 2)  # [batch, models * channels, height, width]
    for weight, bias in layers:
        x = F.conv2d(x, weight.flatten(0, 1), bias.flatten(), groups=models, **shape).relu()
    return x.unflatten(1, (models, -1)).transpose(0, 1)


def _convolve_each(
    layers: Sequence[tuple[Tensor, Tensor]], x: Tensor, shape: dict[str, int]
) -> Tensor:
    """Convolve one model after another."""
    each = [list(zip(weight.unbind(), bias.unbind(), strict=True)) for weight, bias in layers]
    outputs = []
    for features, *own in zip(x.unbind(), *each, strict=True):
        for weight, bias in own:
            features = F.conv2d(features, weight, bias, **shape).relu()
        outputs.append(features)
    return torch.stack(outputs)
