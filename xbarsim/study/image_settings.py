"""``[data]`` of a study of networks: which images, how many of them, how they are scaled."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xbarsim.study.image_sets import BUILT_IN
from xbarsim.study.tables import FileTable

_VALIDATION = 5000


def image_settings(
    table: FileTable, folder: Path, content: Callable[[str | None, str | None], str], *, has_methods: bool
) -> tuple[dict[str, Any], str | None]:
    """Return what decides the images of a trial, and where on this machine they lie.

    Parameters
    ----------
    table : FileTable
        ``[data]``, with what is swept of it.
    folder : Path
        Where paths begin.
    content : callable
        ``image_content``, asked once for each name and folder.
    has_methods : bool
        Whether methods take images of their own.

    Raises
    ------
    InputError
        A value is wrong or has no effect, or there are no such images.
    """
    data, place = _identity(table, folder, content)
    for key in ("train", "test"):
        if (count := table.count(key)) is not None:
            data[key] = count
    if has_methods:
        data["validation"] = table.count("validation", _VALIDATION)
    for key in ("validation", "images"):
        if key in table.record and not has_methods:
            raise table.error(key, "it changes nothing in a study without methods: leave it out")
    if (images := table.word("images", "train")) not in ("train", "test"):
        raise table.error("images", f"it is {images!r}, and must be train or test: where methods' images are from")
    if images == "test":
        data["images"] = images
    for key in ("mean", "std"):
        if key in table.record:
            data[key] = _scaling(table, key)
    return data, place


def _identity(
    table: FileTable, above: Path, content: Callable[[str | None, str | None], str]
) -> tuple[dict[str, Any], str | None]:
    """Return the images by name and content; a folder's have no name, as it may lie and be called otherwise."""
    from xbarsim.nn.datasets import NAMES

    word, folder = table.word("name", BUILT_IN) or BUILT_IN, table.word("folder")
    name = word.lower() if word.lower() in NAMES else None
    if folder is not None and name in (None, BUILT_IN):
        why = "digits come with scikit-learn" if name else f"the images are those of the folder {word}"
        raise table.error("folder", f"it changes nothing: {why}")
    if name == BUILT_IN:
        return {"name": name}, None
    if name is None:
        folder = word
    place = None if folder is None else str((above / Path(folder).expanduser()).resolve())
    if name is None and not Path(place or "").is_dir():
        raise table.error("name", f"data is {word!r}: give {', '.join(NAMES)}, or a folder that exists")
    return ({} if name is None else {"name": name}) | {"content": content(name, place)}, place


def _scaling(table: FileTable, key: str) -> list[float]:
    values = list(table.numbers(key))
    for value in values:
        if not math.isfinite(value) or (key == "std" and value <= 0.0):
            raise table.error(key, f"it is {value:g}, and must be {'above 0' if math.isfinite(value) else 'finite'}")
    return values
