"""What is frozen in one array of a chip."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, Locked
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import checked_shape
from xbarsim.nonideal.faults import Fault, FaultMap
from xbarsim.nonideal.model import Nonidealities

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Maps(Locked):
    """One tile; all arrays are read-only.

    Attributes
    ----------
    faults : (rows, cols) of int8
        ``Fault`` of each cell.
    factor : (rows, cols)
        What device-to-device variation multiplies each cell's conductance with.
    nu : (rows, cols)
        Each cell's drift exponent.
    word_breaks, bit_breaks : (rows, cols - 1) and (rows - 1, cols) of bool
        Broken wire segments.
    word_shorts, bit_shorts : (rows - 1, cols) and (rows, cols - 1) of bool
        Where neighbouring word lines touch, and neighbouring bit lines.

    Raises
    ------
    InputError
        An array has another shape, or a cell holds no ``Fault``.
    """

    faults: FaultMap
    factor: Array
    nu: Array
    word_breaks: Mask
    bit_breaks: Mask
    word_shorts: Mask
    bit_shorts: Mask

    def __post_init__(self) -> None:
        rows, cols = self.faults.shape
        for name, (kind, shape) in layout((rows, cols)).items():
            values: NDArray[Any] = np.asarray(getattr(self, name), dtype=kind)
            # One number for all cells, as where an effect is off, takes no memory.
            array: NDArray[Any] = values if values.size and not any(values.strides) else np.array(values)
            if array.shape != shape:
                raise InputError(f"{name} has shape {array.shape}: it must be {shape}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)``."""
        rows, cols = self.faults.shape
        return rows, cols

    @property
    def shorted(self) -> bool:
        """Whether any neighbouring lines touch."""
        return bool(self.word_shorts.any() or self.bit_shorts.any())

    @property
    def broken(self) -> bool:
        """Whether any wire segment is."""
        return bool(self.word_breaks.any() or self.bit_breaks.any())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Maps):
            return NotImplemented
        return all(np.array_equal(getattr(self, item.name), getattr(other, item.name)) for item in fields(self))

    __hash__ = None  # type: ignore[assignment]


def layout(shape: tuple[int, int]) -> dict[str, tuple[type, tuple[int, int]]]:
    """Return the type and the shape of each of a tile's arrays.

    Parameters
    ----------
    shape : (rows, cols)
        Of the tile; what lies between lines has one row or column less.
    """
    rows, cols = shape
    word, bit = (rows, cols - 1), (rows - 1, cols)
    return {
        "faults": (np.int8, shape), "factor": (np.float64, shape), "nu": (np.float64, shape),
        "word_breaks": (np.bool_, word), "bit_breaks": (np.bool_, bit),
        "word_shorts": (np.bool_, bit), "bit_shorts": (np.bool_, word),
    }  # fmt: skip


@lru_cache(maxsize=256)
def unmarked_maps(shape: tuple[int, int]) -> Maps:
    """Return the maps of all tiles of a shape in which nothing is frozen."""
    return Maps(**_without_effects(shape))


def _without_effects(shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    return {
        name: np.broadcast_to(np.array(name == "factor", dtype=kind), size)
        for name, (kind, size) in layout(shape).items()
    }


def make_maps(model: Nonidealities, shape: tuple[int, int], seed: int, tile: int = 0) -> Maps:
    """Return what is frozen in a tile: a function of its arguments alone.

    Parameters
    ----------
    model : Nonidealities
        The effects; one that is off leaves its map without any.
    shape : (rows, cols)
        Of the tile.
    seed, tile : int
        The chip, and which of its arrays.

    Raises
    ------
    InputError
        The shape, the seed or the tile is no such thing, or variation is shared by cells of several tiles.
    """
    shape = checked_shape(shape)
    if model.variation and model.variation.shared == "pair":
        raise InputError(
            "Variation.shared is 'pair', and a chip does not know which cells are one weight: program a layer, or give "
            "maps"
        )
    maps = _without_effects(shape)
    if model.faults:
        maps["faults"] = model.faults.map(shape, seed, tile)
    if model.variation:
        maps["factor"] = model.variation.factor(shape, seed, tile)
    if model.drift:
        maps["nu"] = model.drift.exponents(shape, seed, tile)
    if model.breaks:
        maps["word_breaks"], maps["bit_breaks"] = model.breaks.segments(shape, seed, tile)
    if model.shorts:
        maps["word_shorts"], maps["bit_shorts"] = model.shorts.places(shape, seed, tile)
    return Maps(**maps)


def checked_faults(name: str, value: ArrayLike, shape: tuple[int, int] | None = None) -> FaultMap:
    """Return a fault map as int8.

    Parameters
    ----------
    name : str
        What messages call it.
    value : array_like, (rows, cols)
        Numbers of ``Fault``.
    shape : (rows, cols), optional
        What it must be.

    Raises
    ------
    InputError
        The shape is another, or a cell holds no ``Fault``; the message names its row and column.
    """
    array = np.asarray(value)
    if array.ndim != 2 or array.size == 0 or (shape is not None and array.shape != tuple(shape)):
        shapes = "(rows, cols), at least 1 x 1" if shape is None else f"{tuple(shape)}"
        raise InputError(f"{name} has shape {array.shape}: it must be {shapes}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {array.dtype}: it must be numbers, 0 healthy, 1 stuck at LRS, 2 stuck at HRS")
    bad = ~np.isin(array, list(Fault))
    if bad.any():
        i, j = (int(k) for k in np.unravel_index(int(np.argmax(bad)), array.shape))
        raise InputError(
            f"{name} is {array[i, j]} in row {i}, column {j}: it must be 0 healthy, 1 stuck at LRS or 2 stuck at HRS"
        )
    return array.astype(np.int8)
