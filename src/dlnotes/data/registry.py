"""What is known about every data set that can be fetched: ``registry.json``, typed.

Per set: title, license, citation, mirrors, and for each file its size and sha256. The hashes of
MNIST and Fashion-MNIST are those of TensorFlow Datasets, that of CIFAR-10's archive is Keras'; the
hashes of its members were taken from copies with the md5 that torchvision publishes.
"""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dlnotes.contract import unknown


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the registry.

    Args:
        path: Where it lies below a data folder.
        sha256: Of the whole file, in hexadecimal.
        bytes: Its size.
        urls: Its mirrors, tried in this order.
    """

    path: str
    sha256: str
    bytes: int
    urls: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the file, without its folder."""
        return Path(self.path).name


@dataclass(frozen=True, kw_only=True)
class Info:
    """What the registry says about one data set.

    Args:
        name: How the set is called here.
        title: What it holds.
        license: Terms of its authors.
        citation: Paper to cite.
        homepage: Page of its authors.
        files: Its files.
        archive: The file to download if the set is published as one; None if file by file.
    """

    name: str
    title: str
    license: str
    citation: str
    homepage: str
    files: tuple[Entry, ...]
    archive: Entry | None = None

    @property
    def bytes(self) -> int:
        """Size of the download in bytes."""
        return sum(entry.bytes for entry in self.downloads)

    @property
    def downloads(self) -> tuple[Entry, ...]:
        """The files to download: the archive, or the files themselves."""
        return (self.archive,) if self.archive else self.files


@functools.cache
def registry() -> dict[str, Info]:
    """Return everything that ``registry.json`` says, by name of the set."""
    text = resources.files("dlnotes.data").joinpath("registry.json").read_text(encoding="utf-8")
    return {name: _info(name, **fields) for name, fields in json.loads(text).items()}


def _info(
    name: str, *, mirrors: list, files: list, archive: dict | None = None, **about: str
) -> Info:
    def entry(fields: dict) -> Entry:
        published = Path((archive or fields)["path"]).name
        return Entry(urls=tuple(base + published for base in mirrors), **fields)

    return Info(
        name=name,
        files=tuple(map(entry, files)),
        archive=entry(archive) if archive else None,
        **about,
    )


def names() -> list[str]:
    """Return the names of the sets that can be fetched.

    Example:
        >>> names()
        ['mnist', 'fashion-mnist', 'cifar10']
    """
    return list(registry())


def info(name: str) -> Info:
    """Return what the registry says about a set.

    Args:
        name: One of ``names()``.

    Returns:
        Title, license, citation and files.

    Raises:
        ValueError: If there is no such set.

    Example:
        >>> info("mnist").bytes
        11594722
    """
    if name not in registry():
        raise ValueError(unknown("data set", name, names()))
    return registry()[name]
