"""Analysis cards to analyses: points of sweeps and times, what is swept found by name, variants of the circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.analyses import Analysis, Axis, Dc, Family, Op, Sweep, Tran, Transient
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.language import Expression
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.changes import Changes
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.sweepcards import MOST_POINTS, MonteCard, SweepCard, runs_of, values_of
from xbarsim.netlist.reading.targets import change_of, is_source, source_of, unit_of
from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.reading.trantimes import TranNumbers, tran_numbers, tran_times
from xbarsim.netlist.reading.wavecards import Clock
from xbarsim.netlist.refusals import CardError

_NO_STEP = ".tran says no step, as LTspice's may: a thousandth of its time is taken"

Effect = Callable[[Changes, float], Changes]
"""What a value of an axis changes."""

Maker = Callable[[Changes], FlatCircuit]
"""Makes a circuit, without analyses, that differs from the netlist."""

MovingMaker = Callable[[Changes, TranNumbers, bool], FlatCircuit]
"""Makes a circuit whose states move, with its transient: times, and whether it begins with initial values."""

TransientMaker = Callable[[TranNumbers, bool], tuple[Transient, list[str]]]
"""Gives the transient of a circuit, and notes on it."""


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
        ``.tran``: step, stop, start, largest step, as far as given; the stop alone if there is one.
    sweeps : tuple of SweepCard
        What is swept, the fastest first.
    own_sweeps : int
        How many of them belong to the analysis itself; the rest repeat it.
    monte : MonteCard or None
        The runs with random draws.
    from_initial : bool
        ``uic``: ``.tran`` begins with the initial values as they are.
    """

    kind: str
    origin: int
    numbers: tuple[Value, ...] = ()
    sweeps: tuple[SweepCard, ...] = ()
    own_sweeps: int = 0
    monte: MonteCard | None = None
    from_initial: bool = False


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
    """Return what waveforms' missing arguments default to.

    Parameters
    ----------
    cards : list of AnalysisCard
        All of the netlist.
    scope : Scope
        The parameters of the top level.
    places : Places
        For messages.
    """
    timed = [card for card in cards if card.kind == "tran"]
    clocks = [_tran_numbers(card, scope, places)[:2] for card in timed]
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
    make_moving : callable
        Makes variants whose states move, each with its transient.
    transient : callable, optional
        Gives the transient of the circuit itself, and notes on it; None if its states are frozen.
    """

    top: Body
    scope: Scope
    make: Maker
    make_moving: MovingMaker
    transient: TransientMaker | None

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
        inner = _Inner([])
        if card.kind == "tran":
            _check_memory(circuit)
            times = _tran_numbers(card, self.scope, circuit.places)
            if times.free_step:
                circuit.notes.append(f"{circuit.places.where(card.origin)}: {_NO_STEP}")
            inner = _Inner([], tran_times(*times[:3]), times, card.from_initial)
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
        moving = inner.numbers is not None and circuit.storage is not None
        if moving and inner.numbers is not None and inner.numbers.step > inner.numbers.stop:
            step, stop = inner.numbers[:2]
            raise CardError(f".tran has step {step:g} and stop {stop:g}: write '.tran step stop', the step first")
        if not axes and not play.changes:
            if not moving:
                return inner.of(circuit, repeats)
            if self.transient is not None and inner.numbers is not None:
                transient, notes = self.transient(inner.numbers, inner.from_initial)
                circuit.notes.extend(note for note in notes if note not in circuit.notes)
                return transient
        stepped = len(axes) - len(steps) if card.monte is None and steps else len(axes)
        sizes = tuple(axis.values.size for axis in axes[stepped:])

        def variant(at: tuple[int, ...]) -> FlatCircuit:
            changes = play.changes
            for effect, axis, place in zip(effects, axes, at, strict=True):
                changes = effect(changes, float(axis.values[place]))
            if sizes:
                changes = replace(changes, run=1 + int(np.ravel_multi_index(at[stepped:], sizes, order="F")))
            if moving and inner.numbers is not None:
                return self.make_moving(changes, inner.numbers, inner.from_initial)
            circuit = self.make(changes)
            return replace(circuit, analyses=(inner.of(circuit),))

        first = len(order) - len(axes)
        ordered = tuple(first + k if varied else k for varied, k in order)
        template = inner.of(circuit) if not moving else inner.transient()
        return Family(template, variant, tuple(axes), ordered, play.changes.by_name(), repeats)

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
    """What is done with one variant: a sweep of its sources, or times, and what ``.tran`` says beside them."""

    sources: list[tuple[str, NDArray[np.float64]]]
    times: NDArray[np.float64] | None = None
    numbers: TranNumbers | None = None
    from_initial: bool = False

    def transient(self) -> Transient:
        """Return it in a circuit with memory, but for what the circuit gives."""
        assert self.numbers is not None
        return Transient(*self.numbers[:4], from_initial=self.from_initial)

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


def _tran_numbers(card: AnalysisCard, scope: Scope, places: Places) -> TranNumbers:
    numbers = _evaluated(card.numbers, card.origin, scope, places)
    try:
        return tran_numbers(numbers)
    except CardError as error:
        raise places.error(str(error), card.origin) from None


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


def _check_memory(circuit: FlatCircuit) -> None:
    """Refuse a transient of charges that none has."""
    if circuit.memory is None:
        return
    name, by, origin = circuit.memory
    where = circuit.places.where(origin)
    raise CardError(f".tran: {name} ({where}) holds a state, by {by}, which is not solved in time: take it out")
