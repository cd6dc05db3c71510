"""ngspice's binary raw file, which its users' viewers read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.results import Result

_PLOT_NAMES = {"op": "Operating Point", "dc": "DC transfer characteristic", "tran": "Transient Analysis"}


def raw_parts(title: str, results: list[Result], date: str) -> Iterator[bytes]:
    """Yield the bytes of a raw file with a plot for each analysis.

    A plot is a text header, then ``Binary:`` and doubles, all variables of a point together. Nodes are ``v(name)``,
    branch currents ``i(name)``; a sweep's own variable comes first, as ``v(v-sweep)``, ``i(i-sweep)`` or ``time``.
    """
    for result in results:
        scales, columns = _scales(result)
        names = [
            *scales,
            *((f"v({node})", "voltage") for node in result.nodes),
            *((f"i({branch})", "current") for branch in result.branches),
        ]
        table = np.column_stack([*columns, result.voltages, result.currents]) if names else np.zeros((result.points, 0))
        head = [
            f"Title: {title}",
            f"Date: {date}",
            f"Plotname: {_PLOT_NAMES[result.kind]}",
            "Flags: real",
            f"No. Variables: {len(names)}",
            f"No. Points: {result.points}",
            "Variables:",
            *(f"\t{k}\t{name}\t{kind}" for k, (name, kind) in enumerate(names)),
            "Binary:",
        ]
        yield ("\n".join(head) + "\n").encode()
        yield np.ascontiguousarray(table, dtype="<f8").tobytes()


def _scales(result: Result) -> tuple[list[tuple[str, str]], list[np.ndarray]]:
    """Return the leading variable: ngspice stores the fastest sweep only, one run of it after the other."""
    if not result.sweep:
        return [], []
    name, values = result.axes()[0]
    if result.kind == "tran":
        return [("time", "time")], [values]
    kind = "current" if name.rsplit(".", 1)[-1].startswith("i") else "voltage"
    return [(f"{kind[0]}({kind[0]}-sweep)", kind)], [values]
