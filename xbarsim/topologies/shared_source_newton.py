"""Cells of any law of two terminals around shared source lines: Newton's method, each step a solve of the crossbar.

The laws are taken as :class:`ColumnNewton` takes them. A tangent is an ohmic cell of the law's slope with a current
beside it, which leaves the bit line and enters the source line: currents put into nodes of the crossbar that the array
is. In the end each cell is as good as an ohmic one: the array of those is what is handed out, held against the laws.
"""

from __future__ import annotations

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import LineEnds, Side
from xbarsim.devices import Device
from xbarsim.errors import ConvergenceError
from xbarsim.kernels import tangents
from xbarsim.kernels.law_table import Cells
from xbarsim.solution import Solution
from xbarsim.solvers.extrapolation import Beyond, farthest
from xbarsim.solvers.fed_circuit import FedCircuit
from xbarsim.solvers.solve import solve_points
from xbarsim.topologies.column_layout import ColumnLayout
from xbarsim.topologies.shared_source_array import SharedSourceArray, unwoven, woven
from xbarsim.topologies.source_line_array import COLUMN_SIDES, SourceLineArray
from xbarsim.topologies.source_line_newton import ColumnNewton

TOLERANCE = 1e-11
"""Of the residual that is handed out, what laws take beside the ohmic cells in it."""

_TIMES = 5
_GOAL = 1e-14


class SharedNewton(ColumnNewton):
    """Newton's method on an array's pairs of columns; ``layout`` has each pair's source line twice.

    Parameters
    ----------
    array : SharedSourceArray
        Of cells that are not linear.
    layout : ColumnLayout
        Its lines, one source line a column.
    """

    def __init__(self, array: SharedSourceArray, layout: ColumnLayout) -> None:
        super().__init__(layout, array.shape, symmetric=True)
        self.array = array

    @staticmethod
    def of(array: SharedSourceArray) -> SharedNewton:
        """Lay out an array.

        Parameters
        ----------
        array : SharedSourceArray
            Of cells that are not linear.
        """
        ends = {}
        for side, tied in array.boundary.items():
            twice = 2 if side.startswith("source") else 1
            ends[side] = LineEnds(np.repeat(tied.voltage, twice), np.repeat(tied.resistance, twice))
        columns = SourceLineArray(
            array.conductance, source_wire=np.repeat(array.source_wire, 2, axis=1), bit_wire=array.bit_wire, ends=ends
        )
        return SharedNewton(array, ColumnLayout.of(columns))

    def last_word(self, cells: Cells, sources: dict[Side, Array], threads: int | None) -> tuple[Solution, float]:
        """Return the solution of ohmic cells that take what the laws take, and the residual with what they do not.

        Parameters
        ----------
        cells : Cells
            The laws, with the gates in their siemens.
        sources : dict of side to (1, lines) array
            Volts of the crossbar's ends.
        threads : int, optional
            For the solves.

        Raises
        ------
        ConvergenceError
            The residual is above ``TOLERANCE``; otherwise as ``solve_points``.
        """
        chord, best, residual = np.empty_like(self.v), None, np.inf
        with np.errstate(all="ignore"):  # without a compiler, cells without a voltage divide by it
            tangents.chords(self.v, self.u, cells.siemens, self.i, self.a, chord)
        for _ in range(_TIMES):
            np.maximum(chord, 0.0, out=chord)  # what that changes is missed
            solution = solve_points(self.array.with_cells(chord), sources, fields=True, threads=threads)
            ends = max(float(np.abs(amperes).max()) for amperes in solution.end_currents.values())
            v, u = self._lines(np.nan_to_num(solution.word_voltages[0]))
            x, zero, (i, a, b) = v - u, np.zeros_like(v), np.empty((3, *v.shape))
            cells.precise(x, np.minimum(v, u), zero, i, a, b)
            missed = float(np.abs(i - chord * x).sum())
            bound = solution.residual + (missed / ends if ends > 0.0 else float(missed > 0.0))
            if not bound < residual:
                break
            best, residual = solution, bound
            if residual <= _GOAL:
                break
            with np.errstate(all="ignore"):
                tangents.chords(x, zero, cells.siemens, i, a, chord)
        if best is None or not residual <= TOLERANCE:
            raise ConvergenceError(
                f"the cells' laws and the array's currents differ by {residual:.1e} of the largest (tolerance "
                f"{TOLERANCE:g})",
                "look for resistances further than 1e16 apart",
            )
        return best, residual

    def beyond(self, device: Device, siemens: Array, solution: Solution, pattern: int) -> list[Beyond]:
        """Return the cell that is farthest beyond the range of its law, if one is.

        Parameters
        ----------
        device : Device
            Whose law's range counts.
        siemens : (rows, cols) array
            Of the cells.
        solution : Solution
            As ``last_word`` returns it.
        pattern : int
            Which of a batch it is, for messages.
        """
        v, u = self._lines(np.nan_to_num(solution.word_voltages[0]))
        far = None if device.span is None else farthest(device, siemens, v - u, pattern)
        return [] if far is None else [far]

    def _solve_tangents(self, volts: Array) -> None:
        rows, cols = self.v.shape
        leaving = np.zeros((3 * cols // 2, 2 * rows))
        left, right = self.j[:, 0::2].T, self.j[:, 1::2].T
        leaving[0::3, 0::2], leaving[2::3, 1::2] = left, right
        leaving[1::3, 0::2], leaving[1::3, 1::2] = -left, -right
        levels = dict(zip(COLUMN_SIDES, volts, strict=True))
        ends: dict[Side, Array] = {
            "word_left": woven(levels["source_top"][::2], levels["bit_top"]),
            "word_right": woven(levels["source_bottom"][::2], levels["bit_bottom"]),
        }
        circuit = FedCircuit(self.array.with_cells(self.a))
        answer = circuit.solve(ends, leaving, np.zeros_like(leaving), [], "a step of Newton's method")
        self.v[:], self.u[:] = self._lines(answer.v)

    @staticmethod
    def _lines(word: Array) -> tuple[Array, Array]:
        """Return bit- and source-line voltages (rows, cols) of the crossbar's word lines (3 cols / 2, 2 rows)."""
        source, bit = unwoven(word[:, 0::2])
        return np.ascontiguousarray(bit.T), np.repeat(source.T, 2, axis=1)
