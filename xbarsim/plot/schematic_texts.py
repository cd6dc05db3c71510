"""What is written beside the parts of a schematic: a solution's volts and amperes, or a circuit's ohms and siemens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.quantities import short_number

_ROUNDING = 1e-12
"""Of the largest current: what sums of others leave of 0."""

_ZERO_VOLTS = 1e-20
"""Of the largest voltage: what 0 ohm, to solvers a conductance of 1e30 S, leaves of 0."""


class DrawnEnds(Protocol):
    """What one side's lines are tied to, an entry a line: volts, and ohms."""

    @property
    def voltage(self) -> Array:
        """Volts."""

    @property
    def resistance(self) -> Array:
        """Ohms."""


class DrawnArray(Protocol):
    """What a schematic takes of a ``Crossbar``."""

    @property
    def conductance(self) -> Array:
        """Siemens of the cells."""

    @property
    def word_wire(self) -> Array:
        """Ohms."""

    @property
    def bit_wire(self) -> Array:
        """Ohms."""

    @property
    def boundary(self) -> Mapping[Any, DrawnEnds]:
        """What lines are tied to, by side."""


class DrawnSolution(Protocol):
    """What a schematic takes of a ``Solution``."""

    @property
    def crossbar(self) -> Any:
        """Return the circuit."""

    @property
    def end_currents(self) -> Mapping[Any, Array]:
        """Amperes out of the array, by side."""

    @property
    def source_voltages(self) -> Mapping[Any, Array]:
        """Volts, by side."""

    @property
    def word_voltages(self) -> Array:
        """Volts of nodes."""

    @property
    def bit_voltages(self) -> Array:
        """Volts of nodes."""

    @property
    def device_currents(self) -> Array:
        """Amperes from word to bit line."""


@dataclass(frozen=True)
class SchematicTexts:
    """Texts by the place that they belong to: ``w[i, j]``, ``cell[i, j]``, ``word_left[i]``, ``source word_left[i]``.

    Attributes
    ----------
    at : dict of str to str
        The text at each place.
    key : str
        What the texts are.
    """

    at: dict[str, str]
    key: str


def circuit_texts(circuit: DrawnArray) -> SchematicTexts:
    """Return siemens of cells, and ohms of wires and ends where they are not 0."""
    texts = _table("cell", circuit.conductance, "S")
    for name, ohms in (("word_wire", circuit.word_wire), ("bit_wire", circuit.bit_wire)):
        texts |= {place: text for place, text in _table(name, ohms, "ohm").items() if text != "0"}
    for side, ends in circuit.boundary.items():
        texts |= {place: text for place, text in _table(side, ends.resistance, "ohm").items() if text != "0"}
        texts |= _table(f"source {side}", ends.voltage, "V")
    inputs = range(circuit.conductance.shape[0])
    texts |= {f"source word_left[{i}]": f"V[{i}]" for i in inputs if texts[f"source word_left[{i}]"] == "0"}
    return SchematicTexts(texts, "conductances of cells, resistances of wires and ends")


def solution_texts(solution: DrawnSolution, vector: int) -> SchematicTexts:
    """Return volts of nodes and sources, and amperes of cells, wires and ends, of one vector of a batch.

    A wire's current is what the cells before it leave of what comes in at the line's beginning (Kirchhoff's law): the
    voltage along a wire of 0 ohm would not tell.

    Raises
    ------
    InputError
        There is no such vector, or a batch has no node voltages.
    """
    count = 1 if solution.device_currents.ndim == 2 else len(solution.device_currents)
    if not -count <= vector < count:
        raise InputError(f"vector is {vector}: the solution has {count}, numbered from 0")

    def of_vector(values: Array, axes: int) -> Array:
        return values if values.ndim == axes else np.asarray(values[vector])

    cells = of_vector(solution.device_currents, 2)
    ends = {side: of_vector(amperes, 1) for side, amperes in solution.end_currents.items()}
    rounding = _ROUNDING * max(np.abs(cells).max(), *(np.abs(amperes).max() for amperes in ends.values()))
    right = -ends["word_left"][:, None] - np.cumsum(cells, axis=1)[:, :-1]
    down = -ends["bit_top"] + np.cumsum(cells, axis=0)[:-1]
    word, bit = of_vector(solution.word_voltages, 2), of_vector(solution.bit_voltages, 2)
    zero = _ZERO_VOLTS * np.nanmax(np.abs([word, bit]), initial=0.0)
    texts = _table("w", word, "V", zero) | _table("b", bit, "V", zero)
    texts |= (
        _table("cell", cells, "A") | _table("word_wire", right, "A", rounding) | _table("bit_wire", down, "A", rounding)
    )
    for side, amperes in ends.items():
        # To the right and down, as in wires: what goes in at a line's beginning.
        texts |= _table(side, -amperes if side in ("word_left", "bit_top") else amperes, "A", rounding)
        texts |= _table(f"source {side}", of_vector(solution.source_voltages[side], 1), "V")
    return SchematicTexts(texts, "node voltages; currents to the right, down and from word to bit line")


def _table(name: str, values: Array, unit: str, rounding: float = 0.0) -> dict[str, str]:
    """Write all numbers of an array, by name and index; NaN, as of floating nodes, is in words."""
    return {
        f"{name}[{', '.join(map(str, index))}]": "floating" if np.isnan(value)
        else "0" if abs(value) <= rounding else short_number(float(value), unit)
        for index, value in np.ndenumerate(values)
    }  # fmt: skip
