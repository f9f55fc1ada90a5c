"""Independent named streams of random numbers.

A lecture draws labels, batches, initial weights and noise. Each draw has a stream of its own, named
by what it is for, so that a new draw in one place shifts no other.
"""

import hashlib
from collections.abc import Iterable

import torch


def generator(seed: int, *names: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return the generator of the stream called ``names`` under ``seed``.

    The state comes from SHA-256 of seed and names, so equal arguments give equal streams on every
    machine. Two different streams coincide with probability 2^-32, since torch's generator for the
    CPU uses 32 bits of its seed. A generator on another kind of device draws other numbers.

    Args:
        seed: Any integer >= 0.
        *names: What the stream is for, from coarse to fine, such as ``"labels"`` or
            ``"batches", 3``.
        device: Where the generator draws.

    Returns:
        A new generator at the start of its stream.

    Raises:
        TypeError: If ``seed`` is not an int (a bool is not one), or a name neither str nor int.
        ValueError: If ``seed`` is negative or no name is given.

    Example:
        >>> a, b = generator(0, "labels"), generator(0, "labels")
        >>> bool(torch.rand(1, generator=a) == torch.rand(1, generator=b))
        True
        >>> c = generator(0, "batches")
        >>> bool(torch.rand(1, generator=a) == torch.rand(1, generator=c))
        False
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be an int, got {seed!r}; pass a plain integer such as 0")
    if wrong := [name for name in names if type(name) not in (str, int)]:
        raise TypeError(f"names must be str or int, got {wrong!r}; convert them")
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}; pass a non-negative integer")
    if not names:
        raise ValueError(
            'a stream needs a name, got none; say what it is for: generator(0, "init")'
        )
    text = repr((seed, *names))
    state = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator(device).manual_seed(state)


def each(
    seeds: Iterable[int], *names: str | int, device: str | torch.device = "cpu"
) -> list[torch.Generator]:
    """Return one generator a seed, all of the stream ``names``: what a stack of models draws from.

    Args:
        seeds: One a model.
        *names: As for `generator`, which says what is refused.
        device: Where the generators draw.

    Example:
        >>> [gen.initial_seed() == generator(i, "init").initial_seed()
        ...  for i, gen in enumerate(each(range(2), "init"))]
        [True, True]
    """
    return [generator(seed, *names, device=device) for seed in seeds]
