"""Capacitors laid out over a crossbar: from its nodes to ground, and across its cells."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.edges import Bools, Floats, Ints, NoCrossbar
from xbarsim.netlist.recognition import Recognition
from xbarsim.netlist.storage import Capacitors


def lay_out(capacitors: Capacitors, of_lines: Bools, recognition: Recognition) -> tuple[Floats, Floats, Floats]:
    """Return farads from word nodes to ground, from bit nodes to ground, and across cells, (rows, cols) each.

    Parameters
    ----------
    capacitors : Capacitors
        The circuit's.
    of_lines : (n,) array of bool
        Those to lay out.
    recognition : Recognition
        The crossbar, with the circuit's own nodes.

    Raises
    ------
    NoCrossbar
        One lies elsewhere, or has less than 0 farads.
    """
    circuit, (rows, cols) = recognition.circuit, recognition.word_nodes.shape
    tables = np.zeros((3, rows * cols))
    live = np.flatnonzero(of_lines & (capacitors.first != capacitors.second))
    first, second, farads = capacitors.first[live], capacitors.second[live], capacitors.farads[live]

    def refuse(at: int, why: str) -> NoCrossbar:
        k = int(live[at])
        return NoCrossbar(f"{capacitors.names[k]} ({circuit.places.where(int(capacitors.origins[k]))}) {why}")

    negative = np.flatnonzero(farads < 0.0)
    if negative.size:
        raise refuse(negative[0], "has less than 0 farads")
    word, bit = (_places(nodes, len(circuit.nodes)) for nodes in (recognition.word_nodes, recognition.bit_nodes))
    grounded = (first == GROUND) | (second == GROUND)
    node = np.where(first == GROUND, second, first)
    at_word, at_bit = word[node], bit[node]
    from_word, from_bit = grounded & (at_word >= 0), grounded & (at_word < 0) & (at_bit >= 0)
    np.add.at(tables[0], at_word[from_word], farads[from_word])
    np.add.at(tables[1], at_bit[from_bit], farads[from_bit])
    lost = np.flatnonzero(grounded & (at_word < 0) & (at_bit < 0))
    if lost.size:
        raise refuse(lost[0], "is at no node of a line")
    across = np.flatnonzero(~grounded)
    if across.size:
        cell = _cells(first[across], second[across], recognition)
        if (cell < 0).any():
            raise refuse(across[int(np.argmax(cell < 0))], "lies across no cell of the array")
        np.add.at(tables[2], cell, farads[across])
    return tables[0].reshape(rows, cols), tables[1].reshape(rows, cols), tables[2].reshape(rows, cols)


def _places(nodes: Ints, count: int) -> Ints:
    """Return the first place of each node in a layer, -1 where it has none; ground has none."""
    place = np.full(count, -1, dtype=np.int64)
    flat = nodes.ravel()
    at = np.flatnonzero(flat > GROUND)[::-1]
    place[flat[at]] = at
    return place


def _cells(first: Ints, second: Ints, recognition: Recognition) -> Ints:
    """Return the cell between each two nodes, whichever comes first, -1 where there is none."""
    word, bit = recognition.word_nodes.ravel(), recognition.bit_nodes.ravel()
    crossings = np.flatnonzero((word > GROUND) & (bit > GROUND))
    count = len(recognition.circuit.nodes)
    key = word[crossings] * count + bit[crossings]
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    cell = np.full(first.size, -1, dtype=np.int64)
    for a, b in ((first, second), (second, first)):
        mine = a * count + b
        at = np.minimum(np.searchsorted(ordered, mine), max(ordered.size - 1, 0))
        hit = ordered[at] == mine if ordered.size else np.zeros(mine.size, bool)
        cell = np.where(hit & (cell < 0), crossings[order[at]] if ordered.size else -1, cell)
    return cell
