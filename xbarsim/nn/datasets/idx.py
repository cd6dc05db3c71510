"""MNIST and those that come in its format: idx files, as they are or in gzip."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.nn.datasets.dataset import Split
from xbarsim.unread import unread

_UNSIGNED_BYTE = 0x08
_STEMS = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
          "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}  # fmt: skip

FILES = "train-images-idx3-ubyte and its like, also .gz"


def holds(folder: Path) -> bool:
    """Tell whether a folder has training images in idx files."""
    return _file(folder, _STEMS["train"][0]) is not None


def read_splits(folder: Path) -> tuple[Split, Split]:
    """Return training and test images of a folder of four idx files.

    Raises
    ------
    InputError
        A file is missing or damaged; the message names it.
    """
    train, test = (_split(folder, *stems) for stems in _STEMS.values())
    return train, test


def _split(folder: Path, images: str, labels: str) -> Split:
    paths = [_file(folder, stem) for stem in (images, labels)]
    for stem, path in zip((images, labels), paths, strict=True):
        if path is None:
            raise InputError(f"{folder} has neither {stem} nor {stem}.gz: the data need both images and labels")
    pixels, classes = (read(path) for path in paths if path is not None)
    if pixels.ndim != 3 or classes.ndim != 1 or len(pixels) != len(classes):
        raise InputError(f"{paths[0]} is {pixels.shape} and {paths[1]} {classes.shape}: they are no images and labels")
    return Split(pixels[:, None], classes.astype(np.int64))


def _file(folder: Path, stem: str) -> Path | None:
    for path in (folder / stem, folder / f"{stem}.gz"):
        if path.is_file():
            return path
    return None


def read(path: Path) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes.

    The format: two zero bytes, one for the type, one for the number of dimensions; each dimension as four bytes, the
    highest first; then the numbers, the last dimension fastest.

    Raises
    ------
    InputError
        It cannot be read, or is no such file.
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UNSIGNED_BYTE or head[3] not in (1, 2, 3, 4):
                raise InputError(f"{path} is no idx file of unsigned bytes")
            raw = file.read(4 * head[3])
            if len(raw) < 4 * head[3]:
                raise InputError(f"{path} ends within its header: it is cut off")
            sizes = tuple(int.from_bytes(raw[k : k + 4], "big") for k in range(0, len(raw), 4))
            count = math.prod(sizes)
            body = file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged ({error}): copy it again") from None
    except OSError as error:
        raise unread(path, error) from None
    if len(body) != count:
        raise InputError(f"{path} holds {len(body)} bytes and its header says {count} ({sizes}): it is damaged")
    return np.frombuffer(body, np.uint8).reshape(sizes)
