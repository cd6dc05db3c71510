"""Read schemes: what all lines are tied to while cells are read.

A scheme is a value. It turns a crossbar, a selected cell and a read voltage into the same crossbar with all four sides
tied: the selected word line at the read voltage through its ``driver``, the selected bit line at 0 V through its
``sense``, and every unselected line floating or at a share of the read voltage, through those same resistances.

======== ===================== ==================== ==========================================================
name     unselected word lines unselected bit lines source
======== ===================== ==================== ==========================================================
floating open                  open                 sneak paths through three cells
grounded 0                     0                    no sneak current but what wires and ends let through
half     V / 2                 V / 2                V/2 scheme: cells of the selected lines are half-selected
third    V / 3                 2 V / 3              V/3 scheme: no unselected cell has more than V / 3
mvm      V                     0                    all cells of a column at once
======== ===================== ==================== ==========================================================

Chen, "A comprehensive crossbar array model with solutions for line resistance and nonlinear device characteristics",
IEEE Trans. Electron Devices 60, 1318 (2013), models arrays under such schemes.

Examples
--------
A 32 x 32 array of LRS cells, its far cell in HRS: what the sense amplifier sees, and how much of it is that cell's.

>>> import numpy as np
>>> import xbarsim
>>> from xbarsim import schemes
>>> g = np.full((32, 32), 1e-3)
>>> g[0, 31] = 1e-6
>>> xbar = xbarsim.Crossbar(g, word_wire=1.0, bit_wire=1.0, driver=10.0, sense=10.0)
>>> for name in ("floating", "grounded", "half", "third"):
...     read = schemes.read(xbar, name, (0, 31), 0.5)
...     print(f"{name:9}{read.selected_current:9.2e} A, of the cell {read.cell_current:8.2e} A, {read.power:.1e} W")
floating  4.77e-03 A, of the cell 2.72e-07 A, 2.4e-03 W
grounded  4.41e-05 A, of the cell 2.71e-07 A, 4.8e-03 W
half      4.78e-03 A, of the cell 2.71e-07 A, 2.4e-03 W
third     4.29e-03 A, of the cell 2.97e-07 A, 1.4e-02 W
"""

from xbarsim.schemes.reading import Read, mvm, read
from xbarsim.schemes.scheme import FLOATING, GROUNDED, HALF, MVM, SCHEMES, THIRD, Scheme, scheme_of
from xbarsim.schemes.scheme import scheme_of as named

__all__ = [
    "FLOATING",
    "GROUNDED",
    "HALF",
    "MVM",
    "SCHEMES",
    "THIRD",
    "Read",
    "Scheme",
    "mvm",
    "named",
    "read",
    "scheme_of",
]
