"""The circuit as a sparse nodal matrix, factored by SuperLU: what a plain simulator does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import SuperLU, splu

if TYPE_CHECKING:
    from xbarsim import Crossbar

Factor = Callable[[sp.csc_array], Callable[[np.ndarray], np.ndarray]]


def nodal_matrix(crossbar: Crossbar) -> sp.csc_array:
    """Conductance matrix of a crossbar with default ends; word nodes first, then bit nodes, row by row."""
    rows, cols = crossbar.shape
    word = np.arange(rows * cols).reshape(rows, cols)
    bit = word + rows * cols
    ends, partners, siemens = [], [], []
    for a, b, g in (
        (word, bit, crossbar.conductance),
        (word[:, :-1], word[:, 1:], 1 / crossbar.word_wire),
        (bit[:-1], bit[1:], 1 / crossbar.bit_wire),
    ):
        ends.append(a.ravel())
        partners.append(b.ravel())
        siemens.append(np.asarray(g).ravel())
    a, b, g = (np.concatenate(part) for part in (ends, partners, siemens))
    diagonal = np.bincount(a, g, 2 * rows * cols) + np.bincount(b, g, 2 * rows * cols)
    diagonal[word[:, 0]] += 1 / crossbar.driver
    diagonal[bit[-1]] += 1 / crossbar.sense
    every = np.arange(2 * rows * cols)
    entries = np.concatenate([-g, -g, diagonal])
    return sp.csc_array((entries, (np.concatenate([a, b, every]), np.concatenate([b, a, every]))))


def factor(matrix: sp.csc_array) -> SuperLU:
    """SuperLU at its best for such a matrix: symmetric mode, minimum degree on A + A'."""
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def solver(matrix: sp.csc_array) -> Callable[[np.ndarray], np.ndarray]:
    """Factor a matrix and return what solves."""
    return factor(matrix).solve


def currents(crossbar: Crossbar, voltages: np.ndarray, factor: Factor = solver) -> np.ndarray:
    """Output currents for one vector: assemble, factor, solve."""
    rows, cols = crossbar.shape
    right = np.zeros(2 * rows * cols)
    right[np.arange(rows) * cols] = voltages / crossbar.driver
    nodes = factor(nodal_matrix(crossbar))(right)
    return nodes[-cols:] / crossbar.sense


def effective_map(crossbar: Crossbar, factor: Factor = solver) -> np.ndarray:
    """All rows x cols entries, by one solve for each output (the adjoint way)."""
    rows, cols = crossbar.shape
    right = np.zeros((2 * rows * cols, cols))
    right[2 * rows * cols - cols + np.arange(cols), np.arange(cols)] = 1 / crossbar.sense
    nodes = factor(nodal_matrix(crossbar))(right)
    return nodes[np.arange(rows) * cols] / crossbar.driver[:, None]
