"""A loop: arrays and a small linear circuit at their line ends, checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.errors import InputError
from xbarsim.loop.controlled_parts import CurrentGain, Transconductor, Transresistor
from xbarsim.loop.loop_parts import (
    Capacitor,
    CurrentSource,
    Inductor,
    JoinedArray,
    OpAmp,
    Part,
    Resistor,
    VoltageSource,
)
from xbarsim.loop.mutual_inductance import MutualInductance, check_fluxes
from xbarsim.loop.part_checks import GROUND

_PartT = TypeVar("_PartT", bound=Part)


@dataclass(frozen=True, eq=False, init=False)
class Loop:
    """Parts that share nodes.

    Parameters
    ----------
    *parts : Resistor, Capacitor, Inductor, VoltageSource, CurrentSource, OpAmp, JoinedArray or controlled part
        In any order; controlled parts are ``Transconductor``, ``CurrentGain`` and ``Transresistor``, and inductors
        share flux by ``MutualInductance``.

    Raises
    ------
    InputError
        Two parts have one name, sources have different numbers of points, some amplifiers have a bandwidth and some
        have none, what controls a part has no current of its own, or couplings are not of inductors.
    """

    parts: tuple[Part, ...]

    def __init__(self, *parts: Part) -> None:
        object.__setattr__(self, "parts", parts)
        for k, part in enumerate(parts):
            if not isinstance(part, Part):
                raise InputError(f"part {k} is {type(part).__name__}: parts are {', '.join(_KINDS)}")
        # SPICE tells no case.
        lowered: set[str] = set()
        for part in parts:
            if part.name.lower() in lowered:
                raise InputError(f"two parts are called {part.name}: give each its own name")
            lowered.add(part.name.lower())
        self._check_points()
        self._check_controls()
        check_fluxes({coil.name: coil.henries for coil in self.inductors}, self.fluxes)
        speeds = {amp.amplifier.bandwidth is None: amp.name for amp in self.amplifiers}
        if len(speeds) > 1:
            raise InputError(
                f"{speeds[False]} has a bandwidth and {speeds[True]} has none: give all amplifiers one, or none"
            )

    def _of(self, kind: type[_PartT]) -> tuple[_PartT, ...]:
        return tuple(part for part in self.parts if isinstance(part, kind))

    @cached_property
    def arrays(self) -> tuple[JoinedArray, ...]:
        """Its arrays."""
        return self._of(JoinedArray)

    @cached_property
    def amplifiers(self) -> tuple[OpAmp, ...]:
        """Its amplifiers."""
        return self._of(OpAmp)

    @cached_property
    def resistors(self) -> tuple[Resistor, ...]:
        """Its resistors, those between an amplifier's inputs not among them."""
        return self._of(Resistor)

    @cached_property
    def capacitors(self) -> tuple[Capacitor, ...]:
        """Its capacitors, those of arrays not among them."""
        return self._of(Capacitor)

    @cached_property
    def inductors(self) -> tuple[Inductor, ...]:
        """Its inductors."""
        return self._of(Inductor)

    @cached_property
    def fluxes(self) -> tuple[MutualInductance, ...]:
        """What its inductors share."""
        return self._of(MutualInductance)

    @cached_property
    def charged(self) -> str | None:
        """What holds charge or flux, the first part in words, or None: poles are then those of the amplifiers alone."""
        parts = [f"{part.name} has capacitance" for part in self.capacitors if part.farads > 0.0]
        parts += [f"{part.name} has inductance" for part in self.inductors if part.henries > 0.0]
        return next(iter(parts + [f"{array.name} has capacitance" for array in self.arrays if array.charged]), None)

    def with_parts(self, *parts: Part) -> Loop:
        """Return the loop with more parts: a capacitor across a feedback, a load at an output.

        Parameters
        ----------
        *parts : Part
            Joined at the nodes that they name.
        """
        return Loop(*self.parts, *parts)

    def with_capacitance(self, *, word: ArrayLike = 0.0, bit: ArrayLike = 0.0, cell: ArrayLike = 0.0) -> Loop:
        """Return the loop with this capacitance in all its arrays, in place of theirs.

        Parameters
        ----------
        word, bit, cell : array_like, scalar or (rows, cols)
            Farads from each word node and each bit node to ground, and across each cell.

        Raises
        ------
        InputError
            A capacitance is negative, infinite, or of a shape that an array does not have.
        """
        return Loop(
            *(
                replace(part, word_capacitance=word, bit_capacitance=bit, cell_capacitance=cell)
                if isinstance(part, JoinedArray)
                else part
                for part in self.parts
            )
        )

    @cached_property
    def volts(self) -> tuple[VoltageSource, ...]:
        """Its sources of volts."""
        return self._of(VoltageSource)

    @cached_property
    def amperes(self) -> tuple[CurrentSource, ...]:
        """Its sources of amperes."""
        return self._of(CurrentSource)

    @cached_property
    def transconductors(self) -> tuple[Transconductor, ...]:
        """Its sources of amperes by volts."""
        return self._of(Transconductor)

    @cached_property
    def current_gains(self) -> tuple[CurrentGain, ...]:
        """Its sources of amperes by amperes."""
        return self._of(CurrentGain)

    @cached_property
    def transresistors(self) -> tuple[Transresistor, ...]:
        """Its sources of volts by amperes."""
        return self._of(Transresistor)

    @cached_property
    def fixing(self) -> list[tuple[str, str, str]]:
        """What fixes a voltage and has a current, but amplifiers: name, + and - node."""
        branches = [(source.name, source.plus, source.minus) for source in self.volts]
        branches += [(part.name, part.a, part.b) for part in self.resistors if part.ohms == 0.0]
        branches += [(part.name, part.a, part.b) for part in self.inductors]
        return branches + [(source.name, source.plus, source.minus) for source in self.transresistors]

    @cached_property
    def controls(self) -> frozenset[str]:
        """The names of all parts whose current controls others."""
        return frozenset(
            [source.control for source in self.current_gains] + [source.control for source in self.transresistors]
        )

    @cached_property
    def watched(self) -> list[str]:
        """The nodes that settle: amplifiers' outputs, those that they drive from too, or all of a loop without."""
        outputs = dict.fromkeys(amp.out for amp in self.amplifiers)
        outputs |= dict.fromkeys(amp.reference for amp in self.amplifiers if amp.reference != GROUND)
        return list(outputs) or self.nodes

    @cached_property
    def points(self) -> int | None:
        """How many points its sources have, None if each has one number."""
        return next(iter(self._sizes()), None)

    @cached_property
    def nodes(self) -> list[str]:
        """All nodes but ground, in the order in which parts name them."""
        names: dict[str, None] = {}
        for part in self.parts:
            if isinstance(part, JoinedArray):
                names.update({node: None for _, _, node in part.ports if node is not None})
            else:
                pins = (getattr(part, pin, None) for pin in _PINS)
                names.update({node: None for node in pins if node is not None})
        names.pop(GROUND, None)
        return list(names)

    def _sizes(self) -> dict[int, str]:
        """Return how many points sources have, each with one of these."""
        values = [(source.name, source.volts) for source in self.volts]
        values += [(source.name, source.amperes) for source in self.amperes]
        return {np.size(value): name for name, value in values if np.ndim(value)}

    def _check_points(self) -> None:
        sizes = self._sizes()
        if len(sizes) > 1:
            (one_size, first), (another_size, second) = list(sizes.items())[:2]
            raise InputError(f"{first} has {one_size} points and {second} has {another_size}: give them as many")

    def _check_controls(self) -> None:
        with_current = {name for name, _, _ in self.fixing} | {amp.name for amp in self.amplifiers}
        sources: tuple[CurrentGain | Transresistor, ...] = (*self.current_gains, *self.transresistors)
        for source in sources:
            if source.control not in with_current:
                raise InputError(
                    f"control of {source.name} is {source.control}, which has no current of its own in the loop: it "
                    "must name a VoltageSource, Inductor, OpAmp, Transresistor or Resistor of 0 ohm"
                )


_PINS = ("a", "b", "plus", "minus", "out", "reference")

_KINDS = (
    "Resistor", "Capacitor", "Inductor", "VoltageSource", "CurrentSource", "Transconductor",
    "CurrentGain", "Transresistor", "MutualInductance", "OpAmp", "JoinedArray",
)  # fmt: skip
