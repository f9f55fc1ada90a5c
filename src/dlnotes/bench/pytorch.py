"""The PyTorch rivals: the loop of the tutorials, the same without its loader, and ``vmap``.

Sources: PyTorch's tutorials "Optimizing Model Parameters" (the loop) and "Model ensembling"
(``stack_module_state``, ``functional_call``, ``vmap`` with ``in_dims`` None for shared inputs).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.utils.data import DataLoader, TensorDataset

from dlnotes.bench.grids import CLASSES, LEARNING_RATE, Point, Problem
from dlnotes.networks.stacks import Params


@dataclass(frozen=True)
class Contestant:
    """A rival that is set up and ready to train.

    Attributes:
        go: Trains every network for the steps of one timing; when it returns, the work is done.
        networks: How many it trains.
        params: Returns the present parameters in the layout of `dlnotes.networks.models`.
        variant: Which way of several it goes, empty if there is one only.
        setup: What ``go`` does besides training, to be taken off its time; None for nothing.
    """

    go: Callable[[], None]
    networks: int
    params: Callable[[], Params]
    variant: str = ""
    setup: Callable[[], object] | None = None


class Network(nn.Module):
    """One ordinary network."""

    def __init__(self, point: Point) -> None:
        """Build its layers."""
        super().__init__()
        channels, height, width = point.image
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise([channels, *point.channels]):
            layers += [nn.Conv2d(a, b, kernel_size=5, stride=2, padding=2), nn.ReLU()]
            height, width = -(-height // 2), -(-width // 2)
        layers.append(nn.Flatten())
        features = (point.channels or (channels,))[-1] * height * width
        for a, b in itertools.pairwise([features, *point.hidden]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        layers.append(nn.Linear((features, *point.hidden)[-1], CLASSES))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.layers(x)


def _network(problem: Problem, model: int) -> Network:
    """Return one network of the stack with its initial parameters."""
    network = Network(problem.point).to(problem.x.device)
    with torch.no_grad():
        for own, value in zip(network.parameters(), problem.params.values(), strict=True):
            own.copy_(value[model])
    return network


def _stacked(problem: Problem, networks: Sequence[Network]) -> Params:
    """Return the parameters of networks as a stack."""
    each = zip(*(network.parameters() for network in networks), strict=True)
    return {
        name: torch.stack([p.detach() for p in own])
        for name, own in zip(problem.params, each, strict=True)
    }


def batches(problem: Problem) -> Iterator[Tensor]:
    """Yield the places of each batch's examples, for all epochs."""
    point, x = problem.point, problem.x
    for _ in range(point.epochs):
        order = problem.order
        if order is None:
            order = torch.randperm(point.examples, device=x.device)
        yield from order.split(point.batch)


def _wait(problem: Problem) -> None:
    """Wait for the GPU, which works on while Python goes ahead."""
    if problem.x.is_cuda:
        torch.cuda.synchronize()


def loader(problem: Problem, networks: int) -> Contestant:
    """Train one network after another: ``nn.Module``, ``DataLoader``, ``optim.SGD``."""
    point, device = problem.point, problem.x.device
    x, labels = problem.x.cpu(), problem.y.cpu()  # a loader collates on the CPU
    nets = [_network(problem, i) for i in range(networks)]
    sampling = {"shuffle": True} if problem.order is None else {"sampler": problem.order.tolist()}
    loaders = [
        DataLoader(
            TensorDataset(x, labels[i]),
            batch_size=point.batch,
            pin_memory=device.type == "cuda",
            **sampling,
        )
        for i in range(networks)
    ]
    optimizers = [torch.optim.SGD(net.parameters(), lr=LEARNING_RATE) for net in nets]
    loss_fn = nn.CrossEntropyLoss()

    def go() -> None:
        for model, optimizer, dataloader in zip(nets, optimizers, loaders, strict=True):
            model.train()
            for _ in range(point.epochs):
                for X, y in dataloader:
                    X, y = X.to(device, non_blocking=True), y.to(device, non_blocking=True)
                    loss = loss_fn(model(X), y)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
        _wait(problem)

    return Contestant(go, networks, lambda: _stacked(problem, nets))


def indexed(problem: Problem, networks: int) -> Contestant:
    """Train one network after another on rows of tensors that lie on the device."""
    nets = [_network(problem, i) for i in range(networks)]
    optimizers = [torch.optim.SGD(net.parameters(), lr=LEARNING_RATE) for net in nets]
    loss_fn = nn.CrossEntropyLoss()

    def go() -> None:
        for model, optimizer, labels in zip(nets, optimizers, problem.y, strict=False):
            model.train()
            for rows in batches(problem):
                loss = loss_fn(model(problem.x[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        _wait(problem)

    return Contestant(go, networks, lambda: _stacked(problem, nets))


def ensemble(problem: Problem, networks: int) -> Contestant:
    """Train the whole stack at once by ``torch.func``: ``vmap`` of ``grad``."""
    nets = [_network(problem, i) for i in range(networks)]
    params, buffers = stack_module_state(nets)
    params = {name: p.detach() for name, p in params.items()}
    base = Network(problem.point).to("meta")
    loss_fn = nn.CrossEntropyLoss()

    def loss(params: Params, buffers: Params, X: Tensor, y: Tensor) -> Tensor:
        return loss_fn(functional_call(base, (params, buffers), (X,)), y)

    gradient = vmap(grad(loss), in_dims=(0, 0, None, 0))

    def go() -> None:
        for rows in batches(problem):
            slopes = gradient(params, buffers, problem.x[rows], problem.y[:networks, rows])
            for name, p in params.items():
                p.sub_(slopes[name], alpha=LEARNING_RATE)
        _wait(problem)

    def now() -> Params:
        values = [p.clone() for p in params.values()]
        return dict(zip(problem.params, values, strict=True))

    return Contestant(go, networks, now)
