"""Data by name, or by folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xbarsim.nn.datasets import cifar, digits, folders, idx
from xbarsim.nn.datasets.dataset import Dataset
from xbarsim.nn.datasets.locations import MissingDataError, find

_MNIST = tuple("0123456789")
_FASHION = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_HALF = (0.5,)


def _idx(name: str, places: tuple[str, ...], classes: tuple[str, ...]) -> Callable[[str | Path | None], Dataset]:
    def read(folder: str | Path | None) -> Dataset:
        where = find(name, folder, places, idx.holds, idx.FILES)
        return Dataset(name, str(where), *idx.read_splits(where), classes)

    return read


def _cifar10(folder: str | Path | None) -> Dataset:
    places = ("cifar-10-batches-py", "cifar10-webp", "cifar10", "CIFAR10/cifar-10-batches-py")
    where = find("cifar10", folder, places, cifar.holds, cifar.FILES)
    return _cifar10_at(where)


def _cifar10_at(path: Path) -> Dataset:
    # Colours go from -1 to 1: with 0 in the middle, training starts well.
    return Dataset("cifar10", str(path), *cifar.read_splits(path), cifar.CLASSES, _HALF, _HALF)


_READERS: dict[str, Callable[[str | Path | None], Dataset]] = {
    "digits": lambda folder: digits.read(),
    "mnist": _idx("mnist", ("MNIST/raw", "MNIST", "mnist/raw", "mnist"), _MNIST),
    "fashion-mnist": _idx(
        "fashion-mnist", ("FashionMNIST/raw", "FashionMNIST", "fashion-mnist/raw", "fashion-mnist"), _FASHION
    ),
    "cifar10": _cifar10,
}
NAMES = tuple(_READERS)


def load(data: str | Path, folder: str | Path | None = None) -> Dataset:
    """Return data by name, or those of a folder.

    Parameters
    ----------
    data : str or Path
        ``digits``, ``mnist``, ``fashion-mnist`` or ``cifar10``; or a folder of idx files, of CIFAR-10's files, or with
        a folder of images for each class (below ``train`` and ``test``, or every fifth image is for testing).
    folder : str or Path, optional
        Where named data lie, in torchvision's layout; without it, the folder that ``XBARSIM_DATA`` names.

    Raises
    ------
    InputError
        There are no such data, or they are damaged.
    """
    if isinstance(data, str) and data.lower() in _READERS:
        return _READERS[data.lower()](folder)
    path = Path(data).expanduser()
    if not path.is_dir():
        raise MissingDataError(f"data is {str(data)!r}: give {', '.join(NAMES)}, or a folder that exists")
    for where in (path, path / "raw"):
        if idx.holds(where):
            return Dataset(path.name, str(where), *idx.read_splits(where), _MNIST)
    if cifar.holds(path):
        return _cifar10_at(path)
    return folders.read(path)
