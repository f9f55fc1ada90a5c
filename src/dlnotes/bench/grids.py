"""What the benchmark trains: shapes of networks, batches, stacks, and the arithmetic of a step."""

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from dlnotes.bench import report
from dlnotes.networks import models
from dlnotes.networks.models import ModelConfig
from dlnotes.networks.recipe import TrainConfig
from dlnotes.networks.stacks import Params
from dlnotes.rng import generator

IMAGE, CLASSES = (1, 28, 28), 10
MNIST = 60_000
"""Examples of MNIST's training set: no timing trains on more different ones."""

WIDTHS, DEPTHS, BATCHES = (16, 128, 512, 1024), (2, 4, 6, 8, 10), (1024, 128)
CHANNELS = ((8, 16), (16, 32))
SEEDS = 8
LEARNING_RATE = 0.01

Grid = Literal["mlp", "cnn"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One shape of network at one batch size.

    Attributes:
        hidden: Widths of the dense hidden layers.
        channels: Channels of the convolutions, none for an MLP; kernels have side 5 and stride 2.
        batch: Examples a step.
        steps: Optimizer steps of one timing: one epoch over ``steps * batch`` examples.
        models: Networks of a stack.
        epochs: Passes over these examples in one timing.
        image: Shape of one example.
    """

    hidden: tuple[int, ...]
    channels: tuple[int, ...] = ()
    batch: int
    steps: int
    models: int = 2 * SEEDS
    epochs: int = 1
    image: tuple[int, int, int] = IMAGE

    @property
    def grid(self) -> Grid:
        """Which grid the point belongs to."""
        return "cnn" if self.channels else "mlp"

    @property
    def examples(self) -> int:
        """Examples of the data set."""
        return self.steps * self.batch

    @property
    def model(self) -> ModelConfig:
        """The shape of network, as the engine is told it."""
        return ModelConfig(
            kind=self.grid,
            input_shape=self.image,
            num_classes=CLASSES,
            hidden=self.hidden,
            channels=self.channels,
        )

    @property
    def training(self) -> TrainConfig:
        """Plain stochastic gradient descent, and nothing evaluated on the way."""
        return TrainConfig(
            batch_size=self.batch,
            max_epochs=self.epochs,
            learning_rate=LEARNING_RATE,
            curve_every=0,
        )

    @property
    def name(self) -> str:
        """The point in words."""
        return report.named(self.record())

    def record(self) -> dict[str, Any]:
        """Return what identifies the point in a row."""
        width = {"width": self.hidden[0], "depth": len(self.hidden)} if self.hidden else {}
        return width | {
            "channels": list(self.channels),
            "batch": self.batch,
            "models": self.models,
            "steps": self.steps * self.epochs,
        }


def flops(point: Point) -> int:
    """Return the floating-point operations of one network's step.

    Every weight costs 2 per example (and per place of an image) in the forward pass, 2 for its own
    gradient, and 2 for the gradient of its layer's inputs, which the first layer does not need.

    Example:
        One example, 2 inputs, 3 hidden units, 10 classes: 4 * 6 + 6 * 30.

        >>> flops(Point(hidden=(3,), batch=1, steps=1, image=(1, 1, 2)))
        204
    """
    places, count = [], []
    channels, height, width = point.image
    for out in point.channels:
        height, width = -(-height // 2), -(-width // 2)
        places.append(height * width)
        count.append(channels * out * 25)
        channels = out
    sizes = [channels * height * width, *point.hidden, CLASSES]
    count += [a * b for a, b in itertools.pairwise(sizes)]
    places += [1] * (len(sizes) - 1)
    work = [weights * here for weights, here in zip(count, places, strict=True)]
    return point.batch * (6 * sum(work) - 2 * work[0])


@dataclass(frozen=True)
class Speed:
    """A rough guess at a machine, from which the length of a timing follows, equal for all rivals.

    Attributes:
        flops: Floating-point operations a second.
        layer: Seconds that a layer of one network costs besides them.
        seconds: How long a timing of the stack should take, at least about.
    """

    flops: float
    layer: float
    seconds: float = 0.3


CPU, GPU = Speed(2e11, 1e-5), Speed(2e13, 1e-5)


def sized(point: Point, speed: Speed) -> Point:
    """Return the point with so many steps that a timing of the whole stack takes long enough.

    No more than MNIST's 60,000 examples are used; if that is too little, they are used repeatedly.
    """
    layers = len(point.channels) + len(point.hidden) + 1
    step = point.models * (flops(point) / speed.flops + layers * speed.layer)
    steps = max(1, 256 // point.batch, math.ceil(speed.seconds / step))
    most = MNIST // point.batch
    return dataclasses.replace(point, steps=min(steps, most), epochs=math.ceil(steps / most))


def grid(name: Grid, speed: Speed, *, quick: bool = False) -> list[Point]:
    """Return the points of a grid.

    Args:
        name: ``"mlp"``: width x depth x batch size; ``"cnn"``: channels x batch size.
        speed: What the lengths of the timings are chosen by.
        quick: Only three points of the first and one of the second, timed half as long.
    """
    if name == "cnn":
        shapes = [((), c, batch) for batch in BATCHES for c in CHANNELS]
        chosen = [shapes[2]]
    else:
        shapes = [((w,) * d, (), b) for b in BATCHES for w in WIDTHS for d in DEPTHS]
        chosen = [((16,) * 2, (), 1024), ((128,) * 4, (), 128), ((512,) * 2, (), 128)]
    points = [
        Point(hidden=hidden, channels=channels, batch=batch, steps=1)
        for hidden, channels, batch in (chosen if quick else shapes)
    ]
    speed = dataclasses.replace(speed, seconds=speed.seconds / 2) if quick else speed
    return [sized(point, speed) for point in points]


@dataclass(frozen=True)
class Problem:
    """What every rival is given.

    Attributes:
        point: The shape.
        x: Inputs ``[examples, *image]``, shared by all networks.
        y: Labels ``[models, examples]``: the first half of the networks learn the same true
            labels, each of the others random ones of its own.
        params: Initial parameters of the stack, as `dlnotes.networks.models.init` draws them.
        order: Batches to train on ``[epochs, examples]``, or None: each rival draws its own order,
            anew each epoch.
    """

    point: Point
    x: Tensor
    y: Tensor
    params: Params
    order: Tensor | None = None


def problem(point: Point, device: str = "cpu") -> Problem:
    """Draw inputs, labels and initial parameters.

    The pixels are random, since the cost of a step does not depend on them; so nothing need be
    downloaded, and every point has as many examples as its timing uses.
    """
    gen = generator(0, "bench", "data")
    x = torch.rand(point.examples, *point.image, generator=gen)
    true = torch.randint(CLASSES, (point.examples,), generator=gen)
    rest = point.models - point.models // 2
    noise = torch.randint(CLASSES, (rest, point.examples), generator=gen)
    y = torch.cat([true.expand(point.models - rest, -1), noise])
    gens = [generator(seed, "bench", "init") for seed in range(point.models)]
    params = models.init(point.model, gens)
    moved = {name: p.to(device) for name, p in params.items()}
    return Problem(point, x.to(device), y.to(device), moved)
