"""Unit currents across cells of a reduced crossbar, on their way up to the terminals.

A current that enters a network at one node and leaves it at another goes up the tree of blocks as nodes are
eliminated: with pivot d and couplings c, a current s at node k becomes ``s c[k, j] / d`` at its neighbours j. What is
left at the terminals, ``drops``, is what leaves there with all sources at 0 V and, by reciprocity, the volts between
the two nodes for 1 V at each terminal. With ``q = s / sqrt(d)`` at every node on the way, the volts between two nodes
for a unit current between two others, in ohms, are ``q . q'`` over the nodes that both ways share.

A block's part of the way is a row of a table (:class:`Way`). Nothing is subtracted but the two currents of a pair: s
has their sign, and an error of a few roundings of 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


class Way(NamedTuple):
    """A row of the table: a block, and the nodes that are eliminated when it is made. Parts come before the whole.

    Attributes
    ----------
    parent : int
        The block it is a part of; -1 for the whole crossbar.
    places : int
        Where in the list of places those of its ports in the parent's network start.
    total, ports : int
        Its network's nodes, and how many of them are its ports; the others are eliminated, the last one first.
    rows, roots : int
        Where the couplings of its eliminated nodes, ``total`` for each of them, and the roots of their inverse pivots
        start.
    path : int
        How many nodes are eliminated after it, on the way to the whole.
    currents : int
        Where in a list of all blocks' nodes their currents start.
    """

    parent: int
    places: int
    total: int
    ports: int
    rows: int
    roots: int
    path: int
    currents: int


# The columns' numbers, which are constants to the compiler.
PARENT, PLACES, TOTAL, PORTS, ROWS, ROOTS, PATH, CURRENTS = range(8)

ISLAND = 1
"""A current has nowhere to go."""


# Blocks' rows stay flat, and numbers are copied one by one: arrays in another shape and arrays' own copies need numba's
# run-time library, which kept kernels are loaded without.


@njit(**_OPTIONS)
def _pass_on(target: Array, share: float, row: Array, end: int) -> None:
    """Add to a current what the node of a row passes on to the nodes up to ``end``."""
    for j in range(np.uint64(end)):
        at = np.uint64(j)  # unsigned: no test for indices that count from the end
        target[at] += share * row[at]


@njit(**_OPTIONS)
def _pass_on_four(
    target: Array, share_a: float, share_b: float, share_c: float, share_d: float, rows: Array, start: int, total: int,
    end: int,
) -> None:  # fmt: skip
    """As ``_pass_on``, for the nodes of the row at ``start`` and the three after it, ``total`` numbers each."""
    a, b, c, d = rows[start:], rows[start + total :], rows[start + 2 * total :], rows[start + 3 * total :]
    for j in range(np.uint64(end)):
        at = np.uint64(j)
        target[at] += (share_a * a[at] + share_b * b[at]) + (share_c * c[at] + share_d * d[at])


@njit(**_OPTIONS)
def _pass_on_two(s: Array, c: int, shares: Array, k: int, rows: Array, start: int, total: int, end: int) -> None:
    """As ``_pass_on_together``, for two currents."""
    d = c + 1
    c0, c1, c2, c3 = shares[c, k], shares[c, k + 1], shares[c, k + 2], shares[c, k + 3]
    d0, d1, d2, d3 = shares[d, k], shares[d, k + 1], shares[d, k + 2], shares[d, k + 3]
    row0, row1, row2, row3 = rows[start:], rows[start + total :], rows[start + 2 * total :], rows[start + 3 * total :]
    for j in range(np.uint64(end)):
        at = np.uint64(j)
        r0, r1, r2, r3 = row0[at], row1[at], row2[at], row3[at]
        s[c, at] += (c0 * r0 + c1 * r1) + (c2 * r2 + c3 * r3)
        s[d, at] += (d0 * r0 + d1 * r1) + (d2 * r2 + d3 * r3)


@njit(**_OPTIONS)
def _pass_on_together(s: Array, c: int, shares: Array, k: int, rows: Array, start: int, total: int, end: int) -> None:
    """As ``_pass_on_four`` for four currents from c on, by ``shares`` from k on: each row is read once for all."""
    d, f, g = c + 1, c + 2, c + 3
    c0, c1, c2, c3 = shares[c, k], shares[c, k + 1], shares[c, k + 2], shares[c, k + 3]
    d0, d1, d2, d3 = shares[d, k], shares[d, k + 1], shares[d, k + 2], shares[d, k + 3]
    f0, f1, f2, f3 = shares[f, k], shares[f, k + 1], shares[f, k + 2], shares[f, k + 3]
    g0, g1, g2, g3 = shares[g, k], shares[g, k + 1], shares[g, k + 2], shares[g, k + 3]
    row0, row1, row2, row3 = rows[start:], rows[start + total :], rows[start + 2 * total :], rows[start + 3 * total :]
    for j in range(np.uint64(end)):
        at = np.uint64(j)
        r0, r1, r2, r3 = row0[at], row1[at], row2[at], row3[at]
        s[c, at] += (c0 * r0 + c1 * r1) + (c2 * r2 + c3 * r3)
        s[d, at] += (d0 * r0 + d1 * r1) + (d2 * r2 + d3 * r3)
        s[f, at] += (f0 * r0 + f1 * r1) + (f2 * r2 + f3 * r3)
        s[g, at] += (g0 * r0 + g1 * r1) + (g2 * r2 + g3 * r3)


@njit(**_OPTIONS)
def prepare(table: Index, rows: Array, roots: Array) -> None:
    """Turn what a reduction keeps into what ``push`` takes, in place, and fill in how far each block is from the whole.

    ``rows`` begins as the couplings ``c[k, :k]`` of each eliminated node k as they were then, times its root: ``roots``
    are those of inverse pivots. It ends as what a unit current into node k brings to every node: to ports, and to
    those that are eliminated, up to when they are.
    """
    shares = np.empty(0)
    for b in range(table.shape[0] - 1, -1, -1):
        way = table[b]
        parent, total, ports = way[PARENT], way[TOTAL], way[PORTS]
        way[PATH] = table[parent, PATH] + table[parent, TOTAL] - table[parent, PORTS] if parent >= 0 else 0
        eliminated = total - ports
        couplings = rows[way[ROWS] : way[ROWS] + eliminated * total]
        if shares.size < eliminated:
            shares = np.empty(2 * eliminated)
        for e in range(eliminated):
            root = roots[way[ROOTS] + e]
            row = couplings[e * total : (e + 1) * total]
            for j in range(ports):
                row[j] *= root
            for j in range(e):
                shares[j] = row[ports + j] * root
            for j in range(ports, total):
                row[j] = 0.0
            row[ports + e] = 1.0
            whole = e - e % 4
            for j in range(0, whole, 4):
                _pass_on_four(
                    row, shares[j], shares[j + 1], shares[j + 2], shares[j + 3], couplings, j * total, total,
                    ports + j + 4,
                )  # fmt: skip
            for j in range(whole, e):
                _pass_on(row, shares[j], couplings[j * total : (j + 1) * total], ports + j + 1)


@njit(**_OPTIONS)
def _go_up(s: Array, first: int, last: int, rows: Array, total: int, ports: int, out: Array) -> None:
    """Take currents ``s[first:last]`` at a block's nodes to where they end, ``out``, by its prepared ``rows``."""
    eliminated = total - ports
    whole = eliminated - eliminated % 4
    for c in range(first, last):
        for j in range(ports):
            out[c, j] = s[c, j]
        for j in range(ports, total):
            out[c, j] = 0.0
    fours = last - (last - first) % 4
    twos = last - (last - first) % 2
    for e in range(0, whole, 4):
        k, start = ports + e, e * total
        end = k + 4  # nothing comes to nodes that are eliminated before
        for c in range(first, fours, 4):
            _pass_on_together(out, c, s, k, rows, start, total, end)
        if fours < twos:
            _pass_on_two(out, fours, s, k, rows, start, total, end)
        for c in range(twos, last):
            _pass_on_four(out[c], s[c, k], s[c, k + 1], s[c, k + 2], s[c, k + 3], rows, start, total, end)
    for e in range(whole, eliminated):
        for c in range(first, last):
            _pass_on(out[c], s[c, ports + e], rows[e * total : (e + 1) * total], ports + e + 1)


@njit(**_OPTIONS)
def _begin(rows: Array, total: int, ports: int, inward: int, outward: int, out: Array) -> None:
    """Take a unit current in at one node of a block and out at another to where they end, by its prepared ``rows``."""
    for j in range(total):
        out[j] = 0.0
    for node, ampere in ((inward, 1.0), (outward, -1.0)):
        if node < ports:
            out[node] += ampere
        else:
            for j in range(total):
                out[j] += ampere * rows[(node - ports) * total + j]


@njit(**_OPTIONS)
def _place(out: Array, first: int, last: int, places: Index, s: Array, total: int) -> None:
    """Write currents at a block's ports to their places in the parent's network, 0 at its other nodes."""
    for c in range(first, last):
        source, target = out[c], s[c]
        for j in range(total):
            target[j] = 0.0
        for j in range(places.size):
            target[np.uint64(places[j])] = source[j]


@njit(**_OPTIONS)
def push(
    table: Index, places: Index, rows: Array, roots: Array, blocks: Index, inward: Index, outward: Index, drops: Array,
    q: Array, met: Index, work: Array,
) -> None:  # fmt: skip
    """Send a unit current in at one node and out at another of a cell's network up to the terminals, for many cells.

    Parameters
    ----------
    table, places, rows, roots
        The reduction, prepared.
    blocks, inward, outward : (count,)
        Of each current: the cell's block, and the places of the two nodes in it. In ascending order of blocks:
        currents that meet go on together.
    drops : (count, terminals)
        Receives what leaves at the terminals.
    q : (count, length)
        Receives ``s / sqrt(d)`` at the nodes on the way, the whole crossbar's first.
    met : (count,)
        Receives ``ISLAND``, or 0.
    work : (2, count, nodes)
        Work space, for the most nodes that a block's network has.
    """
    count = blocks.size
    at, first = np.empty(count, np.int64), np.empty(count + 1, np.int64)
    s, out = work[0], work[1]
    for c in range(count):
        at[c], first[c], met[c] = blocks[c], c, 0
    first[count] = count
    groups = count
    while True:
        # The block that comes first has all its parts' currents: join these, neighbours in the list.
        least = at[0]
        for t in range(1, groups):
            least = min(least, at[t])
        left = group = 0
        for t in range(groups):
            if at[t] == least:
                if left > 0 and at[left - 1] == least:
                    continue
                group = left
            at[left], first[left] = at[t], first[t]
            left += 1
        first[left] = count
        groups = left
        way = table[least]
        total, ports, parent, path = way[TOTAL], way[PORTS], way[PARENT], way[PATH]
        block_rows = rows[way[ROWS] : way[ROWS] + (total - ports) * total]
        if least == blocks[first[group]]:
            for c in range(first[group], first[group + 1]):
                _begin(block_rows, total, ports, inward[c], outward[c], out[c])
        else:
            _go_up(s, first[group], first[group + 1], block_rows, total, ports, out)
        block_roots = roots[way[ROOTS] : way[ROOTS] + total - ports]
        for c in range(first[group], first[group + 1]):
            passed, ends = out[c, ports:total], q[c, path : path + total - ports]
            for e in range(block_roots.size):
                ends[e] = passed[e] * block_roots[e]
            for e in range(block_roots.size):
                if block_roots[e] == 0.0 and passed[e] != 0.0:
                    met[c] = ISLAND
        if parent < 0:
            for c in range(first[group], first[group + 1]):
                for j in range(ports):
                    drops[c, j] = out[c, j]
            return
        _place(out, first[group], first[group + 1], places[way[PLACES] : way[PLACES] + ports], s, table[parent, TOTAL])
        at[group] = parent


@njit(**_OPTIONS)
def push_all(
    table: Index, places: Index, rows: Array, roots: Array, blocks: Index, inward: Index, outward: Index,
    amperes: Array, s: Array, q: Array, work: Array,
) -> None:  # fmt: skip
    """As ``push``, for all currents together, ``amperes`` (count,); q (nodes,) as ``roots`` lies.

    ``s`` is work space for all blocks' nodes, ``work`` (2, nodes) for one's.
    """
    for j in range(s.size):
        s[j] = 0.0
    for c in range(blocks.size):
        start = table[blocks[c], CURRENTS]
        s[start + inward[c]] += amperes[c]
        s[start + outward[c]] -= amperes[c]
    for b in range(table.shape[0]):
        way = table[b]
        total, ports = way[TOTAL], way[PORTS]
        for j in range(total):
            work[0, j] = s[way[CURRENTS] + j]
        block_rows = rows[way[ROWS] : way[ROWS] + (total - ports) * total]
        _go_up(work[0:1], 0, 1, block_rows, total, ports, work[1:2])
        for e in range(total - ports):
            q[way[ROOTS] + e] = work[1, ports + e] * roots[way[ROOTS] + e]
        if way[PARENT] >= 0:
            start = table[way[PARENT], CURRENTS]
            for j in range(ports):
                s[start + places[way[PLACES] + j]] += work[1, j]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _product(a: Array, b: Array) -> float:
    """Return ``a . b`` in whatever order is fastest."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _size(a: Array, b: Array) -> float:
    """Return ``|a| . b``."""
    total = 0.0
    for j in range(a.size):
        total += abs(a[j]) * b[j]
    return total


@njit(**_OPTIONS)
def evidence(
    table: Index, roots: Array, blocks: Index, drops: Array, q: Array, volts: Array, q_all: Array, across: Array,
    spread: Array,
) -> float:  # fmt: skip
    """Hold each current's way against a full solve; return the largest difference in volts. The rest is ``push``'s.

    Parameters
    ----------
    volts, q_all : (terminals,), (nodes,)
        Source voltages, and what ``push_all`` left.
    across : (count,)
        Volts between the nodes of each pair, for these sources and currents together, from the full solve.
    spread : (count,)
        Receives ``sum |s| / d``: how much of an error of every s is in their volts.
    """
    worst = 0.0
    for c in range(blocks.size):
        total, most = _product(drops[c], volts), 0.0
        b = blocks[c]
        while b >= 0:
            start, path, eliminated = table[b, ROOTS], table[b, PATH], table[b, TOTAL] - table[b, PORTS]
            total += _product(q[c, path : path + eliminated], q_all[start : start + eliminated])
            most += _size(q[c, path : path + eliminated], roots[start : start + eliminated])
            b = table[b, PARENT]
        spread[c] = most
        difference = abs(total - across[c])
        if not difference <= worst:
            worst = difference
            if np.isnan(worst):
                break
    return worst


@njit(**_OPTIONS)
def _shared(table: Index, a: int, b: int) -> int:
    """Return how many nodes the ways up from two blocks share: those from where they meet."""
    while a != b:
        if a < b:
            a = table[a, PARENT]
        else:
            b = table[b, PARENT]
    return table[a, PATH] + table[a, TOTAL] - table[a, PORTS]  # type: ignore[no-any-return]


@njit(**_OPTIONS)
def mutual(table: Index, blocks: Index, q: Array, pairs: Index, ohms: Array) -> None:
    """Fill what is NaN of ``ohms``, a triangle row by row, for pairs of nodes: volts at one for 1 A at the other."""
    for k in range(pairs.size):
        for t in range(k + 1):
            a, b = max(pairs[k], pairs[t]), min(pairs[k], pairs[t])
            at = a * (a + 1) // 2 + b
            if np.isnan(ohms[at]):
                length = _shared(table, blocks[a], blocks[b])
                ohms[at] = _product(q[a, :length], q[b, :length])
