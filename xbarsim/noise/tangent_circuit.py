"""A crossbar's small-signal circuit at an operating point: the currents and slopes of its cells, and its ports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.solution import Solution
from xbarsim.solvers.effective import admittance, check_joined, ports, verify
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import solve_points
from xbarsim.solvers.terminals import Terminals

TOLERANCE = 1e-9
"""Of a form's value for a random vector, against that of a full solve."""

_SEED = 20


@dataclass(frozen=True, eq=False)
class TangentCircuit:
    """Small signals around an operating point: linear cells of the laws' slopes, the same wires and ends.

    Attributes
    ----------
    crossbar : Crossbar
        The linear circuit.
    volts, amperes : (rows, cols)
        Across and through the cells at the operating point; 0 in islands.
    chord : (rows, cols)
        amperes / volts, the slope where there is no voltage.
    threads : int
        Threads to use.
    """

    crossbar: Crossbar
    volts: Array
    amperes: Array
    chord: Array
    threads: int

    @staticmethod
    def of(solution: Solution, vector: int | None, threads: int) -> TangentCircuit:
        """Take one vector of a solution with fields.

        Raises
        ------
        InputError
            The cells are no two-terminal ones, or one has a negative slope.
        """
        crossbar = solution.crossbar
        volts, amperes = solution.device_voltages, solution.device_currents
        if vector is not None:
            volts, amperes = volts[vector], amperes[vector]
        volts, amperes = np.nan_to_num(volts), np.nan_to_num(amperes)
        if crossbar.device.linear:
            return TangentCircuit(crossbar, volts, amperes, crossbar.conductance, threads)
        slopes = _slopes(crossbar, volts)
        moving = np.abs(volts) > 0.0
        chord = np.where(moving, amperes / np.where(moving, volts, 1.0), slopes)
        return TangentCircuit(crossbar.with_cells(slopes, Linear()), volts, amperes, np.maximum(chord, 0.0), threads)

    def at(self, other: TangentCircuit) -> TangentCircuit:
        """Return this circuit, with what was made of it, at another's operating point; both have the same slopes."""
        moved = object.__new__(TangentCircuit)
        moved.__dict__.update(self.__dict__, volts=other.volts, amperes=other.amperes, chord=other.chord)
        return moved

    @cached_property
    def terminals(self) -> Terminals:
        """The circuit seen from its ends."""
        segments = Segments.of(self.crossbar)
        check_joined(segments, ("word", "bit"))
        terminals = Terminals.of(segments, keep=True, threads=self.threads)
        verify(terminals)
        return terminals

    @cached_property
    def outputs(self) -> Array:
        """Where the bit_bottom ends stand among ``ports(crossbar)``; -1 for open ones."""
        places = {port: k for k, port in enumerate(ports(self.crossbar))}
        return np.array([places.get(("bit_bottom", j), -1) for j in range(self.crossbar.shape[1])])

    def admittance(self) -> Array:
        """Return the admittance between outputs, (cols, cols) in siemens."""
        return self._among_outputs(admittance(self.crossbar, self.terminals, self.terminals.network.couplings))

    def powers(self, across: Array) -> Array:
        """Return covariances of the outputs, (cols, cols), of sources beside the cells with these powers (rows, cols).

        A current of 1 A beside a cell brings ``d_k`` amperes to output k, with d_k the voltage across the cell when
        that output's source holds 1 V and all others 0 V (reciprocity). So the covariance of outputs k and l is
        ``sum d_k d_l across``: the form of the cells' voltages, as one of the ports'.

        Raises
        ------
        ConvergenceError
            The form and a full solve of random voltages differ.
        """
        nothing = np.zeros_like(across)
        form = self.terminals.form(across, nothing, nothing)
        sources, squares = self._probe
        stacked = self.terminals.stack(sources)[0]
        wanted, size = float((squares * across).sum()), float((squares * np.abs(across)).sum())
        gap = abs(float(stacked @ form @ stacked) - wanted)
        if not gap <= TOLERANCE * size:
            raise ConvergenceError(
                f"noise carried to the ends differs from that of a full solve by {gap / size if size else gap:.1e}",
                "look for wires and cells very far apart",
            )
        order = [
            self.terminals.places[side].start + line
            for side, line in ports(self.crossbar)
            if side in self.terminals.places
        ]
        return self._among_outputs(form[np.ix_(order, order)])

    @cached_property
    def _probe(self) -> tuple[dict[Side, Array], Array]:
        """Random voltages of all sources, and the squares of the cells' voltages that a full solve finds for them."""
        rng = np.random.default_rng(_SEED)
        rows, cols = self.crossbar.shape
        sources: dict[Side, Array] = {
            side: rng.uniform(-1.0, 1.0, (1, rows if side.startswith("word") else cols)) for side in SIDES
        }
        solution = solve_points(self.crossbar, sources, fields=True, threads=self.threads)
        return sources, np.nan_to_num(solution.device_voltages[0]) ** 2

    def _among_outputs(self, matrix: Array) -> Array:
        places = self.outputs
        there = places >= 0
        chosen = np.zeros((places.size, places.size))
        chosen[np.ix_(there, there)] = matrix[np.ix_(places[there], places[there])]
        return chosen


def _slopes(crossbar: Crossbar, volts: Array) -> Array:
    """Return di/dv of each cell, siemens."""
    device = crossbar.device
    if not device.two_terminal:
        raise InputError(
            f"cells of {device!r} have three terminals: noise is there for cells of two, such as Sinh or Selector"
        )
    amperes, slopes, same = np.empty((3, *volts.shape))
    nothing = np.zeros_like(volts)
    device.cells(Segments.of(crossbar).g).precise(np.ascontiguousarray(volts), nothing, nothing, amperes, slopes, same)
    if (slopes < 0.0).any():
        i, j = np.unravel_index(int(np.argmin(slopes)), slopes.shape)
        raise InputError(
            f"cell [{i}, {j}] has a slope of {slopes[i, j]:.3g} S at {volts[i, j]:.3g} V: noise has no bound there"
        )
    return slopes
