"""Which cell model nonlinear elements are: a law of their own, a selector, a transistor with its memristor."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from xbarsim.devices import Device, Law
from xbarsim.devices.base import parameter
from xbarsim.devices.registry import sinh_model
from xbarsim.netlist.behaviour import Template
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.edges import Bools, Floats, NoCrossbar
from xbarsim.netlist.graph.gate_lines import transistor_cells
from xbarsim.netlist.graph.standins import CellElements, Place, in_series
from xbarsim.netlist.nonlinear_elements import Behaviours

_OFF, _ALIKE = 1e-12, 1e-3
"""Volts off 0 where a slope is compared with the one beside it, and how much these may differ."""


class WrittenLaw(Law):
    """A law that a netlist wrote; it is compiled when a solver of crossbars first needs it."""

    def __init__(self, template: Template, **parameters: Floats) -> None:
        object.__setattr__(self, "function", _law(template))
        object.__setattr__(self, "arguments", {name: parameter(name, value) for name, value in parameters.items()})
        object.__setattr__(self, "operations", len(template.key))


def nonlinear_cells(circuit: FlatCircuit) -> CellElements:
    """Return a circuit's nonlinear elements as cells of one model.

    Raises
    ------
    NoCrossbar
        They are of different laws, or of none that a cell can have.
    """
    kinds = [
        *circuit.behaviours,
        *(group for group in (circuit.diodes, circuit.mosfets) if group is not None and group.names),
    ]
    if len(kinds) > 1:
        raise NoCrossbar(
            f"its nonlinear elements follow different laws, as {kinds[0].names[0]} and {kinds[1].names[0]}"
        )
    if circuit.mosfets is not None:
        return transistor_cells(circuit)
    if circuit.diodes is not None:
        raise NoCrossbar(f"{circuit.diodes.names[0]} is a diode: no cell model has one")
    return _sources(circuit, circuit.behaviours[0])


def _sources(circuit: FlatCircuit, laws: Behaviours) -> CellElements:
    """CellElements that are a current by their own voltage, alone or with a resistor in series."""
    turned = np.zeros(laws.first.size, bool)
    if laws.output == "i" and laws.kinds == "v":
        turned = (laws.plus[0] == laws.second) & (laws.minus[0] == laws.first) & ~laws.two_terminal
    if not np.all(laws.two_terminal | turned):
        odd = laws.names[int(np.argmin(laws.two_terminal | turned))]
        raise NoCrossbar(f"{odd} is no current by the voltage across it alone")
    if ("time", None, ()) in laws.template.key:
        raise NoCrossbar(f"{laws.names[0]} depends on time, as no cell does")
    # A law of the voltage the other way round is one of -x.
    sign = np.where(turned, -1.0, 1.0)
    zero = np.zeros(laws.first.size)
    constants = list(laws.constants)
    current, (slope,) = laws.template.evaluate([zero], constants, 0.0)
    if np.isnan(slope).any():
        slope = np.where(np.isnan(slope), _limit(laws.template, constants, zero), slope)
    conductance = laws.factor * sign * slope
    if not (np.all(current == 0.0) and np.all(conductance > 0.0) and np.isfinite(conductance).all()):
        odd = laws.names[int(np.argmax((current != 0.0) | ~(conductance > 0.0)))]
        raise NoCrossbar(f"{odd} does not rise from 0 A at 0 V as a cell does")
    steep = _sinh_of(laws.template, constants)
    series = in_series(circuit, laws.first, laws.second)
    if series is None:

        def device(place: Place, forward: Bools) -> Device:
            if steep is not None:
                return sinh_model(in_series=False).from_sinh(place(conductance), place(steep))
            turn = np.where(forward, 1.0, -1.0)
            numbers = {f"c{k}": place(values) for k, values in enumerate(constants)}
            return WrittenLaw(laws.template, into=place(sign * turn), out=place(laws.factor * turn), **numbers)

        return CellElements(laws.names, laws.origins, laws.first, laws.second, conductance, device)
    if steep is None:
        raise NoCrossbar(f"{laws.names[0]} has a resistor in series: of its law no cell model with one is known")
    resistor, inner, outer = series
    first, second = (np.where(nodes == inner, outer, nodes) for nodes in (laws.first, laws.second))
    return CellElements(
        laws.names, laws.origins, first, second, 1.0 / circuit.values[resistor],
        lambda place, forward: sinh_model(in_series=True).from_sinh(place(conductance), place(steep)),
        resistor, inner, outer,
    )  # fmt: skip


def _limit(template: Template, constants: list[Floats], zero: Floats) -> Floats:
    """Return the slopes that laws have right beside 0 V, NaN where they go on growing."""
    (near,) = template.slopes_beside([zero], constants, 0.0)
    _, (far,) = template.evaluate([zero + _OFF], constants, 0.0)
    return np.where(np.abs(near - far) <= _ALIKE * np.abs(far), near, np.nan)


@lru_cache(maxsize=256)
def _law(template: Template) -> Callable[..., Any]:
    """Return ``law(v, g, into, out, *constants)`` with both its ends turned as a cell needs it."""
    from numba import njit

    inner = njit(template.law())

    def law(v: float, g: float, into: float, out: float, *constants: float) -> tuple[float, float]:
        current, slope = inner(into * v, g, *constants)
        return out * current, out * into * slope

    return law


def _sinh_of(template: Template, constants: list[Floats]) -> Floats | None:
    """Return the volts v0 of laws ``c sinh(x / v0)``; None for other forms."""
    nodes = template.key

    def constant(at: int) -> Floats | None:
        kind, payload, _ = nodes[at]
        if kind == "constant":
            return constants[int(str(payload))]
        return np.full(1, float(str(payload))) if kind == "number" else None

    at = len(nodes) - 1
    while nodes[at][0] == "*" and any(constant(k) is not None for k in nodes[at][2]):
        at = next(k for k in nodes[at][2] if constant(k) is None)
    if nodes[at][0] != "sinh":
        return None
    operation, _, operands = nodes[nodes[at][2][0]]
    if operation not in ("*", "/"):
        return np.ones_like(constants[0]) if operation == "control" and constants else None
    factors = [constant(k) for k in operands]
    if nodes[operands[0]][0] == "control" and factors[1] is not None:
        v0 = factors[1] if operation == "/" else 1.0 / factors[1]
    elif nodes[operands[1]][0] == "control" and factors[0] is not None and operation == "*":
        v0 = 1.0 / factors[0]
    else:
        return None
    return np.abs(v0 * np.ones(max((one.size for one in constants), default=1)))
