"""Sums of elements between nodes as sparse matrices, and sums without their rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from xbarsim.checks import Array
from xbarsim.loop.loop_equations import Ints

_ROUNDING = 1e-14
"""Part of a sum's terms below which it is 0."""


def laplacian(
    count: int,
    edges: list[tuple[Ints, Ints, Array]],
    blocks: list[tuple[Ints, Ints, Array]] | None = None,
    *,
    signed: bool = True,
) -> sparse.csr_array:
    """Return the sum of all edges' and blocks' matrices, (nodes, nodes), or of their entries' sizes.

    Parameters
    ----------
    count : int
        How many nodes there are.
    edges : list of (ends, ends, weights)
        Nodes at both sides of elements, and their farads or siemens.
    blocks : list of (carrying, controlling, matrix), optional
        Nodes that carry currents, those whose voltages they follow, and by how many siemens.
    signed : bool
        False: of absolute values.
    """
    a, b, weight = (np.concatenate([edge[k] for edge in edges]) for k in (0, 1, 2))
    rows, columns = [a, b, a, b], [a, b, b, a]
    values = [weight, weight, -weight, -weight]
    for carrying, controlling, matrix in blocks or []:
        rows.append(np.repeat(carrying, controlling.size))
        columns.append(np.tile(controlling, carrying.size))
        values.append(matrix.ravel())
    weights = np.concatenate(values)
    entries = weights if signed else np.abs(weights), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array(sparse.coo_array(entries, shape=(count, count)))


def without_rounding(sums: Any, sizes: Any) -> Any:
    """Return sums (rows, columns), sparse, with 0 where they are the rounding of their terms.

    What is left of terms that cancel would pass for a coupling, however small, and a balance that fixes nothing for one
    that does.

    Parameters
    ----------
    sums, sizes : sparse (rows, columns)
        The sums, and those of their terms' absolute values.
    """
    return sums.multiply(abs(sums) > _ROUNDING * sizes)
