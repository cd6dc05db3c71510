"""Quadratic forms of all node voltages of a reduced crossbar, as forms of its ports' voltages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import carried_leaves, ports
from xbarsim.kernels.blocks import leaf_schedule
from xbarsim.kernels.rectangles import Circuit
from xbarsim.kernels.regions import Alike
from xbarsim.kernels.trees import JoinStep

Array = NDArray[np.float64]


class Form:
    """``sum across (v - u)**2 + word_nodes v**2 + bit_nodes u**2``, from the cells up.

    With P the voltages that 1 V at each node that stays gives those that were eliminated, and M of the nodes before::

        M_kept = M_kk + P' Q + Q' P,    Q = M_ek + M_ee P / 2

    for eliminated nodes e and kept ones k: the congruence ``H' M H`` with the harmonic extension H.

    Parameters
    ----------
    circuit : g, cw, cb
        As those of :class:`reduction.Reduction`.
    across, word_nodes, bit_nodes : (m, n)
        Weights of the squares, of any unit and sign.
    """

    lanes = 16

    def __init__(self, circuit: Circuit, across: Array, word_nodes: Array, bit_nodes: Array) -> None:
        self._circuit = circuit
        self._weights = (across, word_nodes, bit_nodes)

    def leaf(self, group: Alike) -> Array:
        """Return the forms of leaves of one shape, (leaves, ports, ports), in the leaves' own order."""
        plan = leaf_schedule(group.shape, False)
        lanes, ports = group.top.size, group.shape.ports
        store, forms = np.empty((2, plan.entries, lanes))
        share, carried = np.empty((2, plan.most_ports + 1, lanes))
        out = np.empty((lanes, ports, ports))
        carried_leaves.carry(
            plan.steps, plan.places, *self._circuit, *self._weights, group.top, group.left, store, forms, share,
            carried, out,
        )  # fmt: skip
        return out

    def settle(self, step: JoinStep, value: Array) -> Array:
        """Put a leaf's form in the order of ports that ``step`` has."""
        order = step.places(0)
        placed = np.empty_like(value)
        placed[np.ix_(order, order)] = value
        return placed

    def join(self, step: JoinStep, a: Array, b: Array, rows: Array, roots: Array) -> Array:
        """Join the forms of two blocks, and carry that of the ports they share to those that stay."""
        extension = ports.extension(rows, roots)
        boundary, shared = step.boundary, step.shared
        kept, mixed = np.zeros((boundary, boundary)), np.empty((shared, boundary))
        inner = np.zeros((shared, shared))
        for number, form in enumerate((a, b)):
            spans = step.spans(number)
            last = form.shape[0] - shared
            for joint, place in spans:
                mixed[:, joint] = form[last:, place]
                for other, beside in spans:
                    kept[joint, other] = form[place, beside]
            if form.size:
                inner += form[last:, last:]
        # An island's nodes have no voltage: what the form has of them is nobody's.
        mixed[roots == 0.0] = 0.0
        half = mixed + 0.5 * (inner @ extension)
        product = extension.T @ half
        kept += product
        kept += product.T
        return kept
