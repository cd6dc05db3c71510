"""Currents that laws ask for, of elements that have no branch of their own: an ammeter in series measures them.

As in ngspice (``inp_meas_current``) the element's first node is moved behind a source of 0 V, whose current is that
from the first node into the element. Nodes and sources that come about so are called ``i(r1)``, as no others can be.
"""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.element_kinds import METER, VOLTAGE, fixes_voltage
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.law_columns import NonlinearColumns


def add_ammeters(flat: Flat, nonlinear: NonlinearColumns) -> None:
    """Put ammeters before the elements whose currents laws ask for; what is not found is left to be complained of.

    Parameters
    ----------
    flat : Flat
        The circuit's columns; it is changed.
    nonlinear : NonlinearColumns
        Whose laws ask for currents.
    """
    measured = nonlinear.controlling_elements() - set(nonlinear.names_of_volts())
    measured -= flat.controlled_branches().keys()
    if measured:
        _Meters(flat, nonlinear, measured).run()


class _Meters:
    def __init__(self, flat: Flat, nonlinear: NonlinearColumns, measured: set[str]) -> None:
        self.flat, self.nonlinear, self.measured = flat, nonlinear, measured
        self.rows: list[tuple[str, int, int, int]] = []

    def run(self) -> None:
        """Move first nodes in all tables of elements, then add the sources."""
        self._elements()
        flat = self.flat
        for k, row in enumerate(flat.controls):
            if row[0] in self.measured:
                flat.controls[k] = (row[0], self._behind(row[0], row[1], row[4]), *row[2:])
        for k, capacitor in enumerate(flat.capacitors):
            name, first, second, origin = capacitor
            if name in self.measured:
                flat.capacitors[k] = name, self._behind(name, first, origin), second, origin
        for names, column, origins, store in self.nonlinear.first_nodes():
            rows = [k for k, name in enumerate(names) if name in self.measured]
            if rows:
                moved = column.copy()
                for k in rows:
                    moved[k] = self._behind(names[k], int(column[k]), int(origins[k]))
                store(moved)
        if self.rows:
            kinds = np.full(len(self.rows), VOLTAGE, np.uint8)
            outer, inner, origins = (np.array([row[k] for row in self.rows], np.int64) for k in (1, 2, 3))
            flat.extend([row[0] for row in self.rows], kinds, (outer, inner), np.zeros(kinds.size), origins)

    def _elements(self) -> None:
        flat = self.flat
        start = 0
        for piece, column in enumerate(flat.first):
            for k, name in enumerate(flat.names[start : start + column.size]):
                if name in self.measured and not fixes_voltage(flat.kinds[piece][k]):
                    flat.first[piece] = flat.first[piece].copy()
                    flat.first[piece][k] = self._behind(name, int(column[k]), int(flat.origins[piece][k]))
            start += column.size

    def _behind(self, name: str, node: int, origin: int) -> int:
        label = f"{METER}{name})"
        inner = int(self.flat.numbers([label])[0])
        self.rows.append((label, node, inner, origin))
        return inner
