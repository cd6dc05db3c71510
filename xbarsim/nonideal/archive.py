"""Chips as arrays: a description in JSON and the maps that hold anything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import checked_shapes
from xbarsim.nonideal.maps import Maps, checked_faults, layout
from xbarsim.nonideal.model import Nonidealities
from xbarsim.nonideal.streams import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

FORMAT, VERSION = "xbarsim chip", 1

_BLANK = {"factor": 1.0}
"""What a map is filled with where its effect is off, if not with 0; such a map is left out."""


def fingerprint(model: Nonidealities, shapes: Sequence[tuple[int, int]]) -> str:
    """Return what all chips of a kind share, as sixteen letters.

    Parameters
    ----------
    model : Nonidealities
        The kind of chip.
    shapes : sequence of (rows, cols)
        Of its arrays, in their order.
    """
    record = json.dumps([model.to_dict(), shapes], sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()[:16]


def packed(model: Nonidealities, seed: int, tiles: Sequence[Maps]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a chip's file.

    Parameters
    ----------
    model : Nonidealities
        The kind of chip.
    seed : int
        The chip.
    tiles : sequence of Maps
        What is frozen in each array, in their order.
    """
    shapes = [maps.shape for maps in tiles]
    about = {
        "format": FORMAT, "version": VERSION, "made_for": fingerprint(model, shapes),
        "model": model.to_dict(), "seed": seed, "shapes": shapes,
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {}
    for tile, maps in enumerate(tiles):
        for name in layout(maps.shape):
            values = getattr(maps, name)
            if np.any(values != _BLANK.get(name, 0)):
                arrays[f"{name}_{tile}"] = values
    return {"about": np.array(json.dumps(about | {"members": sorted(arrays)})), **arrays}


def unpacked(
    path: str | Path,
    arrays: Mapping[str, NDArray[Any]],
    model: Nonidealities | None,
    shapes: tuple[tuple[int, int], ...] | None,
) -> tuple[Nonidealities, int, tuple[tuple[int, int], ...], dict[int, Maps]]:
    """Return model, seed, shapes and maps of the chip that ``packed`` made arrays of.

    Parameters
    ----------
    path : str or Path
        What messages call the arrays.
    arrays : mapping of str to array
        What ``packed`` made.
    model : Nonidealities or None
        What the chip must be of; None: any.
    shapes : tuple of (rows, cols), or None
        What its arrays must be; None: any.

    Raises
    ------
    InputError
        The arrays are damaged, no chip's, of a later version, or made for another model or other shapes.
    """
    about = description(path, arrays, FORMAT, VERSION)
    try:
        chip_model, seed = Nonidealities.from_dict(about["model"]), whole("seed", about["seed"], 0, 1 << 64)
        sizes = checked_shapes([tuple(shape) for shape in about["shapes"]])
        maps = {tile: _maps(arrays, tile, shape) for tile, shape in enumerate(sizes)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: the chip is damaged: {error}") from None
    if fingerprint(chip_model, sizes) != about.get("made_for"):
        raise InputError(f"{path}: the chip is damaged: its description is not what it was when it was saved")
    if model is not None and chip_model != model:
        theirs, ours = (", ".join(a.differences(b)) for a, b in ((chip_model, model), (model, chip_model)))
        raise InputError(f"{path}: the chip was made for a model with {theirs}, not for {ours}")
    if shapes is not None and sizes != shapes:
        raise InputError(f"{path}: the chip has arrays of {_listed(sizes)}, not of {_listed(shapes)}")
    return chip_model, seed, sizes, maps


def check_members(path: str | Path, subject: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """See that a file holds the arrays that it was written with: one under another name would be left out in silence.

    Parameters
    ----------
    path : str or Path
        The file, for messages.
    subject : str
        What it holds and a verb, ``chip is``.
    about : mapping
        The file's description, whose ``members`` are the names it was written with.
    arrays : mapping of str to array
        What was read.

    Raises
    ------
    InputError
        One is missing, or there is another. Of files that do not say what they hold nothing is known.
    """
    members, present = set(about.get("members", arrays)) | {"about"}, set(arrays)
    if members != present and "members" in about:
        names = ", ".join([f"{name} is missing" for name in sorted(members - present)[:2]])
        strangers = ", ".join([f"{name!r} is none of its arrays" for name in sorted(present - members)[:2]])
        raise InputError(f"{path}: the {subject} damaged: {', '.join(filter(None, (names, strangers)))}")


def description(path: str | Path, arrays: Mapping[str, NDArray[Any]], form: str, latest: int) -> dict[str, Any]:
    """Return what a file says of itself under ``about``.

    Parameters
    ----------
    path : str or Path
        The file, for messages.
    arrays : mapping of str to array
        What was read.
    form : str
        What it has to be, ``xbarsim chip``.
    latest : int
        The version that is known.

    Raises
    ------
    InputError
        It is something else, or of a later version.
    """
    try:
        about = json.loads(str(arrays["about"]))
        kind, version = about["format"], about["version"]
    except (KeyError, TypeError, ValueError):
        kind, version = None, None
    subject = form.removeprefix("xbarsim ")
    if kind != form or not isinstance(version, int):
        raise InputError(f"{path}: it has no {subject} that xbarsim saved")
    if version > latest:
        raise InputError(f"{path}: it has version {version}, and this xbarsim reads up to {latest}: update it")
    return dict(about)


def _maps(arrays: Mapping[str, NDArray[Any]], tile: int, shape: tuple[int, int]) -> Maps:
    values: dict[str, NDArray[Any]] = {}
    for name, (kind, size) in layout(shape).items():
        array = arrays.get(f"{name}_{tile}", np.full(size, _BLANK.get(name, 0), dtype=kind))
        if array.dtype != kind or array.shape != size:
            raise InputError(f"{name}_{tile} is {array.dtype} of shape {array.shape}, not {np.dtype(kind)} of {size}")
        if not np.isfinite(array).all() or (name == "factor" and not (array > 0.0).all()):
            raise InputError(f"{name}_{tile} holds a number that it cannot hold")
        values[name] = array
    values["faults"] = checked_faults(f"faults_{tile}", values["faults"], shape)
    return Maps(**values)


def _listed(shapes: tuple[tuple[int, int], ...]) -> str:
    sizes = [f"{rows} x {cols}" for rows, cols in shapes]
    return ", ".join(sizes[:3]) + (f" and {len(sizes) - 3} more" if len(sizes) > 3 else "")
