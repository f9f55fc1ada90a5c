"""The two file formats of the data sets, read without trusting the file.

IDX is that of MNIST; the batches of CIFAR-10 are pickles, which could run any code, so only those
few calls are let through of which numpy arrays are made.
"""

import io
import math
import pickle

import numpy as np
from jaxtyping import Integer, UInt8


def read_idx(content: bytes) -> UInt8[np.ndarray, "..."]:
    """Read an array in the IDX format of MNIST, unsigned bytes only.

    The format: two zero bytes, 8 for unsigned bytes, the number of dimensions, each dimension in
    four bytes (big-endian), the values.

    Args:
        content: The whole file, decompressed.

    Returns:
        The array.

    Raises:
        ValueError: If the header or the length is not what the format says.

    Example:
        >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
        array([7, 9], dtype=uint8)
    """
    num_axes = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    start = 4 + 4 * num_axes
    if num_axes == 0 or len(content) < start:
        raise ValueError(
            "an IDX file of bytes must start with 00 00 08, the number of dimensions and each "
            f"dimension, got {content[:16].hex(' ')}"
        )
    shape = np.frombuffer(content, dtype=">u4", count=num_axes, offset=4).tolist()
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"an IDX file of shape {shape} must hold {math.prod(shape)} bytes after its header, "
            f"got {len(content) - start}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def read_batch(
    content: bytes,
) -> tuple[UInt8[np.ndarray, "examples 3 32 32"], Integer[np.ndarray, " examples"]]:
    """Read one batch of CIFAR-10, a pickle of which only arrays and plain values are accepted.

    Args:
        content: The whole file, its hash already checked.

    Returns:
        Images and labels.

    Raises:
        ValueError: If the pickle names any other type, or its arrays do not fit together.
    """
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"not a batch of CIFAR-10: {error}") from error
    if not isinstance(batch, dict) or not {"data", "labels"} <= batch.keys():
        raise ValueError("a batch of CIFAR-10 must be a dict with data and labels, and is not")
    pixels, labels = batch["data"], np.asarray(batch["labels"])
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3 * 32 * 32):
        raise ValueError(
            f"a batch of CIFAR-10 must hold {len(labels)} rows of 3072 bytes for its labels, "
            f"got {pixels.dtype} {pixels.shape}"
        )
    return pixels.reshape(-1, 3, 32, 32), labels


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that can build numpy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        """Return one of the three things that an array's pickle calls, or refuse."""
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in it")
