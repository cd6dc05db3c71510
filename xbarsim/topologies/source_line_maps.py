"""What columns of source and bit lines are to the sources at their ends: linear in the voltages, for given gates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.kernels.parallel_lines import PAIRS
from xbarsim.solvers.solve import TOLERANCE
from xbarsim.topologies.column_ladders import LadderSpace
from xbarsim.topologies.column_layout import ColumnLayout
from xbarsim.topologies.source_line_array import SourceLineArray
from xbarsim.topologies.source_line_solve import checked_gates

_SEED = 1


def column_admittance(array: SourceLineArray, gates: ArrayLike) -> Array:
    """Compute each column's admittance matrix between the sources at its four line ends, resistances included.

    The currents *into* column j are ``Y[j] @ V`` with V the voltages of source_top, bit_top, source_bottom and
    bit_bottom; an open end has a row of zeros. ``end_currents``, positive out of the array, are ``-Y @ V``. It holds
    for these gates: the currents are no linear function of the gates.

    Parameters
    ----------
    array : SourceLineArray
        The circuit, of linear cells; fixed voltages do not matter.
    gates : array_like, (rows,) or (batch, rows)
        On (1, True) or off (0, False) for each row of cells.

    Returns
    -------
    (cols, 4, 4) or (batch, cols, 4, 4)
        Siemens.

    Raises
    ------
    InputError
        The cells are not linear, or ``gates`` is malformed.
    SolveError
        0 ohm joins both ends of a line: the current between them has no bound.
    ConvergenceError
        A solve with random voltages violates Kirchhoff's laws.
    """
    layout = ColumnLayout.of(_linear(array))
    for name, joined in zip(("source", "bit"), layout.joined, strict=True):
        if joined.any():
            k = int(np.argmax(joined))
            raise SolveError(
                f"0 ohm joins the ends {name}_top[{k}] and {name}_bottom[{k}]: give one of them, or the wire between "
                "them, a resistance"
            )
    couplings = _couplings(array, layout, gates)
    matrix = np.zeros((*couplings.shape[:-1], 4, 4))
    for k, (a, b) in enumerate(PAIRS):
        matrix[..., a, b] = matrix[..., b, a] = -couplings[..., k]
    for end in range(4):
        matrix[..., end, end] = -matrix[..., end, :].sum(axis=-1)
    return matrix


def column_conductance(array: SourceLineArray, gates: ArrayLike) -> Array:
    """Compute what each column conducts from its source_top source to its bit_bottom one.

    ``currents = voltages * column_conductance(array, gates)`` while all other sources are at 0 V.

    Parameters
    ----------
    array, gates
        As those of ``column_admittance``.

    Returns
    -------
    (cols,) or (batch, cols)
        Siemens.

    Raises
    ------
    InputError, ConvergenceError
        As ``column_admittance``.
    """
    layout = ColumnLayout.of(_linear(array))
    siemens: Array = _couplings(array, layout, gates)[..., PAIRS.index((0, 3))]
    # Both ends of a line joined to a source by 0 ohm share its current; a source line's other source is at 0 V too.
    return np.where(layout.joined[1], 0.5 * siemens, siemens)


def _linear(array: SourceLineArray) -> SourceLineArray:
    if not isinstance(array, SourceLineArray):
        raise InputError(f"array is {type(array).__name__}: it must be a SourceLineArray")
    if not array.device.linear:
        raise InputError(
            f"cells of {array.device!r} have no linear map: solve_source_lines(array, gates, voltages) solves each "
            "pattern on its own"
        )
    return array


def _couplings(array: SourceLineArray, layout: ColumnLayout, gates: ArrayLike) -> Array:
    """Return siemens between each column's sources, (..., cols, 6) in the order of ``PAIRS``."""
    pattern = checked_gates(array, gates)
    rows, cols = array.shape
    space, spare = LadderSpace(layout, rows, cols), np.empty((4, cols))
    volts = np.random.default_rng(_SEED).uniform(0.1, 1.0, (4, cols))
    joined = layout.joined
    volts[2], volts[1] = np.where(joined[0], volts[0], volts[2]), np.where(joined[1], volts[3], volts[1])
    couplings = np.empty((np.atleast_2d(pattern).shape[0], cols, 6))
    for k, on in enumerate(np.atleast_2d(pattern)):
        residual = space.solve(np.ascontiguousarray(array.cells * on[:, None]), volts, spare)
        if not residual <= TOLERANCE:
            raise ConvergenceError(
                f"the columns' map violates Kirchhoff's laws by {residual:.1e} (pattern {k}, tolerance {TOLERANCE:g})",
                "look for resistances further than 1e16 apart",
            )
        couplings[k] = space.couplings.T
    return couplings if pattern.ndim == 2 else couplings[0]
