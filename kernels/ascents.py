"""Quadratic forms of all node voltages of a reduced crossbar, as forms of its ports' voltages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import carried_joins, carried_leaves, ports
from xbarsim.kernels.blocks import leaf_schedule
from xbarsim.kernels.rectangles import Circuit
from xbarsim.kernels.regions import Alike
from xbarsim.kernels.symmetric_products import add_both_products, add_symmetric_product
from xbarsim.kernels.trees import JoinStep
from xbarsim.kernels.vectors import LANES, storage

Array = NDArray[np.float64]


class Form:
    """``sum across (v - u)**2 + word_nodes v**2 + bit_nodes u**2``, from the cells up.

    With P the voltages that 1 V at each node that stays gives those that were eliminated, and M of the nodes before::

        M_kept = M_kk + P' Q + Q' P,    Q = M_ek + M_ee P / 2

    for eliminated nodes e and kept ones k: the congruence ``H' M H`` with the harmonic extension H. Above the leaves
    forms are lower triangles.

    Parameters
    ----------
    circuit : g, cw, cb
        As those of :class:`reduction.Reduction`.
    across, word_nodes, bit_nodes : (m, n)
        Weights of the squares, of any unit and sign.
    grounded : frozenset of int
        Sides, ``trees.LEFT`` to ``trees.BOTTOM``, whose terminals are at 0 V: they are no ports of the form.
    """

    lanes = LANES

    def __init__(
        self, circuit: Circuit, across: Array, word_nodes: Array, bit_nodes: Array, grounded: frozenset[int]
    ) -> None:
        self._circuit = circuit
        self._weights = (across, across + word_nodes, across + bit_nodes)
        self._grounded = grounded

    def leaf(self, group: Alike) -> Array:
        """Return the forms of leaves of one shape, (leaves, ports, ports), in the leaves' own order."""
        plan = leaf_schedule(group.shape, False)
        count, ports = group.top.size, group.shape.ports
        where = np.repeat([[group.top[0]], [group.left[0]]], LANES, axis=1)
        where[:, :count] = group.top, group.left
        store, forms, share, carried = (
            storage(size) for size in (plan.entries, plan.entries, 4 * plan.most_ports, 4 * plan.most_ports)
        )
        out = np.empty((count, ports, ports))
        carried_leaves.carry(
            plan.steps, plan.places, *self._circuit, *self._weights, where[0], where[1], store, forms, share, carried,
            out,
        )  # fmt: skip
        return out

    def settle(self, step: JoinStep, value: Array) -> Array:
        """Put a leaf's form in the order of ports that ``step`` has."""
        smaller, _ = step.without(self._grounded)
        placed = np.empty((smaller.total, smaller.total))
        carried_joins.settle(step.leaf_places(self._grounded), value, placed)
        return placed

    def join(self, step: JoinStep, a: Array, b: Array, rows: Array, roots: Array) -> Array:
        """Join the forms of two blocks, and carry that of the ports they share to those that stay."""
        total = step.total
        step, columns = step.without(self._grounded)
        if columns.size < total:
            rows = rows.reshape(-1, total)[:, columns].reshape(-1)
        boundary, shared = step.boundary, step.shared
        outer, mixed, inner = np.empty((boundary, boundary)), np.empty((shared, boundary)), np.empty((shared, shared))
        carried_joins.assemble(
            step.line, a.reshape(-1), b.reshape(-1), roots, outer.reshape(-1), mixed.reshape(-1), inner.reshape(-1)
        )
        extension = ports.extension(rows, roots)
        add_symmetric_product(inner, extension, 0.5, mixed)
        add_both_products(extension, mixed, outer)
        return outer
