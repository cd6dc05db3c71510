"""What a solve returns: currents and voltages, with the evidence that they obey Kirchhoff's laws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.errors import InputError
from xbarsim.plot.panels import cell_map, line_currents
from xbarsim.plot.schematic import schematic
from xbarsim.quantities import engineering
from xbarsim.views.array_svg import array_svg, card
from xbarsim.views.labelled import LabelledArray, dataset, long_frame, wide_frame
from xbarsim.views.solution_views import FIELDS, cell_arrays, end_arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
    from xarray import Dataset

Rows = Literal["currents", "cells"]


@dataclass(frozen=True, repr=False)
class Solution:
    """The state of a crossbar for one vector of input voltages, or for a batch of them.

    Attributes
    ----------
    crossbar : Crossbar
        The circuit.
    end_currents : dict of side to (lines,) or (batch, lines)
        Amperes at every line end, positive out of the array. Two sources joined by 0 ohm share their current equally.
    power : float or (batch,)
        Watts that the sources deliver, all of it dissipated in cells, wires and ends.
    residual : float
        Bound of the error of any end current, relative to the largest of its vector's; the worst over the batch.
        It is what the voltages leave of Kirchhoff's laws: current missing at nodes, which leaves by the ends, and
        what the gaps ``dv - r i`` of wires and ends would drive around. Below about 1e-15 the rounding of the
        currents themselves is larger. An effective map has no voltages: a batch that one answered has the residual of
        the full solve that verified it, of a random vector.
    iterations : int or (batch,) of int
        Conjugate-gradient steps, or Newton's with nonlinear cells; 0 for direct methods. They count, too, where a
        reduction replaced what they led to.
    method : str
        ``schur``, ``kron``, ``newton`` or ``reference``: what gave the numbers. Small arrays on which conjugate
        gradients lose digits get a reduction's: ``kron``, or ``schur, kron`` for a batch with vectors of both.
    floating : list of str
        Nodes ``w[i, j]`` and ``b[i, j]`` without a path to any source. Their voltages are NaN, their currents 0.
    map_difference : float or None
        Where an effective map answered a batch: its largest difference from the full solve that verified it, relative
        to the largest current. Added to ``residual`` it bounds the end currents' errors. None where no map was used.
    """

    crossbar: Crossbar
    end_currents: dict[Side, Array]
    power: float | Array
    residual: float
    iterations: int | NDArray[np.int64]
    method: str
    floating: list[str]
    map_difference: float | None = None
    _word: Array | None = field(default=None)
    _bit: Array | None = field(default=None)
    _across: Array | None = field(default=None)
    _cells: Array | None = field(default=None)
    _sources: dict[Side, Array] | None = field(default=None)

    @property
    def source_voltages(self) -> dict[Side, Array]:
        """Volts of the sources at every line end, ``(lines,)`` or ``(batch, lines)``; raises as ``word_voltages``."""
        if self._sources is None:
            self._field(None)
        assert self._sources is not None
        return self._sources

    @property
    def currents(self) -> Array:
        """Output currents in amperes, ``(cols,)`` or ``(batch, cols)``: those at ``bit_bottom``.

        Of bit lines that are held at both ends they are one part, ``end_currents["bit_top"]`` the other.
        """
        return self.end_currents["bit_bottom"]

    @property
    def word_voltages(self) -> Array:
        """Volts at word-line nodes ``w[i, j]``, ``(..., rows, cols)``.

        Raises
        ------
        InputError
            A batch was solved without ``fields=True``.
        """
        return self._field(self._word)

    @property
    def bit_voltages(self) -> Array:
        """Volts at bit-line nodes ``b[i, j]``, ``(..., rows, cols)``; raises as ``word_voltages``."""
        return self._field(self._bit)

    @property
    def device_voltages(self) -> Array:
        """Volts across the cells from word to bit line, ``(..., rows, cols)``; raises as ``word_voltages``.

        They keep their digits where node voltages are too near each other to tell: behind line ends of many megohms.
        """
        return self.word_voltages - self.bit_voltages if self._across is None else self._across

    @property
    def device_currents(self) -> Array:
        """Amperes through the cells from word to bit line, ``(..., rows, cols)``; raises as ``word_voltages``."""
        crossbar = self.crossbar
        currents: Array
        if self._cells is not None:
            currents = self._cells.copy()
        elif crossbar.device.linear:
            currents = crossbar.conductance * self.device_voltages
        else:
            currents = crossbar.device.current(crossbar.conductance, self.word_voltages, self.bit_voltages)
        return np.nan_to_num(currents, copy=False, nan=0.0) if self.floating else currents

    def to_pandas(self, rows: Rows = "currents") -> DataFrame:
        """Return currents or cells as a pandas DataFrame; units are in its ``attrs["units"]``.

        Parameters
        ----------
        rows : {"currents", "cells"}
            ``currents``: a row for each vector and a column for each bit line, in amperes. ``cells``: a row for each
            cell of each vector, its index ``(batch,) word, bit``, with its conductance in siemens, both nodes' volts,
            the cell's volts and its amperes.

        Raises
        ------
        InputError
            pandas is not installed, ``rows`` is neither, or cells are asked for of a batch without ``fields=True``.
        """
        if rows not in get_args(Rows):
            raise InputError(f"rows is {rows!r}: it must be one of {', '.join(get_args(Rows))}")
        if rows == "currents":
            return wide_frame(LabelledArray(("batch", "bit"), np.atleast_2d(self.currents), "A", "output current"))
        self._field(self._word)
        dims = ("word", "bit") if self.currents.ndim == 1 else ("batch", "word", "bit")
        return long_frame(cell_arrays(self.crossbar.conductance, self._fields()), dims)

    def to_xarray(self) -> Dataset:
        """Return all there is as an xarray Dataset over ``batch``, ``word`` and ``bit``.

        Variables: ``currents`` and those of all four sides, ``power``, ``conductance``, and with fields
        ``word_voltages``, ``bit_voltages``, ``device_voltages`` and ``device_currents``; each has ``units`` and
        ``long_name``. A single vector has no ``batch``.

        Raises
        ------
        InputError
            xarray is not installed.
        """
        batch = ("batch",) * (self.currents.ndim - 1)
        arrays = {
            "currents": LabelledArray((*batch, "bit"), self.currents, "A", "output current"),
            **end_arrays(self.end_currents),
            "power": LabelledArray(batch, np.asarray(self.power), "W", "power that the sources deliver"),
            **cell_arrays(self.crossbar.conductance, {} if self._word is None else self._fields()),
        }
        return dataset(arrays, {"method": self.method, "residual": self.residual})

    def plot(self, quantity: str = "currents", ax: Axes | None = None, *, vector: int = 0) -> Axes:
        """Draw output currents as bars, a quantity of the cells as a map, or all as a circuit (matplotlib).

        Parameters
        ----------
        quantity : str
            ``currents``, or with fields ``word_voltages``, ``bit_voltages``, ``device_voltages``, ``device_currents``,
            and ``schematic``: :func:`xbarsim.plot.schematic` of 8 x 8 cells at most.
        ax : Axes, optional
            Where to; pyplot's current axis.
        vector : int
            Which of a batch.

        Returns
        -------
        Axes
            What was drawn into.

        Raises
        ------
        InputError
            matplotlib is not installed, there is no such quantity or vector, a batch has no fields, or the array is too
            large for a schematic.
        """
        drawn = ("currents", *FIELDS, "schematic")
        if quantity not in drawn:
            raise InputError(f"quantity is {quantity!r}: it must be one of {', '.join(drawn)}")
        if quantity == "schematic":
            return schematic(self, ax, vector=vector)
        count = 1 if self.currents.ndim == 1 else len(self.currents)
        if not -count <= vector < count:
            raise InputError(f"vector is {vector}: the solution has {count}, numbered from 0")
        values = getattr(self, quantity)
        if self.currents.ndim == 2:
            values = values[vector]
        if quantity == "currents":
            return line_currents(values, ax=ax)
        title = quantity.replace("_", " ").capitalize()
        return cell_map(values, ax, unit="A" if quantity.endswith("currents") else "V", title=title)

    def _fields(self) -> dict[str, Array]:
        return {name: getattr(self, name) for name in FIELDS}

    def _field(self, value: Array | None) -> Array:
        if value is None:
            raise InputError(
                "a batch keeps end currents only: solve(..., fields=True) keeps node voltages and device currents"
            )
        return value

    def _repr_html_(self) -> str:
        amperes = self.currents
        low, high = (engineering(float(amount), "A") for amount in (amperes.min(), amperes.max()))
        power = float(np.max(self.power))
        facts = [
            ("currents", f"{low} to {high}"),
            ("power", engineering(power, "W") + (" at most" if amperes.ndim == 2 else "")),
            ("method", self.method),
            ("residual", f"{self.residual:.1e}"),
            ("floating nodes", str(len(self.floating))),
        ]
        picture = ""
        if amperes.ndim == 1 and self._word is not None:
            picture = array_svg(np.abs(self.device_currents), "log", "currents of the cells")
        title = "Solution, " + (f"{len(amperes)} vectors" if amperes.ndim == 2 else "one vector")
        return card(f"{title}, {self.crossbar.shape[0]} x {self.crossbar.shape[1]}", facts, picture)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.currents.shape))
        worst: Any = self.iterations if isinstance(self.iterations, int) else self.iterations.max(initial=0)
        mapped = "" if self.map_difference is None else f"map_difference={self.map_difference:.1e}, "
        return (
            f"Solution({shape} currents, method={self.method!r}, residual={self.residual:.1e}, {mapped}"
            f"iterations={worst}, floating={len(self.floating)})"
        )
