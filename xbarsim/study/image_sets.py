"""The images that networks of a study see: read by name or from a folder, known by their pixels."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.nn.datasets import Dataset

BUILT_IN = "digits"
"""Images that come with scikit-learn: they lie in no folder, and their name says all."""


@lru_cache(maxsize=2)
def image_set(settings: str, folder: str | None) -> Dataset:
    """Return the images that settings ask for.

    Parameters
    ----------
    settings : str
        A study's settings of data as canonical JSON: ``name``, or of a folder's images none; ``content``, what they
        are known by; and how many, which, and how they are scaled.
    folder : str, optional
        Where they lie on this machine.

    Raises
    ------
    InputError
        There are none, or they are others than those that the study was read with.
    """
    record = json.loads(settings)
    data = _whole(record.get("name"), folder, _stamp(record.get("name"), folder))
    if "content" in record and _digest(data) != record["content"]:
        raise InputError(f"{data.source}: these are other images than the study was read with: run it again")
    data = replace(data, mean=tuple(record.get("mean", data.mean)), std=tuple(record.get("std", data.std)))
    if "validation" in record:
        data = data.split(min(record["validation"], len(data.train) // 5))
    data = data.limited(train=record.get("train"), test=record.get("test"))
    return replace(data, train=data.test) if record.get("images") == "test" else data


def image_content(name: str | None, folder: str | None) -> str:
    """Return a digest of all images and labels: the same wherever they lie, and in whatever form."""
    return _digest(_whole(name, folder, _stamp(name, folder)))


def _digest(data: Dataset) -> str:
    import numpy as np

    digest = hashlib.sha256(json.dumps([list(data.classes), list(data.shape)]).encode())
    for split in (data.train, data.test):
        for values in (split.images, split.labels):
            digest.update(str(values.shape).encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _whole(name: str | None, folder: str | None, stamp: tuple[Any, ...]) -> Dataset:
    from xbarsim.nn.datasets import load

    return load(name or folder or "", folder if name else None)


def _stamp(name: str | None, folder: str | None) -> tuple[Any, ...]:
    """Return names, sizes and times of a folder's own files: while they are the same, it is read once."""
    if name is not None or folder is None:
        return ()
    files = [(path, path.stat()) for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    return tuple((str(path), facts.st_size, facts.st_mtime_ns) for path, facts in files)
