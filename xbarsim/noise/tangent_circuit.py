"""A crossbar's small-signal circuit at an operating point, of cells with two terminals: all outputs at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError
from xbarsim.noise.operating_point import OperatingPoint
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
    threads : int
        Threads to use.
    """

    crossbar: Crossbar
    threads: int

    @staticmethod
    def of(crossbar: Crossbar, point: OperatingPoint, threads: int) -> TangentCircuit:
        """Take cells of two terminals at their operating point."""
        if not crossbar.device.linear:
            crossbar = crossbar.with_cells(point.slope, Linear())
        return TangentCircuit(crossbar, threads)

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

    def white(self, density: Array, thermal: float) -> Array:
        """Return covariances of the outputs, (cols, cols), with thermal noise of wires and ends.

        All resistors at one temperature together make ``4 k T Y``; what cells make beyond that is carried to the ends.

        Parameters
        ----------
        density : (rows, cols)
            The cells' own.
        thermal : float
            4 k T.
        """
        covariance = thermal * self._among_outputs(
            admittance(self.crossbar, self.terminals, self.terminals.network.couplings)
        )
        beyond = density - thermal * Segments.of(self.crossbar).g
        return covariance + self.powers(beyond) if beyond.any() else covariance

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
        zeros = np.zeros_like(across)
        form = self.terminals.form(across, zeros, zeros, grounded=[side for side in SIDES if side != "bit_bottom"])
        volts, squares = self._probe
        expected, size = float((squares * across).sum()), float((squares * np.abs(across)).sum())
        gap = abs(float(volts @ form @ volts) - expected) if form.size else abs(expected)
        if not gap <= TOLERANCE * size:
            raise ConvergenceError(
                f"noise carried to the ends differs from that of a full solve by {gap / size if size else gap:.1e}",
                "look for wires and cells very far apart",
            )
        tied = self.outputs >= 0
        return np.where(tied[:, None] & tied, form, 0.0) if form.size else np.zeros((tied.size, tied.size))

    @cached_property
    def _probe(self) -> tuple[Array, Array]:
        """Random voltages of the outputs' sources, and the squares of the cells' that a full solve has for them."""
        rows, cols = self.crossbar.shape
        volts = np.random.default_rng(_SEED).uniform(-1.0, 1.0, cols)
        sources: dict[Side, Array] = {side: np.zeros((1, rows if side.startswith("word") else cols)) for side in SIDES}
        sources["bit_bottom"] = volts[None, :]
        solution = solve_points(self.crossbar, sources, fields=True, threads=self.threads)
        return volts, np.nan_to_num(solution.device_voltages[0]) ** 2

    def _among_outputs(self, matrix: Array) -> Array:
        places = self.outputs
        tied = places >= 0
        among = np.zeros((places.size, places.size))
        among[np.ix_(tied, tied)] = matrix[np.ix_(places[tied], places[tied])]
        return among
