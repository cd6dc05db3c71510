"""Cells between lines that run side by side, as halves in series with a node inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.netlist.graph.edges import EdgeNetwork, Floats, Ints


def halved(network: EdgeNetwork, nodes: Ints, inner: Ints) -> tuple[EdgeNetwork, Ints]:
    """Return the network with a node inside each cell, and those nodes (rows, cols).

    Parameters
    ----------
    network : EdgeNetwork
        The circuit.
    nodes : (2, rows, cols)
        Both ends of the cells.
    inner : (rows, cols)
        Nodes that cells have inside, -1 where they have none.
    """
    _, rows, cols = nodes.shape
    if (inner >= 0).all():
        return network, inner
    count = network.count
    middle = count + np.arange(rows * cols).reshape(rows, cols)
    low, high = np.minimum(*nodes).ravel(), np.maximum(*nodes).ravel()
    key, order = low * count + high, np.argsort(low * count + high)
    edges = np.minimum(network.u, network.v) * count + np.maximum(network.u, network.v)
    at = np.minimum(np.searchsorted(key[order], edges), key.size - 1)
    cell = key[order][at] == edges
    inside = middle.ravel()[order][at[cell]]
    # Halves of resistors: exact in doubles.
    ohms = np.concatenate([np.where(cell, 0.5 * network.ohms, network.ohms), 0.5 * network.ohms[cell]])
    v = network.v.copy()
    v[cell] = inside
    circuit = replace(network.circuit, nodes=[*network.circuit.nodes, *(f"inside {k}" for k in range(rows * cols))])
    more = np.zeros(rows * cols)
    finer = EdgeNetwork(
        circuit,
        np.concatenate([network.u, inside]),
        np.concatenate([v, network.v[cell]]),
        ohms,
        np.concatenate([network.element, network.element[cell]]),
        np.concatenate([network.source, np.full(rows * cols, -1)]),
        np.concatenate([network.volts, more]),
    )
    return finer, middle


def joined_halves(near: Floats, far: Floats) -> Floats:
    """Return siemens of cells whose halves in series have ``near`` and ``far``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(near == far, 0.5 * near, np.where(near * far > 0.0, near * (far / (near + far)), 0.0))
