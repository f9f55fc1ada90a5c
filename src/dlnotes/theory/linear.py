"""Interpolation by inner products: the minimum-norm solution, its kernel form, the ridge penalty.

Examples enter only through their inner products, so a kernel may take the place of these: the
"kernel trick" (Zhang et al. 2017, section 5). Use float64: Gram matrices are often close to
singular.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian(
    a: Float[Tensor, "left features"], b: Float[Tensor, "right features"], *, bandwidth: float
) -> Float[Tensor, "left right"]:
    """Return the Gaussian kernel ``exp(-|a - b|^2 / (2 bandwidth^2))`` of all pairs.

    Args:
        a: One example a row.
        b: The same, for the columns of the result.
        bandwidth: Distance at which the kernel is ``exp(-1/2)``, > 0, in the unit of the features.

    Returns:
        Values in [0, 1]; 1 for equal examples (to rounding error).

    Raises:
        ValueError: If ``bandwidth`` is not positive.

    Example:
        >>> at = torch.tensor([[0.0]])
        >>> gaussian(at, torch.tensor([[0.0], [2.0]]), bandwidth=2.0)  # 1 and exp(-1/2)
        tensor([[1.0000, 0.6065]])
    """
    if not bandwidth > 0:
        raise ValueError(f"bandwidth must be > 0, got {bandwidth}")
    return _squared_distances(a, b).mul_(-1 / (2 * bandwidth**2)).exp_()


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    lengths = (a * a).sum(1)[:, None] + (b * b).sum(1)
    return torch.addmm(lengths, a, b.T, alpha=-2).clamp_(min=0)


def median_distance(x: Float[Tensor, "examples features"]) -> float:
    """Return the median distance between two different examples (of the two middle ones the lower).

    As a kernel's bandwidth it needs no labels; it is known as the median heuristic (Garreau,
    Jitkrittum and Kanagawa 2017).

    Raises:
        ValueError: If there are fewer than two examples.

    Example:
        The distances are 1, 3 and 4:

        >>> median_distance(torch.tensor([[0.0], [1.0], [4.0]]))
        3.0
    """
    if len(x) < 2:
        raise ValueError(f"a distance needs at least two examples, got {len(x)}")
    first, second = torch.triu_indices(len(x), len(x), 1, device=x.device)
    return math.sqrt(_squared_distances(x, x)[first, second].median().item())


def fit(
    gram: Float[Tensor, "examples examples"],
    y: Float[Tensor, "examples outputs"],
    *,
    penalty: float = 0.0,
) -> Float[Tensor, "examples outputs"]:
    """Solve ``(gram + penalty I) alpha = y``, one column an output.

    With ``penalty`` 0 the function ``sum_i alpha_i k(x_i, .)`` goes through all targets, and of all
    that do it has the smallest norm (Zhang et al. 2017, equation 3). With a penalty it minimizes
    ``sum_i |f(x_i) - y_i|^2 + penalty |f|^2`` (kernel ridge regression).

    Args:
        gram: Kernel of all pairs of examples, positive definite.
        y: Targets.
        penalty: >= 0.

    Returns:
        The coefficients.

    Raises:
        ValueError: If ``penalty`` is negative, or the matrix is not positive definite.

    Example:
        >>> fit(torch.tensor([[2.0, 1.0], [1.0, 2.0]]), torch.tensor([[3.0], [3.0]])).flatten()
        tensor([1.0000, 1.0000])
    """
    if not penalty >= 0:
        raise ValueError(f"penalty must be >= 0, got {penalty}")
    shifted = gram.clone()
    shifted.diagonal().add_(penalty)
    factor, failed = torch.linalg.cholesky_ex(shifted)
    if failed.item():
        raise ValueError(
            "the Gram matrix must be positive definite, but is not (to rounding error): are there "
            "equal examples, or more examples than features? remove them, or add a penalty"
        )
    return torch.cholesky_solve(y, factor)


def norm(
    alpha: Float[Tensor, "examples outputs"], gram: Float[Tensor, "examples examples"]
) -> float:
    """Return the norm of ``sum_i alpha_i k(x_i, .)``, all outputs together.

    Its square is the sum over outputs of ``alpha^T gram alpha``. For the kernel of plain inner
    products it is the Frobenius norm of the weights.

    Example:
        >>> norm(torch.tensor([[1.0], [1.0]]), torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
        2.0
    """
    return math.sqrt((alpha * (gram @ alpha)).sum().item())


def min_norm(
    x: Float[Tensor, "examples features"], y: Float[Tensor, "examples outputs"]
) -> Float[Tensor, "features outputs"]:
    """Return the weights of smallest norm with ``x @ weights == y``.

    They are ``x^T alpha`` with ``x x^T alpha = y``.

    Args:
        x: One example a row; no row may be a combination of the others.
        y: Targets.

    Returns:
        One column an output.

    Raises:
        ValueError: If the rows of ``x`` are linearly dependent.

    Example:
        Of all weights with w1 + w2 = 2, the shortest:

        >>> min_norm(torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0]])).flatten()
        tensor([1., 1.])
    """
    return x.T @ fit(x @ x.T, y)
