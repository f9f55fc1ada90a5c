"""The examples of a stack, drawn batch by batch: indices into tensors, no loader."""

import torch
from jaxtyping import Int64
from torch import Tensor

from dlnotes.networks.recipe import Gens


class Batches:
    """Inputs and labels of the models of a stack, and what draws their order."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        x: Tensor,
        y: Tensor,
        *,
        gens: Gens,
        rows: Int64[Tensor, "models rows"] | None,
    ) -> None:
        """Take the data, and copies of the generators, which are left as they were.

        Args:
            input_shape: Shape of one example.
            x: Inputs, ``[examples, ...]`` for all models or ``[models, examples, ...]``.
            y: Labels or targets, ``[models, examples, ...]``.
            gens: One generator for all models, or one a model.
            rows: The examples of each model, indices; None for all.
        """
        self.x, self.y, self.rows = x, y, rows
        self.own_inputs = tuple(x.shape[1:]) != input_shape
        self.examples = y.shape[1] if rows is None else rows.shape[1]
        one = isinstance(gens, torch.Generator)
        self.gens = gens.clone_state() if one else [gen.clone_state() for gen in gens]

    def order(self, here: list[int]) -> Int64[Tensor, "... examples"]:
        """Draw the order of the examples: one for all models, or one row a model.

        A model that is not ``here`` any more draws nothing: its row is 0.
        """
        if isinstance(self.gens, torch.Generator):
            order = torch.randperm(self.examples, generator=self.gens)
        else:
            order = torch.zeros(len(self.gens), self.examples, dtype=torch.int64)
            for m in here:
                order[m] = torch.randperm(self.examples, generator=self.gens[m])
        return order.to(self.y.device, non_blocking=True)

    def take(
        self, order: Int64[Tensor, "... batch"], alive: Int64[Tensor, "here"]
    ) -> tuple[Tensor, Tensor]:
        """Return inputs (with an axis ``models`` only where they differ) and labels of a batch."""
        each = alive[:, None]
        order = order if order.ndim == 1 else order[alive]
        rows = order if self.rows is None else self.rows[each, order]
        # On a CPU, index_select is several times as fast as indexing.
        all_alike = rows.ndim == 1 and len(alive) == len(self.y)
        y = self.y.index_select(1, rows) if all_alike else self.y[each, rows]
        if self.own_inputs:
            at = each * self.x.shape[1] + rows
            x = self.x.flatten(0, 1).index_select(0, at.flatten()).unflatten(0, at.shape)
        else:
            x = self.x.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        return x, y

    def all(self, alive: Int64[Tensor, "here"]) -> tuple[Tensor, Tensor]:
        """Return all inputs and labels of some models, without a copy where all are meant."""
        if len(alive) == len(self.y):
            return self.x, self.y
        return self.x[alive] if self.own_inputs else self.x, self.y[alive]

    def own_rows(self, alive: Int64[Tensor, "here"]) -> Int64[Tensor, "here rows"] | None:
        """Return which of these examples are the models' own; None for all."""
        return None if self.rows is None else self.rows[alive]
