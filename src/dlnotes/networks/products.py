"""Matrix products of a stack on a CPU, by PyTorch's own library or, if asked, by oneDNN.

PyTorch multiplies float32 matrices with the library it was built for (MKL on most PCs), one call
for the whole stack. Its other library, oneDNN, is up to twice as fast on some processors for wide
matrices and slower for narrow ones. Both compute the same sums in float32 and differ by rounding,
so a switch says which is used (`use`), and what ran is recorded; lectures leave it off.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

Library = Literal["pytorch", "onednn"]
NARROW = 64
"""Matrices with fewer rows, inner places or columns go through PyTorch in any case."""

_library: Library = "pytorch"


def use(library: Library) -> None:
    """Let the wide float32 products of this process be computed by a library.

    Args:
        library: ``"pytorch"`` or ``"onednn"``.

    Raises:
        ValueError: If it is neither, or this build of PyTorch has no oneDNN.
    """
    global _library
    if library not in get_args(Library):
        raise ValueError(f"products must be one of {', '.join(get_args(Library))}; got {library!r}")
    if library == "onednn" and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        raise ValueError("products 'onednn': this build of PyTorch has no oneDNN; use 'pytorch'")
    _library = library


def used() -> Library:
    """Return the library in use.

    Example:
        >>> used()
        'pytorch'
    """
    return _library


def product(
    a: Float[Tensor, "models rows inner"],
    b: Float[Tensor, "models inner columns"],
    *,
    out: Float[Tensor, "models rows columns"] | None = None,
) -> Float[Tensor, "models rows columns"]:
    """Return the matrix product of every pair, in ``out`` if that is given.

    Example:
        >>> product(torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0], [4.0]]])).item()
        11.0
    """
    out = a.new_empty(len(a), a.shape[1], b.shape[2]) if out is None else out
    if not _by_onednn(a, b):
        return torch.bmm(a, b, out=out)
    for one, left, right in zip(out, a, b, strict=True):
        one.copy_(_onednn(left, right))
    return out


def accumulate(
    into: Float[Tensor, "models rows columns"],
    a: Float[Tensor, "models rows inner"],
    b: Float[Tensor, "models inner columns"],
) -> None:
    """Add the product of every pair to ``into``, in place.

    Example:
        >>> into = torch.full((1, 1, 1), 100.0)
        >>> accumulate(into, torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0], [4.0]]]))
        >>> into.item()
        111.0
    """
    if _by_onednn(a, b):
        for one, left, right in zip(into, a, b, strict=True):
            one.add_(_onednn(left, right))
    else:
        into.baddbmm_(a, b)


def _onednn(a: Tensor, b: Tensor) -> Tensor:
    """Return one product by oneDNN, in float32 throughout; the operator transposes ``b``."""
    return torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")


def _by_onednn(a: Tensor, b: Tensor) -> bool:
    """Say whether a product goes to oneDNN: by the switch and the shapes, never by a clock."""
    if _library == "pytorch" or a.is_cuda or a.dtype != torch.float32:
        return False
    return min(a.shape[1], a.shape[2], b.shape[2]) >= NARROW
