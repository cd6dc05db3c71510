"""A crossbar's small-signal circuit at an operating point, of cells with two terminals: all outputs at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError
from xbarsim.noise.operating_point import OperatingPoint
from xbarsim.solution import Solution
from xbarsim.solvers.effective import check_joined
from xbarsim.solvers.like_lines import DECADES, like_lines
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import solve_points
from xbarsim.solvers.terminals import Terminals

TOLERANCE = 1e-9
"""Of a form's value for random volts of outputs of like sizes, against that of a full solve."""

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
        """Take cells of two terminals at their operating point.

        Parameters
        ----------
        crossbar : Crossbar
            Of cells with two terminals.
        point : OperatingPoint
            Whose slopes become the cells' siemens.
        threads : int
            For the reduction.
        """
        if not crossbar.device.linear:
            crossbar = crossbar.with_cells(point.slope, Linear())
        return TangentCircuit(crossbar, threads)

    @cached_property
    def terminals(self) -> Terminals:
        """The circuit seen from its ends."""
        check_joined(self.segments, ("word", "bit"))
        terminals = Terminals.of(self.segments, keep=True, threads=self.threads)
        # Covariances are of the outputs alone: so is what the reduction is held against, a full solve.
        place = terminals.places.get("bit_bottom")
        if place is None:
            return terminals
        couplings = terminals.network.couplings[place]
        for group in like_lines(couplings.sum(axis=1)):
            sources, solution = self._probe(group)
            gap = np.abs(terminals.currents(sources)["bit_bottom"] - solution.end_currents["bit_bottom"])[0]
            sizes = couplings.sum(axis=1)
            bad = group & ~(gap <= TOLERANCE * sizes)
            if bad.any():
                j = int(np.argmax(np.where(bad, gap / np.maximum(sizes, np.finfo(float).tiny), -1.0)))
                raise ConvergenceError(
                    f"the admittance of output {j} differs from that of a full solve by {gap[j] / sizes[j]:.1e}",
                    "look for wires and cells very far apart",
                )
        return terminals

    @cached_property
    def segments(self) -> Segments:
        """The circuit, laid out."""
        return Segments.of(self.crossbar)

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
        place = self.terminals.places.get("bit_bottom")
        if place is None:
            return np.zeros((self.crossbar.shape[1],) * 2)
        couplings = self.terminals.network.couplings[place]
        covariance: Array = -thermal * couplings[:, place]
        np.fill_diagonal(covariance, thermal * couplings.sum(axis=1))
        beyond = density - thermal * self.segments.g
        return covariance + self.powers(beyond) if beyond.any() else covariance

    def powers(self, across: Array) -> Array:
        """Return covariances of the outputs, (cols, cols), of sources beside the cells with these powers (rows, cols).

        A current of 1 A beside a cell brings ``d_k`` amperes to output k, with d_k the voltage across the cell when
        that output's source holds 1 V and all others 0 V (reciprocity). So the covariance of outputs k and l is
        ``sum d_k d_l across``: the form of the cells' voltages, as one of the ports'.

        Parameters
        ----------
        across : (rows, cols) array
            Power of the source beside each cell, A^2 or A^2/Hz.

        Raises
        ------
        ConvergenceError
            The form and a full solve of random voltages differ.
        """
        zeros = np.zeros_like(across)
        form = self.terminals.form(across, zeros, zeros, grounded=[side for side in SIDES if side != "bit_bottom"])
        every = np.ones(self.crossbar.shape[1], bool)
        groups = like_lines(np.diagonal(form)) if form.size else [every]
        # One solve of all outputs is enough where it comes close enough for the quietest of them.
        loud = np.diagonal(form)[np.diagonal(form) > 0.0]
        share = 1.0 if len(groups) < 2 else min(1.0, 10.0**DECADES * float(loud.min() / loud.max()))
        gap, size = self._gap(form, across, every)
        if not gap <= TOLERANCE * share * size:
            for group in groups or [every]:
                gap, size = self._gap(form, across, group)
                if not gap <= TOLERANCE * size:
                    raise ConvergenceError(
                        f"noise carried to {_group_name(group)} differs from that of a full solve by "
                        f"{gap / size if size else gap:.1e}",
                        "look for wires and cells very far apart",
                    )
        # Terminals of open ends have no couplings, and so nothing of the form.
        return form if form.size else np.zeros((self.crossbar.shape[1],) * 2)

    def _gap(self, form: Array, across: Array, group: NDArray[np.bool_]) -> tuple[float, float]:
        """Return by how much a form of a group's volts differs from that of a full solve, and the size of its terms."""
        sources, solution = self._probe(group)
        volts, squares = sources["bit_bottom"][0], np.nan_to_num(solution.device_voltages[0]) ** 2
        expected, size = float((squares * across).sum()), float((squares * np.abs(across)).sum())
        return abs(float(volts @ form @ volts) - expected) if form.size else abs(expected), size

    def _probe(self, group: NDArray[np.bool_]) -> tuple[dict[Side, Array], Solution]:
        """Random voltages of a group of outputs' sources, others at 0 V, and a full solve of them."""
        key = group.tobytes()
        if key not in self._probes:
            rows, cols = self.crossbar.shape
            sources: dict[Side, Array] = {
                side: np.zeros((1, rows if side.startswith("word") else cols)) for side in SIDES
            }
            sources["bit_bottom"] = np.where(group, np.random.default_rng(_SEED).uniform(-1.0, 1.0, (1, cols)), 0.0)
            self._probes[key] = sources, solve_points(self.crossbar, sources, fields=True, threads=self.threads)
        return self._probes[key]

    @cached_property
    def _probes(self) -> dict[bytes, tuple[dict[Side, Array], Solution]]:
        return {}


def _group_name(group: NDArray[np.bool_]) -> str:
    """Name the outputs of a group."""
    first = int(np.flatnonzero(group)[0])
    return f"output {first}" if group.sum() == 1 else f"output {first} and {group.sum() - 1} more"
