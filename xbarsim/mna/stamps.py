"""What elements put into the equations: values at crossings of a pair of equations and a pair of unknowns.

*Places* number both: place k < nodes is node k, its balance as an equation and its voltage as an unknown; place
nodes + k is the voltage-fixing element k, its law and its current. Place 0, ground, is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xbarsim.mna.doubled import reciprocals
from xbarsim.mna.linear_network import Bools, Branches, Floats, Ints, Network


@dataclass(frozen=True)
class Stamps:
    """Slopes of currents and laws, as many as there are entries in each column.

    Stamp i adds ``value[i] (x[c[i]] - x[d[i]])`` to equation ``a[i]`` and takes it from equation ``b[i]``; x are the
    unknowns by their places. In a node's balance currents that leave are positive. So a conductance between nodes p and
    q is (p, q, p, q), a transconductance (p, q, c, d), the slope of a voltage source's law on a voltage
    (law, 0, c, d).
    """

    a: Ints
    b: Ints
    c: Ints
    d: Ints

    @classmethod
    def of(cls, *parts: tuple[Any, Any, Any, Any]) -> Stamps:
        """Return stamps one behind the other; in each part a number may stand for a column of them."""
        tables = [np.broadcast_arrays(*(np.asarray(column, dtype=np.int64) for column in part)) for part in parts]
        return cls(*(np.concatenate(column) for column in zip(*tables, strict=True)))


def linear_stamps(network: Network, fixing: Branches, stiff: Ints) -> tuple[Stamps, Floats, Floats, Bools]:
    """Return the stamps of a network, their values, what these lack, and which of them its elements have.

    ``fixing`` are all branches that have a current among the unknowns, with their ends alone; the last are the
    ``stiff`` resistors.

    Parameters
    ----------
    network : Network
        All linear elements.
    fixing : Branches
        Those with a current among the unknowns.
    stiff : array of int
        Which resistors are the last of them.
    """
    ohms, n = network.resistors, network.nodes
    law = n + np.arange(fixing.a.size)
    conducting = (ohms.value != 0) & (ohms.a != ohms.b)
    conducting[stiff] = False
    p, q = ohms.a[conducting], ohms.b[conducting]
    series = law[law.size - stiff.size :]
    siemens, lacking = reciprocals(ohms.value[conducting])
    parts: list[tuple[tuple[Any, Any, Any, Any], Any]] = [
        ((p, q, p, q), siemens),
        ((fixing.a, fixing.b, law, 0), 1.0),
        ((law, 0, fixing.a, fixing.b), 1.0),
        ((series, 0, series, 0), -ohms.value[stiff]),
    ]
    laws = law[network.voltages.a.size :]
    for coupling, group in network.controlled.items():
        own_laws, laws = np.split(laws, [group.a.size if coupling.fixes_voltage else 0])
        places = {"ab": (group.a, group.b), "cd": (group.c, group.d), "own": (own_laws, 0), "c": (n + group.c, 0)}
        parts += [
            ((*places[equations], *places[unknowns]), sign * group.value)
            for equations, unknowns, sign in coupling.stamps
        ]
    stamps = Stamps.of(*(places for places, _ in parts))
    values = [np.broadcast_to(np.asarray(value, np.float64), np.shape(places[0])) for places, value in parts]
    valued = [np.full(column.shape, np.ndim(value) > 0) for column, (_, value) in zip(values, parts, strict=True)]
    table = np.concatenate(values)
    return stamps, table, np.append(lacking, np.zeros(table.size - lacking.size)), np.concatenate(valued)
