"""Quantities of a result by name: voltages between nodes, currents of elements, expressions of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

import numpy as np

from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.netlist.element_kinds import CURRENT, METER, RESISTOR
from xbarsim.netlist.formula import Formula
from xbarsim.netlist.nonlinear_elements import Behaviours
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.requests import requests_of


def with_readings(circuit: ReadCircuit, result: AnalysisResult) -> AnalysisResult:
    """Return a result with the quantities that cards and measures ask for, as this very circuit has them.

    What cannot be had is left out here; who asks for it by ``Readout`` hears why.

    Parameters
    ----------
    circuit : ReadCircuit
        As it was in this analysis, a variant maybe.
    result : AnalysisResult
        Of it.
    """
    read = Readout(circuit, result)
    readings: dict[str, Array] = {}
    for text in asked_texts(circuit):
        with suppress(InputError):
            readings[text] = read(text)
    return replace(result, readings=readings)


def asked_texts(circuit: ReadCircuit) -> list[str]:
    """Return the quantities that cards and measures ask for, each once."""
    texts = [request.text for card in circuit.requests for request in requests_of(card)]
    for measure in circuit.measures:
        texts += [measure.output] * (measure.function != "param")
        for keys in (measure.keys, *(event.keys for event in (measure.trig, measure.targ) if event is not None)):
            texts += [keys[key] for key in ("when", "value") if key in keys]
        texts += [event.output for event in (measure.trig, measure.targ) if event is not None]
    return list(dict.fromkeys(filter(None, texts)))


class Readout:
    """Reads quantities off one result.

    Parameters
    ----------
    circuit : ReadCircuit
        The netlist.
    result : AnalysisResult
        One of its analyses.
    values : mapping of str to float, optional
        Names that have a value beside parameters: what was measured.
    """

    def __init__(self, circuit: ReadCircuit, result: AnalysisResult, values: Mapping[str, float] | None = None) -> None:
        self.circuit, self.result = circuit, result
        self.values: Mapping[str, float] = {} if values is None else values
        self.times = dict(result.axes()).get("time", np.zeros(result.points))

    @cached_property
    def _node(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.result.nodes)}

    @cached_property
    def _branch(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.result.branches)}

    @cached_property
    def _element(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.circuit.names)}

    def __call__(self, text: str) -> Array:
        """Return an expression's value at every point, (points,); NaN or infinite where it has none.

        Raises
        ------
        InputError
            It is no expression, or a node, an element or a name in it is unknown.
        """
        if text in self.result.readings:
            return self.result.readings[text]
        try:
            formula = Formula(text, self.circuit.functions)
            return formula.evaluate(self._quantity, self._value, np.asarray(self.times), self.circuit.celsius)
        except CardError as error:
            raise InputError(str(error)) from None

    def number(self, text: str) -> float:
        """Return a number, or the value of an expression of parameters alone."""
        formula = Formula(text, self.circuit.functions)
        if formula.controls:
            raise InputError(f"{text!r} is no number: it names results, which find takes (find {text})")
        return float(self(text)[0])

    def _value(self, name: str) -> float:
        if name in self.values:
            return self.values[name]
        if self.circuit.parameter is not None:
            try:
                return float(self.circuit.parameter(name))
            except CardError:
                pass
        if name == "e":
            return 2.718281828459045
        raise InputError(f"{name!r} is no parameter and nothing that was measured")

    def _quantity(self, control: tuple[str, str, str]) -> Array:
        kind, first, second = control
        return self._volts(first) - self._volts(second) if kind == "v" else self.current(first)

    def _volts(self, node: str) -> Array:
        if node in ("0", "gnd"):
            return np.zeros(self.result.points)
        if node.startswith(METER):  # behind an ammeter
            return self._number(int(self.circuit.first[self._element[node]]))
        if node not in self._node:
            raise InputError(f"there is no node {node}")
        return np.asarray(self.result.voltages[:, self._node[node]])

    def current(self, name: str) -> Array:
        """Return an element's current, from its first node through it to its second, at every point."""
        circuit = self.circuit
        if name in self._branch:
            return np.asarray(self.result.currents[:, self._branch[name]])
        if name in self._element:
            return self._plain(self._element[name])
        for source in (*circuit.controlled, *(circuit.charging.gains if circuit.charging else ())):
            if source.name == name and (source.gain or circuit.charging is None):
                return source.amperes(lambda plus, minus: self._number(plus) - self._number(minus), self._at)
        for laws in (*circuit.behaviours, *(circuit.charging.laws if circuit.charging else ())):
            if laws.output == "i" and name in laws.names:
                return self._law(laws, laws.names.index(name))
        if any(row[0] == name for row in circuit.capacitors) and self.result.integration is None:
            return np.zeros(self.result.points)
        devices = [elements.names for elements in (circuit.diodes, circuit.mosfets) if elements is not None]
        devices.append([row[0] for row in circuit.capacitors])
        if any(name in names for names in devices):
            raise InputError(f"the current of {name} is not at hand: put a source of 0 V in series and ask for its own")
        raise InputError(f"there is no source {name}")

    def _plain(self, element: int) -> Array:
        """Return the current of a resistor or a source of current."""
        circuit = self.circuit
        if circuit.kinds[element] == RESISTOR:
            across = self._number(int(circuit.first[element])) - self._number(int(circuit.second[element]))
            if circuit.values[element] == 0:
                raise InputError(f"{circuit.names[element]} has 0 ohm, and no current that its voltage tells")
            return np.asarray(across / circuit.values[element])
        if circuit.kinds[element] == CURRENT:
            axes = dict(self.result.axes())
            if circuit.names[element] in axes:
                return np.asarray(axes[circuit.names[element]])
            if self.result.kind == "tran" and element in circuit.waves:
                return np.asarray(circuit.waves[element].at(np.asarray(self.times)))
        return np.full(self.result.points, circuit.values[element])

    def _number(self, node: int) -> Array:
        return self._volts(self.circuit.nodes[node])

    def _at(self, branch: int) -> Array:
        """Return the current of a branch, numbered as in ``Behaviours.plus``."""
        circuit = self.circuit
        volts = [name for laws in circuit.behaviours if laws.output == "v" for name in laws.names]
        return self.current([*circuit.names, *(laws.name for laws in circuit.controlled), *volts][branch])

    def _law(self, laws: Behaviours, row: int) -> Array:
        """Return the amperes of a source with a law."""
        controls = [
            self._at(int(plus[row])) if kind == "i" else self._number(int(plus[row])) - self._number(int(minus[row]))
            for kind, plus, minus in zip(laws.kinds, laws.plus, laws.minus, strict=True)
        ]
        shape = np.asarray(self.times).shape
        constants = [np.full(shape, column[row]) for column in laws.constants]
        value, _ = laws.template.evaluate(controls, constants, self.times)  # type: ignore[arg-type]
        return np.asarray(laws.factor[row] * np.broadcast_to(value, shape))
