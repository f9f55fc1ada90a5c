"""Named data sets as tensors: the embedded ones, and MNIST, Fashion-MNIST and CIFAR-10.

Embedded sets are always there: ``digits`` (scikit-learn) and ``mnist1d`` (generated, Greydanus and
Kobak, arXiv:2011.14439). The others are files that `dlnotes.data.files` finds or fetches; where
that fails a lecture may name an embedded set as stand-in, and the data set returned says so.
"""

import contextlib
import gzip
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from dlnotes.contract import unknown
from dlnotes.data import files, formats, registry
from dlnotes.rng import generator

EMBEDDED = ("digits", "mnist1d")


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Examples with labels, as tensors on one device.

    Args:
        x: Inputs. In [0, 1] as loaded, except ``mnist1d``: mean 0 and standard deviation 1.
        y: Labels, from 0 to ``num_classes`` - 1.
        num_classes: Number of classes.
        name: As given to ``load``.
        source: Where the data come from and their license, in one line.
        sha256: Of the files read, in their order; empty for embedded sets.
        stand_in_for: The set that was asked for, if this one takes its place; else None.
        note: Why a stand-in is used; else None.
    """

    x: Float[Tensor, "examples channels *pixels"]
    y: Int64[Tensor, " examples"]
    num_classes: int
    name: str
    source: str
    sha256: tuple[str, ...] = ()
    stand_in_for: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        """Check that examples and labels belong together.

        Raises:
            TypeError: If ``x`` is not float or ``y`` not int64.
            ValueError: If shapes disagree, nothing is there, or a label is out of range.
        """
        if not self.x.is_floating_point() or self.y.dtype != torch.int64:
            raise TypeError(
                f"x must be float and y int64, got {self.x.dtype} and {self.y.dtype}; "
                "convert with .float() and .long()"
            )
        if self.x.ndim < 2 or self.y.shape != self.x.shape[:1] or len(self.y) == 0:
            raise ValueError(
                "x must be [examples, channels, ...] and y [examples], with one example or more; "
                f"got shapes {list(self.x.shape)} and {list(self.y.shape)}"
            )
        low, high = (int(label) for label in self.y.aminmax())
        if low < 0 or high >= self.num_classes:
            raise ValueError(
                f"labels must lie in 0..{self.num_classes - 1}, got {low}..{high}; "
                "correct y or num_classes"
            )

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.y)


def names() -> list[str]:
    """Return the names that ``load`` knows.

    Example:
        >>> names()
        ['digits', 'mnist1d', 'mnist', 'fashion-mnist', 'cifar10']
    """
    return [*EMBEDDED, *registry.names()]


def load(
    name: str, *, stand_in: str | None = None, download: bool = True
) -> tuple[Dataset, Dataset]:
    """Load a data set by name, its training part and its test part.

    Args:
        name: One of ``names()``.
        stand_in: An embedded set to use if this one is not here and cannot be fetched; None raises
            instead.
        download: Whether a set that is not here may be fetched.

    Returns:
        Training and test set, on the CPU.

    Raises:
        ValueError: If a name is unknown, or ``stand_in`` is not an embedded set.
        MissingData: If the set is not here, cannot be fetched, and has no stand-in.

    Example:
        >>> train, test = load("digits")
        >>> len(train), len(test), list(train.x.shape[1:])
        (1297, 500, [1, 8, 8])
    """
    if name not in names():
        raise ValueError(unknown("data set", name, names()))
    if stand_in is not None and stand_in not in EMBEDDED:
        raise ValueError(unknown("stand-in", stand_in, EMBEDDED))
    if name in EMBEDDED:
        return _digits() if name == "digits" else _mnist1d()
    about = registry.info(name)
    try:
        contents = files.contents(about, download=download)
    except files.MissingData as error:
        if stand_in is None:
            raise
        reason = {"stand_in_for": name, "note": str(error)}
        train, test = load(stand_in)
        return replace(train, **reason), replace(test, **reason)
    return (_cifar10 if name == "cifar10" else _idx_set)(about, contents)


def load_all(
    names: Iterable[str],
    *,
    stand_in: str | None = None,
    side: int | None = None,
    gray: bool = False,
) -> dict[str, tuple[Dataset, Dataset]]:
    """Load several data sets, shrink their images, and standardize each by its training part.

    Args:
        names: Some of ``names()``.
        stand_in: As for `load`; one that stands in for several sets comes once.
        side: Height and width of the images, see `shrink`; None leaves them as they are.
        gray: Whether color is taken out, see `grayscale`.

    Returns:
        Training and test set of each, by the name of what was loaded.

    Raises:
        ValueError: If no name is given; and as `load`, `shrink` and `standardize`.

    Example:
        >>> data = load_all(["digits"], side=4)
        >>> [list(part.x.shape) for part in data["digits"]]
        [[1297, 1, 4, 4], [500, 1, 4, 4]]
    """
    loaded = [load(name, stand_in=stand_in) for name in names]
    if not loaded:
        raise ValueError("names must hold at least one data set, got none")
    found = {}
    for parts in loaded:
        parts = [grayscale(part) if gray else part for part in parts]
        parts = [part if side is None else shrink(part, side) for part in parts]
        found[parts[0].name] = standardize(*parts)
    return found


def shrink(data: Dataset, side: int) -> Dataset:
    """Make images smaller: each new pixel is the mean of those it covers.

    Args:
        data: Images ``[examples, channels, height, width]``.
        side: The new height and width, >= 1. Where it divides the old ones, the means are those of
            equal blocks; else some old pixels count in two neighbors. Images that are not larger
            stay as they are.

    Raises:
        ValueError: If ``side`` is below 1 or the examples are no images.

    Example:
        >>> x = torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]])
        >>> one = Dataset(x=x, y=torch.tensor([0]), num_classes=1, name="one", source="here")
        >>> shrink(one, 1).x.flatten()
        tensor([2.])
    """
    if side < 1 or data.x.ndim != 4:
        raise ValueError(
            f"need side >= 1 and images [examples, channels, height, width], got side {side} and "
            f"{list(data.x.shape)} for {data.name}"
        )
    if max(data.x.shape[2:]) <= side:
        return data
    return replace(data, x=F.adaptive_avg_pool2d(data.x, side))


def grayscale(data: Dataset) -> Dataset:
    """Replace the color channels of each image by their mean.

    Example:
        >>> x = torch.tensor([0.0, 0.25, 0.5]).view(1, 3, 1, 1)
        >>> one = Dataset(x=x, y=torch.tensor([0]), num_classes=1, name="one", source="here")
        >>> grayscale(one).x.flatten()
        tensor([0.2500])
    """
    return replace(data, x=data.x.mean(1, keepdim=True))


def subset(data: Dataset, size: int, *, gen: torch.Generator) -> Dataset:
    """Draw examples uniformly without replacement, classes as they fall.

    Args:
        data: Where to draw from.
        size: How many examples, from 1 to ``len(data)``.
        gen: Stream of the draw; every size takes the first of one permutation, so that with equal
            streams a smaller subset is part of a larger one.

    Returns:
        The subset.

    Raises:
        ValueError: If there are fewer examples than asked for, or none is.
    """
    (chosen,) = rows(data, size, gens=[gen])
    return replace(data, x=data.x[chosen], y=data.y[chosen])


def rows(
    data: Dataset, size: int, *, gens: Sequence[torch.Generator]
) -> Int64[Tensor, "gens size"]:
    """Draw a subset for each generator, as indices: those that `subset` takes.

    For a stack whose models are tested on images of their own, see ``rows`` of
    `dlnotes.networks.metrics.evaluate`.

    Args:
        data: Where to draw from.
        size: How many examples each, from 1 to ``len(data)``.
        gens: One stream a row.

    Returns:
        Indices into ``data``, on its device.

    Raises:
        ValueError: If there are fewer examples than asked for, or none is.
    """
    if not 1 <= size <= len(data):
        raise ValueError(f"size must lie in 1..{len(data)} for {data.name}, got {size}")
    drawn = [torch.randperm(len(data), generator=gen, device=gen.device)[:size] for gen in gens]
    return torch.stack(drawn).to(data.y.device)


def standardize(train: Dataset, *others: Dataset) -> tuple[Dataset, ...]:
    """Shift and scale all sets alike, so that the training set has mean 0 and deviation 1.

    One mean and one standard deviation over all pixels and channels of ``train``: differences
    between pixels keep their meaning, and the others (test sets) tell nothing to the training.

    Args:
        train: The set whose mean and standard deviation are used.
        *others: Sets of the same kind.

    Returns:
        ``train`` and the others, standardized.

    Raises:
        ValueError: If all pixels of ``train`` are equal.

    Example:
        >>> train, test = standardize(*load("digits"))
        >>> round(float(train.x.std(correction=0)), 4)
        1.0
    """
    deviation, mean = torch.std_mean(train.x, correction=0)
    if deviation == 0:
        raise ValueError(f"pixels of {train.name} must differ to be standardized, all are {mean}")
    return tuple(replace(data, x=(data.x - mean) / deviation) for data in (train, *others))


# -- embedded sets --------------------------------------------------------------------------------


def _digits() -> tuple[Dataset, Dataset]:
    """Split scikit-learn's digits once and for all: 50 examples a class are the test set."""
    from sklearn.datasets import load_digits  # here, because it takes half a second

    pixels, labels = load_digits(return_X_y=True)
    y = torch.from_numpy(labels).long()
    order = torch.randperm(len(y), generator=generator(0, "datasets", "digits"))
    in_test = torch.cat([order[y[order] == label][:50] for label in range(10)])
    test = torch.isin(torch.arange(len(y)), in_test)
    data = Dataset(
        x=torch.from_numpy(pixels).float().reshape(-1, 1, 8, 8) / 16,
        y=y,
        num_classes=10,
        name="digits",
        source=f"digits of scikit-learn {metadata.version('scikit-learn')}, from the UCI "
        "repository (E. Alpaydin, C. Kaynak, 1998), CC BY 4.0",
    )
    return tuple(replace(data, x=data.x[part], y=data.y[part]) for part in (~test, test))


def _mnist1d() -> tuple[Dataset, Dataset]:
    """Generate MNIST-1D with its default arguments: 4000 and 1000 signals of length 40."""
    from mnist1d.data import make_dataset  # here, because it takes half a second

    with _global_state_kept():
        made = make_dataset()
    source = f"generated by mnist1d {metadata.version('mnist1d')}, Apache 2.0"
    return tuple(
        Dataset(
            x=torch.from_numpy(made[x]).float().unsqueeze(1),
            y=torch.from_numpy(made[y]).long(),
            num_classes=10,
            name="mnist1d",
            source=source,
        )
        for x, y in (("x", "y"), ("x_test", "y_test"))
    )


@contextlib.contextmanager
def _global_state_kept() -> Iterator[None]:
    """Undo what mnist1d does to the global generators of numpy and Python."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


# -- sets read from files -------------------------------------------------------------------------


def _idx_set(about: registry.Info, contents: dict[str, bytes]) -> tuple[Dataset, Dataset]:
    """Read MNIST or a set in its format."""

    def part(prefix: str) -> Dataset:
        used = [f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"]
        images, labels = (formats.read_idx(gzip.decompress(contents[file])) for file in used)
        return _read(about, images[:, None], labels, used)

    return part("train"), part("t10k")


def _cifar10(about: registry.Info, contents: dict[str, bytes]) -> tuple[Dataset, Dataset]:
    def part(used: list[str]) -> Dataset:
        batches = [formats.read_batch(contents[file]) for file in used]
        pixels, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        return _read(about, pixels, labels, used)

    return part([f"data_batch_{number}" for number in range(1, 6)]), part(["test_batch"])


def _read(
    about: registry.Info, pixels: UInt8[np.ndarray, "..."], labels: np.ndarray, used: list[str]
) -> Dataset:
    hashes = {entry.name: entry.sha256 for entry in about.files}
    return Dataset(
        x=torch.from_numpy(pixels / np.float32(255)),
        y=torch.from_numpy(labels.astype(np.int64)),
        num_classes=10,
        name=about.name,
        source=f"{about.title}; license: {about.license}; {about.homepage}",
        sha256=tuple(hashes[file] for file in used),
    )
