"""Who takes part: the engine and its rivals, each set up to train the same networks."""

import dataclasses
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier

from dlnotes.bench import pytorch
from dlnotes.bench.grids import CLASSES, LEARNING_RATE, Point, Problem
from dlnotes.bench.pytorch import Contestant
from dlnotes.networks import products, training
from dlnotes.networks.stacks import Params
from dlnotes.rng import generator


def engine(problem: Problem, networks: int) -> list[Contestant]:
    """Train the whole stack by the engine, its products by PyTorch's own library and by oneDNN.

    Lectures use the first. On a GPU, and for convolutions, there is nothing to choose.
    """
    dense = problem.point.grid == "mlp" and not problem.x.is_cuda
    ways = get_args(products.Library) if dense else ("pytorch",)
    return [_engine(problem, networks, library) for library in ways]


def _engine(problem: Problem, networks: int, library: products.Library) -> Contestant:
    """Train by `dlnotes.networks.training.train`, called as a lecture calls it.

    Checking its arguments and copying the initial parameters is setting up, which is not timed for
    the rivals either: a call that trains for no epoch at all tells what it takes.
    """
    point = problem.point
    initial = {name: p[:networks] for name, p in problem.params.items()}
    state = {"params": initial, "epoch": 0}

    def train(epochs: int) -> Params:
        config = dataclasses.replace(point.training, max_epochs=epochs)
        gen = generator(state["epoch"], "bench", "batches")
        run = training.train(
            point.model, config, initial, problem.x, problem.y[:networks], gens=gen
        )
        if problem.x.is_cuda:
            torch.cuda.synchronize()
        return run.params

    def go() -> None:
        products.use(library)
        state["params"] = train(point.epochs)
        state["epoch"] += 1
        products.use("pytorch")

    def setup() -> Params:
        return train(0)

    return Contestant(go, networks, lambda: state["params"], variant=library, setup=setup)


def scikit(problem: Problem, networks: int) -> Contestant:
    """Train one network after another by scikit-learn's ``MLPClassifier``, in float32.

    An epoch is one call of ``partial_fit``, which trains what ``fit`` does with ``max_iter=1`` and
    does not warn that one epoch is too few. The first call, on one batch, makes the arrays that the
    initial parameters are then written to.
    """
    point = problem.point
    x, y = problem.x.flatten(1).numpy(), problem.y.numpy()
    if problem.order is not None:
        x, y = x[problem.order], y[:, problem.order]
    values = [p.numpy() for p in problem.params.values()]
    nets = []
    for i in range(networks):
        net = MLPClassifier(
            hidden_layer_sizes=point.hidden,
            solver="sgd",
            alpha=0.0,
            batch_size=point.batch,
            learning_rate_init=LEARNING_RATE,
            shuffle=problem.order is None,
            momentum=0.0,
            nesterovs_momentum=False,
        )
        net.partial_fit(x[: point.batch], y[i, : point.batch], classes=np.arange(CLASSES))
        for own, value in zip(net.coefs_, values[::2], strict=True):
            own[...] = value[i].T
        for own, value in zip(net.intercepts_, values[1::2], strict=True):
            own[...] = value[i]
        nets.append(net)

    def go() -> None:
        for net, labels in zip(nets, y, strict=False):
            for _ in range(point.epochs):
                net.partial_fit(x, labels)

    def now() -> Params:
        weights = [np.stack(w).swapaxes(1, 2) for w in zip(*(n.coefs_ for n in nets), strict=True)]
        biases = [np.stack(b) for b in zip(*(n.intercepts_ for n in nets), strict=True)]
        both = [torch.tensor(p) for pair in zip(weights, biases, strict=True) for p in pair]
        return dict(zip(problem.params, both, strict=True))

    return Contestant(go, networks, now)


def jax(problem: Problem, networks: int) -> list[Contestant]:
    """Train the whole stack by JAX, in every way that its documentation leaves open."""
    from dlnotes.bench import xla  # an optional extra

    return xla.contestants(problem, networks)


@dataclass(frozen=True)
class Rival:
    """One who takes part.

    Attributes:
        name: As it is called in a row.
        make: Sets up that many networks; several contestants are several ways to do the same.
        stacked: Whether it trains all networks at once; the others train one a timing.
    """

    name: str
    make: Callable[[Problem, int], Contestant | list[Contestant]]
    stacked: bool

    def absent(self, point: Point, device: str) -> str:
        """Return why the rival cannot take part, or nothing."""
        if self.name == "sklearn" and point.channels:
            return "has no convolutions"
        if self.name == "sklearn" and device == "cuda":
            return "runs on the CPU only"
        if self.name == "jax":
            return _no_jax(device)
        return ""


def _no_jax(device: str) -> str:
    """Return why JAX cannot take part, or nothing."""
    if importlib.util.find_spec("jax") is None:
        return "not installed: pip install 'dlnotes[bench]'"
    import jax

    if device == "cuda" and jax.default_backend() != "gpu":
        return "sees no GPU: install the build of JAX for it"
    return ""


ENGINE = Rival("dlnotes", engine, stacked=True)
RIVALS = (
    ENGINE,
    Rival("loop", pytorch.loader, stacked=False),
    Rival("indexed", pytorch.indexed, stacked=False),
    Rival("vmap", pytorch.ensemble, stacked=True),
    Rival("jax", jax, stacked=True),
    Rival("sklearn", scikit, stacked=False),
)
