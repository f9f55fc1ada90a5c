"""Linear regression with a penalty, ridge (L2) and the Lasso (L1), at the scale of the book.

With n examples the loss is half the mean squared error, ``|x w - y|^2 / (2n)``, so that a penalty
means here what `weight_decay` and `l1` of `dlnotes.networks.recipe.TrainConfig` mean for a linear
network with the loss ``squared_error``. No bias: center what needs one. Use float64. For the
Lasso itself take scikit-learn's, ``Lasso(alpha=penalty, fit_intercept=False)``: same scale.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def ridge(
    x: Float[Tensor, "*batch examples features"],
    y: Float[Tensor, "*batch examples"],
    penalty: float,
) -> Float[Tensor, "*batch features"]:
    """Minimize ``|x w - y|^2 / (2n) + (penalty / 2) |w|^2`` (Hoerl and Kennard 1970).

    Args:
        x: One example a row.
        y: Targets.
        penalty: >= 0; with 0 least squares, which needs independent columns.

    Returns:
        The weights ``(x^T x / n + penalty I)^-1 x^T y / n``.

    Raises:
        ValueError: If ``penalty`` is negative, or the matrix is not positive definite.

    Example:
        With x^T x / n = 1 and x^T y / n = 2 the weight is 2 / (1 + penalty):

        >>> x = torch.ones(4, 1)
        >>> ridge(x, 2 * x[:, 0], penalty=1.0)
        tensor([1.])
    """
    _refuse_negative(penalty)
    n = x.shape[-2]
    matrix = x.mT @ x / n + penalty * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if failed.any():
        raise ValueError(
            "x^T x / n + penalty I must be positive definite, but is not (to rounding error): are "
            "there columns that depend on each other? take a penalty > 0"
        )
    return torch.cholesky_solve(x.mT @ y[..., None] / n, factor)[..., 0]


def soft_threshold(value: Float[Tensor, "..."], by: float | Tensor) -> Float[Tensor, "..."]:
    """Move each number toward zero by ``by``, and stop there.

    It minimizes ``(w - value)^2 / 2 + by |w|`` over w (Tibshirani 1996, section 2.2).

    Args:
        value: Any numbers.
        by: How far, >= 0.

    Example:
        >>> soft_threshold(torch.tensor([3.0, -0.5]), 1.0)
        tensor([2., -0.])
    """
    return value.sign() * (value.abs() - by).clamp(min=0)


def all_zero_from(
    x: Float[Tensor, "*batch examples features"], y: Float[Tensor, "*batch examples"]
) -> Float[Tensor, "*batch"]:
    """Return the smallest penalty from which on all weights of the Lasso are zero.

    That is ``max |x^T y| / n`` (Friedman, Hastie and Tibshirani 2010, section 2.5).

    Example:
        >>> all_zero_from(torch.ones(4, 1), torch.full((4,), 2.0))
        tensor(2.)
    """
    return (x.mT @ y[..., None])[..., 0].abs().amax(-1) / x.shape[-2]


def _refuse_negative(penalty: float) -> None:
    if not penalty >= 0:
        raise ValueError(f"penalty must be >= 0, got {penalty}")
