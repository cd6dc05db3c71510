"""A flat circuit's linear part as a network of the general solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim import mna
from xbarsim.errors import InputError
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import COUPLINGS, CURRENT, RESISTOR, fixes_voltage, is_short, values_at_dc
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.nonlinear_elements import Behaviours


@dataclass(frozen=True)
class NamedNetwork:
    """A circuit's linear part as a network.

    Attributes
    ----------
    network : mna.Network
        With a source of 0 V for each source of volts with a law, behind the circuit's own.
    fixing : list of str
        The elements that have a branch current, in its order.
    branch : (n,) array of int
        The branch of each element, then of each controlled source, then of each source of volts with a law; or -1.
    """

    network: mna.Network
    fixing: list[str]
    branch: NDArray[np.int64]


def network_of(circuit: FlatCircuit) -> NamedNetwork:
    """Return a circuit's linear part as a network."""
    kinds, values = circuit.kinds, values_at_dc(circuit.kinds, circuit.values)

    def branches(mask: NDArray[np.bool_]) -> mna.Branches:
        return mna.Branches(circuit.first[mask].astype(np.int64), circuit.second[mask].astype(np.int64), values[mask])

    fixing = fixes_voltage(kinds)
    elements = np.flatnonzero(fixing)
    laws = [source for source in circuit.behaviours if source.output == "v"]
    law_names = [name for source in laws for name in source.names]
    groups: dict[mna.Coupling, list[int]] = {coupling: [] for coupling in COUPLINGS}
    for k, source in enumerate(circuit.controlled):
        groups[source.coupling].append(k)
    fixing_controlled = [k for coupling, group in groups.items() if coupling.fixes_voltage for k in group]
    # Controlling currents count elements first and controlled sources after them.
    number = np.full(kinds.size + len(circuit.controlled), -1)
    number[elements] = np.arange(elements.size)
    first = elements.size + len(law_names)
    number[[kinds.size + k for k in fixing_controlled]] = first + np.arange(len(fixing_controlled))
    network = mna.Network(
        len(circuit.nodes),
        branches(kinds == RESISTOR),
        _with_laws(branches(fixing), laws),
        branches(kinds == CURRENT),
        {coupling: _controlled([circuit.controlled[k] for k in group], number) for coupling, group in groups.items()},
        yielding=np.repeat(
            [False, *("i" in source.kinds for source in laws)], [elements.size, *(len(source.names) for source in laws)]
        ),
    )
    names = [circuit.names[k] for k in elements.tolist()] + law_names
    names += [circuit.controlled[k].name for k in fixing_controlled]
    return NamedNetwork(network, names, np.append(number, elements.size + np.arange(len(law_names))))


def _controlled(sources: list[Controlled], number: NDArray[np.int64]) -> mna.Gains:
    """Return sources of one coupling in columns; ``number`` are the branches of what may control them."""
    first, second, c, d = (
        np.array([getattr(source, name) for source in sources], dtype=np.int64)
        for name in ("first", "second", "c", "d")
    )
    if sources and sources[0].coupling.by_current:
        for source in sources:
            if number[source.c] < 0:
                raise InputError(
                    f"{source.name} is controlled by the current of an element that has none: name a V, L, E or H"
                )
        c = number[c]
    return mna.Gains(first, second, np.array([source.gain for source in sources], dtype=np.float64), c, d)


def _with_laws(sources: mna.Branches, laws: list[Behaviours]) -> mna.Branches:
    first = np.concatenate([sources.a, *(law.first for law in laws)])
    second = np.concatenate([sources.b, *(law.second for law in laws)])
    return mna.Branches(first, second, np.append(sources.value, np.zeros(first.size - sources.a.size)))


def loop_message(circuit: FlatCircuit, fixing: list[str], branch: int) -> str:
    """Say which element closes a loop of sources; past the named ones come resistors of 0 ohm.

    Parameters
    ----------
    circuit : FlatCircuit
        Whose names and places are told.
    fixing : list of str
        Names of the elements that fix a voltage, by branch.
    branch : int
        Which one closes the loop.
    """
    if branch < len(fixing):
        name = fixing[branch]
    else:
        zero = np.flatnonzero(is_short(circuit.kinds, circuit.values))
        name = circuit.names[int(zero[branch - len(fixing)])]
    place = circuit.where(circuit.names.index(name)) if name in circuit.names else circuit.places.files[0]
    return (
        f"{place}: {name} closes a loop of voltage sources, inductors or 0 ohm resistors, in which any current could "
        "flow: put a resistance into the loop or take one of them out"
    )
