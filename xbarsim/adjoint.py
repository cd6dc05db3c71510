"""How the effective map changes with every cell: exact gradients through the circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import SIDES, Crossbar
from xbarsim.effective import mappable, verify
from xbarsim.errors import InputError
from xbarsim.resources import require_memory, thread_count
from xbarsim.terminals import Terminals, one_blas_thread

_FIELD_BYTES = 64e6
"""Node voltages are worked on in parts of this size."""


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
        TooLargeError
            The node voltages for every end in turn would not fit in memory.
        """
        segments = self._terminals.segments
        rows, cols = self.matrix.shape
        given = checked_array("cotangent", cotangent, signed=True)
        if given.shape != (rows, cols):
            raise InputError(f"cotangent has shape {given.shape}: it must be {(rows, cols)}, as the map")
        given = given * np.where(segments.joined["bit"], 0.5, 1.0)
        cells = rows * cols
        require_memory(
            8.0 * cells * (2 * cols + rows) + _FIELD_BYTES,
            f"the gradient of a map of {rows} x {cols}",
            "use smaller arrays",
        )
        gradient = np.zeros(cells)
        with one_blas_thread():
            from_cols = self._drops("bit_bottom", slice(0, cols))
            step = max(1, int(_FIELD_BYTES / (24.0 * cells)))
            for k in range(0, rows, step):
                part = slice(k, min(k + step, rows))
                from_rows = self._drops("word_left", part)
                gradient -= np.einsum("kc,kc->c", from_rows, given[part] @ from_cols)
        return gradient.reshape(rows, cols)

    def _drops(self, side: str, lines: slice) -> Array:
        """Return the voltages across all cells (lines, cells) when each end of a side in turn is at 1 V."""
        terminals = self._terminals
        segments = terminals.segments
        count = lines.stop - lines.start
        sources = {name: np.zeros((count, segments.volts[name].size)) for name in SIDES}
        sources[side][np.arange(count), np.arange(lines.start, lines.stop)] = 1.0  # type: ignore[index]
        v, u = terminals.network.voltages(terminals.stack(sources))
        v -= u
        for floating in (segments.floating_word, segments.floating_bit):
            if floating is not None:
                v[:, floating] = 0.0
        return v.reshape(count, -1)


def effective_map(crossbar: Crossbar, *, threads: int | None = None) -> EffectiveMap:
    """Compute the effective conductance and keep what its gradient needs.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; its cells must be linear.
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
