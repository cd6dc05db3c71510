"""Capacitance of a crossbar's nodes and cells, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError


@dataclass(frozen=True, eq=False)
class ArrayFarads:
    """From word nodes and from bit nodes to ground, and across the cells, (rows, cols) each."""

    word: Array
    bit: Array
    cell: Array

    @staticmethod
    def of(crossbar: Crossbar, word: ArrayLike, bit: ArrayLike, cell: ArrayLike) -> ArrayFarads:
        """Check and broadcast; raises InputError.

        Parameters
        ----------
        crossbar : Crossbar
            Whose shape counts.
        word, bit, cell : scalar or (rows, cols) array_like
            Farads: word node to ground, bit node to ground, across a cell.
        """
        if not isinstance(crossbar, Crossbar):
            raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
        tables = [
            np.ascontiguousarray(broadcast(name, checked_array(name, value), crossbar.shape))
            for name, value in (("word_capacitance", word), ("bit_capacitance", bit), ("cell_capacitance", cell))
        ]
        return ArrayFarads(*tables)

    def drawn(self, v: Array, u: Array, across: Array) -> tuple[Array, Array]:
        """Return ``C [v; u]``: what word nodes take and bit nodes receive, for node voltages that rise by 1 V/s each.

        Each is (rows, cols); a bit node receives what comes to it along the cells less what its own capacitance takes.

        Parameters
        ----------
        v, u, across : (rows, cols) array
            How fast word nodes and bit nodes rise, and what they rise by more, V/s, or volts for coulombs.
        """
        along = self.cell * across
        return along + self.word * v, along - self.bit * u

    def charged(self, v: Array, u: Array, across: Array) -> Array:
        """Return one vector of roots of energies: products of two of them are ``x C y``.

        Parameters
        ----------
        v, u, across : (rows, cols) array
            Volts of word nodes, of bit nodes, and across the cells.
        """
        parts = ((self.word, v), (self.bit, u), (self.cell, across))
        return np.concatenate([(np.sqrt(farads) * volts).ravel() for farads, volts in parts])
