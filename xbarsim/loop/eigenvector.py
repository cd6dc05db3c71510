"""The eigenvector circuit: an array, transimpedance amplifiers and inverters in a ring that sustains itself.

Z. Sun, G. Pedretti, E. Ambrosi, A. Bricalli, W. Wang, D. Ielmini, PNAS 116, 4123 (2019). Amplifiers at word lines
with a feedback conductance G_f give ``-G v / G_f``, inverters turn that round and drive the bit lines: ``G v = G_f v``.

The circuit is linear until an amplifier saturates, and its amplitude is what saturation makes of it. What is computed
is the linear circuit's mode that neither grows nor falls: the largest G_f at which the ring, with its wires and
amplifiers as they are, has voltages without any input, and these voltages. Below that G_f the mode grows, above it
falls; a circuit is built a little below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.loop.amplifier import Amplifier, amplifiers_for
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.closed_loop import TOLERANCE, ClosedLoop, close
from xbarsim.loop.loop_answer import ROUNDING, mode_condition
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.loop.loop_evidence import factored
from xbarsim.loop.loop_parts import JoinedArray, Part, VoltageSource
from xbarsim.loop.signed_pair import Matrix, checked_matrix, checked_ohms, checked_unit, matrix_of
from xbarsim.loop.stability import Stability, UnstableError, stability_of
from xbarsim.loop.stages import feedback, inverters, joined, line_nodes, sign_free, summing

_REAL = 1e-9
"""Share of an eigenvalue that its imaginary part may have for being rounding."""

_AT_ZERO = 1e-6
"""Share of the largest rate below which the mode that sustains itself must lie."""

_ABOVE = 1e-6
"""Part by which the feedback is larger than that which sustains the mode, where capacitance is in the ring."""


@dataclass(frozen=True, eq=False, repr=False)
class Eigenvector:
    """The mode that an eigenvector circuit sustains.

    Attributes
    ----------
    x : (n,)
        Voltages at the bit lines' drives, the largest set to 1.
    value : float
        The eigenvalue that the circuit has: its feedback conductance over the unit.
    ideal, ideal_value : (n,), float
        Eigenvector and eigenvalue by linear algebra, from the cells as they are.
    residual : float
        The bound of any voltage's error in ``circuit``, relative to the largest, or what the current of its source
        differs by from a feedback's, whichever is larger.
    circuit : ClosedLoop
        The ring with a source of 1 V, ``vdrive``, in place of the feedback of the largest voltage: its current is what
        that feedback would carry.
    stability : Stability
        Poles of the closed ring: the first is at 0, with capacitance at a feedback larger by 1e-6.
    condition : float
        By how much a change of the matrix changes the ideal eigenvector, both relative: over the distance to the next
        eigenvalue.
    """

    x: Array
    value: float
    ideal: Array
    ideal_value: float
    residual: float
    circuit: ClosedLoop
    stability: Stability
    condition: float

    @property
    def relative_error(self) -> float:
        """Norm of ``x - ideal`` over that of ``ideal``, both of length 1."""
        a, b = (vector / np.linalg.norm(vector) for vector in (self.x, self.ideal))
        return float(min(np.linalg.norm(a - b), np.linalg.norm(a + b)))

    @property
    def doubt(self) -> float:
        """What ``relative_error`` may be wrong by: bounds of the circuit's and of linear algebra's rounding."""
        entries = np.sqrt(self.x.size) * self.residual / np.linalg.norm(self.x)
        return float(2.0 * entries + ROUNDING * self.condition)

    def __repr__(self) -> str:
        return f"Eigenvector({self.x.size} volts, value={self.value:.6g}, residual={self.residual:.1e})"


def eigenvector(
    array: Matrix,
    *,
    unit: float,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
    inverter_ohms: float | None = None,
    word_capacitance: ArrayLike = 0.0,
    bit_capacitance: ArrayLike = 0.0,
    cell_capacitance: ArrayLike = 0.0,
    tolerance: float = TOLERANCE,
) -> Eigenvector:
    """Find the mode that an eigenvector circuit sustains, and the feedback at which it does.

    Parameters
    ----------
    array : Crossbar or SignedPair, (n, n)
        The matrix. Of a pair the negative array is driven by the word lines' amplifiers, before the inverters.
    unit : float
        Siemens that stand for 1.
    amplifier : Amplifier or sequence of it, optional
        One for all, or one for each: n at word lines, then n inverters'. Offsets start a mode and are no part of it.
    inverter_ohms : float, optional
        The two resistors of each inverter; ``1 / unit`` by default.
    word_capacitance, bit_capacitance, cell_capacitance : array_like, scalar or (n, n)
        Farads from each word node and each bit node to ground, and across each cell, of both arrays of a pair. The
        mode does not depend on them, the other poles do: whether another one grows beside it.
    tolerance : float
        Largest ``residual`` that is handed out.

    Returns
    -------
    Eigenvector
        Of the eigenvalue with the largest real part.

    Raises
    ------
    InputError
        An argument is out of its bounds; the matrix is not square; an end of the array has a voltage of its own.
    SolveError
        No feedback sustains one mode: that of the largest real part turns round instead, or is negative.
    UnstableError
        Another mode grows beside it, led by the amplifier that the message names. There is no ``stable``: that one
        mode neither grows nor fades is what is solved for.
    ConvergenceError
        The residual is above ``tolerance``.
    """
    ring = _Ring.of(array, unit, amplifier, inverter_ohms)
    farads = {"word": word_capacitance, "bit": bit_capacitance, "cell": cell_capacitance}
    start, siemens = ring.mode()
    stability = ring.poles(siemens, farads)
    line = int(np.abs(start).argmax())
    circuit = close(ring.driven(line, siemens), stable=False, tolerance=tolerance)
    x = circuit.voltages(ring.outs)
    residual = max(circuit.residual, abs(float(circuit.source_currents()["vdrive"]) / siemens - 1.0))
    if not residual <= tolerance:
        raise ConvergenceError(
            f"the mode leaves {residual:.1e} of a feedback's current (tolerance {tolerance:g})",
            "look for an eigenvalue close to the largest",
        )
    matrix = matrix_of(array, unit)
    values, vectors = np.linalg.eig(matrix)
    largest = int(values.real.argmax())
    ideal = sign_free(vectors[:, largest].real)
    return Eigenvector(
        sign_free(x), siemens / unit, ideal, float(values[largest].real), residual, circuit, stability,
        mode_condition(matrix, values, vectors, largest),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Ring:
    """The ring without its feedback: parts that all of its circuits share."""

    arrays: list[JoinedArray]
    summing: list[Part]
    amplifiers: list[Amplifier]
    ohms: float
    sums: list[str]
    turned: list[str]
    outs: list[str]

    @staticmethod
    def of(
        array: Matrix, unit: float, amplifier: Amplifier | Sequence[Amplifier] | None, inverter_ohms: float | None
    ) -> _Ring:
        array, siemens = checked_matrix(array), checked_unit(unit)
        rows, cols = array.shape
        if rows != cols:
            raise InputError(f"array is {rows} x {cols}: an eigenvector's matrix is square")
        ohms = checked_ohms("inverter_ohms", 1.0 / siemens if inverter_ohms is None else inverter_ohms)
        amps = amplifiers_for("amplifier", Amplifier() if amplifier is None else amplifier, 2 * rows)
        amps = [replace(amp, offset=0.0) for amp in amps]
        sums, turned, outs = (line_nodes(prefix, rows) for prefix in ("sum", "t", "x"))
        arrays = joined("array", array, (sums, outs), (sums, turned))
        for part in arrays:
            if not part.crossbar.device.linear:
                raise InputError(
                    f"array has cells of {part.crossbar.device!r}: an eigenvector is that of linear cells, those of "
                    "a law have another at each amplitude; give their slopes, array.with_cells(slopes, Linear())"
                )
            for side, end in part.crossbar.boundary.items():
                if end.voltage.any():
                    raise InputError(f"ends[{side!r}] hold voltages: a mode that sustains itself has no input")
        return _Ring(arrays, summing("a", sums, turned, amps[:rows]), amps, ohms, sums, turned, outs)

    def mode(self) -> tuple[Array, float]:
        """Return the amplifiers' voltages across the feedback (n,) and the siemens that make them sustain themselves.

        With sources in place of the feedback their currents are ``K v``, and a conductance does the same where
        ``K v = g v``.
        """
        count = len(self.sums)
        sources = [
            VoltageSource(f"vf{k}", a, b, np.eye(count)[k])
            for k, (a, b) in enumerate(zip(self.sums, self.turned, strict=True))
        ]
        equations = LoopEquations(Loop(*self._closed(), *sources))
        # What comes of it is held against full solutions of the array later, in one circuit.
        through = factored(equations).solve(equations.right)[equations.nodes : equations.nodes + count]
        values, vectors = np.linalg.eig(through)
        largest = int(values.real.argmax())
        value = complex(values[largest])
        if abs(value.imag) > _REAL * abs(value):
            raise SolveError(
                f"no feedback sustains one mode: that of the largest real part, {value.real:.3g} S, turns round with "
                f"{abs(value.imag):.3g} S; take a matrix whose eigenvalue of the largest real part is real"
            )
        if not value.real > 0.0:
            raise SolveError(
                f"no feedback sustains a mode: the largest eigenvalue is {value.real:.3g} S, take a matrix with "
                "one above 0"
            )
        return vectors[:, largest].real, value.real

    def poles(self, siemens: float, farads: Mapping[str, ArrayLike]) -> Stability:
        """Return the closed ring's poles at a feedback; all but one must decay."""
        loop = self._with_feedback(siemens).with_capacitance(**farads)
        if loop.charged is not None:
            # At the feedback itself the equations in time are singular.
            loop = self._with_feedback(siemens * (1.0 + _ABOVE)).with_capacitance(**farads)
        equations = LoopEquations(loop)
        stability = stability_of(equations, np.zeros((equations.size, 1)))
        fastest = float(np.abs(stability.poles).max())
        if loop.charged is not None:
            # Beside amplifiers the nodes' own rates say nothing of which mode stands still.
            speeds = [2.0 * np.pi * (amp.bandwidth or np.inf) for amp in self.amplifiers]
            fastest = 10.0 * min(fastest, max(speeds))
        growing = np.flatnonzero(stability.poles.real > -_AT_ZERO * fastest)
        if growing.size > 1 or abs(stability.poles[growing[0]]) > _AT_ZERO * fastest:
            mode = int(growing[-1] if abs(stability.poles[0]) <= _AT_ZERO * fastest else growing[0])
            name = stability.leading(mode)
            raise UnstableError(
                f"beside the mode that sustains itself another one does not decay, led by amplifier {name}: "
                "the largest eigenvalue must be alone, and amplifiers of like speed",
                name,
                stability,
            )
        return stability

    def _with_feedback(self, siemens: float) -> Loop:
        return Loop(*self._closed(), *feedback("rf", self.sums, self.turned, 1.0 / siemens))

    def driven(self, line: int, siemens: float) -> Loop:
        """Return the ring with a source of 1 V in place of one line's feedback."""
        back = feedback("rf", self.sums, self.turned, 1.0 / siemens)
        back[line] = VoltageSource("vdrive", self.sums[line], self.turned[line], 1.0)
        return Loop(*self._closed(), *back)

    def _closed(self) -> list[Part]:
        turning = inverters("inv", self.turned, self.outs, self.amplifiers[len(self.sums) :], self.ohms)
        return [*self.arrays, *self.summing, *turning]
