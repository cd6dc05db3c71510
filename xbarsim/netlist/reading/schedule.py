"""Analysis cards to analyses: points of sweeps and times, what is swept found by name, variants of the circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.analyses import Analysis, Axis, Dc, Family, Op, Sweep, Tran
from xbarsim.netlist.element_kinds import INDUCTOR
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.language import Expression
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.changes import Changes
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.sweepcards import MOST_POINTS, MonteCard, SweepCard, runs_of, values_of
from xbarsim.netlist.reading.targets import change_of, is_source, source_of, unit_of
from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.reading.wavecards import Clock
from xbarsim.netlist.refusals import CardError

Effect = Callable[[Changes, float], Changes]
"""What a value of an axis changes."""

Maker = Callable[[Changes], FlatCircuit]
"""Makes a circuit, without analyses, that differs from the netlist."""


@dataclass(frozen=True)
class AnalysisCard:
    """``.op``, ``.dc`` or ``.tran`` as it was written.

    Attributes
    ----------
    kind : {"op", "dc", "tran"}
        The analysis.
    origin : int
        Where it stands.
    numbers : tuple of float or Expression
        ``.tran``: step, stop, start, largest step, as far as given.
    sweeps : tuple of SweepCard
        What is swept, the fastest first.
    own_sweeps : int
        How many of them belong to the analysis itself; the rest repeat it.
    monte : MonteCard or None
        The runs with random draws.
    """

    kind: str
    origin: int
    numbers: tuple[Value, ...] = ()
    sweeps: tuple[SweepCard, ...] = ()
    own_sweeps: int = 0
    monte: MonteCard | None = None


@dataclass(frozen=True)
class Play:
    """An analysis, and what a ``.control`` block altered before it."""

    card: AnalysisCard
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True)
class SweepStep:
    """A ``.step`` card, and where it stands."""

    sweep: SweepCard
    origin: int


@dataclass(frozen=True)
class TranClock(Clock):
    """The first ``.tran``'s clock; ``differ`` says whether another one has another."""

    differ: bool = False


def clock_of(cards: list[AnalysisCard], scope: Scope, places: Places) -> TranClock:
    """Return what waveforms' missing arguments default to."""
    timed = [card for card in cards if card.kind == "tran"]
    clocks = [tuple(_evaluated(card.numbers, card.origin, scope, places)[:2]) for card in timed]
    return TranClock(clocks[0][0], clocks[0][1], len(set(clocks)) > 1) if clocks else TranClock()


@dataclass(frozen=True)
class Scheduler:
    """What analyses are made from.

    Attributes
    ----------
    top : Body
        The top level's cards.
    scope : Scope
        Its parameters.
    make : callable
        Makes variants of the circuit.
    """

    top: Body
    scope: Scope
    make: Maker

    def schedule(self, circuit: FlatCircuit, plays: list[Play], steps: list[SweepStep]) -> FlatCircuit:
        """Return the circuit with its analyses, in file order; ``.op`` if it asks for none."""
        notes = circuit.notes
        if not plays:
            # As ngspice has no other than the one it is told, so has a file with steps alone.
            plays = [Play(AnalysisCard("op", steps[0].origin if steps else 0))]
            notes = [*notes, f"{circuit.places.files[0]}: no analysis is asked for: .op is taken"]
        analyses = []
        for play in plays:
            try:
                analyses.append(self._analysis(play, steps, circuit))
            except CardError as error:
                raise circuit.places.error(str(error), play.card.origin) from None
        return replace(circuit, analyses=tuple(analyses), notes=notes)

    def _analysis(self, play: Play, steps: list[SweepStep], circuit: FlatCircuit) -> Analysis:
        card = play.card
        inner = _Inner([], None)
        if card.kind == "tran":
            _check_memory(circuit)
            numbers = _evaluated(card.numbers, card.origin, self.scope, circuit.places)
            inner = _Inner([], tran_times(*numbers[:3]))
        axes: list[Axis] = []
        effects: list[Effect] = []
        order: list[tuple[bool, int]] = [] if inner.times is None else [(False, 0)]
        for swept, origin, name in self._swept(card, steps):
            effect: Effect = _drawn
            if isinstance(swept, MonteCard):
                axis = Axis("monte", self._runs(swept, card, circuit.places))
            else:
                try:
                    numbers = _evaluated(swept.numbers, origin, self.scope, circuit.places)
                    values = values_of(name, swept, numbers)
                    if inner.times is None and is_source(swept, circuit):
                        order.append((False, len(inner.sources)))
                        inner.sources.append((swept.name, values))
                        continue
                    effect = change_of(name, swept, circuit, self.top, timed=inner.times is not None)
                except CardError as error:
                    raise circuit.places.error(str(error), origin) from None
                axis = Axis(swept.label, values, unit_of(swept, circuit))
            order.append((True, len(axes)))
            axes.append(axis)
            effects.append(effect)
        _check_points(card, [*(values for _, values in inner.sources), *(axis.values for axis in axes)])
        repeats = len(card.sweeps) - card.own_sweeps + (card.monte is not None) + len(steps)
        if not axes and not play.changes:
            return inner.of(circuit, repeats)
        stepped = len(axes) - len(steps) if card.monte is None and steps else len(axes)
        sizes = tuple(axis.values.size for axis in axes[stepped:])

        def variant(at: tuple[int, ...]) -> FlatCircuit:
            changes = play.changes
            for effect, axis, place in zip(effects, axes, at, strict=True):
                changes = effect(changes, float(axis.values[place]))
            if sizes:
                changes = replace(changes, run=1 + int(np.ravel_multi_index(at[stepped:], sizes, order="F")))
            circuit = self.make(changes)
            return replace(circuit, analyses=(inner.of(circuit),))

        first = len(order) - len(axes)
        ordered = tuple(first + k if varied else k for varied, k in order)
        return Family(inner.of(circuit), variant, tuple(axes), ordered, play.changes.by_name(), repeats)

    def _runs(self, monte: MonteCard, card: AnalysisCard, places: Places) -> NDArray[np.float64]:
        numbers = _evaluated(monte.count, card.origin, self.scope, places)
        return np.array(runs_of(f".{card.kind}", monte, numbers), dtype=np.float64)

    def _swept(self, card: AnalysisCard, steps: list[SweepStep]) -> list[tuple[SweepCard | MonteCard, int, str]]:
        """Return what is swept, the fastest first, each with its place and what its card is called."""
        sweeps: list[tuple[SweepCard | MonteCard, int, str]] = []
        sweeps += [(sweep, card.origin, f".{card.kind}") for sweep in card.sweeps]
        sweeps += [] if card.monte is None else [(card.monte, card.origin, f".{card.kind}")]
        return sweeps + [(step.sweep, step.origin, ".step") for step in steps]


@dataclass(frozen=True)
class _Inner:
    """What is done with one variant: a sweep of its sources, or times."""

    sources: list[tuple[str, NDArray[np.float64]]]
    times: NDArray[np.float64] | None

    def of(self, circuit: FlatCircuit, repeats: int = 0) -> Op | Dc | Tran:
        """Return it with the sources' numbers in a circuit."""
        if self.times is not None:
            return Tran(self.times)
        if not self.sources:
            return Op()
        return Dc(tuple(Sweep(source_of(name, circuit), values) for name, values in self.sources), repeats)


def _drawn(changes: Changes, run: float) -> Changes:
    """Return the changes of a run; the first one is nominal, as in HSPICE."""
    return replace(changes, run=int(run) if run > 1 else None)


def _check_points(card: AnalysisCard, columns: list[NDArray[np.float64]]) -> None:
    points = 1
    for values in columns:
        points *= values.size
    if points > MOST_POINTS:
        raise CardError(f".{card.kind} has {points} points: {MOST_POINTS} fit")


def _evaluated(numbers: tuple[Value, ...], origin: int, scope: Scope, places: Places) -> list[float]:
    try:
        return [float(scope.evaluate(x)) if isinstance(x, Expression) else x for x in numbers]
    except CardError as error:
        raise places.error(str(error), origin) from None


def first_value(step: SweepStep, scope: Scope, places: Places) -> float:
    """Return the first value that a ``.step`` gives."""
    numbers = _evaluated(step.sweep.numbers, step.origin, scope, places)
    try:
        return float(values_of(".step", step.sweep, numbers)[0])
    except CardError as error:
        raise places.error(str(error), step.origin) from None


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


def _check_memory(circuit: FlatCircuit) -> None:
    """Refuse a transient of elements that hold a state."""
    inductors = np.flatnonzero(circuit.kinds == INDUCTOR)
    holders = [(name, origin) for name, _, _, origin in circuit.capacitors[:1]]
    holders += [(name, origin) for name, _, origin in circuit.states[:1]]
    holders += [(circuit.names[k], int(circuit.origins[k])) for k in inductors[:1].tolist()]
    by = {name: f", by {cause}" for name, cause, _ in (circuit.memory,)} if circuit.memory is not None else {}
    holders += [(circuit.memory[0], circuit.memory[2])] if circuit.memory is not None else []
    if not holders:
        return
    holder, origin = min(holders, key=lambda row: row[1])
    where = circuit.places.where(origin)
    raise CardError(
        f".tran: {holder} ({where}) holds a state{by.get(holder, '')}, and only circuits without memory are solved in"
        " time: take it out"
    )
