"""CellElements with an access transistor, 1T1R, and the lines that hold the transistors' gates and bulks."""

from __future__ import annotations

import numpy as np

from xbarsim.devices import Device, Transistor
from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import GROUND, RESISTOR
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.graph.edges import Bools, Floats, Ints, NoCrossbar
from xbarsim.netlist.graph.standins import CellElements, Place, held_at, in_series, touches
from xbarsim.netlist.nonlinear_elements import Mosfets

_NEGLIGIBLE = 1e-12
"""Part of a cell's conductance that junctions may leak and still be left out."""


def transistor_cells(circuit: FlatCircuit) -> CellElements:
    """Return cells of a resistor and a level-1 transistor in series, gates held by sources.

    Where junctions leak, or thresholds depend on the bulk, the model of a cell leaves that out, and says so.

    Raises
    ------
    NoCrossbar
        The transistors are no cells'.
    """
    m = circuit.mosfets
    assert m is not None
    series = in_series(circuit, m.drain, m.source)
    if series is None:
        raise NoCrossbar(f"{m.names[0]} is a transistor without a memristor in series")
    resistor, inner, outer = series
    conductance = 1.0 / circuit.values[resistor]
    first, second = (np.where(nodes == inner, outer, nodes) for nodes in (m.drain, m.source))
    if np.any(m.polarity < 0):
        odd = m.names[int(np.argmax(m.polarity < 0))]
        raise NoCrossbar(f"{odd} is a p-channel transistor: a cell's has an n-channel")
    to_source = (m.bulk == m.drain) | (m.bulk == m.source)
    volts, holders = held_nodes(circuit, np.append(m.gate, m.bulk[~to_source]))
    for nodes, mask, terminal in ((m.gate, np.ones_like(to_source), "gate"), (m.bulk, ~to_source, "bulk")):
        bad = mask & np.isnan(volts[nodes])
        if bad.any():
            odd = m.names[int(np.argmax(bad))]
            raise NoCrossbar(f"{odd} has a {terminal} at node '{circuit.nodes[nodes[np.argmax(bad)]]}', which {_FREE}")
    threshold = m.built_in + m.gamma * np.sqrt(m.phi)

    def device(place: Place, forward: Bools) -> Device:
        return Transistor(_thin(place(volts[m.gate])), place(m.beta), place(threshold), place(m.channel))

    def left_out(forward: Bools) -> str | None:
        on_word = np.where(forward, first, second) == outer
        if not on_word.all():
            return f"{m.names[int(np.argmin(on_word))]} has its memristor on the bit line's side"
        shared = np.setdiff1d(held_at(circuit)[0][m.gate], np.append(holders, -1))
        return _left_out(circuit, m, conductance, holders, shared)

    return CellElements(
        m.names, m.origins, first, second, conductance, device, resistor, inner, outer, holders, left_out
    )  # fmt: skip


_FREE = "no source holds: tie it to ground or to a voltage source"


def _left_out(circuit: FlatCircuit, m: Mosfets, conductance: Floats, holders: Ints, shared: Ints) -> str | None:
    """Say what transistors do that a cell's does not; None where that is next to nothing."""
    leak = circuit.gmin + (m.drain_saturation + m.source_saturation) / m.thermal
    effects = (
        (m.gamma != 0, "a body effect (GAMMA)"),
        ((m.drain_series != 0) | (m.source_series != 0), "resistances at its ends (RD, RS, RSH)"),
        (leak > _NEGLIGIBLE * conductance, "junctions that leak (.options gmin, IS)"),
    )
    lacking = [(int(np.argmax(where)), effect) for where, effect in effects if np.any(where)]
    if lacking:
        return f"{m.names[lacking[0][0]]} has {' and '.join(effect for _, effect in lacking)}"
    if np.any(circuit.kinds[holders] == RESISTOR):
        return "gates hang on lines with resistors"
    if shared.size:
        return f"{circuit.names[int(shared[0])]} holds gates and drives something else"
    return None


def held_nodes(circuit: FlatCircuit, nodes: Ints) -> tuple[Floats, Ints]:
    """Return the volts at which sources hold nodes, NaN elsewhere, and the elements that do nothing else.

    These are sources that such nodes hang on, alone or along lines of resistors without a current.

    Parameters
    ----------
    circuit : FlatCircuit
        With its sources.
    nodes : array of int
        Those that are asked for.
    """
    count = len(circuit.nodes)
    ohms = np.flatnonzero((circuit.kinds == RESISTOR) & (circuit.first != GROUND) & (circuit.second != GROUND))
    line = components(circuit.first[ohms], circuit.second[ohms], count)
    met = np.bincount(line, touches(circuit), count)
    assert circuit.mosfets is not None
    ends = np.bincount(line[circuit.mosfets.gate], minlength=count)
    ends = ends + 2 * np.bincount(line[circuit.first[ohms]], minlength=count)
    holder, volts = held_at(circuit)
    sources = np.flatnonzero(holder >= 0)
    source, alone = np.full(count, -1), np.full(count, np.nan)
    source[line[sources]], alone[line[sources]] = holder[sources], volts[sources]
    alone[met != ends + 1] = np.nan
    lines = np.unique(line[nodes])
    lines = lines[np.isfinite(alone[lines])]
    along = ohms[np.isin(line[circuit.first[ohms]], lines)]
    volts = np.where(holder >= 0, volts, alone[line])
    volts[GROUND] = 0.0
    return volts, np.unique(np.append(source[lines], along))


def _thin(gate: Floats) -> Floats:
    """Return gate volts as one number, one a row or one a column where they are no more than that."""
    if np.all(gate == gate[0, 0]):
        return np.array(gate[0, 0])
    if np.all(gate == gate[:, :1]):
        return gate[:, :1]
    return gate[0] if np.all(gate == gate[:1]) else gate
