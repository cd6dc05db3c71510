"""Other programs' ways of working: a matrix that crossbars multiply by, as numpy and scipy take one.

>>> import numpy as np
>>> from xbarsim.interop import MatrixCore
>>> matrix = np.array([[1.0, -0.5, 0.25], [-0.75, 0.5, 1.0]])
>>> core = MatrixCore(matrix, word_wire=1.0, bit_wire=1.0)
>>> bool(abs(np.array([1.0, 2.0]) @ core - np.array([1.0, 2.0]) @ matrix).max() < 0.02)
True
"""

from xbarsim.interop.aihwkit_layers import aihwkit_arrays
from xbarsim.interop.crosssim_cores import crosssim_arrays
from xbarsim.interop.foreign_arrays import ForeignArrays, ForeignPart
from xbarsim.interop.linear_map import linear_operator
from xbarsim.interop.matrix_core import MatrixCore, TransposedCore

__all__ = [
    "ForeignArrays",
    "ForeignPart",
    "MatrixCore",
    "TransposedCore",
    "aihwkit_arrays",
    "crosssim_arrays",
    "linear_operator",
]
