"""The JAX rival: ``jit``, ``vmap`` and ``grad``, an optional extra.

As JAX's documentation recommends: parameters as a pytree, the outermost function compiled, data on
the device, old parameters donated, ``block_until_ready`` before the clock is read. Where it leaves
a choice, `contestants` returns every way, and the benchmark keeps the fastest.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from dlnotes.bench.grids import LEARNING_RATE, Problem
from dlnotes.bench.pytorch import Contestant
from dlnotes.networks.stacks import Params

Tree = list[tuple[jax.Array, jax.Array]]
LAYOUT = ("NHWC", "HWIO", "NHWC")


def _load(problem: Problem) -> Tree:
    """Return the initial parameters: weights ``[models, (k, k,) in, out]``, biases."""
    values = [p.detach().cpu().numpy() for p in problem.params.values()]
    tree = []
    for weight, bias in zip(values[::2], values[1::2], strict=True):
        axes = (0, 2, 1) if weight.ndim == 3 else (0, 3, 4, 2, 1)
        tree.append((jnp.asarray(weight.transpose(axes)), jnp.asarray(bias)))
    return _flattened(problem, tree, (1, 2, 0))


def _flattened(problem: Problem, tree: Tree, axes: tuple[int, int, int]) -> Tree:
    """Reorder the inputs of the first dense layer after convolutions.

    PyTorch flattens [channels, height, width], JAX [height, width, channels].
    """
    point = problem.point
    if not point.channels:
        return tree
    place = len(point.channels)
    weight, bias = tree[place]
    sides, channels = [-(-n // 2**place) for n in point.image[1:]], point.channels[-1]
    shape = (channels, *sides) if axes == (1, 2, 0) else (*sides, channels)
    order = np.arange(weight.shape[1]).reshape(shape).transpose(axes).ravel()
    return [*tree[:place], (weight[:, order], bias), *tree[place + 1 :]]


def _unload(problem: Problem, tree: Tree) -> Params:
    """Return parameters in the layout of `dlnotes.networks.models`."""
    values = []
    for weight, bias in _flattened(problem, tree, (2, 0, 1)):
        axes = (0, 2, 1) if weight.ndim == 3 else (0, 4, 3, 1, 2)
        values += [np.asarray(weight).transpose(axes), np.asarray(bias)]
    return {n: torch.tensor(v) for n, v in zip(problem.params, values, strict=True)}


def _logits(params: Tree, x: jax.Array, convolutions: int) -> jax.Array:
    """Return the logits of one network."""
    for kernel, bias in params[:convolutions]:
        x = lax.conv_general_dilated(x, kernel, (2, 2), [(2, 2), (2, 2)], dimension_numbers=LAYOUT)
        x = jax.nn.relu(x + bias)
    x = x.reshape(len(x), -1)
    for weight, bias in params[convolutions:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = params[-1]
    return x @ weight + bias


def _step(params: Tree, x: jax.Array, y: jax.Array, convolutions: int) -> Tree:
    """Return the parameters of one network after one step of gradient descent."""

    def loss(params: Tree) -> jax.Array:
        logs = jax.nn.log_softmax(_logits(params, x, convolutions))
        return -jnp.take_along_axis(logs, y[:, None], axis=1).mean()

    return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, jax.grad(loss)(params))


def contestants(problem: Problem, networks: int) -> list[Contestant]:
    """Return every way to train the networks, each with parameters of its own.

    ``vmap``: one compiled step of the stack, called in a Python loop. ``scan``: the loop over the
    steps compiled, too; on a CPU, XLA's convolutions inside it were ten times slower, so it is
    left out there. ``single``: ``jit`` without ``vmap``, one network after another, which was the
    fastest way for convolutions on a CPU.
    """
    one = partial(_step, convolutions=len(problem.point.channels))
    stack = jax.vmap(one, in_axes=(0, None, 0))

    @partial(jax.jit, donate_argnums=0)
    def step(params: Tree, x: jax.Array, y: jax.Array, rows: jax.Array) -> Tree:
        return stack(params, x[rows], y[:, rows])

    @partial(jax.jit, donate_argnums=0)
    def step_alone(params: Tree, x: jax.Array, y: jax.Array, rows: jax.Array) -> Tree:
        return one(params, x[rows], y[rows])

    @partial(jax.jit, donate_argnums=0)
    def scan(params: Tree, x: jax.Array, y: jax.Array, order: jax.Array) -> Tree:
        return lax.scan(lambda p, rows: (stack(p, x[rows], y[:, rows]), None), params, order)[0]

    def vmap(params: Tree, x: jax.Array, y: jax.Array, order: np.ndarray) -> Tree:
        return reduce(lambda p, rows: step(p, x, y, rows), order, params)

    def single(
        params: list[Tree], x: jax.Array, y: list[jax.Array], order: np.ndarray
    ) -> list[Tree]:
        pairs = zip(params, y, strict=True)
        return [reduce(lambda p, rows: step_alone(p, x, own, rows), order, p) for p, own in pairs]

    ways: list[Callable[..., Any]] = [vmap]
    if not problem.point.channels or jax.default_backend() == "gpu":
        ways.append(scan)
    if problem.point.channels:
        ways.append(single)
    return [_contestant(problem, networks, train) for train in ways]


def _contestant(problem: Problem, networks: int, train: Callable[..., Any]) -> Contestant:
    """Return one way, set up: data on the device, parameters stacked or, for ``single``, a list."""
    point, way = problem.point, train.__name__
    x = jnp.asarray(problem.x.movedim(1, -1).cpu().numpy())
    y = jnp.asarray(problem.y[:networks].cpu().numpy().astype("int32"))
    start = jax.tree.map(lambda p: p[:networks], _load(problem))
    if way == "single":
        y = list(y)
        start = [jax.tree.map(lambda p: p[i], start) for i in range(networks)]  # noqa: B023
    state = {"params": start}
    rng = np.random.default_rng(0)

    def go() -> None:
        for _ in range(point.epochs):
            given = problem.order
            order = rng.permutation(point.examples) if given is None else given.numpy()
            order = order.astype("int32").reshape(point.steps, point.batch)
            state["params"] = train(state["params"], x, y, order)
        jax.block_until_ready(state["params"])

    def params() -> Params:
        now = state["params"]
        tree = jax.tree.map(lambda *p: jnp.stack(p), *now) if way == "single" else now
        return _unload(problem, tree)

    return Contestant(go, networks, params, way)
