"""A circuit of a netlist as a network for the general solver."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xbarsim import mna
from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.netlist import Circuit
from xbarsim.netlist.kinds import CURRENT, INDUCTOR, RESISTOR, VOLTAGE


def drive_of(circuit: Circuit, count: int, varying: Mapping[int, Array]) -> mna.Drive:
    """Return a circuit's sources at some points, from the values (points,) of the elements that vary."""
    volts, amperes = (
        {k: varying[element] for k, element in enumerate(np.flatnonzero(mask).tolist()) if element in varying}
        for mask in (_fixed(circuit), circuit.kinds == CURRENT)
    )
    return mna.Drive(count, volts, amperes)


def _fixed(circuit: Circuit) -> NDArray[np.bool_]:
    """Which elements have a branch current."""
    return np.isin(circuit.kinds, (VOLTAGE, INDUCTOR))


def network_of(circuit: Circuit) -> tuple[list[str], mna.Network]:
    """Return a circuit as a network, and the names of the elements that have a branch current, in its order."""
    kinds = circuit.kinds
    values = np.where(kinds == INDUCTOR, 0.0, circuit.values)

    def branches(mask: NDArray[np.bool_]) -> mna.Branches:
        return mna.Branches(circuit.first[mask].astype(np.int64), circuit.second[mask].astype(np.int64), values[mask])

    fixing = _fixed(circuit)
    elements = np.flatnonzero(fixing)
    by_kind = {kind: [one for one in circuit.controlled if one.kind == kind] for kind in "efgh"}
    # Controls of F and H count elements first and controlled sources after them.
    number = np.full(kinds.size + len(circuit.controlled), -1)
    number[elements] = np.arange(elements.size)
    fixing_controlled = [k for kind in "eh" for k, one in enumerate(circuit.controlled) if one.kind == kind]
    number[[kinds.size + k for k in fixing_controlled]] = elements.size + np.arange(len(fixing_controlled))

    def controlled(kind: str) -> mna.Controlled:
        found = by_kind[kind]
        first, second = (np.array([getattr(one, end) for one in found], dtype=np.int64) for end in ("first", "second"))
        c = np.array([one.c for one in found], dtype=np.int64)
        if kind in "fh":
            if any(number[k] < 0 for k in c.tolist()):
                bad = next(one for one in found if number[one.c] < 0)
                raise InputError(
                    f"{bad.name} is controlled by the current of an element that has none: name a V, L, E or H"
                )
            c = number[c] if c.size else c
        d = np.array([one.d for one in found], dtype=np.int64)
        gain = np.array([one.gain for one in found], dtype=np.float64)
        return mna.Controlled(first, second, gain, c, d)

    network = mna.Network(
        len(circuit.nodes),
        branches(kinds == RESISTOR),
        branches(fixing),
        branches(kinds == CURRENT),
        vcvs=controlled("e"),
        vccs=controlled("g"),
        cccs=controlled("f"),
        ccvs=controlled("h"),
    )
    names = [circuit.names[k] for k in elements.tolist()]
    return names + [one.name for kind in "eh" for one in by_kind[kind]], network


def loop_message(circuit: Circuit, fixing: list[str], branch: int) -> str:
    """Say which element closes a loop of sources; past the named ones come resistors of 0 ohm."""
    if branch < len(fixing):
        name = fixing[branch]
    else:
        zero = np.flatnonzero((circuit.kinds == RESISTOR) & (circuit.values == 0.0))
        name = circuit.names[int(zero[branch - len(fixing)])]
    place = circuit.where(circuit.names.index(name)) if name in circuit.names else circuit.places.files[0]
    return (
        f"{place}: {name} closes a loop of voltage sources, inductors or 0 ohm resistors, in which any current could "
        "flow: put a resistance into the loop or take one of them out"
    )
