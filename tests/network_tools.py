"""Images and networks for tests."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from xbarsim.nn import zoo
from xbarsim.nn.datasets import VARIABLE, Dataset, Split, load
from xbarsim.nn.datasets.locations import MissingDataError
from xbarsim.nn.training import Training, TrainSettings

# Tests run side by side, each on its own core; threads that wait for one another would make them crawl.
torch.set_num_threads(1)


def pictures(count: int = 40, shape: tuple[int, int, int] = (1, 8, 8), classes: int = 3, seed: int = 0) -> Split:
    """Return images that differ in every pixel."""
    rng = np.random.default_rng(seed)
    return Split(rng.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count) % classes)


def made(count: int = 40, shape: tuple[int, int, int] = (1, 8, 8), classes: int = 3) -> Dataset:
    """Return a small dataset."""
    names = tuple("abcdefghij"[:classes])
    return Dataset("made", "made here", pictures(count, shape, classes), pictures(12, shape, classes, seed=1), names)


def idx_bytes(array: np.ndarray) -> bytes:
    """Write the idx format by its description."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, packed: bool = True, seed: int = 5) -> dict[str, np.ndarray]:
    """Write the four files of an MNIST of 30 and 10 images, and return what they hold."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    held = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (30, 9, 7)),
        "train-labels-idx1-ubyte": np.arange(30) % 10,
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (10, 9, 7)),
        "t10k-labels-idx1-ubyte": np.arange(10)[::-1],
    }
    for name, array in held.items():
        raw = idx_bytes(array)
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)
    return held


BATCHES = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
"""The files of CIFAR-10."""


def batch_record(seed: int, count: int = 7, **changes) -> tuple[dict, Split]:
    """Return what a file of CIFAR-10 holds, and its images."""
    split = pictures(count, (3, 32, 32), 10, seed)
    record = {b"data": split.images.reshape(count, -1), b"labels": split.labels.tolist(), b"filenames": [b"a"] * count}
    return {**record, **changes}, split


def write_batches(folder: Path) -> list[Split]:
    """Write the six files of a CIFAR-10 of seven images each, and return what they hold."""
    folder.mkdir(parents=True)
    splits = []
    for seed, name in enumerate(BATCHES):
        record, split = batch_record(seed)
        (folder / name).write_bytes(pickle.dumps(record, protocol=2))
        splits.append(split)
    return splits


def trained(name: str, dataset: Dataset, **settings) -> torch.nn.Module:
    """Return a network of the zoo, trained for a moment."""
    model = zoo.build(name, dataset.shape, len(dataset.classes))
    Training(model, dataset, TrainSettings(**{"epochs": 5, "batch": 32, "rate": 3e-3, **settings})).run()
    return model.eval()


def real(name: str) -> Dataset:
    """Return data that are not shipped, or leave the test out."""
    if not os.environ.get(VARIABLE):
        pytest.skip(f"{name} is not shipped: set {VARIABLE} to the folder that holds it")
    try:
        return load(name)
    except MissingDataError as error:
        pytest.skip(str(error))
