"""What an element is by its letter: the one table that reading, networks and read-outs go by.

A linear element whose terms a ``Coupling`` can say needs a row here and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from xbarsim.mna.linear_network import CCCS, CCVS, VCCS, VCVS, Coupling

RESISTOR, VOLTAGE, CURRENT, INDUCTOR = 0, 1, 2, 3
"""The kinds in a circuit's columns."""

METER = "i("
"""What the names of ammeters begin with that a law's ``i(r1)`` needs, and of the nodes behind them: no other's do."""
INTEGRAL = "∫"
"""What the names of nodes and sources have that stand for integrals in laws."""
GROUND = 0
"""The node that all voltages are measured from, ``0`` or ``gnd``."""


Amount = float | NDArray[np.float64]


@dataclass(frozen=True)
class ElementKind:
    """What an element's letter says.

    Attributes
    ----------
    letter : str
        In lower case.
    column : int, optional
        Its kind in a circuit's columns; that of E and G is for those whose law is a constant.
    coupling : Coupling, optional
        What it puts into the equations beside columns: as it is controlled by nodes or by an element, it has these
        behind its own two nodes, then its gain.
    parallel : {1, 0, -1}
        What ``m=`` elements side by side have: that many times the value, the same value, or that part of it.
    long_name : str
        What may stand before its controls.
    law_keys : tuple of str
        The keys that give a law in place of controls.
    laws : str
        What several of them with laws are called.
    unit : str
        That of its value where a sweep may set it.
    value_keys : tuple of str
        What ``alter`` may call its value.
    """

    letter: str
    column: int | None = None
    coupling: Coupling | None = None
    parallel: int = 0
    long_name: str = ""
    law_keys: tuple[str, ...] = ()
    laws: str = "laws"
    unit: str = ""
    value_keys: tuple[str, ...] = ()

    @property
    def fixes_voltage(self) -> bool:
        """Whether it fixes the voltage between its nodes, and so has a current that may control others."""
        return self.column in (VOLTAGE, INDUCTOR) if self.coupling is None else self.coupling.fixes_voltage

    @property
    def controls(self) -> int:
        """How many words of its card name what controls it: two nodes, one element, or none."""
        places = {place for stamp in self.coupling.stamps for place in stamp[:2]} if self.coupling else ()
        return 2 if "cd" in places else int("c" in places)

    @property
    def output(self) -> str:
        """What a law in place of its gain gives: volts, ``v``, or amperes, ``i``; empty if it is no plain source."""
        if self.coupling is None or len(self.coupling.stamps) > 1 or self.controls == 0:
            return ""
        return "v" if self.fixes_voltage else "i"

    def multiplied(self, value: Amount, count: Amount) -> Amount:
        """Return the value of ``count`` of them side by side.

        Parameters
        ----------
        value : float or array
            In the element's unit.
        count : float or array
            Its ``m=``.
        """
        if self.parallel < 0:
            return value / count
        return value * count if self.parallel else value


ELEMENTS = {
    kind.letter: kind
    for kind in (
        ElementKind("r", RESISTOR, parallel=-1, unit="ohm", value_keys=("r", "resistance")),
        ElementKind("v", VOLTAGE, unit="V", value_keys=("dc",)),
        ElementKind("i", CURRENT, parallel=1, unit="A", value_keys=("dc", "c")),
        ElementKind("c"),
        ElementKind("k"),
        ElementKind("l", INDUCTOR, parallel=-1, value_keys=("l", "inductance")),
        ElementKind("e", VOLTAGE, VCVS, long_name="vcvs", law_keys=("vol", "value", "v")),
        ElementKind("f", None, CCCS, parallel=1, long_name="cccs"),
        ElementKind("g", CURRENT, VCCS, parallel=1, long_name="vccs", law_keys=("cur", "value", "i")),
        ElementKind("h", None, CCVS, long_name="ccvs"),
        ElementKind("b", laws="B sources"),
        ElementKind("d"),
        ElementKind("m"),
        ElementKind("s", laws="switches"),
        ElementKind("w", laws="switches"),
        ElementKind("x"),
    )
}

COUPLINGS = sorted(
    dict.fromkeys(kind.coupling for kind in ELEMENTS.values() if kind.coupling is not None),
    key=lambda coupling: (coupling.fixes_voltage, coupling.by_current),
)
"""In the order in which a network has them: laws behind balances, controls by currents behind those by voltages."""


_COLUMN_OF = np.zeros(128, np.uint8)
for _kind in ELEMENTS.values():
    _COLUMN_OF[ord(_kind.letter)] = _kind.column or 0


def is_hidden(name: str) -> bool:
    """Whether a node or an element is none of the netlist's own, and no answer shows it."""
    return name.startswith(METER) or INTEGRAL in name


def columns_of(names: Sequence[str]) -> NDArray[np.uint8]:
    """Return the kinds in columns of elements, by their names."""
    letters = "".join(map(itemgetter(0), names)).encode("ascii")
    return _COLUMN_OF[np.frombuffer(letters, np.uint8)]


def fixes_voltage(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which elements of a column have a current of their own."""
    return np.asarray((kinds == VOLTAGE) | (kinds == INDUCTOR))


def values_at_dc(kinds: NDArray[np.uint8], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of columns as an operating point has them: an inductor is a source of 0 V.

    Parameters
    ----------
    kinds : (elements,) array of uint8
        Column numbers of ``ELEMENTS``.
    values : (elements,) array
        In each element's unit.
    """
    return np.where(kinds == INDUCTOR, 0.0, values)


def is_short(kinds: NDArray[np.uint8], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which elements of columns are resistors of 0 ohm.

    Parameters
    ----------
    kinds : (elements,) array of uint8
        Column numbers of ``ELEMENTS``.
    values : (elements,) array
        In each element's unit.
    """
    return np.asarray((kinds == RESISTOR) & (values == 0))
