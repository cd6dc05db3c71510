"""What wires, amplifiers and cells each do to the answer of a loop as it is, a netlist's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar, LineEnds, Side
from xbarsim.errors import InputError, SolveError
from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.closed_loop import ClosedLoop, close
from xbarsim.loop.error_split import ErrorSplit
from xbarsim.loop.held_nodes import NoCircuitError
from xbarsim.loop.ideal_circuit import IdealCircuit
from xbarsim.loop.loop_answer import ROUNDING, mode_condition
from xbarsim.loop.loop_parts import CurrentSource, JoinedArray, OpAmp, Part, VoltageSource
from xbarsim.loop.stages import sign_free


@dataclass(frozen=True, eq=False)
class LoopSplit:
    """A loop that computes, and what each cause does to its answer.

    Attributes
    ----------
    circuit : IdealCircuit
        Which it is, and what it is meant to give.
    errors : ErrorSplit
        Its answers, ``circuit.outputs`` volts.
    """

    circuit: IdealCircuit
    errors: ErrorSplit


def split_loop(closed: ClosedLoop, target: Loop | None = None) -> LoopSplit:
    """Solve a loop with one cause of error at a time.

    Parameters
    ----------
    closed : ClosedLoop
        Of one point, as ``close`` gives it.
    target : Loop, optional
        The same circuit with cells as they were meant to be; of its parts only the arrays count.

    Returns
    -------
    LoopSplit
        ``ideal`` is linear algebra with the target's cells, with its own where there is no target.

    Raises
    ------
    NoCircuitError
        The loop is none of the circuits that compute.
    InputError
        The target has other arrays.
    SolveError, ConvergenceError
        As ``close``, of a loop with one cause.
    """
    loop = closed.loop
    circuit = IdealCircuit.of(loop)
    aim = loop if target is None else _with_cells(loop, target)
    if not circuit.x.any():
        raise NoCircuitError("its inputs are at 0, so that its answer is 0 V")
    ideal = circuit if target is None else IdealCircuit.of(aim)
    answers = {
        "wires": _answer(circuit, _ideal_amplifiers(aim, circuit)),
        "amplifiers": _answer(circuit, _bare(aim)),
        "together": _answer(circuit, loop) if circuit.feedback else _outputs(circuit, closed),
    }
    if target is not None:
        answers = {"cells": _answer(circuit, _bare(_ideal_amplifiers(loop, circuit))), **answers}
    size = float(np.linalg.norm(ideal.x))
    doubt = {cause: answer.bound / size + ROUNDING * ideal.condition for cause, answer in answers.items()}
    volts: dict[str, Any] = {"cells": None, **{cause: answer.x for cause, answer in answers.items()}}
    return LoopSplit(ideal, ErrorSplit(ideal.x, **volts, doubt=doubt))


@dataclass(frozen=True, eq=False)
class _Answer:
    """The outputs' volts (outputs,), and the bound of their error's norm, in volts too."""

    x: Array
    bound: float


def _answer(circuit: IdealCircuit, loop: Loop) -> _Answer:
    """Return the outputs' volts, of an eigenvector those of the mode that sustains itself."""
    return _mode(circuit, loop) if circuit.feedback else _outputs(circuit, close(loop, stable=False))


def _outputs(circuit: IdealCircuit, closed: ClosedLoop) -> _Answer:
    largest = float(np.abs(np.array(list(closed.node_voltages().values()))).max(initial=0.0))
    return _Answer(closed.voltages(circuit.outputs), float(np.sqrt(len(circuit.outputs))) * closed.residual * largest)


def _mode(circuit: IdealCircuit, loop: Loop) -> _Answer:
    """Return the mode of a ring whose feedback resistors all change by one factor until it sustains itself.

    With sources in place of the feedback their currents are ``K v``, and resistors of ``r_k`` times a factor do the
    same where ``r_k (K v)_k`` is v times a number.
    """
    count = len(circuit.feedback)
    resistors = {part.name: part for part in loop.resistors}
    place = {name: k for k, name in enumerate(circuit.feedback)}
    parts: list[Part] = []
    for part in loop.parts:
        if part.name in place:
            resistor = resistors[part.name]
            parts.append(VoltageSource(part.name, resistor.a, resistor.b, np.eye(count)[place[part.name]]))
        else:
            parts.append(_still(part))
    closed = close(Loop(*parts), stable=False)
    currents = closed.source_currents()
    # A line a feedback, a column a drive of 1 V.
    through = np.array([currents[name] for name in circuit.feedback])
    ohms = np.array([resistors[name].ohms for name in circuit.feedback])
    matrix = ohms[:, None] * through
    # Which way round a resistor is written says the sign of its volts, and of its current.
    values, vectors = np.linalg.eig(matrix)
    largest = int(values.real.argmax())
    if abs(values[largest].imag) > 1e-9 * abs(values[largest]) or not values[largest].real > 0.0:
        raise SolveError(f"no feedback sustains one mode: its largest eigenvalue is {values[largest]:.3g}")
    x = sign_free(closed.voltages(circuit.outputs).T @ vectors[:, largest].real)
    share = np.abs(list(currents.values())).max() / np.abs(through).max()
    unsure = closed.residual + closed.current_residual * float(share)
    growth = 1.0 + mode_condition(matrix, values, vectors, largest)
    return _Answer(x, float(np.linalg.norm(x)) * count * (unsure + ROUNDING) * growth)


def _still(part: Part) -> Part:
    """Return a part with whatever drives in it at 0."""
    if isinstance(part, VoltageSource):
        return replace(part, volts=0.0)
    if isinstance(part, CurrentSource):
        return replace(part, amperes=0.0)
    if isinstance(part, OpAmp):
        return replace(part, amplifier=replace(part.amplifier, offset=0.0))
    return part


def _ideal_amplifiers(loop: Loop, circuit: IdealCircuit) -> Loop:
    """Return a loop with amplifiers of infinite gain and without offsets, those that are sources too."""
    parts: list[Part] = []
    for part in loop.parts:
        if isinstance(part, OpAmp):
            parts.append(replace(part, amplifier=Amplifier()))
        else:
            parts.append(_still(part) if part.name in circuit.offsets else part)
    return Loop(*parts)


def _bare(loop: Loop) -> Loop:
    """Return a loop whose arrays have wires and ends of 0 ohm."""
    return Loop(
        *(
            replace(part, crossbar=_without_ohms(part), word_capacitance=0.0, bit_capacitance=0.0, cell_capacitance=0.0)
            if isinstance(part, JoinedArray)
            else part
            for part in loop.parts
        )
    )


def _without_ohms(array: JoinedArray) -> Crossbar:
    """Return an array's cells between its ends; of a line with two, which are one node, the second is left open."""
    ends: dict[Side, LineEnds] = {}
    tied: set[tuple[str, int]] = set()
    ohms = {side: np.full(end.resistance.size, np.inf) for side, end in array.crossbar.boundary.items()}
    for side, line, _ in array.ports:
        if (side.partition("_")[0], line) not in tied:
            tied.add((side.partition("_")[0], line))
            ohms[side][line] = 0.0
    for side, end in array.crossbar.boundary.items():
        ends[side] = LineEnds(end.voltage, ohms[side])
    return Crossbar(array.crossbar.conductance, ends=ends, device=array.crossbar.device)


def _with_cells(loop: Loop, target: Loop) -> Loop:
    """Return a loop with the cells of another one's arrays; raises InputError where these are other arrays."""
    arrays = {array.name: array for array in target.arrays}
    parts: list[Part] = []
    for part in loop.parts:
        if isinstance(part, JoinedArray):
            intended = arrays.get(part.name)
            if intended is None or intended.ports != part.ports:
                raise InputError(
                    f"the target has no array like {part.name} at the same nodes: it is the same circuit, with cells "
                    "as they were meant to be"
                )
            part = replace(part, crossbar=part.crossbar.with_cells(intended.crossbar.conductance))
        parts.append(part)
    return Loop(*parts)
