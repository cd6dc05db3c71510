"""What a kept reduction hands from its ports back to the cells: voltages, and the adjoint of the couplings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import lane_leaves, leaves, ports, reverse
from xbarsim.kernels.blocks import leaf_schedule
from xbarsim.kernels.rectangles import LANES, Circuit
from xbarsim.kernels.regions import Alike
from xbarsim.kernels.symmetric_products import symmetric_product
from xbarsim.kernels.trees import JoinStep

Array = NDArray[np.float64]


@dataclass
class Spread:
    """Voltages as pairs, (2, ports, batch), down to the nodes.

    Attributes
    ----------
    circuit : g, cw, cb
        As those of :class:`reduction.Reduction`.
    v, u : (2, batch, m, n)
        Receive the word and bit nodes' voltages.
    """

    circuit: Circuit
    v: Array
    u: Array

    # Every step keeps storage of its own on the way back, so fewer leaves share a pass.
    lanes: int = LANES

    def part(self, step: JoinStep, value: Array, rows: Array, roots: Array) -> tuple[Array, Array]:
        """Extend a block's voltages to the nodes that its join eliminated."""
        x = np.empty((2, step.total, value.shape[-1]))
        x[:, : step.boundary] = value
        ports.extend_pairs(rows.reshape(step.shared, step.total), roots, x[0], x[1])
        parts = []
        for number, size in enumerate((step.ports_a, step.ports_b)):
            placed = np.empty((2, size, x.shape[-1]))
            for joint, place in step.spans(number):
                placed[:, place] = x[:, joint]
            placed[:, size - step.shared :] = x[:, step.boundary :]
            parts.append(placed)
        return parts[0], parts[1]

    def settle(self, step: JoinStep, value: Array) -> Array:
        """Put a leaf's voltages in its own order."""
        placed = np.empty_like(value)
        for joint, place in step.spans(0):
            placed[:, place] = value[:, joint]
        return placed

    def fill(self, group: Alike, values: list[Array]) -> None:
        """Find the voltages of the leaves' nodes."""
        plan = leaf_schedule(group.shape, True)
        lanes = len(values)
        store, x = np.empty((plan.entries, lanes)), np.empty((2, plan.voltages, lanes))
        volts = np.ascontiguousarray(np.stack(values, axis=-1).transpose(0, 2, 1, 3))
        leaves.leaf_voltages(
            plan.steps, plan.places, *self.circuit, group.top, group.left, store, x, volts, self.v, self.u
        )


class Adjoint:
    r"""How a loss changes with every coupling between ports, a lower triangle, down to the cells.

    Let D be the adjoint of the couplings between the nodes that stay, symmetric with a diagonal of 0: a coupling dc
    between nodes a and b changes the loss by ``D[a, b] dc``. With P the voltages that 1 V at each node that stays
    gives those that were eliminated, the adjoint of the couplings before is a sum over voltages across them::

        Dbar[k, j] = (P D)[k, j] - N[k, k] / 2
        Dbar[k, l] = N[k, l] - (N[k, k] + N[l, l]) / 2,    N = P D P'

    between eliminated k and kept j, and between two that were eliminated; between kept ones it stays D. D is a form in
    voltages *across* pairs of ports, so near ones lose no digits to what they have in common.

    Parameters
    ----------
    circuit : g, cw, cb
        As those of :class:`reduction.Reduction`.
    count : int
        How many ports the whole has.
    rows, cols : slice
        Some of them, ``rows`` before ``cols``.
    cotangent : (rows, cols)
        How the loss changes with the couplings between them.

    Attributes
    ----------
    whole : (ports, ports)
        The whole's adjoint.
    gradient : (m, n)
        Receives how the loss changes with every cell.
    """

    lanes = LANES

    def __init__(self, circuit: Circuit, count: int, rows: slice, cols: slice, cotangent: Array) -> None:
        self.gradient: Array = np.zeros(circuit[0].shape)
        self.whole: Array = np.zeros((count, count))
        self.whole[cols, rows] = cotangent.T
        self._circuit = circuit
        self._cotangent = (rows, cols, cotangent)
        self._stores = lane_leaves.Stores()

    def part(self, step: JoinStep, value: Array, rows: Array, roots: Array) -> tuple[Array, Array]:
        """Carry a join's adjoint back to its two blocks."""
        shared = step.shared
        extension = ports.extension(rows, roots)
        across = self._across(extension, value)
        among = np.empty((shared, shared))
        # The lower triangle alone counts.
        half = shared // 2
        np.matmul(across[:half], extension[:half].T, out=among[:half, :half])
        np.matmul(across[half:], extension.T, out=among[half:])
        a, b = np.empty((step.ports_a, step.ports_a)), np.empty((step.ports_b, step.ports_b))
        reverse.hand_down(
            step.line, value.reshape(-1), across.reshape(-1), among.reshape(-1), roots, a.reshape(-1), b.reshape(-1)
        )
        return a, b

    def _across(self, extension: Array, value: Array) -> Array:
        """Return P D."""
        if value is self.whole:
            # Only the map's couplings count here.
            rows, cols, cotangent = self._cotangent
            across = np.zeros_like(extension)
            across[:, rows] = extension[:, cols] @ cotangent.T
            across[:, cols] = extension[:, rows] @ cotangent
            return across
        across = np.empty_like(extension)
        symmetric_product(extension, value, across)
        return across

    def settle(self, step: JoinStep, value: Array) -> Array:
        """Put a leaf's adjoint in its own order."""
        placed = np.empty_like(value)
        reverse.settle(step.line, value.reshape(-1), placed)
        return placed

    def fill(self, group: Alike, values: list[Array]) -> None:
        """Carry the adjoint of leaves back to their cells."""
        lane_leaves.leaf_gradients(
            self._stores, self._circuit, group.shape, group.top, group.left, np.stack(values), self.gradient
        )
