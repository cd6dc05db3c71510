"""The small-signal circuit of cells that are not reciprocal, access transistors say: one adjoint field an output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.noise.operating_point import OperatingPoint
from xbarsim.resources import check_memory
from xbarsim.solution import Solution
from xbarsim.solvers.effective import check_joined
from xbarsim.solvers.output_currents import output_adjoints
from xbarsim.solvers.segments import Segments


@dataclass(frozen=True, eq=False)
class AdjointCircuit:
    """Small signals around the operating point of one vector.

    Attributes
    ----------
    solution : Solution
        With fields.
    vector : int or None
        Which of a batch.
    point : OperatingPoint
        The cells there.
    threads : int
        Threads to use.
    """

    solution: Solution
    vector: int | None
    point: OperatingPoint
    threads: int

    @property
    def _crossbar(self) -> Crossbar:
        return self.solution.crossbar

    @cached_property
    def _fields(self) -> tuple[Array, Array]:
        """Amperes at each output for 1 A into each word and each bit node, (cols, rows, cols)."""
        rows, cols = self._crossbar.shape
        check_joined(Segments.of(self._crossbar), ("word", "bit"))
        check_memory(40.0 * rows * cols * cols, f"adjoint fields of {cols} outputs", "take fewer columns")
        return output_adjoints(self.solution, self.vector, threads=self.threads)

    def white(self, density: Array, thermal: float) -> Array:
        """Return covariances of the outputs, (cols, cols), with thermal noise of wires and ends.

        Parameters
        ----------
        density : (rows, cols)
            The cells' own.
        thermal : float
            4 k T.
        """
        word, bit = self._fields
        covariance = self.powers(density)
        outputs = np.eye(bit.shape[2])
        ends = self._crossbar.boundary
        for fall, ohms in (
            (np.diff(word, axis=2), self._crossbar.word_wire),
            (np.diff(bit, axis=1), self._crossbar.bit_wire),
            (word[:, :, 0], ends["word_left"].resistance),
            (word[:, :, -1], ends["word_right"].resistance),
            (bit[:, 0], ends["bit_top"].resistance),
            (bit[:, -1] - outputs, ends["bit_bottom"].resistance),
        ):
            # Nothing falls off along 0 ohm.
            siemens = np.divide(1.0, ohms, out=np.zeros_like(ohms), where=ohms > 0.0)
            covariance += thermal * _products(fall, siemens)
        return covariance

    def powers(self, across: Array) -> Array:
        """Return covariances of the outputs, (cols, cols), of sources beside the cells of these powers (rows, cols).

        Parameters
        ----------
        across : (rows, cols) array
            Power of the source beside each cell, A^2 or A^2/Hz.
        """
        word, bit = self._fields
        return _products(bit - word, across)


def _products(fall: Array, weights: Array) -> Array:
    flat = fall.reshape(len(fall), -1)
    covariance: Array = (flat * weights.reshape(-1)) @ flat.T
    return covariance
