"""Stacked networks: many networks of one shape run as one batched computation.

Every parameter leads with the axis ``models`` (see `dlnotes.networks.stacks`). Dense layers are
batched matrix products; convolutions are products with patches, one call a model, or one group a
model, whichever is fast. Model i of a stack computes what it would compute alone, to rounding
error.

Inside, activations are kept as ``[models, features, batch]``. So the first layer of a stack whose
models see the same inputs is *one* wide product, all first-layer weights times the inputs.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from dlnotes.networks.stacks import Params

Kind = Literal["mlp", "cnn", "local"]
PATCH_BYTES = 16 * 2**20
"""On a CPU, small kernels are run as products with patches if these take no more than this, about
half of the last cache of a large processor. Copying more takes longer than it saves."""
NORM_EPSILON, NORM_MOMENTUM = 1e-5, 0.1
"""What batch normalization adds to a variance, and the share of a batch in its running averages."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a network with ReLU units.

    ``mlp``: flatten, then dense hidden layers, then a linear layer to the logits.
    ``cnn``: convolutions first (zero padding, stride ``stride``), then the same as ``mlp``.
    ``local``: as ``cnn``, but every place of an image has weights of its own (locally connected).

    Attributes:
        kind: ``"mlp"``, ``"cnn"`` or ``"local"``.
        input_shape: Shape of one example, ``(channels, height, width)``; an MLP takes any shape.
        num_classes: Number of outputs (logits, or targets of a regression), >= 1.
        hidden: Width of each dense hidden layer. ``()`` makes an MLP a linear model: logistic
            regression with the loss ``cross_entropy``, least squares with ``squared_error``.
        channels: Output channels of each convolution or local layer; none for an MLP.
        kernel_size: Odd side of the convolution kernels, in pixels.
        stride: Step of every convolution, in pixels.
        bias: Whether layers add a bias.
        batch_norm: Whether each hidden layer normalizes its features over the batch (and the
            places of an image), before the ReLU (Ioffe and Szegedy 2015).
    """

    kind: Kind
    input_shape: tuple[int, ...]
    num_classes: int
    hidden: tuple[int, ...]
    channels: tuple[int, ...] = ()
    kernel_size: int = 5
    stride: int = 2
    bias: bool = True
    batch_norm: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {get_args(Kind)}, got {self.kind!r}")
        sizes = (*self.input_shape, self.num_classes, *self.hidden, *self.channels)
        if min(*sizes, self.stride, self.kernel_size) < 1:
            raise ValueError(f"every size must be >= 1, got {self}")
        if (self.kind != "mlp") != bool(self.channels):
            raise ValueError(
                f"a CNN or local network has at least one entry in channels and an MLP none, got "
                f"kind={self.kind!r} with channels={self.channels}"
            )
        if self.channels and (len(self.input_shape) != 3 or self.kernel_size % 2 == 0):
            raise ValueError(
                "a CNN needs input_shape (channels, height, width) and an odd kernel_size, got "
                f"{self.input_shape} and {self.kernel_size}"
            )


@dataclass(frozen=True)
class Layer:
    """One layer with weights.

    Attributes:
        name: Prefix of its parameters.
        weight: Shape of its weight in one model.
        fan_in: Inputs of one unit.
        outputs: Shape of one example after it: ``(features,)`` or ``(channels, height, width)``.
        last: Whether its outputs are the logits; else a ReLU follows.
    """

    name: str
    weight: tuple[int, ...]
    fan_in: int
    outputs: tuple[int, ...]
    last: bool = False


def layers(config: ModelConfig) -> list[Layer]:
    """Return the layers of a network, from the inputs to the logits.

    Example:
        >>> config = ModelConfig(kind="mlp", input_shape=(3,), num_classes=2, hidden=(4,))
        >>> [layer.weight for layer in layers(config)]
        [(4, 3), (2, 4)]
    """
    found, shape = [], config.input_shape
    for i, out in enumerate(config.channels):
        kernel = (shape[0], config.kernel_size, config.kernel_size)
        after = (out, *(-(-side // config.stride) for side in shape[1:]))
        if config.kind == "cnn":
            layer = Layer(f"conv{i}", (out, *kernel), math.prod(kernel), after)
        else:
            places = math.prod(after[1:])
            weight = (places, out, math.prod(kernel))
            layer = Layer(f"local{i}", weight, math.prod(kernel), after)
        found.append(layer)
        shape = after
    widths = (math.prod(shape), *config.hidden, config.num_classes)
    for i, (inner, outer) in enumerate(itertools.pairwise(widths)):
        last = i == len(config.hidden)
        found.append(Layer(f"dense{i}", (outer, inner), inner, (outer,), last))
    return found


def init(
    config: ModelConfig,
    gens: Sequence[torch.Generator],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Params:
    """Draw the initial parameters of a stack, one model a generator.

    Weights are normal with variance 2 / fan_in, biases zero (He et al. 2015, section 2.2). A model
    depends on its own generator only, not on its neighbours in the stack.

    Args:
        config: The shape shared by all models.
        gens: One CPU generator a model.
        device: Where the parameters go; they are drawn on the CPU, the same for every device.
        dtype: Type of the numbers; the draws are those of float32 in any case.

    Returns:
        ``conv{i}.weight`` [models, out, in, k, k], ``local{i}.weight`` [models, places, out,
        in * k * k], ``dense{i}.weight`` [models, out, in], each with its ``.bias`` (one a unit;
        [models, places, out] for local layers). With batch normalization each hidden layer also
        has ``.scale``, ``.shift``, ``.running_mean`` and ``.running_var``, [models, features].

    Raises:
        ValueError: If ``gens`` is empty.

    Example:
        >>> config = ModelConfig(kind="mlp", input_shape=(3,), num_classes=2, hidden=(4,))
        >>> params = init(config, [torch.Generator().manual_seed(0)])
        >>> [tuple(p.shape) for p in params.values()]
        [(1, 4, 3), (1, 4), (1, 2, 4), (1, 2)]
    """
    if not gens:
        raise ValueError("a stack needs at least one model, got no generators; pass one a model")
    params: Params = {}
    for layer in layers(config):
        std = math.sqrt(2 / layer.fan_in)
        draws = [torch.randn(layer.weight, generator=gen) * std for gen in gens]
        params[f"{layer.name}.weight"] = torch.stack(draws)
        if config.bias:
            per_place = layer.weight[: 2 if layer.name.startswith("local") else 1]
            params[f"{layer.name}.bias"] = torch.zeros(len(gens), *per_place)
        if config.batch_norm and not layer.last:
            for name, value in (
                ("scale", 1),
                ("shift", 0),
                ("running_mean", 0),
                ("running_var", 1),
            ):
                start = torch.full((len(gens), layer.outputs[0]), float(value))
                params[f"{layer.name}.{name}"] = start
    return {name: p.to(device, dtype) for name, p in params.items()}


def forward(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "..."],
    *,
    train: bool = False,
    masks: Sequence[Float[Tensor, "models batch _"]] = (),
) -> Float[Tensor, "models batch classes"]:
    """Return the logits of every model of the stack.

    Args:
        config: The shape of the models.
        params: Their parameters.
        x: Inputs, ``[models, batch, *input_shape]`` (each model its own) or
            ``[batch, *input_shape]`` (all models the same).
        train: Whether batch normalization uses the statistics of this batch, and updates its
            running averages in ``params``, in place; else it uses those averages.
        masks: What multiplies the units of each dense hidden layer (dropout); empty for nothing.

    Returns:
        Logits, one row an example.

    Raises:
        ValueError: If the shape of ``x`` is neither of the two.

    Example:
        A linear classifier with weights 1 and bias 0.5 adds up its inputs:

        >>> config = ModelConfig(kind="mlp", input_shape=(3,), num_classes=1, hidden=())
        >>> params = {"dense0.weight": torch.ones(1, 1, 3), "dense0.bias": torch.full((1, 1), 0.5)}
        >>> forward(config, params, torch.tensor([[1.0, 2.0, 3.0]]))
        tensor([[[6.5000]]])
    """
    models = len(params["dense0.weight"])
    shared = tuple(x.shape[1:]) == config.input_shape
    if not shared and (tuple(x.shape[2:]) != config.input_shape or len(x) != models):
        raise ValueError(
            f"x must be [batch, {config.input_shape}] or [{models} models, batch, "
            f"{config.input_shape}], got {tuple(x.shape)}"
        )
    if config.channels:
        x = x.expand(models, *x.shape) if shared else x
        way = _way_to_convolve(config, x) if config.kind == "cnn" else _connect_locally
        h = way(config, params, x, train)  # models features batch
    else:
        h = x.flatten(1 if shared else 2).mT
    for i in range(len(config.hidden) + 1):
        h = dense(params[f"dense{i}.weight"], params.get(f"dense{i}.bias"), h)
        if i < len(config.hidden):
            if config.batch_norm:
                h = _normalize(params, f"dense{i}", h.flatten(0, 1)[None], train).view(h.shape)
            h = h.relu_()
            if masks:
                h = h * masks[i].mT
    return h.mT


def dense(
    weight: Float[Tensor, "models out in"],
    bias: Float[Tensor, "models out"] | None,
    h: Float[Tensor, "*models in batch"],
) -> Float[Tensor, "models out batch"]:
    """Return the outputs of a dense layer, before its ReLU; inputs without ``models`` are shared.

    Example:
        >>> dense(torch.tensor([[[2.0]], [[3.0]]]), None, torch.tensor([[10.0]])).flatten()
        tensor([20., 30.])
    """
    models, out, _ = weight.shape
    if h.ndim == 2:
        wide = weight.flatten(0, 1)
        z = wide @ h if bias is None else torch.addmm(bias.reshape(-1, 1), wide, h)
        return z.view(models, out, -1)
    if h.stride(2) == 1 or not h.requires_grad or h.is_cuda:
        return torch.bmm(weight, h) if bias is None else torch.baddbmm(bias.unsqueeze(2), weight, h)
    # On a CPU, convolutions leave the batch first in memory, and want their gradient like that: a
    # product a model does it without a copy.
    biases = [None] * models if bias is None else bias.unbind()
    each = [F.linear(*one) for one in zip(h.mT.unbind(), weight.unbind(), biases, strict=True)]
    return torch.stack(each).mT


def _normalize(
    params: Params,
    name: str,
    features: Float[Tensor, "batch features ..."],
    train: bool,
    model: int | slice = slice(None),
) -> Tensor:
    """Normalize every feature over all axes but the second (Ioffe and Szegedy 2015, algorithm 1).

    The features are those of ``model``, or of all models side by side.
    """
    scale, shift, mean, var = (
        params[f"{name}.{part}"][model].flatten()
        for part in ("scale", "shift", "running_mean", "running_var")
    )
    return F.batch_norm(features, mean, var, scale, shift, train, NORM_MOMENTUM, NORM_EPSILON)


def _way_to_convolve(
    config: ModelConfig, x: Float[Tensor, "models batch channels height width"]
) -> Callable[[ModelConfig, Params, Tensor, bool], Tensor]:
    """Return what runs the convolutions; its output has passed its ReLU.

    One grouped convolution suits a GPU; a CPU is up to three times faster with one call a model.
    Where patches overlap little and fit into the cache, it is faster still to copy them.
    """
    if x.is_cuda:
        return _convolve_grouped
    if config.kernel_size <= 2 * config.stride and _patch_bytes(config, x) <= PATCH_BYTES:
        return _convolve_patches
    return _convolve_each


def _patch_bytes(config: ModelConfig, x: Float[Tensor, "models batch ..."]) -> int:
    """Return the memory of all patches of the layer that has most."""
    one = max(
        layer.fan_in * math.prod(layer.outputs[1:])
        for layer in layers(config)[: len(config.channels)]
    )
    return one * x.shape[0] * x.shape[1] * x.element_size()


def _convolve_grouped(config: ModelConfig, params: Params, x: Tensor, train: bool) -> Tensor:
    """Convolve all models at once, one group a model."""
    models = len(x)
    x = x.transpose(0, 1).flatten(1, 2)  # [batch, models * channels, height, width]
    for i in range(len(config.channels)):
        weight, bias = params[f"conv{i}.weight"], params.get(f"conv{i}.bias")
        bias = None if bias is None else bias.flatten()
        pad = config.kernel_size // 2
        x = F.conv2d(x, weight.flatten(0, 1), bias, config.stride, pad, groups=models)
        if config.batch_norm:
            x = _normalize(params, f"conv{i}", x, train)
        x = x.relu_()
    return x.unflatten(1, (models, -1)).transpose(0, 1).flatten(2).mT


def _convolve_patches(config: ModelConfig, params: Params, x: Tensor, train: bool) -> Tensor:
    """Convolve by one product a layer: a convolution is a dense layer, run on every patch.

    The batch is last in memory, so that patches are copied in long runs.
    """
    x = x.permute(0, 2, 3, 4, 1)  # models channels height width batch
    for layer in layers(config)[: len(config.channels)]:
        weight, bias = params[f"{layer.name}.weight"], params.get(f"{layer.name}.bias")
        patches = _Patches.apply(x, config.kernel_size, config.stride)
        z = dense(weight.flatten(2), bias, patches)
        if config.batch_norm:
            z = _normalize(params, layer.name, z.flatten(0, 1)[None], train).view(z.shape)
        x = z.relu_().unflatten(2, (*layer.outputs[1:], -1))
    return x.flatten(1, 3)


class _Patches(torch.autograd.Function):
    """What each place of a convolution sees, side by side (zero padding).

    ``[models, channels, height, width, batch]`` becomes ``[models, channels * size * size, places *
    batch]``. The map is linear, so its derivative is its transpose, `_Pixels`, and the other way
    round.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, stride: int) -> Tensor:
        """Copy the patches."""
        ctx.sides, ctx.kernel = x.shape[2:4], (size, stride)
        padded = F.pad(x, (0, 0, *[size // 2] * 4))
        windows = padded.unfold(2, size, stride).unfold(3, size, stride)
        return windows.permute(0, 1, 5, 6, 2, 3, 4).flatten(4).flatten(1, 3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None]:
        """Apply the transpose; images need none."""
        needed = ctx.needs_input_grad[0]
        return (_Pixels.apply(gradient, *ctx.sides, *ctx.kernel) if needed else None), None, None


class _Pixels(torch.autograd.Function):
    """The transpose of `_Patches`: each pixel is the sum of the places it has in patches."""

    @staticmethod
    def forward(
        ctx: Any, patches: Tensor, height: int, width: int, size: int, stride: int
    ) -> Tensor:
        """Add the patches up, one place of the kernel after the other."""
        ctx.kernel = size, stride
        rows, columns, pad = -(-height // stride), -(-width // stride), size // 2
        each = patches.unflatten(2, (rows, columns, -1)).unflatten(1, (-1, size, size))
        models, channels, batch = each.shape[0], each.shape[1], each.shape[-1]
        x = patches.new_zeros(models, channels, height + 2 * pad, width + 2 * pad, batch)
        for i in range(size):
            for j in range(size):
                here = x[:, :, i::stride, j::stride][:, :, :rows, :columns]
                here += each[:, :, i, j]
        return x[:, :, pad : pad + height, pad : pad + width]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        """Apply the transpose."""
        return _Patches.apply(gradient, *ctx.kernel), None, None, None, None


def _convolve_each(config: ModelConfig, params: Params, x: Tensor, train: bool) -> Tensor:
    """Convolve one model after another."""
    outputs = []
    each = {name: p.unbind() for name, p in params.items() if name.startswith("conv")}
    for model, features in enumerate(x.unbind()):
        for i in range(len(config.channels)):
            weight, bias = each[f"conv{i}.weight"][model], each.get(f"conv{i}.bias")
            bias = None if bias is None else bias[model]
            features = F.conv2d(features, weight, bias, config.stride, config.kernel_size // 2)
            if config.batch_norm:
                features = _normalize(params, f"conv{i}", features, train, model)
            features = features.relu_()
        outputs.append(features)
    stacked = torch.stack(outputs) if len(outputs) > 1 else outputs[0][None]  # a view is no copy
    return stacked.flatten(2).mT


def _connect_locally(
    config: ModelConfig,
    params: Params,
    x: Float[Tensor, "models batch channels height width"],
    train: bool,
) -> Float[Tensor, "models features batch"]:
    """Run the local layers: a convolution whose weights differ from place to place."""
    models = len(x)
    size, pad, stride = config.kernel_size, config.kernel_size // 2, config.stride
    for layer in layers(config)[: len(config.channels)]:
        patches = F.unfold(x.flatten(0, 1), size, padding=pad, stride=stride)
        patches = patches.unflatten(0, (models, -1)).permute(0, 3, 2, 1)  # models places in batch
        weight = params[f"{layer.name}.weight"]
        z = torch.bmm(weight.flatten(0, 1), patches.flatten(0, 1)).unflatten(0, (models, -1))
        if config.bias:
            z = z + params[f"{layer.name}.bias"].unsqueeze(3)
        z = z.transpose(1, 2)  # models channels places batch
        if config.batch_norm:
            z = _normalize(params, layer.name, z.flatten(0, 1)[None], train).view(z.shape)
        x = z.relu_().permute(0, 3, 1, 2).unflatten(3, layer.outputs[1:])
    return x.flatten(2).mT
