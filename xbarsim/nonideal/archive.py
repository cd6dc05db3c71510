"""Chips in files: a ``.npz`` with a description in JSON and the maps that hold anything."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nonideal.chip import Chip
from xbarsim.nonideal.maps import Maps, checked_faults, layout
from xbarsim.nonideal.model import Nonidealities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT, VERSION = "xbarsim chip", 1

_BLANK = {"factor": 1.0}
"""What a map is filled with where its effect is off, if not with 0; such a map is left out."""


def read_arrays(path: str | Path, name: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of a ``.npz`` file, or the one of a ``.npy`` file under the name ``""``.

    Raises
    ------
    InputError
        The file is missing, a folder, damaged, or of another kind.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: {name} file not found") from None
    except IsADirectoryError:
        raise InputError(f"{path}: {name} must be a file, this is a folder") from None
    except OSError as error:
        raise InputError(f"{path}: {name} cannot be read ({error.strerror})") from None
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
        return {"": found} if isinstance(found, np.ndarray) else {key: found[key] for key in found.files}
    # Damage can surface anywhere between the archive, the compression and the header, which numpy parses as Python.
    except (ValueError, EOFError, KeyError, OSError, SyntaxError, RuntimeError, zipfile.BadZipFile, zlib.error):
        raise InputError(f"{path}: {name} is damaged, or no NumPy file") from None


def save(chip: Chip, path: str | Path) -> None:
    """Write a chip, whole or not at all.

    Raises
    ------
    InputError
        The path cannot be written.
    """
    with written_whole(path) as file:
        np.savez_compressed(file, **packed(chip))  # type: ignore[arg-type]


def packed(chip: Chip) -> dict[str, NDArray[Any]]:
    """Return the arrays of a chip's file."""
    about = {
        "format": FORMAT, "version": VERSION, "made_for": chip.made_for,
        "model": chip.model.to_dict(), "seed": chip.seed, "shapes": chip.shapes,
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {}
    for tile in range(len(chip.shapes)):
        maps = chip.maps(tile)
        for name in layout(maps.shape):
            values = getattr(maps, name)
            if np.any(values != _BLANK.get(name, 0)):
                arrays[f"{name}_{tile}"] = values
    return {"about": np.array(json.dumps(about | {"members": sorted(arrays)})), **arrays}


def load(path: str | Path, model: Nonidealities | None, shapes: tuple[tuple[int, int], ...] | None) -> Chip:
    """Read a chip, and see that it was made for ``model`` and ``shapes``, where they are given.

    Raises
    ------
    InputError
        The file is missing, damaged, no chip, of a later version, or made for another model or other shapes.
    """
    arrays = read_arrays(path, "chip")
    chip = unpacked(path, arrays, model, shapes)
    see_members(path, "chip is", json.loads(str(arrays["about"])), arrays)
    return chip


def unpacked(
    path: str | Path,
    arrays: Mapping[str, NDArray[Any]],
    model: Nonidealities | None,
    shapes: tuple[tuple[int, int], ...] | None,
) -> Chip:
    """Return the chip that ``packed`` made arrays of; ``path`` is what messages call them.

    Raises
    ------
    InputError
        As ``load``.
    """
    about = _about(path, arrays)
    try:
        chip = Chip(Nonidealities.from_dict(about["model"]), about["seed"], [tuple(one) for one in about["shapes"]])
        maps = {tile: _maps(arrays, tile, shape) for tile, shape in enumerate(chip.shapes)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: the chip is damaged: {error}") from None
    if chip.made_for != about.get("made_for"):
        raise InputError(f"{path}: the chip is damaged: its description is not what it was when it was saved")
    if model is not None and chip.model != model:
        theirs, ours = (", ".join(a.differences(b)) for a, b in ((chip.model, model), (model, chip.model)))
        raise InputError(f"{path}: the chip was made for a model with {theirs}, not for {ours}")
    if shapes is not None and chip.shapes != shapes:
        raise InputError(f"{path}: the chip has arrays of {_listed(chip.shapes)}, not of {_listed(shapes)}")
    return Chip(chip.model, chip.seed, chip.shapes, maps)


def see_members(path: str | Path, what: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """See that a file holds the arrays that it was written with: one under another name would be left out in silence.

    Raises
    ------
    InputError
        One is missing, or there is another. Of files that do not say what they hold nothing is known.
    """
    wanted, found = set(about.get("members", arrays)) | {"about"}, set(arrays)
    if wanted != found and "members" in about:
        names = ", ".join([f"{one} is missing" for one in sorted(wanted - found)[:2]])
        others = ", ".join([f"{one!r} is none of its arrays" for one in sorted(found - wanted)[:2]])
        raise InputError(f"{path}: the {what} damaged: {', '.join(filter(None, (names, others)))}")


def _about(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    try:
        about = json.loads(str(arrays["about"]))
        found, version = about["format"], about["version"]
    except (KeyError, TypeError, ValueError):
        found, version = None, None
    if found != FORMAT or not isinstance(version, int):
        raise InputError(f"{path}: this is no chip that xbarsim saved")
    if version > VERSION:
        raise InputError(f"{path}: the chip has version {version}, this xbarsim reads up to {VERSION}: update xbarsim")
    return dict(about)


def _maps(arrays: Mapping[str, NDArray[Any]], tile: int, shape: tuple[int, int]) -> Maps:
    found: dict[str, NDArray[Any]] = {}
    for name, (kind, size) in layout(shape).items():
        array = arrays.get(f"{name}_{tile}", np.full(size, _BLANK.get(name, 0), dtype=kind))
        if array.dtype != kind or array.shape != size:
            raise InputError(f"{name}_{tile} is {array.dtype} of shape {array.shape}, not {np.dtype(kind)} of {size}")
        if not np.isfinite(array).all() or (name == "factor" and not (array > 0.0).all()):
            raise InputError(f"{name}_{tile} holds a number that it cannot hold")
        found[name] = array
    found["faults"] = checked_faults(f"faults_{tile}", found["faults"], shape)
    return Maps(**found)


def _listed(shapes: tuple[tuple[int, int], ...]) -> str:
    sizes = [f"{rows} x {cols}" for rows, cols in shapes]
    return ", ".join(sizes[:3]) + (f" and {len(sizes) - 3} more" if len(sizes) > 3 else "")
