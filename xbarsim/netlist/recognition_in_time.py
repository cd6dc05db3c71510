"""What recognition found of a circuit whose capacitors count: the crossbar, its charges, and its cells' states."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.recognition import Recognition

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeriesSource:
    """A source of volts and a resistor in each cell, one behind the other, from the cell's ``first`` to its ``second``.

    Attributes
    ----------
    names : list of str
        The sources.
    signs : (n,)
        1 where the cell's current, from ``first`` to ``second``, enters the source's + terminal, else -1.
    inner : (n,)
        The node between source and resistor.
    ohms : (n,)
        The resistor's.
    """

    names: list[str]
    signs: Floats
    inner: Ints
    ohms: Floats


@dataclass(frozen=True, eq=False)
class StateNodes:
    """Where the cells' states are in the netlist, in whose node voltages they are given.

    Attributes
    ----------
    node : (n,)
        The node whose voltage is a cell's state.
    first, second : (n,)
        The nodes between which the cell conducts.
    series : SeriesSource, optional
        Of cells that are a source of volts with a resistor behind it.
    """

    node: Ints
    first: Ints
    second: Ints
    series: SeriesSource | None = None


@dataclass(frozen=True, eq=False)
class RecognitionInTime:
    """The crossbar that a circuit with memory is.

    Attributes
    ----------
    recognition : Recognition
        Its resistors, sources and cells. ``reason`` says so where it is no crossbar, or its memory is none that a
        crossbar has. States of cells are bounded by nothing as yet.
    word_farads, bit_farads, cell_farads : (rows, cols)
        Capacitance from each node to ground, and across the cells.
    states : StateNodes, optional
        Of cells with a state that moves.
    row, col : (n,)
        The cell of each state.
    forward : (n,) array of bool
        Whether the cell's ``first`` is its word node.
    """

    recognition: Recognition
    word_farads: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    bit_farads: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    cell_farads: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    states: StateNodes | None = None
    row: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    col: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    forward: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
