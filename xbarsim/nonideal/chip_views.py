"""A chip's frozen maps as tables and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xbarsim.errors import InputError
from xbarsim.nonideal.chip_card import chip_card
from xbarsim.nonideal.map_labels import cell_labels
from xbarsim.nonideal.maps import Maps
from xbarsim.nonideal.model import Nonidealities
from xbarsim.plot.panels import axes_or_current, cell_map
from xbarsim.views.labelled import dataset, long_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
    from xarray import Dataset


class ChipViews:
    """What a chip shows of its maps.

    Attributes
    ----------
    model, seed, shapes
        As of ``Chip``.
    """

    model: Nonidealities
    seed: int
    shapes: tuple[tuple[int, int], ...]

    def maps(self, tile: int = 0) -> Maps:
        """Return what is frozen in a tile.

        Parameters
        ----------
        tile : int
            Its number, from 0 on.

        Raises
        ------
        InputError
            There is no such tile.
        """
        raise NotImplementedError

    def to_pandas(self, tile: int = 0) -> DataFrame:
        """Return a tile's maps as a pandas DataFrame, a row for each cell, its index ``word, bit``.

        Columns: ``fault`` (a number of ``Fault``), ``factor`` and ``nu`` of variation and drift, and whether the
        segment to the next cell of its word line and of its bit line is broken, and whether its word line touches the
        next and its bit line the next: False at the last.

        Parameters
        ----------
        tile : int
            Which array.

        Raises
        ------
        InputError
            pandas is not installed, or there is no such tile.
        """
        return long_frame(cell_labels(self.maps(tile)), ("word", "bit"))

    def to_xarray(self, tile: int = 0) -> Dataset:
        """Return a tile's maps as an xarray Dataset over ``word`` and ``bit``, with seed and tile in its ``attrs``.

        Variables are the columns of ``to_pandas``.

        Parameters
        ----------
        tile : int
            Which array.

        Raises
        ------
        InputError
            xarray is not installed, or there is no such tile.
        """
        # No attribute of netCDF holds all of 64 bits without a sign.
        return dataset(cell_labels(self.maps(tile)), {"seed": str(self.seed), "tile": int(tile)})

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

        Parameters
        ----------
        path : str or Path
            Where to; its ending is the kind of picture.
        tile : int
            Which array.

        Raises
        ------
        InputError
            matplotlib is missing, the path cannot be written, or its ending is no picture's.
        """
        from xbarsim.nonideal.chip_picture import draw

        number = f", tile {tile} of {len(self.shapes)}" if len(self.shapes) > 1 else ""
        draw(self.maps(tile), f"chip {self.seed}{number}", path)

    def _repr_html_(self) -> str:
        return chip_card(self.model, self.seed, self.shapes, self.maps(0))
