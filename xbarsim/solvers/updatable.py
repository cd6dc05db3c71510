"""A crossbar of which some cells change now and then: what it does follows without a new reduction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.errors import InputError
from xbarsim.kernels import ports, updates
from xbarsim.resources import thread_count
from xbarsim.solution import Solution
from xbarsim.solvers.answer import BatchAnswer
from xbarsim.solvers.cell_ways import CellWays, Index, Response
from xbarsim.solvers.effective import (
    admittance,
    check_joined,
    check_mappable,
    effective_conductance,
    linear_segments,
)
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import checked_voltages, handed_out, solve

TOLERANCE = 1e-10
"""Largest error that is let pass, relative to the largest current."""

LEAST_CHANGES = 16
"""So many changed cells are never too many; beyond, as many as the shorter lines are long."""

_SPACE = 4
"""Ways are kept of so many times the most cells that may have changed."""

_FEW_AMPERES = 1e-290
"""Currents below may have lost digits on their way."""


class Updatable:
    """A crossbar that is written to: its map, admittance and currents are those of the cells as they are.

    What a few changed cells make of the whole follows from one reduction of the circuit as it was, as a small linear
    system (Woodbury's identity): a cell costs a way through the reduction when it is first written, next to nothing
    when it is written again. A change that no cell has any more, or has undone, costs nothing.

    Everything returned is exact to ``1e-10`` of the largest current, which is checked: the way of each cell is held
    against a full solve of random voltages and currents by conjugate gradients, and the errors that ways and the small
    system may have are carried to the ends. Where they do not suffice the circuit is reduced anew: many changed cells
    (more than 16, and than the shorter lines have), cells that came or went off the circuit (islands, the
    last cell of a line that opens), or a circuit whose small currents are left over from large ones.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; its cells must be linear.
    threads : int, optional
        Threads to reduce with; results do not depend on it.

    Raises
    ------
    InputError
        ``crossbar`` is none, or its cells are not linear.

    Examples
    --------
    >>> array = Updatable(Crossbar([[1e-3, 2e-4], [5e-4, 1e-3]], word_wire=1.0, bit_wire=1.0))
    >>> array.update(0, 1, 3e-4)
    >>> array.effective_conductance().shape
    (2, 2)
    """

    def __init__(self, crossbar: Crossbar, *, threads: int | None = None) -> None:
        self._threads = thread_count(threads)
        self._base = linear_segments(crossbar)
        self._crossbar: Crossbar | None = crossbar
        self._circuit = crossbar
        self._cells = crossbar.conductance.copy()
        self._reduced = self._cells.copy()
        self._ways: CellWays | None = None
        self._touched: dict[int, None] = {}
        self._response: Response | None = None
        self._refreshed = 0
        self._mappable: set[bool] = set()
        self._most = max(LEAST_CHANGES, min(self._cells.shape))

    @property
    def crossbar(self) -> Crossbar:
        """The circuit as it is."""
        if self._crossbar is None:
            self._crossbar = self._circuit.with_cells(self._cells)
        return self._crossbar

    @property
    def changed(self) -> list[tuple[int, int]]:
        """The cells that are not as they were when the circuit was last reduced, in the order they were written."""
        cols = self._cells.shape[1]
        return [divmod(int(cell), cols) for cell in self._changes()[0]]

    @property
    def refreshed(self) -> int:
        """How often the circuit was reduced, the first time included; 0 before anything was asked for."""
        return self._refreshed

    def update(
        self, rows: ArrayLike | Mapping[tuple[int, int], float], cols: ArrayLike | None = None,
        conductance: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        """Give some cells another conductance.

        Parameters
        ----------
        rows, cols : int or (count,) of int
            The cells; or ``rows`` alone is a mapping of (row, column) to siemens.
        conductance : float or (count,)
            Siemens, >= 0; 0 is an open cell.

        Raises
        ------
        InputError
            A cell is outside or comes twice, a conductance is negative or no number, or counts differ; nothing is
            changed then.
        """
        cells, siemens = self._checked(rows, cols, conductance)
        self._cells.ravel()[cells] = siemens
        self._touched |= dict.fromkeys(cells.tolist())
        self._crossbar = self._response = None

    def _checked(
        self, rows: ArrayLike | Mapping[tuple[int, int], float], cols: ArrayLike | None, conductance: ArrayLike | None
    ) -> tuple[Index, Array]:
        """Return numbers of cells and their siemens, (count,) each, or raise InputError."""
        if isinstance(rows, Mapping):
            if cols is not None or conductance is not None:
                raise InputError("cells are a mapping of (row, column) to siemens: cols and conductance go into it")
            places = list(rows)
            if any(not isinstance(place, tuple) or len(place) != 2 for place in places):
                raise InputError("cells must be a mapping of (row, column) to siemens")
            siemens = checked_array("conductance", list(rows.values()))
            cells = self.numbers([place[0] for place in places], [place[1] for place in places])
        else:
            if cols is None or conductance is None:
                raise InputError("cells are rows, cols and conductance, or a mapping of (row, column) to siemens")
            siemens = checked_array("conductance", conductance)
            cells = self.numbers(rows, cols)
        if siemens.ndim > 1 or siemens.shape not in ((), cells.shape):
            raise InputError(f"conductance has shape {siemens.shape}: it must be a scalar or ({cells.size},), as rows")
        return cells, np.broadcast_to(siemens, cells.shape)

    def numbers(self, rows: ArrayLike, cols: ArrayLike) -> Index:
        """Return the numbers of cells, row by row, (count,).

        Parameters
        ----------
        rows, cols : int or (count,) array_like of int
            Where the cells are, a row and a column index for each, from 0 on.

        Raises
        ------
        InputError
            ``rows`` and ``cols`` are not as ``update`` takes them.
        """
        i, j = np.atleast_1d(np.asarray(rows)), np.atleast_1d(np.asarray(cols))
        if i.size == 0 and j.size == 0:
            return np.empty(0, np.int64)
        shape = self._cells.shape
        places = []
        for name, index, count in (("rows", i, shape[0]), ("cols", j, shape[1])):
            if index.dtype.kind not in "iu" or index.ndim != 1:
                raise InputError(f"{name} must be an integer or a list of them, not {index.dtype} {index.shape}")
            places.append(index.astype(np.int64))
            outside = places[-1].view(np.uint64) >= count  # so negative ones are very large
            if outside.any():
                k = int(outside.argmax())
                raise InputError(f"{name}[{k}] is {index[k]}: the crossbar is {shape[0]} x {shape[1]}, from 0 on")
        if i.shape != j.shape:
            raise InputError(f"rows are {i.size} and cols {j.size}: give one of each for every cell")
        cells: Index = places[0] * shape[1] + places[1]
        if len(set(cells.tolist())) < cells.size:
            twice = next(cell for k, cell in enumerate(cells.tolist()) if cell in cells[:k])
            raise InputError(f"cell [{twice // shape[1]}, {twice % shape[1]}] comes twice: give it one conductance")
        return cells

    @overload
    def effective_conductance(self, *, offset: Literal[False] = False) -> Array: ...
    @overload
    def effective_conductance(self, *, offset: Literal[True]) -> tuple[Array, Array]: ...
    def effective_conductance(self, *, offset: bool = False) -> Array | tuple[Array, Array]:
        """Return the matrix that the crossbar multiplies by, as :func:`xbarsim.effective_conductance`.

        Parameters
        ----------
        offset : bool
            Also return ``i0``, the output currents at zero input voltages.

        Raises
        ------
        InputError, SolveError, ConvergenceError, TooLargeError
            As :func:`xbarsim.effective_conductance`.
        """
        if offset not in self._mappable:
            check_mappable(self._base, offset)
            self._mappable.add(offset)
        g_eff = self._between("word_left", "bit_bottom")
        joined = self._base.joined["bit"]
        if joined.any():  # both ends of such a line carry half of what arrives
            g_eff *= np.where(joined, 0.5, 1.0)
        if not offset:
            return g_eff
        if not any(volts.any() for volts in self._base.volts.values()):
            return g_eff, np.zeros(self._cells.shape[1])
        return g_eff, self.solve(np.zeros(self._cells.shape[0])).currents

    def port_admittance(self) -> Array:
        """Return the admittance matrix seen by all sources, as :func:`xbarsim.port_admittance`.

        Raises
        ------
        SolveError, ConvergenceError, TooLargeError
            As :func:`xbarsim.port_admittance`.
        """
        check_joined(self._base, ("word", "bit"))
        ways, response = self._present()
        couplings = np.empty_like(ways.terminals.network.couplings)
        after = self._lowered(response, ways.terminals.network.couplings, slice(None), slice(None))
        if after is None:
            ways = self._refresh()
            after = ways.terminals.network.couplings
        ports.symmetric(after, couplings)
        return admittance(self._circuit, ways.terminals, couplings)

    def effects(self, rows: ArrayLike, cols: ArrayLike, conductance: ArrayLike) -> Array:
        """Find how far each of many changes, alone, would move the effective conductance; no cell is changed.

        A sweep of faults: which cells an array can least do without, stuck, open or shorted.

        Parameters
        ----------
        rows, cols, conductance
            As of ``update``.

        Returns
        -------
        (count,)
            ``|G' - G| / |G|`` with the root of the sum of squares over all entries: for independent inputs of equal
            variance, the root mean square of all output currents' changes, as a share of theirs. NaN where G is 0.

        Raises
        ------
        InputError, SolveError, ConvergenceError, TooLargeError
            As ``update`` and ``effective_conductance``.
        """
        cells, siemens = self._checked(rows, cols, conductance)
        before = self.effective_conductance(offset=True)[0]
        ways, response = self._present()
        if response.ohms.size:
            ways = self._refresh()
        change = siemens - self._reduced.ravel()[cells]
        places, scale = ways.terminals.places, float(np.linalg.norm(before))
        halves = np.where(self._base.joined["bit"], 0.5, 1.0)
        moved = np.zeros(cells.size)
        for k, single in enumerate(ways.alone(cells, change)):
            if single is None:
                conductances = self._cells.copy()
                conductances.ravel()[cells[k]] = siemens[k]
                after, _ = effective_conductance(
                    self._circuit.with_cells(conductances), offset=True, threads=self._threads
                )
                moved[k] = np.linalg.norm(after - before)
            elif "word_left" in places and "bit_bottom" in places:
                # The change is D' P, of rank one.
                outputs = single.amperes[0, places["bit_bottom"]] * halves
                moved[k] = np.linalg.norm(single.drops[0, places["word_left"]]) * np.linalg.norm(outputs)
        with np.errstate(invalid="ignore", divide="ignore"):
            return moved / scale

    def solve(self, voltages: ArrayLike, *, fields: bool = False) -> Solution:
        """Solve for input voltages.

        Parameters
        ----------
        voltages : array_like, (rows,) or (batch, rows)
            Volts of the word_left sources.
        fields : bool
            Keep node voltages and device currents. They do not come from a reduction, but from
            :func:`xbarsim.solve` of the circuit as it is, in some iterations for each vector.

        Returns
        -------
        Solution
            Its ``residual`` is that of the solve which verified the reduction, its ``map_difference`` adds what the
            changes' errors may come to.

        Raises
        ------
        InputError, SolveError, ConvergenceError, TooLargeError
            As :func:`xbarsim.solve`.
        """
        volts = checked_voltages(voltages, self._cells.shape[0])
        answer = None if fields else self._mapped(np.ascontiguousarray(np.atleast_2d(volts)))
        if answer is None:
            return solve(self.crossbar, volts, fields=fields, threads=self._threads)
        return handed_out(self.crossbar, Segments.of(self.crossbar), answer, volts.ndim == 1)

    def _mapped(self, volts: Array) -> BatchAnswer | None:
        """Answer a batch of input voltages from the couplings; None where that may not be exact."""
        sources = self._base.sources(volts)
        self._base.check_conflicts(sources)
        ways, response = self._present()
        terminals = ways.terminals
        stacked = terminals.stack(sources)
        batch, count = volts.shape[0], response.ohms.size
        changed = np.empty((count, batch))
        updates.products(response.amperes, stacked, changed)
        before, amperes = terminals.currents(sources), {}
        errors = np.zeros(batch)
        stacked_before = terminals.stack(before)
        after = np.empty_like(stacked_before)
        updates.lower(stacked_before, changed, response.drops, after)
        for side in SIDES:
            amperes[side] = after[:, terminals.places[side]] if side in terminals.places else before[side]
        highest = np.abs(stacked).max(axis=1, initial=0.0)
        largest = np.abs(after).max(axis=1, initial=0.0)
        for vector in range(batch):
            if highest[vector] > 0.0:
                error = response.error(np.abs(changed[:, vector]), float(highest[vector]))
                if not (error <= TOLERANCE * largest[vector] and largest[vector] > _FEW_AMPERES):
                    return None
                errors[vector] = error / largest[vector]
        residual = np.full(batch, ways.verification.residual)
        return BatchAnswer.direct(
            "kron", sources, amperes, residual, map_difference=errors + ways.verification.difference
        )

    def _between(self, a: Side, b: Side) -> Array:
        """Return couplings from the lines of one side to those of another."""
        ways, response = self._present()
        places = ways.terminals.places
        if a in places and b in places:
            after = self._lowered(response, ways.between(a, b), places[a], places[b])
            if after is not None:
                return after
            ways = self._refresh()
        return ways.between(a, b).copy()

    @staticmethod
    def _lowered(response: Response, before: Array, first: slice, second: slice) -> Array | None:
        """Return couplings with the changes; None where their errors may be too large."""
        if response.ohms.size == 0:
            return before.copy()
        after = np.empty_like(before)
        drops, amperes = (
            np.ascontiguousarray(array[:, place])
            for array, place in ((response.drops, first), (response.amperes, second))
        )
        updates.lower(before, drops, amperes, after)
        if first == second:
            np.fill_diagonal(after, 0.0)
        # No coupling is negative; what rounding leaves of none may be.
        largest = updates.raise_to_zero(after)
        return after if response.error(response.most, 1.0) <= TOLERANCE * largest else None

    def _changes(self) -> tuple[Index, Array]:
        """Return which cells are not as they were reduced, and by how many siemens."""
        cells = np.fromiter(self._touched, np.int64, len(self._touched))
        change = self._cells.ravel()[cells] - self._reduced.ravel()[cells]
        differ = change != 0.0
        return cells[differ], change[differ]

    def _present(self) -> tuple[CellWays, Response]:
        """Return the reduction and what changes make of it; reduce anew by the rule."""
        if self._ways is None:
            return self._refresh(), self._unchanged()
        if self._response is None:
            cells, change = self._changes()
            self._response = self._ways.response(cells, change) if cells.size <= self._most else None
            if self._response is None:
                return self._refresh(), self._unchanged()
            self._touched = dict.fromkeys(cells.tolist())
        return self._ways, self._response

    def _unchanged(self) -> Response:
        assert self._ways is not None
        return Response.of_no_change(self._ways.terminals.network.couplings.shape[0])

    def _refresh(self) -> CellWays:
        """Reduce the circuit as it is."""
        self._ways = None  # its memory is free for the next
        self._base = Segments.of(self.crossbar)
        self._ways = CellWays(self._base, _SPACE * self._most, self._threads)
        self._reduced = self._cells.copy()
        self._touched, self._response = {}, self._unchanged()
        self._refreshed += 1
        return self._ways
