"""Dividers and separate circuits that a graph alone would let pass for an array."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import GROUND
from xbarsim.netlist.graph.edges import Ints
from xbarsim.netlist.recognition import Recognition


def arrays_only(recognition: Recognition) -> Recognition:
    """Return what was found, without its crossbar if that is no array; ``reason`` then says why."""
    reason = _no_array(recognition)
    return recognition if reason is None else replace(recognition, crossbar=None, reason=reason)


def _no_array(recognition: Recognition) -> str | None:
    """Return why a circuit that fits a crossbar is no array, or None if it is one.

    An array has lines that several cells share. Ground is no such line: all circuits of a netlist share it.
    """
    if recognition.crossbar is None:
        return None
    row, col = np.nonzero(recognition.crossbar.conductance)
    rows, cols = recognition.crossbar.shape
    # Lines without a node of their own but ground; -1 stands where a line has none.
    word = _split(row, np.flatnonzero(np.all(recognition.word_nodes <= GROUND, axis=1)), rows)
    bit = _split(col, np.flatnonzero(np.all(recognition.bit_nodes <= GROUND, axis=0)), cols)
    start = int(word.max(initial=-1)) + 1
    part = components(word, start + bit, start + int(bit.max(initial=-1)) + 1)[word]
    parts, cells = np.unique(part, return_counts=True)
    if cells.size == 1 and cells[0] == 1:
        return "one cell with a resistor at its end is a divider, no array"
    if cells.size > 1 and np.all(cells == 1):
        return "its cells share no line: they are dividers of their own, no array"
    # A part with a gap is rather an array with cells missing: those between the parts may be missing too.
    if cells.size > 1 and not _has_wires(recognition) and all(_is_full(word[part == k], bit[part == k]) for k in parts):
        return f"it has {cells.size} parts that share no line: they are circuits of their own, no array"
    return None


def _is_full(word: Ints, bit: Ints) -> bool:
    """Return whether each of a part's word lines has a cell to each of its bit lines."""
    return np.unique(word).size * np.unique(bit).size == word.size


def _split(line: Ints, ground: Ints, count: int) -> Ints:
    """Return the line of each cell, where each cell on a line that is ground has one of its own."""
    alone = np.isin(line, ground)
    return np.where(alone, count + np.arange(line.size), line)


def _has_wires(recognition: Recognition) -> bool:
    """Return whether any line has two nodes: then it was drawn as a line, whatever cells are missing."""
    return any(
        bool(np.any((nodes[:, :-1] != nodes[:, 1:]) & (nodes[:, :-1] >= 0) & (nodes[:, 1:] >= 0)))
        for nodes in (recognition.word_nodes, recognition.bit_nodes.T)
    )
