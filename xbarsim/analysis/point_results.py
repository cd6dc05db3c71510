"""What an array's solver found at some points, under the netlist's names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.analysis.points import Points
from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import Array
from xbarsim.netlist.read_circuit import ReadCircuit


def result_at(
    circuit: ReadCircuit,
    points: Points,
    branches: NDArray[np.int64],
    numbers: tuple[Array, Array],
    power: Array,
    residual: float,
    how: str,
) -> AnalysisResult:
    """Return the result of an analysis.

    Parameters
    ----------
    circuit, points : ReadCircuit, Points
        What was solved, and where.
    branches : (branches,) array of int
        The elements that have a current.
    numbers : (points, nodes) and (points, branches)
        Volts of all nodes but ground, and amperes.
    power, residual, how : (points,), float, str
        As a result's.
    """
    volts, amperes = numbers
    names = [circuit.names[k] for k in branches.tolist()]
    return AnalysisResult(
        points.kind, points.sweep, circuit.nodes[1:], volts, names, amperes, power, residual, how
    )  # fmt: skip
