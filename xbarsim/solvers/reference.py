"""The slow, right solver: star-mesh elimination on positive numbers, to measure the fast kernels against.

A network is its couplings (conductances between pairs of nodes). Taking away a node with couplings
``c_1 .. c_m`` puts ``c_a c_b / (c_1 + .. + c_m)`` between each pair of its neighbours; its voltage is the
mean of theirs with the weights ``c_a / (c_1 + .. + c_m)``. This is Gaussian elimination with the pivot taken
as the sum of what is there (Grassmann, Taksar and Heyman, Oper. Res. 33, 1985), so nothing is ever subtracted
and no digit cancels, whatever the ratio of wires to cells. Nodes joined by 0 ohm are one node, and an open
wire or cell is no coupling: both are exact.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.crossbar import SIDES, Array, Crossbar, Side, checked_array
from xbarsim.errors import InputError, SolveError

Index = NDArray[np.intp]
End = tuple[Side, int]

LARGEST = 4000  # nodes and sources together: about 43 x 43 cells, a dense 128 MB table


@dataclass(frozen=True, eq=False)
class ReferenceSolution:
    """Currents and voltages of one input vector.

    Attributes
    ----------
    end_currents : dict of side to array
        Amperes out of the array at each line end; 0 at open ends. Where all source voltages are >= 0, those
        of ends at 0 V are sums of non-negative terms: each is right to about ``nodes * eps`` of itself.
    word_voltages, bit_voltages : array, (rows, cols)
        Node voltages, each a mean of source voltages; NaN in an island.
    device_currents : array, (rows, cols)
        ``g (v - u)`` from word to bit line, v - u to twice a double's digits; 0 in an island.
    floating : list of str
        Nodes ``w[i, j]`` and ``b[i, j]`` that have no path to any source.
    joined : list of list of (side, line)
        Ends that 0 ohm joins. Only their total is defined: each is given an equal share of it.
    low : pair of (rows, cols)
        What rounding left of word and bit voltages: added to them it gives about twice their digits.
    """

    end_currents: dict[Side, Array]
    word_voltages: Array
    bit_voltages: Array
    device_currents: Array
    floating: list[str]
    joined: list[list[End]]
    low: tuple[Array, Array]


def solve(crossbar: Crossbar, voltages: ArrayLike) -> ReferenceSolution:
    """Solve a small linear crossbar for one input vector.

    Parameters
    ----------
    crossbar : Crossbar
        Up to about 43 x 43 cells: time is cubic and memory square in the number of nodes.
    voltages : array_like, (rows,)
        The sources at ``word_left``, in volts.

    Returns
    -------
    ReferenceSolution

    Raises
    ------
    InputError
        ``voltages`` is malformed, or the array is too large.
    SolveError
        0 ohm joins two ends that hold different voltages.
    """
    if not crossbar.device.linear:
        raise InputError(f"the reference is for linear cells, not for {crossbar.device!r}")
    rows, cols = crossbar.shape
    inputs = checked_array("voltages", voltages, signed=True)
    if inputs.shape != (rows,):
        raise InputError(f"voltages has shape {inputs.shape}: the reference takes one vector, ({rows},)")
    word, bit = _numbered_nodes(rows, cols)
    ends, foot, end_ohms, end_volts = _sources(crossbar, inputs, word, bit)
    inner, size = 2 * rows * cols, 2 * rows * cols + len(ends)
    if size > LARGEST:
        raise InputError(
            f"the {rows} x {cols} crossbar has {size} nodes and sources: the reference takes {LARGEST}. "
            "Use method='schur' or 'kron'"
        )
    a = np.concatenate([word[:, :-1].ravel(), bit[:-1].ravel(), foot])
    b = np.concatenate([word[:, 1:].ravel(), bit[1:].ravel(), np.arange(inner, size)])
    ohms = np.concatenate([crossbar.word_wire.ravel(), crossbar.bit_wire.ravel(), end_ohms])
    # Ohms whose inverse overflows are 0 as far as float64 can tell.
    shorted = ohms < 1 / np.finfo(np.float64).max
    root = _merged(size, a[shorted], b[shorted])
    groups = _groups(ends, root[inner:])
    _check_conflicts(groups, ends, end_volts)

    wired = ~shorted & np.isfinite(ohms)
    coupling = np.zeros((size, size))
    for p, q, c in (
        (a[wired], b[wired], 1 / ohms[wired]),
        (word.ravel(), bit.ravel(), crossbar.conductance.ravel()),
    ):
        np.add.at(coupling, (root[p], root[q]), c)
        np.add.at(coupling, (root[q], root[p]), c)

    volts = np.full(size, np.nan)
    volts[inner:] = end_volts  # a merged source keeps its voltage: conflicts are refused above
    low = np.zeros(size)
    _eliminate(coupling, volts, low, [k for k in range(inner) if root[k] == k])
    volts, low = volts[root], low[root]

    sources = np.array(sorted(groups), dtype=np.intp)
    currents: dict[Side, Array] = {s: np.zeros(rows if s.startswith("word") else cols) for s in SIDES}
    for k, members in groups.items():
        total = float(coupling[k, sources] @ (volts[sources] - volts[k]))
        for t in members:
            side, line = ends[t]
            currents[side][line] = total / len(members)
    v, u = volts[word], volts[bit]
    across = (v - u) + (low[word] - low[bit])
    return ReferenceSolution(
        end_currents=currents,
        word_voltages=v,
        bit_voltages=u,
        device_currents=np.where(np.isnan(across), 0.0, crossbar.conductance * across),
        low=(low[word], low[bit]),
        floating=[f"{n}[{i}, {j}]" for n, table in (("w", v), ("b", u)) for i, j in np.argwhere(np.isnan(table))],
        joined=[[ends[t] for t in members] for members in groups.values() if len(members) > 1],
    )


def _numbered_nodes(rows: int, cols: int) -> tuple[Index, Index]:
    """Return node numbers that go cell by cell along the shorter side: few then border on eliminated ones."""
    i, j = np.indices((rows, cols), dtype=np.intp)
    cell = i * cols + j if cols <= rows else j * rows + i
    return 2 * cell, 2 * cell + 1


def _sources(crossbar: Crossbar, inputs: Array, word: Index, bit: Index) -> tuple[list[End], Index, Array, Array]:
    """Return each end that is not open, the node at its foot, its ohms and its volts."""
    feet = {"word_left": word[:, 0], "word_right": word[:, -1], "bit_top": bit[0], "bit_bottom": bit[-1]}
    ends: list[End] = []
    nodes: list[int] = []
    ohms: list[float] = []
    volts: list[float] = []
    for side, tied in crossbar.boundary.items():
        voltage = inputs if side == "word_left" else tied.voltage
        for line in np.flatnonzero(np.isfinite(tied.resistance)):
            ends.append((side, int(line)))
            nodes.append(int(feet[side][line]))
            ohms.append(float(tied.resistance[line]))
            volts.append(float(voltage[line]))
    return ends, np.array(nodes, dtype=np.intp), np.array(ohms), np.array(volts)


def _merged(size: int, a: Index, b: Index) -> Index:
    """Return for each node the highest one that it is joined to: a source where there is one."""
    root = np.arange(size, dtype=np.intp)

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = int(root[k])
        return k

    for p, q in zip(a.tolist(), b.tolist(), strict=True):
        low, high = sorted((find(p), find(q)))
        root[low] = high
    return np.array([find(k) for k in range(size)], dtype=np.intp)


def _groups(ends: list[End], root: Index) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for t in range(len(ends)):
        groups[int(root[t])].append(t)
    return dict(groups)


def _check_conflicts(groups: dict[int, list[int]], ends: list[End], volts: Array) -> None:
    for first, *partners in groups.values():
        for partner in partners:
            if volts[partner] != volts[first]:
                names = " and ".join(f"{side}[{line}]" for side, line in (ends[first], ends[partner]))
                raise SolveError(
                    f"ends {names} are joined by 0 ohm but hold {volts[first]:g} V and {volts[partner]:g} V: "
                    "give one of them a resistance, or both the same voltage"
                )


def _eliminate(coupling: Array, volts: Array, low: Array, inner: list[int]) -> None:
    """Reduce ``coupling`` to the sources in place, then fill in the inner nodes' ``volts + low``.

    Each is the voltage of its heaviest neighbour plus a mean of differences from that one, so that nodes near each
    other in voltage keep the digits of what lies between them.

    A node without any coupling left is the last of its island: it stays NaN, and so does what hangs on it.
    """
    np.fill_diagonal(coupling, 0.0)
    steps: list[tuple[int, Index, Array]] = []
    for k in inner:
        later = np.flatnonzero(coupling[k, k + 1 :]) + k + 1
        star = coupling[k, later]
        share = star / star.sum() if star.size else star
        # The diagonal fills up too; no one reads it.
        coupling[np.ix_(later, later)] += star[:, None] * share
        steps.append((k, later, share))
    for k, later, share in reversed(steps):
        if later.size:
            base = later[np.argmax(share)]
            more = share @ ((volts[later] - volts[base]) + (low[later] - low[base])) + low[base]
            volts[k] = volts[base] + more
            part = volts[k] - volts[base]
            low[k] = (volts[base] - (volts[k] - part)) + (more - part)
