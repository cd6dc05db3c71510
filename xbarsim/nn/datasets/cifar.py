"""CIFAR-10: the python batches of its authors, or lossless sheets of 100 x 100 images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.nn.datasets.dataset import Split
from xbarsim.nn.datasets.pickles import read_pickle
from xbarsim.nn.datasets.pixels import read_image

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FILES = "data_batch_1, or data_batch_1.webp with labels.npz, and their like"
_TRAIN = tuple(f"data_batch_{k}" for k in range(1, 6))
_TEST = "test_batch"
_SIDE, _ACROSS = 32, 100


def holds(folder: Path) -> bool:
    """Tell whether a folder has CIFAR-10's batches or sheets."""
    return (folder / _TRAIN[0]).is_file() or (folder / f"{_TRAIN[0]}.webp").is_file()


def read_splits(folder: Path) -> tuple[Split, Split]:
    """Return training and test images.

    Raises
    ------
    InputError
        A file is missing or damaged; the message names it.
    """
    if (folder / _TRAIN[0]).is_file():
        parts = [_batch(folder / name) for name in (*_TRAIN, _TEST)]
        images = np.concatenate([part.images for part in parts[:-1]])
        return Split(images, np.concatenate([part.labels for part in parts[:-1]])), parts[-1]
    labels = _sheet_labels(folder / "labels.npz")
    sheets = [_sheet(folder / f"{name}.webp") for name in (*_TRAIN, _TEST)]
    train = np.concatenate(sheets[:-1])
    for key, images in (("y_train", train), ("y_test", sheets[-1])):
        if labels[key].shape != (len(images),):
            raise InputError(f"{folder / 'labels.npz'}: {key} has shape {labels[key].shape} for {len(images)} images")
    return Split(train, labels["y_train"]), Split(sheets[-1], labels["y_test"])


def _batch(path: Path) -> Split:
    """Read a batch: rows of 3072 bytes, red, green, blue, each row by row."""
    record = read_pickle(path)
    if not isinstance(record, dict):
        raise InputError(f"{path} is no batch of CIFAR-10")
    values = {key.decode("latin-1") if isinstance(key, bytes) else key: value for key, value in record.items()}
    pixels, labels = values.get("data"), values.get("labels")
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != 3 * _SIDE * _SIDE:
        raise InputError(f"{path} is no batch of CIFAR-10: its data are not rows of {3 * _SIDE * _SIDE} bytes")
    if not isinstance(labels, list) or not all(isinstance(k, int) for k in labels) or len(labels) != len(pixels):
        raise InputError(f"{path} is no batch of CIFAR-10: it needs a label for each of {len(pixels)} images")
    return Split(pixels.reshape(-1, 3, _SIDE, _SIDE), np.array(labels, np.int64))


def _sheet(path: Path) -> NDArray[np.uint8]:
    """Read a sheet: images row by row, 100 across."""
    pixels = read_image(path, "RGB")
    high, wide, _ = pixels.shape
    if wide != _ACROSS * _SIDE or high % _SIDE:
        raise InputError(f"{path} is {wide} x {high}: a sheet is {_ACROSS * _SIDE} wide, whole rows of images high")
    images = pixels.reshape(high // _SIDE, _SIDE, _ACROSS, _SIDE, 3).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(images.reshape(-1, 3, _SIDE, _SIDE))


def _sheet_labels(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: np.asarray(file[key]).astype(np.int64) for key in ("y_train", "y_test")}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}: the sheets need it") from None
    except Exception as error:
        raise InputError(f"{path} has no labels y_train and y_test that can be read ({error})") from None
