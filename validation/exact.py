"""A circuit's equations in arithmetic of 800 digits: slow, dense, and of no code that solves them elsewhere."""

from __future__ import annotations

from mpmath import mp, mpf

from xbarsim.analysis.points import points_of
from xbarsim.netlist import Circuit
from xbarsim.netlist.analyses import Analysis
from xbarsim.netlist.element_kinds import CURRENT, INDUCTOR, RESISTOR

DIGITS = 800


def first_point(circuit: Circuit, analysis: Analysis) -> tuple[dict[str, mpf], dict[str, mpf]]:
    """Return node voltages and branch currents, by name, at an analysis's first point."""
    with mp.workdps(DIGITS):
        return _solved(circuit, points_of(circuit, analysis).varying)


def _solved(circuit: Circuit, varying: dict) -> tuple[dict[str, mpf], dict[str, mpf]]:
    values = circuit.values.tolist()
    for element, series in varying.items():
        values[element] = float(series[0])
    kinds, ends = circuit.kinds.tolist(), list(zip(circuit.first.tolist(), circuit.second.tolist(), strict=True))
    fixing = [
        k for k, kind in enumerate(kinds) if kind not in (RESISTOR, CURRENT) or (kind == RESISTOR and not values[k])
    ]
    count = len(circuit.nodes)
    column = {k: count + at for at, k in enumerate(fixing)}
    for at, source in enumerate(circuit.controlled):
        if source.kind in "eh":
            column[len(kinds) + at] = count + len(column)
    size = count + len(column)
    A, z = mp.zeros(size, size), mp.zeros(size, 1)

    def current(a: int, b: int, col: int, amount: mpf | int) -> None:
        """A current of ``amount`` times unknown ``col`` leaves node a and enters node b."""
        A[a, col] += amount
        A[b, col] -= amount

    for k, (a, b) in enumerate(ends):
        if k in column:
            row = column[k]
            current(a, b, row, 1)
            A[row, a] += 1
            A[row, b] -= 1
            z[row] = mpf(0) if kinds[k] in (INDUCTOR, RESISTOR) else mpf(values[k])
        elif kinds[k] == RESISTOR:
            current(a, b, a, 1 / mpf(values[k]))
            current(a, b, b, -1 / mpf(values[k]))
        else:
            z[a] -= mpf(values[k])
            z[b] += mpf(values[k])
    for at, source in enumerate(circuit.controlled):
        gain, a, b = mpf(source.gain), source.first, source.second
        if source.kind == "g":
            current(a, b, source.c, gain)
            current(a, b, source.d, -gain)
        elif source.kind == "f":
            current(a, b, column[source.c], gain)
        else:
            row = column[len(kinds) + at]
            current(a, b, row, 1)
            A[row, a] += 1
            A[row, b] -= 1
            if source.kind == "e":
                A[row, source.c] -= gain
                A[row, source.d] += gain
            else:
                A[row, column[source.c]] -= gain
    for col in range(size):  # in place of ground's balance, which follows from the others: it is at 0 V
        A[0, col] = mpf(col == 0)
    z[0] = mpf(0)
    x = mp.lu_solve(A, z)
    names = dict(enumerate(circuit.names))
    names |= {len(kinds) + at: source.name for at, source in enumerate(circuit.controlled)}
    return {circuit.nodes[k]: x[k] for k in range(1, count)}, {names[k]: x[col] for k, col in column.items()}
