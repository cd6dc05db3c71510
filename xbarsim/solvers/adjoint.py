"""Exact gradients through the circuit: of the effective map of linear cells, and of output currents of any cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.resources import one_blas_thread, thread_count
from xbarsim.solvers.effective import mappable, verify
from xbarsim.solvers.output_currents import CircuitGradient as CircuitGradient
from xbarsim.solvers.output_currents import OutputCurrents as OutputCurrents
from xbarsim.solvers.output_currents import output_currents as output_currents
from xbarsim.solvers.terminals import Terminals


@dataclass(frozen=True, eq=False)
class EffectiveMap:
    """The effective conductance with what its gradient needs.

    Attributes
    ----------
    matrix : (rows, cols)
        Siemens: ``currents = voltages @ matrix``.
    """

    matrix: Array
    _terminals: Terminals

    def gradient(self, cotangent: ArrayLike) -> Array:
        """Carry a gradient back to the cells: ``d sum(cotangent * matrix) / d conductance``.

        A cell dg between the nodes of one place changes the admittance from end k to end l by
        ``dY_kl = dg d_k d_l``, with d_k the voltage across the cell when end k is at 1 V and all others at 0 V
        (Tellegen's theorem; Director and Rohrer, IEEE Trans. Circuit Theory 16, 318, 1969). The current out at column
        l is ``-Y_kl`` for 1 V at row k, so the gradient at a cell is ``-d_rows . cotangent . d_cols`` there.

        Parameters
        ----------
        cotangent : array_like, (rows, cols)
            What a loss's gradient is with respect to ``matrix``.

        Returns
        -------
        array, (rows, cols)
            The loss's gradient with respect to ``crossbar.conductance``.

        Raises
        ------
        InputError
            ``cotangent`` has a bad entry or shape.
        """
        terminals, segments = self._terminals, self._terminals.segments
        weights = checked_array("cotangent", cotangent, signed=True)
        if weights.shape != self.matrix.shape:
            raise InputError(f"cotangent has shape {weights.shape}: it must be {self.matrix.shape}, as the map")
        weights = weights * np.where(segments.joined["bit"], 0.5, 1.0)
        with one_blas_thread():
            gradient = terminals.gradient("word_left", "bit_bottom", weights)
        for floating in (segments.floating_word, segments.floating_bit):
            if floating is not None:
                gradient[floating] = 0.0
        return gradient


def effective_map(crossbar: Crossbar, *, threads: int | None = None) -> EffectiveMap:
    """Compute the effective conductance and keep what its gradient needs.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; its cells must be linear. Others have ``output_currents``.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    EffectiveMap

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``effective_conductance``.
    """
    segments = mappable(crossbar, offset=False)
    terminals = Terminals.of(segments, keep=True, threads=thread_count(threads))
    verify(terminals)
    share = np.where(segments.joined["bit"], 0.5, 1.0)
    return EffectiveMap(terminals.between("word_left", "bit_bottom") * share, terminals)
