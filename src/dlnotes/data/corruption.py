"""Ways to take the signal out of a data set: noisy labels, shuffled pixels, noise for pixels.

The six kinds are those of Zhang et al. (2017), section 2.1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class NoisyLabels:
    """Labels after corruption, with what they were.

    Attributes:
        y: Labels to train on.
        y_clean: Labels before.
        redrawn: Where a new label was drawn. By chance it may equal the old one.
    """

    y: Int64[Tensor, "examples"]
    y_clean: Int64[Tensor, "examples"]
    redrawn: Bool[Tensor, "examples"]


def random_labels(
    y: Int64[Tensor, "examples"], *, rate: float, num_classes: int, gen: torch.Generator
) -> NoisyLabels:
    """Redraw each label, independently with probability ``rate``, uniformly from all classes.

    A redrawn label is right by chance once in ``num_classes``, so a share
    ``rate * (1 - 1 / num_classes)`` of the labels ends up wrong.

    Args:
        y: Labels in ``[0, num_classes)``.
        rate: Probability of a redraw, in [0, 1]; 0 changes nothing.
        num_classes: Number of classes, >= 1.
        gen: CPU generator.

    Returns:
        New and old labels, on the device of ``y``.

    Raises:
        ValueError: If ``rate`` or a label is out of range.

    Example:
        With one class, a random label is always right:

        >>> y = torch.zeros(4, dtype=torch.int64)
        >>> noisy = random_labels(y, rate=1.0, num_classes=1, gen=torch.Generator())
        >>> bool((noisy.y == y).all()), bool(noisy.redrawn.all())
        (True, True)
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be a probability in [0, 1], got {rate}")
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < num_classes:
        raise ValueError(
            f"labels must lie in [0, {num_classes}), got {int(y.min())} to {int(y.max())}; "
            "check num_classes"
        )
    redrawn = (torch.rand(len(y), generator=gen) < rate).to(y.device)
    drawn = torch.randint(num_classes, (len(y),), generator=gen).to(y.device)
    return NoisyLabels(y=torch.where(redrawn, drawn, y), y_clean=y, redrawn=redrawn)


def pixel_permutation(
    x: Float[Tensor, "examples ..."], *, gen: torch.Generator
) -> Int64[Tensor, "pixels"]:
    """Draw one order of the pixels (all channels together), for `shuffle_pixels`."""
    return torch.randperm(x[0].numel(), generator=gen).to(x.device)


def shuffle_pixels(
    x: Float[Tensor, "examples ..."], order: Int64[Tensor, "pixels"]
) -> Float[Tensor, "examples ..."]:
    """Apply the same permutation to every image: pixel i of the result is pixel ``order[i]``.

    Use one order for training and test images, or the two no longer fit together.

    Raises:
        ValueError: If ``order`` is not as long as an image has pixels.

    Example:
        >>> shuffle_pixels(torch.tensor([[5.0, 6.0, 7.0]]), torch.tensor([2, 0, 1]))
        tensor([[7., 5., 6.]])
    """
    flat = x.flatten(1)
    if len(order) != flat.shape[1]:
        raise ValueError(
            f"order must have one entry a pixel, got {len(order)} for {flat.shape[1]} pixels"
        )
    return flat[:, order].view_as(x)


def random_pixels(
    x: Float[Tensor, "examples ..."], *, gen: torch.Generator
) -> Float[Tensor, "examples ..."]:
    """Apply a different random permutation to each image.

    Args:
        x: Images; the pixels of all channels are mixed.
        gen: CPU generator.

    Returns:
        Images with the same pixel values each, in an order of their own.

    Example:
        >>> x = torch.tensor([[1.0, 1.0], [2.0, 2.0]])
        >>> bool((random_pixels(x, gen=torch.Generator()) == x).all())
        True
    """
    flat = x.flatten(1)
    orders = torch.rand(flat.shape, generator=gen).argsort(1).to(x.device)
    return flat.gather(1, orders).view_as(x)


def gaussian_pixels(
    x: Float[Tensor, "examples ..."], *, mean: float, std: float, gen: torch.Generator
) -> Float[Tensor, "examples ..."]:
    """Replace every image by independent normal pixels with the data set's mean and deviation.

    Args:
        x: Images; only their number and shape matter.
        mean: Mean over all pixels of the data set.
        std: Standard deviation over all pixels of the data set, >= 0.
        gen: CPU generator.

    Returns:
        Noise of the shape of ``x``.

    Raises:
        ValueError: If ``std`` is negative.

    Example:
        >>> gaussian_pixels(torch.zeros(1, 2), mean=3.0, std=0.0, gen=torch.Generator())
        tensor([[3., 3.]])
    """
    if std < 0:
        raise ValueError(f"std must be >= 0, got {std}")
    return mean + std * torch.randn(x.shape, generator=gen, dtype=x.dtype).to(x.device)
