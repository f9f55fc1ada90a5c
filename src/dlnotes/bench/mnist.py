"""Grid 1 for real: every width and depth on all of MNIST, true and random labels, several seeds.

``python -m dlnotes.bench.mnist results/mnist-grid.jsonl`` runs what is missing from that file; on a
large GPU it is meant to take minutes, on two cores it takes days. Each line is a record of
`dlnotes.lab.records`; the time of the whole sweep is printed at the end.
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch

from dlnotes.bench.grids import BATCHES, DEPTHS, LEARNING_RATE, WIDTHS
from dlnotes.data import corruption, datasets
from dlnotes.data.datasets import Dataset
from dlnotes.lab import records, sweeps
from dlnotes.lab.settings import Settings
from dlnotes.networks import metrics, models, stacks, training
from dlnotes.rng import generator

SEEDS, EPOCHS, POINTS = 3, 100, 10
"""Networks of each kind, passes over the training set, and points of the learning curve."""


def run(
    train: Dataset,
    test: Dataset,
    settings: Settings,
    *,
    path: Path | None,
    widths: tuple[int, ...] = WIDTHS,
    depths: tuple[int, ...] = DEPTHS,
    batch: int = BATCHES[0],
    epochs: int = EPOCHS,
) -> list[records.Record]:
    """Train every width and depth by plain SGD; return one record a network.

    Args:
        train: Training set.
        test: Test set, with its own labels.
        settings: Where.
        path: File of records; what it holds is not run again.
        widths: Units of a hidden layer.
        depths: Hidden layers.
        batch: Examples a step.
        epochs: Passes over the training set, a multiple of the curve's 10 points.
    """
    configs = sweeps.grid(
        width=widths, depth=depths, labels=["true", "random"], seed=range(SEEDS), limit=[epochs]
    )

    def fit(group: list[dict[str, Any]]) -> list[dict[str, Any]]:
        where, hidden = settings.torch_device, (group[0]["width"],) * group[0]["depth"]
        model = models.ModelConfig(
            kind="mlp", input_shape=train.x.shape[1:], num_classes=train.num_classes, hidden=hidden
        )
        config = training.TrainConfig(
            batch_size=batch,
            max_epochs=epochs,
            learning_rate=LEARNING_RATE,
            curve_every=-(-len(train.y) // batch) * epochs // POINTS,
        )
        start = models.init(model, [generator(c["seed"], "init") for c in group])
        done = training.train(
            model,
            config,
            {name: p.to(where) for name, p in start.items()},
            train.x.to(where),
            torch.stack([_labels(train, c) for c in group]).to(where),
            gens=generator(0, "batches"),
        )
        right = metrics.evaluate(model, done.params, test.x.to(where), test.y.to(where))[1].tolist()
        weights = stacks.num_parameters(done.params)
        return [
            {"test accuracy": share, "parameters": weights, **done.summary(i)}
            for i, share in enumerate(right)
        ]

    return sweeps.run(configs, fit, together=("labels", "seed"), path=path, settings=settings)


def _labels(train: Dataset, config: dict[str, Any]) -> torch.Tensor:
    """Return true labels, or random ones of the seed's own."""
    if config["labels"] == "true":
        return train.y
    gen = generator(config["seed"], "labels")
    return corruption.random_labels(train.y, rate=1.0, num_classes=train.num_classes, gen=gen).y


def main() -> None:
    """Run the grid; the argument names the file of records."""
    settings = Settings(profile="gpu", seeds=tuple(range(SEEDS))).prepare()
    train, test = datasets.standardize(*datasets.load("mnist"))
    start = time.perf_counter()
    done = run(train, test, settings, path=Path(sys.argv[1]))
    name = settings.provenance()["device_name"]
    print(f"{len(done)} networks, {time.perf_counter() - start:.0f} s on {name}")


if __name__ == "__main__":
    main()
