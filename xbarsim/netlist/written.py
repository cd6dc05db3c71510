"""A solution in the names that ``write`` gives to a crossbar's nodes and sources."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.solution import Solution

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_bottom": "bb", "bit_top": "bt"}


def report_written(
    crossbar: Crossbar, voltages: Array, solution: Solution, vector: int | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Return node voltages and source currents as the exported netlist names them.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit.
    voltages : (rows,)
        What drives ``word_left``.
    solution : Solution
        Its solution, with fields.
    vector : int, optional
        Which of a batch.

    Returns
    -------
    node_voltages : dict of str to float
        ``w_<row>_<col>``, ``b_<row>_<col>`` and the sources' own nodes ``swl_<row>``; NaN where floating.
    source_currents : dict of str to float
        ``vwl<row>`` and likewise, positive into the + terminal.
    """
    index = slice(None) if vector is None else vector
    rows, cols = crossbar.shape
    nodes: dict[str, float] = {}
    for layer, field in (("w", solution.word_voltages[index]), ("b", solution.bit_voltages[index])):
        names = [f"{layer}_{i}_{j}" for i in range(rows) for j in range(cols)]
        nodes.update(zip(names, field.ravel().tolist(), strict=True))
    currents: dict[str, float] = {}
    for side, short in _SHORT.items():
        end = crossbar.boundary[side]
        volts = voltages if side == "word_left" else end.voltage
        amperes = solution.end_currents[side][index]
        for k in np.flatnonzero(np.isfinite(end.resistance)).tolist():
            currents[f"v{short}{k}"] = float(amperes[k])
            if end.resistance[k] > 0.0:
                nodes[f"s{short}_{k}"] = float(volts[k])
    return nodes, currents
