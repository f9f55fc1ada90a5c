"""What a run is asked for: the profile (how large), the device (where), the seeds (how often)."""

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, Self, TypeVar, get_args

import torch

from dlnotes.machine import cpu_name
from dlnotes.networks import products

Profile = Literal["smoke", "cpu", "gpu"]
DeviceName = Literal["auto", "cpu", "cuda"]
Precision = Literal["float64", "float32", "tf32", "bf16"]
T = TypeVar("T")

VERSIONS = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "seaborn")
"""The packages whose versions are recorded with every result."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read seeds such as ``"1000-1004"``, ``"1,2,7"`` or ``"0-3,9"``, in the order written.

    Raises:
        ValueError: If a part is neither a number nor a rising range, or a seed comes twice.

    Example:
        >>> parse_seeds("0-2,9")
        (0, 1, 2, 9)
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high:
            raise ValueError(
                f"seeds must be numbers and rising ranges such as 0-4 or 1,2,7; got {text!r}"
            )
        seeds += range(low, high + 1)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"each seed may come once, got {text!r}; remove the repetition")
    return tuple(seeds)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The three parameters of every lecture, checked.

    As the last expression of a cell it prints itself, and leaves what the run page shows.

    Attributes:
        profile: ``"smoke"`` (embedded data, seconds), ``"cpu"`` (real data, at least 5 seeds, at
            most 90 s on one core) or ``"gpu"`` (full data, at least 10 seeds, one large GPU).
        device: ``"cpu"``, ``"cuda"`` (here or on the workers of a cluster), or ``"auto"`` for cuda
            where there is one.
        seeds: At least two different integers >= 0, or text for `parse_seeds`.
        precision: How the training runs compute: ``"float32"``; ``"float64"``, for identities;
            ``"tf32"`` or ``"bf16"``, float32 numbers whose products are rounded to 10 or 7 bits of
            fraction where the device gains from it (PyTorch's "high" and "medium").
    """

    profile: Profile
    device: DeviceName = "auto"
    seeds: tuple[int, ...]
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        kinds = {"profile": Profile, "device": DeviceName, "precision": Precision}
        for field, valid in ((field, get_args(kind)) for field, kind in kinds.items()):
            if getattr(self, field) not in valid:
                raise ValueError(
                    f"{field} must be one of {', '.join(valid)}; got {getattr(self, field)!r}"
                )
        if isinstance(self.seeds, str):
            object.__setattr__(self, "seeds", parse_seeds(self.seeds))
        bad = [s for s in self.seeds if type(s) is not int or s < 0]
        if bad or len(set(self.seeds)) != len(self.seeds) or len(self.seeds) < 2:
            raise ValueError(
                f"an interval needs at least two seeds, different integers >= 0; got {self.seeds}"
            )
        elsewhere = os.environ.get("DLNOTES_CLUSTER")  # its workers may have the GPU
        if self.device == "cuda" and not (torch.cuda.is_available() or elsewhere):
            raise ValueError("device 'cuda' was asked for, but torch finds no GPU; use 'auto'")

    def prepare(self) -> Self:
        """Make PyTorch compute what ``precision`` says, the same on every run, and fast.

        Without it, a GPU would round convolutions to TF32 and might differ from run to run. On a
        CPU the fastest products are looked up, or measured the first time (see
        `dlnotes.networks.products.calibrate`), except at profile ``smoke``.

        Returns:
            These settings.
        """
        products_are = {"tf32": "high", "bf16": "medium"}.get(self.precision, "highest")
        torch.set_float32_matmul_precision(products_are)
        torch.backends.cudnn.allow_tf32 = products_are != "highest"
        torch.backends.cudnn.deterministic = True
        if self.precision == "float32" and self.profile != "smoke" and not self.on_gpu:
            products.calibrate()
        return self

    def scale(self, *, smoke: T, cpu: T, gpu: T) -> T:
        """Return the value for this run's profile.

        Example:
            >>> Settings(profile="cpu", seeds="0-4").scale(smoke=1, cpu=2, gpu=3)
            2
        """
        return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile]

    @property
    def dtype(self) -> torch.dtype:
        """The type of the numbers that parameters and inputs of this run are stored in."""
        return torch.float64 if self.precision == "float64" else torch.float32

    @property
    def torch_device(self) -> torch.device:
        """The device that tensors of this run live on, in the process that asks."""
        gpu = self.device != "cpu" and torch.cuda.is_available()
        return torch.device("cuda" if gpu else "cpu")

    @property
    def on_gpu(self) -> bool:
        """Whether this run uses a GPU."""
        return self.torch_device.type == "cuda"

    def provenance(self) -> dict[str, Any]:
        """Return device, precision, seeds and versions, ready for JSON."""
        return {
            "profile": self.profile,
            "device": self.torch_device.type,
            "device_name": torch.cuda.get_device_name() if self.on_gpu else cpu_name(),
            "precision": self.precision,
            "seeds": list(self.seeds),
            "versions": {"python": platform.python_version()}
            | {name: metadata.version(name) for name in VERSIONS},
        }
