"""The circuit of a netlist, and its variants for sweeps that change more than sources."""

from __future__ import annotations

from dataclasses import replace

from xbarsim.netlist.analyses import Analysis, Family
from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.reading.changes import Changes
from xbarsim.netlist.reading.draws import Draws
from xbarsim.netlist.reading.flatten import Flattener
from xbarsim.netlist.reading.presets import unknown_parameter
from xbarsim.netlist.reading.reader import NetlistReader
from xbarsim.netlist.reading.schedule import Play, Scheduler, first_value
from xbarsim.netlist.reading.settings import IDLE
from xbarsim.netlist.reading.targets import TEMPERATURES, changes_from, is_source
from xbarsim.netlist.reading.tolerances import note_on_unread
from xbarsim.netlist.reading.toplevel import top_scope
from xbarsim.netlist.reading.trantimes import TranNumbers
from xbarsim.netlist.refusals import NetlistError
from xbarsim.netlist.suggest import clipped, closest


class Variants:
    """Makes circuits from the cards of one reader; the text is read once.

    Parameters
    ----------
    reader : NetlistReader
        Has read the netlist.
    steady : bool
        Leave capacitors that hold a state open.
    presets : Changes, optional
        What a caller sets in the place of the netlist's own; the reader has read with its parameters.
    """

    def __init__(self, reader: NetlistReader, steady: bool, presets: Changes | None = None) -> None:
        self.reader, self.steady = reader, steady
        self.presets = presets or Changes()
        if self._draws_itself():
            self.presets = replace(self.presets, run=None)
        self.seed = reader.seed or 0
        self.base = Changes()
        self.draws = Draws(self.seed, self.presets.run)
        self._last: tuple[Changes, FlatCircuit] | None = None

    def circuit(self) -> FlatCircuit:
        """Return the circuit as it is written, with its analyses.

        Raises
        ------
        NetlistError
            The cards do not make a circuit.
        """
        reader = self.reader
        self._check_presets()
        self.base = self._first_values()
        moving = bool(reader.plays) and all(card.kind == "tran" for card, _ in reader.plays)
        flattener = Flattener(reader, self.base, self.draws, steady=self.steady, moving=moving)
        circuit = flattener.run()
        self._check_swept(circuit)
        plays = []
        for card, alterations in reader.plays:
            drawn = [alteration for alteration in alterations if alteration.kind != "run" or reader.random]
            plays.append(Play(card, changes_from(drawn, circuit, reader.top)))
        transient = flattener.transient if moving else None
        scheduler = Scheduler(reader.top, flattener.scope, self.make, self.make_moving, transient)
        scheduled = scheduler.schedule(circuit, plays, reader.steps)
        scheduled.notes.extend(self._notes(flattener, plays, scheduled.analyses))
        scheduled.notes.extend(self._idle(flattener))
        scheduled.notes.extend(self._unmoved(scheduled))
        return scheduled

    def make(self, changes: Changes) -> FlatCircuit:
        """Return a variant, without analyses."""
        if self._last is None or self._last[0] != changes:
            with collector_paused():
                self._last = changes, self._flattener(changes).run()
        return self._last[1]

    def make_moving(self, changes: Changes, numbers: TranNumbers, uic: bool) -> FlatCircuit:
        """Return a variant whose states move, with its transient."""
        with collector_paused():
            flattener = self._flattener(changes, moving=True)
            circuit = flattener.run()
        transient, notes = flattener.transient(numbers, uic)
        circuit.notes.extend(note for note in notes if note not in circuit.notes)
        return replace(circuit, analyses=(transient,))

    def _flattener(self, changes: Changes, *, moving: bool = False) -> Flattener:
        """Return what makes a variant."""
        whole = replace(
            changes,
            parameters={**self.base.parameters, **changes.parameters},
            settings={**self.base.settings, **changes.settings},
            run=self.base.run if changes.run is None else changes.run,
        )
        draws = Draws(self.seed, whole.run)
        return Flattener(self._reader(whole), whole, draws, steady=self.steady, moving=moving)

    def _reader(self, changes: Changes) -> NetlistReader:
        """Return what was read, or read it again where conditions are decided by what changes."""
        presets = self.presets.parameters
        moved = {name for name, value in changes.parameters.items() if presets.get(name) != value}
        if not self.reader.conditions.decided.intersection(moved):
            return self.reader
        reader = NetlistReader(self.reader.again(), changes.parameters, seed=self.seed, charges=self.reader.charges)
        reader.run()
        return reader

    def _first_values(self) -> Changes:
        """Set stepped parameters that no ``.param`` sets to their first values, beside what a caller sets."""
        defined = {parameter.name for parameter in self.reader.top.parameters}
        scope = top_scope(self.reader.top, self.presets, self.draws)
        changes = self.presets
        for step in self.reader.steps:
            sweep = step.sweep
            if sweep.parameter and sweep.name not in defined:
                changes = changes.with_parameter(sweep.name, first_value(step, scope, self.reader.places))
        return changes

    def _draws_itself(self) -> bool:
        """Whether the netlist says when random parameters are drawn."""
        plays = self.reader.plays
        resets = any(alteration.kind == "run" for _, alterations in plays for alteration in alterations)
        return bool(self.reader.steps) or resets or any(card.monte is not None for card, _ in plays)

    def _check_presets(self) -> None:
        names = dict.fromkeys(parameter.name for parameter in self.reader.top.parameters)
        for name in self.presets.parameters:
            if name not in names:
                raise NetlistError(unknown_parameter(name, names), self.reader.places.files[0])

    def _check_swept(self, circuit: FlatCircuit) -> None:
        """Refuse a value for a parameter that takes those of a card."""
        cards = [(f".{card.kind}", sweep, card.origin) for card, _ in self.reader.plays for sweep in card.sweeps]
        cards += [(".step", step.sweep, step.origin) for step in self.reader.steps]
        for card, sweep, origin in cards:
            if sweep.key or is_source(sweep, circuit):
                continue
            warm = sweep.name in TEMPERATURES and not sweep.parameter and self.presets.settings
            if sweep.name in self.presets.parameters or warm:
                raise self.reader.places.error(
                    f"{card} sweeps '{clipped(sweep.name)}', which cannot be set from outside too: remove the card, or"
                    " leave that to it",
                    origin,
                )

    def _idle(self, flattener: Flattener) -> list[str]:
        """Say what is given and changes nothing."""
        file, notes = self.reader.places.files[0], []
        for name in self.presets.parameters:
            if name in flattener.scope.pending and name not in self.reader.conditions.decided:
                notes.append(f"{file}: no element and no analysis depends on the parameter '{clipped(name)}'")
        if self.reader.chosen_seed is not None and not self.reader.random:
            notes.append(f"{file}: --seed (seed=) changes nothing: no parameter is drawn at random")
        if self.steady and not flattener.states.released:
            notes.append(f"{file}: --steady (steady=True) changes nothing: no capacitor holds a state at IC= or .ic")
        return notes

    def _unmoved(self, circuit: FlatCircuit) -> list[str]:
        """Say what is given and acts on transients alone, where there is none with memory."""
        reader, where = self.reader, self.reader.places.where
        in_time = circuit.storage is not None
        idle = [origin for _, origin, alone in reader.option_cards if alone]
        notes = [] if in_time else [f"{where(origin)}: {IDLE}" for origin in idle[:1]]
        for text, origin, _ in reader.option_cards if in_time else ():
            note = note_on_unread(text)
            notes += [f"{where(origin)}: {note}"] if note else []
        if reader.guessed is not None and not in_time:
            text = ".nodeset is a first guess, and is not used: IC= or .ic holds a state"
            notes.append(f"{where(reader.guessed)}: {text}")
        return notes

    def _notes(self, flattener: Flattener, plays: list[Play], analyses: tuple[Analysis, ...]) -> list[str]:
        """Say what random functions gave, and which swept parameters nothing depends on."""
        places, notes = self.reader.places, []
        sweeps = [(step.sweep, step.origin) for step in self.reader.steps]
        sweeps += [(sweep, play.card.origin) for play in plays for sweep in play.card.sweeps]
        names = [parameter.name for parameter in self.reader.top.parameters]
        for sweep, origin in sweeps:
            if self.draws.count or sweep.name not in flattener.scope.pending:
                continue
            if sweep.name not in names:
                close = closest(sweep.name, names)
                hint = f"did you mean '{close}'?" if close else "use it in braces, or remove the card"
                raise places.error(
                    f"no expression has the parameter '{clipped(sweep.name)}' that is swept: {hint}", origin
                )
            notes.append(
                f"{places.where(origin)}: nothing depends on the swept parameter '{clipped(sweep.name)}': all its"
                " points are equal"
            )
        if not self.draws.count:
            return notes
        monte = next((play.card for play in plays if play.card.monte is not None), None)
        if monte is not None:
            runs = next(
                axis.values
                for family in analyses
                if isinstance(family, Family)
                for axis in family.axes
                if axis.name == "monte"
            )
            nominal = "run 1 is nominal, all others are" if 1 in runs else "all are"
            text = f"{len(runs)} Monte Carlo runs with seed {self.seed}: {nominal} drawn, each from its own number"
            notes.append(f"{places.where(monte.origin)}: {text}")
        elif any(play.changes.run is not None for play in plays):
            text = f"random parameters are nominal first and drawn anew by each reset, with seed {self.seed}"
            notes.append(f"{places.where(self.reader.commands[0].origin)}: {text}")
        elif self.reader.steps:
            where = places.where(self.reader.steps[0].origin)
            notes.append(f"{where}: random parameters are drawn anew at each point of .step, with seed {self.seed}")
        elif self.presets.run is not None:
            notes.append(f"{places.files[0]}: random parameters are drawn once, with seed {self.seed}")
        else:
            notes.append(
                f"{places.files[0]}: random parameters have their nominal values, as no 'sweep monte=' draws them"
                " (ngspice draws once)"
            )
        return notes
