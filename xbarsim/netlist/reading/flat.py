"""The columns that a flat circuit grows in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import count

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import ELEMENTS, fixes_voltage
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.suggest import clipped
from xbarsim.waves import Wave

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Flat:
    """Elements and nodes as they are met.

    Parameters
    ----------
    globals : set of str
        The nodes that all subcircuits share.

    Attributes
    ----------
    names : list of str
        Elements.
    kinds, first, second, values, origins : list of array
        Pieces of columns, for ``joined``.
    waves : dict
        Waveforms, and whether a DC value stands beside them, by element.
    controls : list of tuple
        E, F, G and H: name, first, second, gain, origin, and two nodes or an element's name and -1.
    capacitors : list of tuple
        Name, first, second, origin.
    farads : list of float
        Those of each, where a transient depends on them.
    couplings : list of tuple
        Name, two inductors, factor, origin; likewise.
    """

    def __init__(self, globals: Collection[str] = ()) -> None:
        self.globals = globals
        self.number: defaultdict[str, int] = defaultdict(count(1).__next__)
        self.number["0"] = self.number["gnd"] = 0
        self.names: list[str] = []
        self.kinds: list[NDArray[np.uint8]] = []
        self.first: list[Ints] = []
        self.second: list[Ints] = []
        self.values: list[Floats] = []
        self.origins: list[Ints] = []
        self.waves: dict[int, tuple[Wave, bool]] = {}
        self.controls: list[tuple[str, int, int, float, int, int | str, int]] = []
        self.capacitors: list[tuple[str, int, int, int]] = []
        self.farads: list[float] = []
        self.couplings: list[tuple[str, str, str, float, int]] = []

    def nodes(self, item: Work, node: str) -> Ints:
        """Return a local node's numbers, one for each instance.

        Parameters
        ----------
        item : Work
            A body, for a batch of instances.
        node : str
            As it is called in the body.
        """
        numbers = item.ports.get(node)
        if numbers is None and node in self.globals:
            numbers = np.repeat(self.numbers([node]), len(item.paths))
            item.ports[node] = numbers
        elif numbers is None:
            numbers = self.numbers([path + node for path in item.paths])
            item.ports[node] = numbers
        return numbers

    def local(self, item: Work, nodes: list[str]) -> Ints:
        """Return the numbers of many local nodes of a single instance.

        Parameters
        ----------
        item : Work
            A body, for a single instance.
        nodes : list of str
            As they are called in the body.
        """
        path = item.paths[0]
        if not path:
            return self.numbers(nodes)
        ports = {node: int(numbers[0]) for node, numbers in item.ports.items()}
        number, shared = self.number, self.globals
        numbers = (ports[node] if node in ports else number[node if node in shared else path + node] for node in nodes)
        return np.fromiter(numbers, dtype=np.int64, count=len(nodes))

    def numbers(self, nodes: list[str]) -> Ints:
        """Return the numbers of nodes by their full names."""
        return np.fromiter(map(self.number.__getitem__, nodes), dtype=np.int64, count=len(nodes))

    def node_names(self) -> list[str]:
        """Return the nodes' names in the order of their numbers."""
        names = list(self.number)
        del names[1]
        return names

    def extend(
        self, names: list[str], kinds: NDArray[np.uint8], ends: tuple[Ints, Ints], values: Floats, origins: Ints
    ) -> None:
        """Append elements.

        Parameters
        ----------
        names : list of str
            In lower case, with their paths.
        kinds : (count,) array of uint8
            Column numbers of ``ELEMENTS``.
        ends : pair of (count,) array of int
            Nodes of + and of -.
        values : (count,) array
            In each element's unit.
        origins : (count,) array of int
            Files and lines.
        """
        self.names += names
        self.kinds.append(kinds)
        self.first.append(ends[0])
        self.second.append(ends[1])
        self.values.append(values)
        self.origins.append(origins)

    def joined(self) -> tuple[NDArray[np.uint8], Ints, Ints, Floats, Ints]:
        """Return the columns: kinds, first, second, values, origins."""
        return (
            np.concatenate([*self.kinds, np.zeros(0, np.uint8)]),
            np.concatenate([*self.first, np.zeros(0, np.int64)]),
            np.concatenate([*self.second, np.zeros(0, np.int64)]),
            np.concatenate([*self.values, np.zeros(0)]),
            np.concatenate([*self.origins, np.zeros(0, np.int64)]),
        )

    def check_names(self, places: Places, origins: Ints, more: list[tuple[str, int]]) -> None:
        """Refuse two elements of one name; ``more`` are names and origins of those that are not here.

        Parameters
        ----------
        places : Places
            For messages.
        origins : (elements,) array of int
            Files and lines.
        more : list of (str, int)
            Names and origins of elements that are not here.
        """
        more = more + [(row[0], row[4]) for row in self.controls] + [(row[0], row[3]) for row in self.capacitors]
        more += {row[0]: (row[0], row[4]) for row in self.couplings}.values()
        names = self.names + [name for name, _ in more] if more else self.names
        if len(set(names)) == len(names):
            return
        first: dict[str, int] = {}
        for name, origin in zip(names, origins.tolist() + [origin for _, origin in more], strict=True):
            if name in first:
                before = places.where(first[name])
                raise places.error(f"the name {clipped(name)} is taken, first at {before}: rename one", origin)
            first[name] = origin

    def controlled_branches(self) -> dict[str, int]:
        """Return the controlled sources that have a current of their own, numbered behind the elements."""
        rows = enumerate(self.controls, len(self.names))
        return {row[0]: k for k, row in rows if ELEMENTS[row[0][0]].fixes_voltage}

    def controlled(self, places: Places, kinds: NDArray[np.uint8]) -> tuple[Controlled, ...]:
        """Return the controlled sources, those that control them found by name."""
        by_name: dict[str, int] = {}
        if any(isinstance(row[5], str) for row in self.controls):
            by_name = {self.names[k]: k for k in np.flatnonzero(fixes_voltage(kinds)).tolist()}
            by_name |= self.controlled_branches()
        sources = []
        for name, first, second, gain, origin, c, d in self.controls:
            if isinstance(c, str):
                if c not in by_name:
                    why = "has no current of its own" if c in self.names else "is not in the circuit"
                    raise places.error(
                        f"{name} is controlled by {clipped(c)}, which {why}: name a voltage source, E, H or L", origin
                    )
                c = by_name[c]
            sources.append(Controlled(name[0], name, first, second, c, d, gain, origin))
        return tuple(sources)
