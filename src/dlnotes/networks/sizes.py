"""How much memory training takes, and how many models to train at once.

Nothing here looks at the machine's memory as it happens to be: how a stack is parted changes the
rounding of its sums, so it may depend on recorded facts only.
"""

import math

import torch
from torch import Tensor

from dlnotes.networks import backprop
from dlnotes.networks.models import ModelConfig, layers
from dlnotes.networks.recipe import TrainConfig, each

NEAR_BYTES = 16 * 2**20
"""On a CPU, as many models are trained at once as keep one layer within this: about half of the
last cache of a large processor."""


def memory(model: ModelConfig, config: TrainConfig, models: int, *, itemsize: int = 4) -> int:
    """Return the bytes that training a stack at once takes, without the data set.

    They are parameters, gradients, the optimizer's state and the activations of one step.

    Args:
        model: The shape of the models.
        config: How they are trained.
        models: How many.
        itemsize: Bytes a number: 4 for float32, 8 for float64.

    Example:
        A linear model with 4 inputs and 2 classes has 10 parameters, updated in place; a batch of 3
        brings 3 * 4 inputs, and 3 * 2 numbers each for logits and their derivative:

        >>> linear = ModelConfig(kind="mlp", input_shape=(4,), num_classes=2, hidden=())
        >>> memory(linear, TrainConfig(batch_size=3, max_epochs=1, learning_rate=1.0), 1)
        136
    """
    shapes = layers(model)
    weights = sum(math.prod(layer.weight) for layer in shapes)
    units = [math.prod(layer.outputs) for layer in shapes]
    biases = sum(units) if model.kind == "mlp" else sum(layer.outputs[0] for layer in shapes)
    parameters = weights + model.bias * biases
    plain = backprop.covers(model) and not any(each(config.dropout))
    if config.optimizer == "sgd":
        copies = 1 + any((*each(config.momentum), *each(config.weight_decay))) + (not plain)
    else:
        copies = 4 + (not plain)
    kept = sum(units[:-1]) * (1 + model.batch_norm + 2 * (not plain)) + 2 * max(units[-2:])
    own_inputs = any((*each(config.input_noise), *each(config.input_dropout)))
    inputs = math.prod(model.input_shape) * (models if own_inputs else 1)
    return itemsize * (
        models * (copies * parameters + kept * config.batch_size) + inputs * config.batch_size
    )


def at_once(model: ModelConfig, config: TrainConfig, models: int, like: Tensor) -> int:
    """Return how many models to train at once: on a CPU what stays near it, on a GPU what fits.

    Args:
        model: The shape of the models.
        config: How they are trained.
        models: How many there are.
        like: A parameter; it tells type and device.
    """
    if like.is_cuda:
        one = memory(model, config, 1, itemsize=like.element_size())
        whole = torch.cuda.get_device_properties(like.device).total_memory
        return max(1, min(models, int(0.6 * whole / one)))
    largest = max(
        math.prod(layer.weight) + math.prod(layer.outputs) * config.batch_size
        for layer in layers(model)
    )
    size = max(1, NEAR_BYTES // (largest * like.element_size()))
    # In a batched product each thread takes models of its own, and one left over idles the rest; a
    # convolution is spread over the threads by itself.
    threads = 1 if model.kind == "cnn" else torch.get_num_threads()
    return min(models, max(1, size // threads) * threads)
