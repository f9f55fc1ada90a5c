"""What a run is asked for: the profile (how large), the device (where), the seeds (how often)."""

import os
import platform
from dataclasses import dataclass
from typing import Any, Self, TypeVar, get_args

import torch

from dlnotes.contract import DeviceName, Precision, Profile, parse_seeds
from dlnotes.machine import cpu_name, versions
from dlnotes.networks import products
from dlnotes.networks.products import Library

T = TypeVar("T")

USUAL_SEEDS = {"smoke": "0-1", "cpu": "0-7", "gpu": "0-9"}
"""What a lecture takes where nobody asks for others."""

VERSIONS = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "seaborn")
"""The packages whose versions are recorded with every result."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The three parameters of every lecture, checked.

    As the last expression of a cell it prints itself, and leaves what the run page shows.

    Attributes:
        profile: ``"smoke"`` (embedded data, seconds), ``"cpu"`` (real data, at least 8 seeds, at
            most 90 s on one core) or ``"gpu"`` (full data, at least 10 seeds, one large GPU).
        device: ``"cpu"``, ``"cuda"`` (here or on the workers of a cluster), or ``"auto"`` for cuda
            where there is one.
        seeds: At least two different integers >= 0, or text for `parse_seeds`; empty text means
            the usual ones of the profile, `USUAL_SEEDS`.
        precision: How the training runs compute: ``"float32"``; ``"float64"``, for identities;
            ``"tf32"`` or ``"bf16"``, float32 numbers whose products are rounded to 10 or 7 bits of
            fraction where the device gains from it (PyTorch's "high" and "medium").
        products: Which library multiplies wide float32 matrices on a CPU, see
            `dlnotes.networks.products`: ``"pytorch"`` in the book, or ``"onednn"``.
    """

    profile: Profile
    device: DeviceName = "auto"
    seeds: tuple[int, ...] | str = ""
    precision: Precision = "float32"
    products: Library = "pytorch"

    def __post_init__(self) -> None:
        kinds = {
            "profile": Profile,
            "device": DeviceName,
            "precision": Precision,
            "products": Library,
        }
        for field, valid in ((field, get_args(kind)) for field, kind in kinds.items()):
            if getattr(self, field) not in valid:
                raise ValueError(
                    f"{field} must be one of {', '.join(valid)}; got {getattr(self, field)!r}"
                )
        if isinstance(self.seeds, str):
            text = self.seeds or USUAL_SEEDS[self.profile]
            object.__setattr__(self, "seeds", parse_seeds(text))
        bad = [s for s in self.seeds if type(s) is not int or s < 0]
        if bad or len(set(self.seeds)) != len(self.seeds) or len(self.seeds) < 2:
            raise ValueError(
                f"an interval needs at least two seeds, different integers >= 0; got {self.seeds}"
            )
        elsewhere = os.environ.get("DLNOTES_CLUSTER")  # its workers may have the GPU
        if self.device == "cuda" and not (torch.cuda.is_available() or elsewhere):
            raise ValueError("device 'cuda' was asked for, but torch finds no GPU; use 'auto'")

    def prepare(self) -> Self:
        """Make PyTorch compute what ``precision`` and ``products`` say, the same on every run.

        Without it, a GPU would round convolutions to TF32 and might differ from run to run.

        Returns:
            These settings.
        """
        rounding = {"tf32": "high", "bf16": "medium"}.get(self.precision, "highest")
        torch.set_float32_matmul_precision(rounding)
        torch.backends.cudnn.allow_tf32 = rounding != "highest"
        torch.backends.cudnn.deterministic = True
        products.use(self.products)
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
        """Return all that the numbers of a run depend on besides its code, ready for JSON."""
        return {
            "profile": self.profile,
            "device": self.torch_device.type,
            "device_name": torch.cuda.get_device_name() if self.on_gpu else cpu_name(),
            "precision": self.precision,
            "products": self.products,
            "threads": torch.get_num_threads(),
            "seeds": list(self.seeds),
            "versions": {"python": platform.python_version()} | versions(VERSIONS),
        }
