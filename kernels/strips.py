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

from xbarsim.kernels import kron
from xbarsim.kernels.blocks import Shape
from xbarsim.kernels.reduction import Blocks, Runner, in_turn

Array = NDArray[np.float64]

_SQUARES = 2
"""A strip is so many times as high as the array is wide: less is much joining, more are large couplings."""


class Strips(Blocks):
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
        super().__init__(g, cw, cb, run)
        m, n = g.shape
        self.transfer: Array = np.zeros((m, n))
        if not (self.present[0] and self.present[3]):
            return
        self._borders = _borders(self._row_cuts, n)
        last = self._col_cuts.size - 1
        self._strips = [self._plan(r0, r1, 0, last) for r0, r1 in pairwise(self._borders)]
        self._join_all(keep=False)
        self._back(self._forward())

    def _forward(self) -> list[tuple[Array, Array]]:
        """Join the strips from the top; return the rows and inverse pivots of each border's eliminated nodes."""
        n = self.transfer.shape[1]
        steps = []
        above: Array | None = None
        ground_and_bottom = np.arange(1 + n)
        top = np.arange(1 + n, 1 + 2 * n)
        panel = np.empty((kron.PANEL, 1 + 2 * n))
        for strip in self._strips:
            assert strip.couplings is not None
            grounded = _grounded(strip.couplings, strip.shape, first=above is None)
            if above is None:
                above = grounded
                continue
            joint, inverse = np.zeros((1 + 2 * n, 1 + 2 * n)), np.empty(n)
            kron.merge(
                above, 1 + n, np.append(0, top),
                grounded, 1 + 2 * n, np.concatenate([ground_and_bottom[:1], top, ground_and_bottom[1:]]),
                1 + n, joint, inverse, panel, kron.dsyrk_address(),
            )  # fmt: skip
            steps.append((joint[1 + n :].copy(), inverse))
            above = joint
        return steps

    def _back(self, steps: list[tuple[Array, Array]]) -> None:
        """Spread 1 V at each bottom end up to all borders, and sum up what flows into the left ends."""
        n = self.transfer.shape[1]
        rows = self._row_cuts[self._borders]
        below = np.eye(n)
        for k in range(len(self._strips) - 1, -1, -1):
            strip = self._strips[k]
            assert strip.couplings is not None
            at = _places(strip.shape)
            count = strip.shape.rows
            part = strip.couplings[at[3], :count].T @ below
            if k > 0:
                x = np.zeros((1 + 2 * n, n))
                x[1 : 1 + n] = below
                kron.extend(*steps[k - 1], x)
                below = x[1 + n :]
                part += strip.couplings[at[2], :count].T @ below
            self.transfer[rows[k] : rows[k + 1]] = part


def _borders(row_cuts: NDArray[np.int64], width: int) -> list[int]:
    """Return which of the leaves' borders are the strips', first and last included."""
    height = int(row_cuts[1] - row_cuts[0])
    leaves = max(1, -(-_SQUARES * width // height))
    whole = row_cuts.size - 1
    strips = max(1, whole // leaves)
    return [k * whole // strips for k in range(strips + 1)]


def _places(shape: Shape) -> list[slice]:
    """Where a block's left, right, top and bottom ports stand."""
    ends = np.cumsum((0, *shape.counts)).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]


def _grounded(couplings: Array, shape: Shape, *, first: bool) -> Array:
    """Return a strip's couplings (lower triangle) with its ends at 0 V as one node: it, then top, then bottom.

    The top of the first strip is made of ends too.
    """
    at = _places(shape)
    start = at[3].start if first else at[2].start
    border = shape.ports - start
    network = np.zeros((1 + border, 1 + border))
    network[1:, 0] = couplings[start : shape.ports, :start].sum(axis=1)
    network[1:, 1:] = couplings[start : shape.ports, start : shape.ports]
    return network
