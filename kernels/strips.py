"""Long arrays cut across: the map alone, for work and memory that grow with the length and not with its square.

A whole reduction of m x n cells, m much longer, ends with couplings between all pairs of the m lines' ends. The map
from them to the n outputs needs none of these. So the array is cut into strips of some rows. Each is reduced on its
own to its left and right ends and the n nodes at its upper and lower border. With all sources but those of the bottom
ends at 0 V, the strips' left, right and top ends are one node, and joining the strips one below the other eliminates
n nodes at a time. On the way back 1 V at each bottom end spreads upwards to all borders; then the current into a left
end is a sum over its couplings to its own strip's two borders. As in :mod:`kron` nothing is ever subtracted.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import kron, ports
from xbarsim.kernels.blocks import Edge, Shape
from xbarsim.kernels.rectangles import Rectangle, Runner, in_turn
from xbarsim.kernels.reduction import present_sides, whole
from xbarsim.kernels.regions import rectangle_plan
from xbarsim.kernels.trees import Cut, JoinStep, Piece

Array = NDArray[np.float64]

_SQUARES = 2
"""A strip is so many times as high as the array is wide: less is much joining, more are large couplings."""


class Strips:
    """A tall crossbar reduced to the map from its left to its bottom ends.

    Parameters
    ----------
    g, cw, cb, run
        As those of :class:`reduction.Reduction`.

    Attributes
    ----------
    transfer : (m, n)
        Siemens between the left and the bottom terminals, what the whole reduction has between them.
    """

    def __init__(self, g: Array, cw: Array, cb: Array, *, run: Runner = in_turn) -> None:
        m, n = g.shape
        self.transfer: Array = np.zeros((m, n))
        present = present_sides(cw, cb)
        if not (present[0] and present[3]):
            return
        self._circuit = (g, cw, cb)
        self._cuts = _cut_across(whole(m, n, present))
        self._rows = np.cumsum([0, *(cut.shape.rows for cut in self._cuts)]).tolist()
        self._couplings: dict[int, Array] = {}
        run(self._reduce, range(len(self._cuts)))
        self._back(self._forward())

    def _reduce(self, strip: int) -> None:
        plan = rectangle_plan(self._cuts[strip])
        reduced = Rectangle(self._circuit, plan, self._rows[strip], keep=False, run=in_turn)
        self._couplings[strip] = reduced.couplings

    def _forward(self) -> list[Array]:
        """Join the strips from the top; return each inner border's voltages for 1 V at the nodes of the next one."""
        n = self.transfer.shape[1]
        # The lower border and the node of all ends at 0 V stay; the upper border goes.
        step = JoinStep(n, 1 + n, 1 + n, 2 * n, (Piece(0, 0, 1), Piece(1, 0, n)))
        work = np.empty(kron.work_size(step.total))
        to_ground, network = _grounded(self._couplings[0], self._cuts[0].shape, first=True)
        above = np.zeros((1 + n, 1 + n))
        above[1:, 0], above[1:, 1:] = to_ground, network
        upwards = []
        for strip, cut in enumerate(self._cuts[1:], 1):
            to_ground, network = _grounded(self._couplings[strip], cut.shape, first=False)
            above[1:, 0] += to_ground[n:]
            joint, rows, roots = np.empty((1 + n, 1 + n)), np.empty(n * step.total), np.empty(n)
            kron.merge(
                step.line, above.reshape(-1), network.reshape(-1), joint.reshape(-1), rows, roots, work,
                *kron.blas_addresses(),
            )  # fmt: skip
            upwards.append(ports.extension(rows, roots)[:, 1:])
            above = joint
            above[1:, 0] += to_ground[:n]
        return upwards

    def _back(self, upwards: list[Array]) -> None:
        """Spread 1 V at each bottom end up to all borders, and sum up what flows into the left ends."""
        n = self.transfer.shape[1]
        below = np.eye(n)
        for k in range(len(self._cuts) - 1, -1, -1):
            shape, couplings = self._cuts[k].shape, self._couplings[k]
            at = _places(shape)
            part = couplings[at[3], : shape.rows].T @ below
            if k > 0:
                below = upwards[k - 1] @ below
                part += couplings[at[2], : shape.rows].T @ below
            self.transfer[self._rows[k] : self._rows[k + 1]] = part


def _cut_across(whole: Cut) -> list[Cut]:
    """Cut into strips along borders of leaves."""
    leaves = max(1, -(-_SQUARES * sum(whole.widths) // whole.heights[0]))
    count = len(whole.heights)
    strips = max(1, count // leaves)
    borders = [k * count // strips for k in range(strips + 1)]
    left, right, top, bottom = whole.edges
    return [
        Cut(
            whole.heights[a:b],
            whole.widths,
            (left, right, top if a == 0 else Edge.NEIGHBOUR, bottom if b == count else Edge.NEIGHBOUR),
        )
        for a, b in pairwise(borders)
    ]


def _places(shape: Shape) -> list[slice]:
    """Where a block's left, right, top and bottom ports stand."""
    ends = np.cumsum((0, *shape.counts)).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]


def _grounded(couplings: Array, shape: Shape, *, first: bool) -> tuple[Array, Array]:
    """Return what joins a strip's borders to its ends, at 0 V, and to each other (lower triangle).

    The lower border comes first, then the upper one, which for the first strip is made of ends too.
    """
    at = _places(shape)
    ends = shape.ports - shape.cols if first else at[2].start
    to_ground = couplings[ends : shape.ports, :ends].sum(axis=1)
    lower = couplings[ends : shape.ports, ends : shape.ports]
    if first:
        return to_ground, lower
    turned = np.roll(np.arange(2 * shape.cols), shape.cols)
    lower_and_upper = np.tril(lower, -1)
    return to_ground[turned], (lower_and_upper + lower_and_upper.T)[np.ix_(turned, turned)]
