"""Noise and dropout: what is drawn anew in every step, each model from a generator of its own."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from dlnotes.networks.recipe import NOISES, TrainConfig, spread


class Noise:
    """What draws for the models of a stack; a model whose level is 0 draws nothing."""

    def __init__(self, config: TrainConfig, gens: Sequence[torch.Generator], models: int) -> None:
        """Keep one generator a model, and the levels on the host, so that no step asks a GPU."""
        self.gens = gens
        self.levels = {name: spread(getattr(config, name), models) for name in NOISES}

    def normal(
        self, kind: str, like: Float[Tensor, "here ..."], level: Tensor, here: Sequence[int]
    ) -> Float[Tensor, "here ..."]:
        """Draw normal noise of each model's own standard deviation.

        Args:
            kind: Which noise.
            like: A tensor of the shape wanted.
            level: Standard deviation, one a model of ``like``.
            here: Places in the stack of the models of ``like``.
        """
        return self._draw(kind, torch.randn, like, here) * _beside(level, like)

    def kept(
        self, kind: str, like: Float[Tensor, "here ..."], rate: Tensor, here: Sequence[int]
    ) -> Float[Tensor, "here ..."]:
        """Draw what dropout multiplies with, at each model's own rate: 0 or 1 / (1 - rate).

        The arguments are those of `normal`, with the rate for the level.
        """
        rate = _beside(rate, like)
        return (self._draw(kind, torch.rand, like, here) >= rate) / (1 - rate)

    def _draw(
        self,
        kind: str,
        sample: Callable[..., Tensor],
        like: Float[Tensor, "here ..."],
        here: Sequence[int],
    ) -> Float[Tensor, "here ..."]:
        """Draw for each model from its own generator; nothing, but zeros, where its level is 0."""
        draws = []
        for m, one in zip(here, like, strict=True):
            kwargs = {"dtype": like.dtype, "device": like.device}
            draws.append(
                sample(one.shape, generator=self.gens[m], **kwargs)
                if self.levels[kind][m]
                else torch.zeros_like(one)
            )
        return torch.stack(draws)


def _beside(level: Tensor, like: Tensor) -> Tensor:
    """Return one number a model, in a shape that multiplies ``like``."""
    return level.view(-1, *[1] * (like.ndim - 1))
