"""Analysis cards to analyses: points of sweeps and times, sources found by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.analyses import Analysis, Dc, Op, Sweep, Tran
from xbarsim.netlist.circuit import Circuit
from xbarsim.netlist.errors import CardError
from xbarsim.netlist.kinds import CURRENT, INDUCTOR, VOLTAGE
from xbarsim.netlist.reading.body import Value
from xbarsim.netlist.reading.expressions import Expression
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.source import Places
from xbarsim.netlist.reading.wavecards import Clock
from xbarsim.netlist.suggest import clipped, closest

MOST_POINTS = 10_000_000
_TOLERANCE = sys.float_info.epsilon * 1e3
"""How far past its stop value ngspice lets a sweep go: 2.2e-13 volts or amperes, whatever the step."""


@dataclass(frozen=True)
class AnalysisCard:
    """``.op``, ``.dc`` or ``.tran`` as it was written.

    Attributes
    ----------
    kind : {"op", "dc", "tran"}
        The analysis.
    sources : tuple of str
        ``.dc``: the swept sources.
    numbers : tuple of float or Expression
        ``.dc``: start, stop and step for each; ``.tran``: step, stop, start, largest step, as far as given.
    origin : int
        Where it stands.
    """

    kind: str
    origin: int
    sources: tuple[str, ...] = ()
    numbers: tuple[Value, ...] = ()


@dataclass(frozen=True)
class TranClock(Clock):
    """The first ``.tran``'s clock; ``differ`` says whether another one has another."""

    differ: bool = False


def clock_of(cards: list[AnalysisCard], scope: Scope, places: Places) -> TranClock:
    """Return what waveforms' missing arguments default to."""
    clocks = [tuple(_evaluated(card, scope, places)[:2]) for card in cards if card.kind == "tran"]
    return TranClock(clocks[0][0], clocks[0][1], len(set(clocks)) > 1) if clocks else TranClock()


def schedule(circuit: Circuit, cards: list[AnalysisCard], scope: Scope) -> Circuit:
    """Return the circuit with its analyses, in file order; ``.op`` if it asks for none."""
    if not cards:
        note = f"{circuit.places.files[0]}: no analysis is asked for: .op is taken"
        return replace(circuit, analyses=(Op(),), notes=[*circuit.notes, note])
    made: list[Analysis] = []
    for card in cards:
        numbers = _evaluated(card, scope, circuit.places)
        try:
            made.append(_analysis(card, numbers, circuit))
        except CardError as error:
            raise circuit.places.error(str(error), card.origin) from None
    return replace(circuit, analyses=tuple(made))


def _evaluated(card: AnalysisCard, scope: Scope, places: Places) -> list[float]:
    try:
        return [float(scope.evaluate(x)) if isinstance(x, Expression) else x for x in card.numbers]
    except CardError as error:
        raise places.error(str(error), card.origin) from None


def _analysis(card: AnalysisCard, numbers: list[float], circuit: Circuit) -> Analysis:
    if card.kind == "op":
        return Op()
    if card.kind == "tran":
        _check_memory(circuit)
        return Tran(tran_times(*numbers[:3]))
    sweeps: list[Sweep] = []
    for k, name in enumerate(card.sources):
        element = _source(name, circuit)
        if any(sweep.element == element for sweep in sweeps):
            raise CardError(f".dc sweeps {name} twice: name two sources")
        sweeps.append(Sweep(element, sweep_values(*numbers[3 * k : 3 * k + 3])))
    points = 1
    for sweep in sweeps:
        points *= sweep.values.size
    if points > MOST_POINTS:
        raise CardError(f".dc has {points} points: {MOST_POINTS} fit")
    return Dc(tuple(sweeps))


def _source(name: str, circuit: Circuit) -> int:
    sources = [int(k) for k in np.flatnonzero((circuit.kinds == VOLTAGE) | (circuit.kinds == CURRENT))]
    by_name = {circuit.names[k]: k for k in sources if circuit.names[k][0] in "vi"}
    if name in by_name:
        return by_name[name]
    if name == "temp" or (name[0] == "r" and name in circuit.names):
        what = "the temperature" if name == "temp" else "a resistor"
        raise CardError(f".dc sweeps {what}, which is not supported: sweep V or I sources")
    close = closest(name, by_name)
    hint = f"did you mean '{close}'?" if close else "name a V or I source"
    raise CardError(f".dc sweeps '{clipped(name)}', which is not in the circuit: {hint}")


def sweep_values(start: float, stop: float, step: float) -> NDArray[np.float64]:
    """Return the points of a sweep, as ngspice adds them up.

    It adds the step again and again, so the last points carry the sum's rounding error, and goes on as long as it
    has not passed ``stop`` by more than a fixed tolerance: ``0 1000 0.1`` ends at 999.9, ``0 1p 0.1p`` at 1.2p.
    """
    if step == 0:
        raise CardError(".dc has a step of 0, which never ends: give a step")
    sign = 1.0 if step > 0 else -1.0
    if sign * (start - stop) > _TOLERANCE:
        raise CardError(f".dc goes from {start:g} to {stop:g} in steps of {step:g}: turn the step's sign")
    span = (abs(stop - start) + _TOLERANCE) / abs(step)
    if not span < MOST_POINTS:
        raise CardError(f".dc has {span:.3g} points: {MOST_POINTS} fit")
    steps = np.full(int(span * (1 + 1e-9)) + 3, step)
    steps[0] = start
    values = np.cumsum(steps)
    return values[: int(np.argmax(sign * values - sign * stop > _TOLERANCE))]


def tran_times(step: float, stop: float, start: float = 0.0) -> NDArray[np.float64]:
    """Return the print times of ``.tran``: each step from ``start``, and ``stop``."""
    if step <= 0 or stop <= 0 or start < 0 or start >= stop:
        raise CardError(
            f".tran has step {step:g}, stop {stop:g}, start {start:g}: step and stop must be > 0, start in [0, stop)"
        )
    span = (stop - start) / step
    if not span < MOST_POINTS:
        raise CardError(f".tran has {span:.3g} points: {MOST_POINTS} fit")
    count = int(np.floor(span * (1 + 1e-12)))
    times: NDArray[np.float64] = start + step * np.arange(count + 1, dtype=np.float64)
    if stop - times[-1] > 1e-9 * step:
        return np.append(times, stop)
    times[-1] = stop
    return times


def _check_memory(circuit: Circuit) -> None:
    """Refuse a transient of elements that hold a state."""
    inductors = np.flatnonzero(circuit.kinds == INDUCTOR)
    holders = [(name, origin) for name, _, _, origin in circuit.capacitors[:1]]
    holders += [(name, origin) for name, _, origin in circuit.states[:1]]
    holders += [(circuit.names[k], int(circuit.origins[k])) for k in inductors[:1].tolist()]
    by = {name: f", by {what}" for name, what, _ in (circuit.memory,)} if circuit.memory is not None else {}
    holders += [(circuit.memory[0], circuit.memory[2])] if circuit.memory is not None else []
    if not holders:
        return
    holder, origin = min(holders, key=lambda row: row[1])
    where = circuit.places.where(origin)
    raise CardError(
        f".tran: {holder} ({where}) holds a state{by.get(holder, '')}, and only circuits without memory are solved in"
        " time: take it out"
    )
