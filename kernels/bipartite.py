"""Kron reduction where wires have no resistance: every line is one node, and the circuit a bipartite graph.

Eliminating the nodes of one layer is a product of matrices; what is left has a node for each line of the other. As
in :mod:`kron` only couplings are kept and nothing is subtracted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import kron, ports
from xbarsim.kernels.reduction import OVERHEAD
from xbarsim.kernels.trees import JoinStep, Piece

Array = NDArray[np.float64]


def memory(rows: int, cols: int, present: tuple[bool, bool, bool, bool]) -> float:
    """Bytes that reducing ``rows`` x ``cols`` without wires takes at most; ``present`` as for Reduction."""
    left, right, top, bottom = present
    boundary = rows * (left + right) + cols * (top + bottom)
    short = min(rows, cols)
    joint = (boundary + short) ** 2
    work = 2 * short * (boundary + short) + 3 * rows * cols
    return OVERHEAD * 8.0 * (joint + boundary**2 + work)


class BipartiteReduction:
    """A crossbar without wires, reduced to its line ends.

    Parameters
    ----------
    g : (m, n)
        Cells in siemens.
    left, right, top, bottom : (m,), (m,), (n,), (n,)
        Couplings of the line ends in siemens, 0 where open.

    Attributes
    ----------
    couplings, present
        As those of :class:`reduction.Reduction`.
    """

    def __init__(self, g: Array, left: Array, right: Array, top: Array, bottom: Array) -> None:
        m, n = g.shape
        self.present = (bool(left.any()), bool(right.any()), bool(top.any()), bool(bottom.any()))
        self._g = g
        # The layer with more lines goes first: eliminating it costs a product, the other's a dense factorisation.
        self._word_first = m >= n
        first, second = ((left, right), (top, bottom)) if self._word_first else ((top, bottom), (left, right))
        cells = g if self._word_first else np.ascontiguousarray(g.T)
        self._ends = [side for side in first if side.any()], [side for side in second if side.any()]
        pivot = cells.sum(axis=1) + first[0] + first[1]
        self._inverse = np.divide(1.0, pivot, out=np.zeros_like(pivot), where=pivot > 0)
        share = cells * self._inverse[:, None]
        a, b = cells.shape
        boundary = a * len(self._ends[0]) + b * len(self._ends[1])
        joint = np.zeros((boundary + b, boundary + b))
        core = np.arange(boundary, boundary + b)
        joint[np.ix_(core, core)] = np.tril(share.T @ cells, -1)
        lines = np.arange(a)
        for k, side in enumerate(self._ends[0]):
            joint[boundary:, k * a : (k + 1) * a] = (share * side[:, None]).T
            for partner in range(k):
                joint[k * a + lines, partner * a + lines] = side * self._ends[0][partner] * self._inverse
        for k, side in enumerate(self._ends[1]):
            joint[core, a * len(self._ends[0]) + k * b + np.arange(b)] = side
        step = JoinStep(b, boundary, boundary + b, 0, (Piece(0, 0, boundary),))
        rows, self._roots = np.empty(b * step.total), np.empty(b)
        lower = np.empty(boundary**2)
        work = np.empty(kron.work_size(step.total))
        kron.merge(step.line, joint.reshape(-1), np.empty(0), lower, rows, self._roots, work, *kron.blas_addresses())
        del joint
        self._rows = rows.reshape(b, step.total)
        symmetric = np.empty((boundary, boundary))
        ports.symmetric(lower.reshape(boundary, boundary), symmetric)
        del lower
        order = self._order(a, b)
        self.couplings: Array = symmetric if self._word_first else symmetric[np.ix_(order, order)]
        self._back = np.argsort(order)

    def _order(self, a: int, b: int) -> NDArray[np.intp]:
        """Places of left, right, top and bottom terminals in the order of elimination."""
        first = np.arange(a * len(self._ends[0]))
        second = first.size + np.arange(b * len(self._ends[1]))
        return np.concatenate([first, second] if self._word_first else [second, first])

    def voltages(self, terminals: Array) -> tuple[Array, Array]:
        """Node voltages for those of the terminals (batch, ports), pairs as :class:`reduction.Reduction` has."""
        word, bit = self._line_pairs(terminals)
        shape = (2, terminals.shape[0], *self._g.shape)
        return (
            np.broadcast_to(word[:, :, :, None], shape).copy(),
            np.broadcast_to(bit[:, :, None, :], shape).copy(),
        )

    def form(self, across: Array, word_nodes: Array, bit_nodes: Array, grounded: frozenset[int] = frozenset()) -> Array:
        """As that of :class:`reduction.Reduction`: a line is one node, so the form is one of lines' voltages."""
        m, n = self._g.shape
        sides = np.repeat(
            [k for k in range(4) if self.present[k]], [(m, m, n, n)[k] for k in range(4) if self.present[k]]
        )
        volts = np.eye(sides.size)[[side not in grounded for side in sides]]
        (word, _), (bit, _) = self._line_pairs(volts)
        along_words, along_bits = (across + word_nodes).sum(axis=1), (across + bit_nodes).sum(axis=0)
        mixed = word @ across @ bit.T
        form: Array = (word * along_words) @ word.T + (bit * along_bits) @ bit.T - mixed - mixed.T
        return form

    def gradient(self, rows: slice, cols: slice, cotangent: Array) -> Array:
        """As that of :class:`reduction.Reduction`: products of matrices, since a line is one node.

        Of a first layer p with the cells' shares s = g / pivot, voltages follow from the second layer's q: 1 V at a
        terminal of p gives ``v = diag(end / pivot) + u s'``, at one of q ``w = t s'``. So nothing of p x p is formed.
        """
        cells, d = (self._g, cotangent) if self._word_first else (self._g.T, cotangent.T)
        first, second = (rows, cols) if self._word_first else (cols, rows)
        extension = ports.extension(self._rows.reshape(-1), self._roots)
        places = np.argsort(self._back)
        u, t = extension.T[places[first]], extension.T[places[second]]
        share = cells * self._inverse[:, None]
        end = self._ends[0][int(places[first.start]) // cells.shape[0]] * self._inverse
        e = u.T @ d
        h = e @ t
        along_first = ((d.T * end + (share @ e).T) * (share @ t.T).T).sum(axis=0)
        along_second = (e.T * t).sum(axis=0)
        sums: Array = end[:, None] * (d @ t) + share @ (h + h.T) - along_first[:, None] - along_second
        return sums if self._word_first else sums.T

    def _line_pairs(self, terminals: Array) -> tuple[Array, Array]:
        """Return the lines' voltages as pairs, (2, batch, m) and (2, batch, n)."""
        cells = self._g if self._word_first else self._g.T
        a, b = cells.shape
        volts = terminals[:, self._back]
        batch, ends = volts.shape
        # The second layer follows from the terminals, the first from both: in the end one network of all of them.
        x, low = np.empty((ends + b, batch)), np.zeros((ends + b, batch))
        x[:ends] = volts.T
        ports.extend_pairs(self._rows, self._roots, x, low)
        couplings = np.zeros((a, ends + b + a))
        for k, side in enumerate(self._ends[0]):
            couplings[np.arange(a), k * a + np.arange(a)] = side
        couplings[:, ends : ends + b] = cells
        every, low_every = np.empty((ends + b + a, batch)), np.zeros((ends + b + a, batch))
        every[: ends + b], low_every[: ends + b] = x, low
        ports.extend_pairs(couplings, self._inverse, every, low_every)
        second = np.stack([x[ends:].T, low[ends:].T])
        first = np.stack([every[ends + b :].T, low_every[ends + b :].T])
        return (first, second) if self._word_first else (second, first)
