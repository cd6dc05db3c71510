"""A folder with a folder of images for each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from xbarsim.errors import InputError
from xbarsim.nn.datasets.dataset import Dataset, Split
from xbarsim.nn.datasets.pixels import read_image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")
_TEST_NAMES = ("test", "val", "valid", "validation")
_TEST_EVERY = 5


def read(folder: Path) -> Dataset:
    """Return the images of a folder: ``train/CLASS/*.png`` and ``test/CLASS/*.png``, or ``CLASS/*.png``.

    Where there is no ``test`` (or ``val``), every fifth image of each class, in the order of names, is for testing.
    Images are grey if all are, and must be of one size. They come one of each class in turn, so that the first ones
    are of all classes.

    Raises
    ------
    InputError
        There are no images, sizes differ, or a class is empty or of one part only; the message names it.
    """
    if (folder / "train").is_dir():
        test = next((folder / name for name in _TEST_NAMES if (folder / name).is_dir()), None)
        if test is None:
            raise InputError(f"{folder} has a folder train and none called {' or '.join(_TEST_NAMES)} beside it")
        classes = _classes(folder / "train")
        if _classes(test) != classes:
            odd = sorted(set(_classes(test)) ^ set(classes))[0]
            raise InputError(f"{folder}: class {odd!r} is only in one of train and {test.name}")
        training = [path for _, path in _in_turn(folder / "train", classes)]
        testing = [path for _, path in _in_turn(test, classes)]
    else:
        classes = _classes(folder)
        files = _in_turn(folder, classes)
        training = [path for k, path in files if k % _TEST_EVERY]
        testing = [path for k, path in files if k % _TEST_EVERY == 0]
    if not training or not testing:
        counts = f"{len(training)} images to train on and {len(testing)} to test on"
        raise InputError(f"{folder} has {counts}: it needs both")
    arrays = _arrays([path for path, _ in (*training, *testing)])
    labels = np.array([classes.index(name) for _, name in (*training, *testing)], np.int64)
    cut = len(training)
    first, second = Split(arrays[:cut], labels[:cut]), Split(arrays[cut:], labels[cut:])
    return Dataset(folder.resolve().name, str(folder), first, second, classes)


def _classes(folder: Path) -> tuple[str, ...]:
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    if len(classes) < 2:
        raise InputError(
            f"{folder} has {len(classes)} folders inside: it must have one for each class of images "
            f"(or be MNIST's idx files, or CIFAR-10's batches)"
        )
    return classes


def _in_turn(folder: Path, classes: tuple[str, ...]) -> list[tuple[int, tuple[Path, str]]]:
    """Return images with their places in their class: the first of each class, the second of each, ..."""
    files = [file for name in classes for file in enumerate(_files(folder, name))]
    return sorted(files, key=lambda file: file[0])


def _files(folder: Path, name: str) -> list[tuple[Path, str]]:
    """Return a class's images, each with its class, in the order of names."""
    images = sorted(path for path in (folder / name).iterdir() if path.suffix.lower() in SUFFIXES)
    if not images:
        raise InputError(f"{folder / name} has no images ({', '.join(SUFFIXES)})")
    return [(path, name) for path in images]


def _arrays(paths: list[Path]) -> np.ndarray[tuple[int, int, int, int], np.dtype[np.uint8]]:
    images = [read_image(path) for path in paths]
    if len({image.shape[2] for image in images}) > 1:
        images = [np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image for image in images]
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            raise InputError(
                f"{path} is {_size(image)} and {paths[0]} {_size(images[0])}: scale them to one size first"
            )
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))


def _size(image: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
