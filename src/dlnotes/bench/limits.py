"""The limit: how fast the machine multiplies large matrices, by whichever library does it best.

No network trains faster than its matrix products. So the rate of the fastest product that can be
found, at the same precision and in the same run, is what the engine's rate is held against.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dlnotes.bench.report import spread

SIZES = (512, 1024, 2048, 4096)
ROUNDS = 3


@dataclass(frozen=True)
class Product:
    """One way to multiply square matrices.

    Attributes:
        library: Who multiplies.
        size: Rows and columns.
        once: Does it, and returns when it is done.
        count: How many products ``once`` makes.
    """

    library: str
    size: int
    once: Callable[[], Any]
    count: int = 1

    def rate(self, seconds: float = 0.05) -> float:
        """Return GFLOP/s over a run of at least so many seconds."""
        start, done = time.perf_counter(), 0
        while (spent := time.perf_counter() - start) < seconds or not done:
            self.once()
            done += self.count
        return 2 * self.size**3 * done / spent / 1e9


def candidates(device: str, size: int) -> list[Product]:
    """Return every way to multiply two float32 matrices of this size here."""
    a, b = torch.rand(2, size, size, device=device)
    stack, out = a.expand(8, -1, -1).contiguous(), torch.empty(8, size, size, device=device)

    def done(call: Callable[[], Any]) -> Callable[[], Any]:
        return (lambda: (call(), torch.cuda.synchronize())) if device == "cuda" else call

    ways = [
        Product("torch.mm", size, done(lambda: torch.mm(a, b, out=out[0]))),
        Product("torch.mm, transposed", size, done(lambda: torch.mm(a, b.T, out=out[0]))),
        Product("torch.bmm", size, done(lambda: torch.bmm(stack, stack, out=out)), len(stack)),
    ]
    if device == "cpu":
        x, y, z = a.numpy(), b.numpy(), out[0].numpy()
        ways += [Product("numpy", size, lambda: np.matmul(x, y, out=z)), *_onednn(a, b)]
    if importlib.util.find_spec("jax"):
        ways += _jax(a, b, device)
    return ways


def _onednn(a: torch.Tensor, b: torch.Tensor) -> list[Product]:
    """Return the products of oneDNN, with the matrix as it is and in its own order."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return []
    linear, packed = torch.ops.mkldnn._linear_pointwise, torch.ops.mkldnn._reorder_linear_weight
    own = packed(b, len(a))
    return [
        Product("oneDNN", len(a), lambda: linear(a, b, None, "none", [], "")),
        Product("oneDNN, packed", len(a), lambda: linear(a, own, None, "none", [], "")),
    ]


def _jax(a: torch.Tensor, b: torch.Tensor, device: str) -> list[Product]:
    """Return JAX's product, if it works on the device."""
    import jax
    import jax.numpy as jnp

    if device == "cuda" and jax.default_backend() != "gpu":
        return []
    x, y, multiply = jnp.asarray(a.cpu().numpy()), jnp.asarray(b.cpu().numpy()), jax.jit(jnp.matmul)
    return [Product("JAX", len(a), lambda: multiply(x, y).block_until_ready())]


def search(device: str, sizes: tuple[int, ...] = SIZES) -> tuple[Product, list[dict[str, Any]]]:
    """Measure every way at every size in turn, several times over.

    Returns:
        The one with the highest median, and a row for each.
    """
    ways = [way for size in sizes for way in candidates(device, size)]
    for way in ways:
        way.rate(0.0)  # the first call compiles, allocates, packs
    rates: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, own in zip(ways, rates, strict=True):
            own.append(way.rate())
    medians = [statistics.median(own) for own in rates]
    rows = [
        {
            "grid": "limit",
            "point": {"size": way.size},
            "rival": way.library,
            "gflops": spread(own),
            "repeats": ROUNDS,
        }
        for way, own in zip(ways, rates, strict=True)
    ]
    return ways[medians.index(max(medians))], rows
