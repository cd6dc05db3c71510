"""A chip: a seed, and all that it freezes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.nonideal import archive
from xbarsim.nonideal.array_files import read_arrays, write_arrays
from xbarsim.nonideal.bridges import Bridged, bridge
from xbarsim.nonideal.chip_card import chip_card
from xbarsim.nonideal.effect_settings import checked_shapes
from xbarsim.nonideal.faults import Fault
from xbarsim.nonideal.map_labels import cell_labels
from xbarsim.nonideal.maps import Maps, checked_faults, make_maps, unmarked_maps
from xbarsim.nonideal.model import Nonidealities
from xbarsim.nonideal.streams import whole
from xbarsim.nonideal.tile_stacks import TileStack
from xbarsim.nonideal.writing import Programmed, program
from xbarsim.plot.panels import axes_or_current, cell_map
from xbarsim.views.labelled import dataset, long_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
    from xarray import Dataset

Shape = tuple[int, int]

MOST_DRAWN = 1 << 24
"""Cells whose maps a chip keeps once they are made from its seed, about 300 MB with variation and drift."""


@dataclass(frozen=True, eq=False, repr=False)
class Chip:
    """One chip of a kind: its arrays' frozen maps, each a function of model, seed, shape and number.

    Tiles are made when they are asked for; neither their order nor threads change them. Of a chip of very many cells
    those that were made first are forgotten, and made again. A saved chip keeps its maps, also measured ones, whatever
    later versions draw from the same seed.

    Parameters
    ----------
    model : Nonidealities
        The kind.
    seed : int
        The chip, ``0 <= seed < 2^64``.
    shapes : (rows, cols) or sequence of them
        Of its arrays, numbered from 0.
    maps : mapping of int to Maps, optional
        Tiles that are known, and are not to be made from the seed.

    Raises
    ------
    InputError
        An argument is no such thing, or maps have another shape than their tile.
    """

    model: Nonidealities
    seed: int
    shapes: tuple[Shape, ...]
    _maps: dict[int, Maps] = field(default_factory=dict)
    _drawn: dict[int, Maps] = field(default_factory=dict)

    def __init__(
        self,
        model: Nonidealities,
        seed: int,
        shapes: Shape | Sequence[Shape],
        maps: Mapping[int, Maps] | None = None,
    ) -> None:
        if not isinstance(model, Nonidealities):
            raise InputError(f"model is {model!r}: it must be Nonidealities(...)")
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "seed", whole("seed", seed, 0, 1 << 64))
        object.__setattr__(self, "shapes", checked_shapes(shapes))
        object.__setattr__(self, "_maps", {self._tile(tile): frozen for tile, frozen in (maps or {}).items()})
        object.__setattr__(self, "_drawn", {})
        for tile, frozen in self._maps.items():
            if frozen.shape != self.shapes[tile]:
                raise InputError(f"maps of tile {tile} have shape {frozen.shape}: the tile is {self.shapes[tile]}")

    def maps(self, tile: int = 0) -> Maps:
        """Return what is frozen in a tile."""
        tile = self._tile(tile)
        if tile in self._maps:
            return self._maps[tile]
        if not self.model.freezes:
            return unmarked_maps(self.shapes[tile])
        drawn = self._drawn.get(tile)
        if drawn is None:
            drawn = make_maps(self.model, self.shapes[tile], self.seed, tile)
            rows, cols = drawn.shape
            while len(self._drawn) >= max(1, MOST_DRAWN // (rows * cols)):
                self._drawn.pop(next(iter(self._drawn), tile), None)
            self._drawn[tile] = drawn
        return drawn

    def of_kind(self, model: Nonidealities) -> Chip:
        """Return the same seed's chip of another kind, with the same measured maps."""
        return Chip(model, self.seed, self.shapes, self._maps)

    def with_faults(self, faults: ArrayLike, tile: int = 0) -> Chip:
        """Return the same chip with another fault map in a tile, ``faults`` (rows, cols), as one that was measured.

        Raises
        ------
        InputError
            Its shape is not the tile's, or a cell holds no ``Fault``.
        """
        tile = self._tile(tile)
        frozen = replace(self.maps(tile), faults=checked_faults("faults", faults, self.shapes[tile]))
        return Chip(self.model, self.seed, self.shapes, {**self._maps, tile: frozen})

    def apply(
        self,
        target: ArrayLike,
        tile: int = 0,
        *,
        write: int = 0,
        start: Programmed | None = None,
        cells: ArrayLike | None = None,
        circuit: Crossbar | None = None,
    ) -> Programmed:
        """Program a tile.

        Parameters
        ----------
        target : array_like, (rows, cols)
            Siemens, between 1 / r_off and 1 / r_on.
        tile : int
            Which array.
        write : int
            Which programming this is: noise of writing differs from one to the next, and is the same for the same one.
        start : Programmed, optional
            The tile before; None: all cells in HRS.
        cells : array_like of bool, (rows, cols), optional
            Which cells to write, with ``start``; None: all.
        circuit : Crossbar, optional
            The tile's wires and ends, which pulses of ``programming`` go through; None: ideal ones.

        Returns
        -------
        Programmed
            Conductances, pulses, what is stuck or was not reached.

        Raises
        ------
        InputError
            A target is out of range, or an argument does not fit the tile.
        """
        return program(self.model, self.maps(tile), self.seed, self._tile(tile), target, write, start, cells, circuit)

    def read(self, programmed: Programmed, *, read: int = 0, time: float | None = None) -> Array:
        """Return the conductances that one read sees, (rows, cols) in siemens.

        Parameters
        ----------
        programmed : Programmed
            What ``apply`` returned.
        read : int
            Which read this is: noise differs from one to the next, and is the same for the same one.
        time : float, optional
            Seconds since programming, at least t0 of ``Drift``; None: t0.

        Raises
        ------
        InputError
            ``time`` is before t0, or ``read`` is no whole number.
        """
        maps, model, g = self.maps(programmed.tile), self.model, programmed.conductance
        if model.drift and time is not None:
            g = model.stuck(model.drift.after(g, maps.nu, time), maps.faults)
        if model.read_noise:
            g = model.read_noise.at(g, model.g_on, self.seed, programmed.tile, read)
        return g

    def stack(self, tiles: Sequence[int]) -> TileStack:
        """Return tiles of one shape together, to be written blindly from HRS and read at once."""
        numbers = [self._tile(tile) for tile in tiles]
        return TileStack(self.model, self.seed, numbers, [self.maps(tile) for tile in numbers])

    def slope(self, programmed: Programmed, *, time: float | None = None) -> Array:
        """Return how what a read sees follows the cells' targets, (rows, cols): 0 where cells are stuck.

        Levels and pulses are passed straight through, as rounding has no slope.

        Parameters
        ----------
        programmed, time
            As for ``read``.
        """
        maps = self.maps(programmed.tile)
        factor = np.ones_like(programmed.conductance)
        if not self.model.looks:
            # A blind write scales its target; one of 0 siemens leaves no ratio to see that by, but has its own factor.
            factor = np.array(maps.factor)
            np.divide(programmed.conductance, programmed.target, out=factor, where=programmed.target > 0.0)
        if self.model.drift and time is not None:
            factor = self.model.drift.after(factor, maps.nu, time)
        return np.where(programmed.faults == Fault.HEALTHY, factor, 0.0)

    def crossbar(self, crossbar: Crossbar, tile: int = 0) -> Crossbar:
        """Return a crossbar with this tile's broken wire segments; its cells are left as they are.

        Raises
        ------
        InputError
            The shape is another, or neighbouring lines touch in this tile, which adds lines: see ``bridged``.
        """
        if self.maps(tile).shorted:
            raise InputError(f"tile {tile} has shorted neighbours, which need more lines: take Chip.bridged")
        return self._broken(crossbar, tile)

    def bridged(self, crossbar: Crossbar, tile: int = 0) -> Bridged:
        """Return a crossbar with this tile's broken wire segments and shorted neighbours, and where its lines are now.

        Raises
        ------
        InputError
            The shape is another, or there are shorts between nonlinear cells.
        """
        maps = self.maps(tile)
        ohms = self.model.shorts.ohms if self.model.shorts else 1.0
        return bridge(self._broken(crossbar, tile), maps.word_shorts, maps.bit_shorts, ohms)

    @property
    def made_for(self) -> str:
        """Fingerprint of model and shapes, which all chips of a kind share."""
        return archive.fingerprint(self.model, self.shapes)

    def save(self, path: str | Path) -> None:
        """Write the chip with all its maps, whole or not at all: ``.npz``, ``.h5``, ``.safetensors`` or ``.csv``.

        Parameters
        ----------
        path : str or Path
            Its ending is the kind of file.

        Raises
        ------
        InputError
            The path cannot be written, has another ending, or the kind's library (``files`` extra) is not installed.
        """
        write_arrays(path, self.packed())

    def packed(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the chip's file."""
        return archive.packed(self.model, self.seed, [self.maps(tile) for tile in range(len(self.shapes))])

    @classmethod
    def unpacked(
        cls,
        path: str | Path,
        arrays: Mapping[str, NDArray[Any]],
        model: Nonidealities | None = None,
        shapes: tuple[Shape, ...] | None = None,
    ) -> Chip:
        """Return the chip that ``packed`` made arrays of; ``path`` is what messages call them.

        Raises
        ------
        InputError
            As ``load``.
        """
        return cls(*archive.unpacked(path, arrays, model, shapes))

    @classmethod
    def load(
        cls, path: str | Path, *, model: Nonidealities | None = None, shapes: Shape | Sequence[Shape] | None = None
    ) -> Chip:
        """Read a chip that was saved, by the ending of its name.

        Parameters
        ----------
        path : str or Path
            The file.
        model, shapes : optional
            What it must have been made for.

        Raises
        ------
        InputError
            The file is missing, damaged, no chip, of a later version, or made for another model or other shapes.
        """
        arrays = read_arrays(path, "chip")
        chip = cls.unpacked(path, arrays, model, None if shapes is None else checked_shapes(shapes))
        archive.check_members(path, "chip is", json.loads(str(arrays["about"])), arrays)
        return chip

    def to_pandas(self, tile: int = 0) -> DataFrame:
        """Return a tile's maps as a pandas DataFrame, a row for each cell, its index ``word, bit``.

        Columns: ``fault`` (a number of ``Fault``), ``factor`` and ``nu`` of variation and drift, and whether the
        segment to the next cell of its word line and of its bit line is broken, and whether its word line touches the
        next and its bit line the next: False at the last.

        Raises
        ------
        InputError
            pandas is not installed, or there is no such tile.
        """
        return long_frame(cell_labels(self.maps(tile)), ("word", "bit"))

    def to_xarray(self, tile: int = 0) -> Dataset:
        """Return a tile's maps as an xarray Dataset over ``word`` and ``bit``, with seed and tile in its ``attrs``.

        Variables are the columns of ``to_pandas``.

        Raises
        ------
        InputError
            xarray is not installed, or there is no such tile.
        """
        # No attribute of netCDF holds all of 64 bits without a sign.
        return dataset(cell_labels(self.maps(tile)), {"seed": str(self.seed), "tile": self._tile(tile)})

    def plot(self, quantity: str = "fault", ax: Axes | None = None, *, tile: int = 0) -> Axes:
        """Draw one of a tile's maps into an axis (matplotlib, from the ``plot`` extra); return the axis.

        Parameters
        ----------
        quantity : {"fault", "factor", "nu"}
            Stuck cells, what variation multiplies conductances with, or exponents of drift.
        ax : Axes, optional
            Where to; pyplot's current axis.
        tile : int
            Which array.

        Raises
        ------
        InputError
            matplotlib is not installed, or there is no such quantity or tile.
        """
        if quantity not in ("fault", "factor", "nu"):
            raise InputError(f"quantity is {quantity!r}: it must be one of fault, factor, nu")
        maps = self.maps(tile)
        if quantity != "fault":
            title = "Conductance over target" if quantity == "factor" else "Drift exponent"
            return cell_map(getattr(maps, quantity), ax, title=title)
        from xbarsim.nonideal.chip_picture import draw_faults

        axes = axes_or_current(ax)
        draw_faults(axes, maps.faults)
        return axes

    def draw(self, path: str | Path, tile: int = 0) -> None:
        """Write a picture of a tile's maps (matplotlib, from the ``plot`` extra).

        Raises
        ------
        InputError
            matplotlib is missing, the path cannot be written, or its ending is no picture's.
        """
        from xbarsim.nonideal.chip_picture import draw

        number = f", tile {tile} of {len(self.shapes)}" if len(self.shapes) > 1 else ""
        draw(self.maps(tile), f"chip {self.seed}{number}", path)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chip):
            return NotImplemented
        kin = (self.model, self.seed, self.shapes) == (other.model, other.seed, other.shapes)
        return kin and all(self.maps(tile) == other.maps(tile) for tile in range(len(self.shapes)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{rows} x {cols}" for rows, cols in self.shapes[:3])
        more = f", and {len(self.shapes) - 3} more" if len(self.shapes) > 3 else ""
        return f"Chip(seed={self.seed}, {sizes}{more}, made for {self.made_for})"

    def _repr_html_(self) -> str:
        return chip_card(self.model, self.seed, self.shapes, self.maps(0))

    def _tile(self, tile: int) -> int:
        count = len(self.shapes)
        if isinstance(tile, bool) or not isinstance(tile, int | np.integer) or not 0 <= tile < count:
            raise InputError(f"tile is {tile!r}: the chip has {count}, numbered from 0")
        return int(tile)

    def _broken(self, crossbar: Crossbar, tile: int) -> Crossbar:
        maps = self.maps(tile)
        if crossbar.shape != maps.shape:
            raise InputError(f"crossbar is {crossbar.shape}: tile {tile} is {maps.shape}")
        if not maps.broken:
            return crossbar
        word = np.where(maps.word_breaks, np.inf, crossbar.word_wire)
        bit = np.where(maps.bit_breaks, np.inf, crossbar.bit_wire)
        return replace(crossbar, word_wire=word, bit_wire=bit)
