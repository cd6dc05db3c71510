"""A circuit that was read, and the crossbar that it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import IO, Self

import numpy as np

from xbarsim.crossbar import Array, Crossbar
from xbarsim.netlist.collector import collector_paused
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.arrays_inside import ArrayInside, arrays_inside
from xbarsim.netlist.graph.recognise import recognise
from xbarsim.netlist.graph.recognise_in_time import recognise_in_time
from xbarsim.netlist.reading.presets import presets_of
from xbarsim.netlist.reading.reader import NetlistReader
from xbarsim.netlist.reading.variants import Variants
from xbarsim.netlist.recognition import Recognition
from xbarsim.netlist.recognition_in_time import RecognitionInTime
from xbarsim.netlist.refusals import NotACrossbarError


@dataclass(frozen=True, eq=False, repr=False)
class ReadCircuit(FlatCircuit):
    """A flat circuit that knows whether it is a crossbar."""

    @classmethod
    def of(cls, circuit: FlatCircuit) -> Self:
        """Return the circuit with the columns of a flat one.

        Parameters
        ----------
        circuit : FlatCircuit
            What was read; its columns are shared, not copied.
        """
        return cls(**{column.name: getattr(circuit, column.name) for column in fields(circuit)})

    def recognise(self) -> Recognition:
        """Return the crossbar that this circuit is, by its graph, or the reason why it is none."""
        return self._recognition

    def recognise_in_time(self) -> RecognitionInTime:
        """Return the crossbar that this circuit with all that it stores is, or the reason why it is none."""
        return self._recognition_in_time

    def arrays_inside(self) -> tuple[ArrayInside, ...]:
        """Return the crossbars that are part of this circuit, where it is none as a whole."""
        return self._arrays_inside

    def crossbar(self) -> Crossbar:
        """Return the crossbar that this circuit is.

        Raises
        ------
        NotACrossbarError
            The circuit's graph is no crossbar, or its cells do what no cell's model has.
        """
        recognition = self.recognise()
        if recognition.crossbar is None:
            reason = recognition.reason or "its graph is no crossbar"
            raise NotACrossbarError(f"the circuit is no crossbar: {reason}", self.places.files[0])
        if recognition.left_out is not None:
            raise NotACrossbarError(
                f"{recognition.left_out}, which the cells of a crossbar have not: solve the netlist itself, or take "
                "recognise().crossbar, which leaves that out",
                self.places.files[0],
            )
        return recognition.crossbar

    @property
    def voltages(self) -> Array:
        """Volts that drive the rows of the crossbar that this circuit is, (rows,), as ``xbarsim.solve`` takes them.

        Raises
        ------
        NotACrossbarError
            As ``crossbar``.
        """
        self.crossbar()
        return np.array(self.recognise().voltages)

    @cached_property
    def _recognition(self) -> Recognition:
        return recognise(self)

    @cached_property
    def _arrays_inside(self) -> tuple[ArrayInside, ...]:
        return arrays_inside(self)

    @cached_property
    def _recognition_in_time(self) -> RecognitionInTime:
        return recognise_in_time(self)


def read_circuit(
    path: str | Path | IO[str],
    *,
    parameters: Mapping[str, float] | None = None,
    temp: float | None = None,
    steady: bool = False,
    seed: int | None = None,
    drawn: bool = False,
    charges: bool = False,
) -> ReadCircuit:
    """Read a netlist; what is taken and raised is as ``xbarsim.netlist.read`` says."""
    with collector_paused():
        presets = presets_of(parameters, temp, drawn=drawn)
        reader = NetlistReader(path, presets.parameters, seed=seed, charges=charges)
        reader.run()
        return ReadCircuit.of(Variants(reader, steady, presets).circuit())
