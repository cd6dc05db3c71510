"""When the outputs of a crossbar have settled after its inputs stepped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.devices import Linear
from xbarsim.errors import InputError
from xbarsim.noise.operating_point import OperatingPoint
from xbarsim.resources import run_tasks, thread_count
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.settling.decaying_poles import MOST_POLES, DecayingPoles
from xbarsim.settling.moments import MomentCircuit
from xbarsim.settling.vector_poles import told_moments, vector_poles
from xbarsim.solvers.effective import check_joined
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import checked_voltages, solve

TOLERANCE = 1e-5
"""Of each output's current in the end, and so of its moments: no output is told that is not as exact."""

_MOMENTS = 1 + 2 * MOST_POLES


@dataclass(frozen=True, eq=False)
class Settling:
    """The outputs' responses to steps of the inputs from 0 V, for one vector of them or a batch.

    Attributes
    ----------
    currents : (cols,) or (batch, cols)
        Amperes in the end, of all sources.
    moments : (7, cols) or (7, batch, cols)
        Coefficients of ``1, s, s^2, ...`` of each output's transfer, as parts of the first; NaN where the step brings
        no current in the end that could be told from rounding, ``residual`` being above ``TOLERANCE`` or NaN; and from
        the first on that is lost beside other outputs' slower ones. What the crossbar's other sources bring flows all
        the time, and is not in them.
    residual : (cols,) or (batch, cols)
        What the current that the step brings to each output may be wrong by, as a part of that output's own; NaN where
        there is none.
    circuit_poles : DecayingPoles
        Six at most of the whole circuit, projected onto the moments, of all vectors' outputs one after the other; three
        at most of its own where those do not have an output's moments, or say nothing of its way.
    """

    currents: Array
    moments: Array
    residual: Array
    circuit_poles: DecayingPoles

    @property
    def elmore(self) -> Array:
        """Elmore's delay: the area between the end and the way there, seconds; (..., cols)."""
        delay: Array = -self.moments[1]
        return delay

    def poles(self, most: int = MOST_POLES) -> DecayingPoles:
        """Return up to so many poles that have these moments, of all vectors' outputs one after the other.

        Parameters
        ----------
        most : int
            How many an output may have.

        Raises
        ------
        InputError
            ``most`` is no number of poles, or more than the moments tell.
        """
        if not isinstance(most, int) or not 1 <= most <= MOST_POLES:
            raise InputError(f"most is {most!r}: it must be a number of poles from 1 to {MOST_POLES}")
        return DecayingPoles.of(self.moments.reshape(_MOMENTS, -1), most)

    def time(self, *, bits: float | None = None, share: float | None = None, poles: int | None = None) -> Array:
        """Return how long each output takes until it stays within a share of its end, (..., cols) in seconds.

        Parameters
        ----------
        bits : float
            Half a step of so many bits of what the input's step brings to the output: a share of ``2**-(bits + 1)``.
        share : float
            Or the share itself.
        poles : int, optional
            How many poles of its own stand for each response at most, 1 to 3; None: ``circuit_poles``, which always
            decay.

        Raises
        ------
        InputError
            None or both are given, or a number is out of its bounds.
        """
        if (bits is None) == (share is None):
            raise InputError("give either bits or share")
        part = 2.0 ** -(float(bits) + 1.0) if bits is not None else float(share)  # type: ignore[arg-type]
        if not 0.0 < part < 1.0:
            raise InputError(f"{'bits' if bits is not None else 'share'} is {bits if bits is not None else share}: "
                             "settling is to a part of the end above 0 and below 1")  # fmt: skip
        fitted = self.circuit_poles if poles is None else self.poles(poles)
        return fitted.time(part).reshape(self.currents.shape)


def settling(
    crossbar: Crossbar,
    voltages: ArrayLike,
    *,
    word_capacitance: ArrayLike = 0.0,
    bit_capacitance: ArrayLike = 0.0,
    cell_capacitance: ArrayLike = 0.0,
    threads: int | None = None,
) -> Settling:
    """Find how outputs settle when the inputs step from 0 V, by seven moments of the exact response.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit. Nonlinear cells count with their slopes at the end of the step: the last of the way.
    voltages : array_like, (rows,) or (batch, rows)
        Volts after the step.
    word_capacitance, bit_capacitance, cell_capacitance : array_like, scalar or (rows, cols)
        Farads from each word node and each bit node to ground, and across each cell.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    Settling

    Raises
    ------
    InputError
        An argument is wrong, or cells have three terminals.
    SolveError, ConvergenceError, TooLargeError
        As ``solve``; 0 ohm may not join the two ends of a line.
    """
    farads = ArrayFarads.of(crossbar, word_capacitance, bit_capacitance, cell_capacitance)
    if not crossbar.device.two_terminal:
        raise InputError(f"cells of {crossbar.device!r} have three terminals: settling is there for cells of two")
    check_joined(Segments.of(crossbar), ("word", "bit"))
    volts = checked_voltages(voltages, crossbar.shape[0])
    count = thread_count(threads)
    vectors = np.atleast_2d(volts)
    moments = np.empty((_MOMENTS, len(vectors), crossbar.shape[1]))
    currents, residual = np.empty((2, len(vectors), crossbar.shape[1]))
    tau, residue = np.zeros((2, _MOMENTS - 1, *currents.shape))
    linear = crossbar.device.linear
    steps_alone = linear and not any(np.any(tied.voltage) for tied in crossbar.boundary.values())
    solution = None if steps_alone else solve(crossbar, vectors, fields=not linear, threads=count)
    parts = [slice(k, len(vectors), count) for k in range(min(count, len(vectors)))]

    def work(part: slice) -> None:
        circuit = MomentCircuit(crossbar, farads) if linear else None
        for k in range(*part.indices(len(vectors))):
            tangent = circuit
            if solution is not None and not linear:
                slopes = OperatingPoint.of(solution, k).slope
                tangent = MomentCircuit(crossbar.with_cells(slopes, Linear()), farads)
            assert tangent is not None
            coefficients = tangent.moments(vectors[k], _MOMENTS)
            moments[:, k], residual[k] = told_moments(coefficients, TOLERANCE)
            tau[:, k], residue[:, k] = vector_poles(tangent, coefficients, moments[:, k])
            currents[k] = coefficients[0].outputs if solution is None else solution.currents[k]

    run_tasks(work, parts, count)
    # An output with a current and no pole is there at once; of one without its first moment nothing is known.
    late: NDArray[np.int64] = (tau > 0.0).sum(axis=0)
    counts = np.where(np.isnan(moments[1]), 0, np.where((late == 0) & (moments[1] == 0.0), 1, late)).ravel()
    poles = DecayingPoles(tau.reshape(_MOMENTS - 1, -1), residue.reshape(_MOMENTS - 1, -1), counts)
    if volts.ndim == 1:
        return Settling(currents[0], moments[:, 0], residual[0], poles)
    return Settling(currents, moments, residual, poles)
