"""The crossbar seen from its sources: the couplings that a Kron reduction leaves between their terminals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import bipartite, ports, reduction
from xbarsim.resources import check_memory, chunks, one_blas_thread, run_tasks
from xbarsim.solvers.segments import Segments

_PRODUCTS = 10**8
"""How many products a call of a kernel takes on."""

Reduced = reduction.Reduction | bipartite.BipartiteReduction


@dataclass(frozen=True)
class Terminals:
    """Siemens between all sources' terminals; a side whose ends are all open has none.

    Attributes
    ----------
    segments : Segments
        The circuit.
    network : Reduction or BipartiteReduction
        Its reduction.
    places : dict of side to slice
        Where a side's terminals stand in the couplings.
    threads : int
        Threads to use.
    """

    segments: Segments
    network: Reduced
    places: dict[Side, slice]
    threads: int

    @staticmethod
    def of(segments: Segments, *, keep: bool, threads: int) -> Terminals:
        """Reduce the circuit; ``keep`` what node voltages need.

        Parameters
        ----------
        segments : Segments
            Of linear cells.
        keep : bool
            Whether what node voltages and gradients need is kept.
        threads : int
            For the reduction.
        """
        rows, cols = segments.g.shape
        ideal = segments.ideal
        present = segments.present
        check_memory(
            bipartite.memory(rows, cols, present) if ideal else reduction.memory(rows, cols, present, keep=keep),
            f"the Kron reduction of {rows} x {cols}",
            'method="schur" needs about 150 bytes a cell',
        )
        word, bit = segments.couplings()
        network: Reduced
        with one_blas_thread():
            if ideal:
                network = bipartite.BipartiteReduction(segments.g, word[:, 0], word[:, -1], bit[0], bit[-1])
            else:
                network = reduction.Reduction(segments.g, word, bit, keep=keep, run=partial(run_tasks, threads=threads))
        return Terminals.around(segments, network, threads)

    @staticmethod
    def around(segments: Segments, network: Reduced, threads: int) -> Terminals:
        """Name the terminals of a reduced circuit.

        Parameters
        ----------
        segments : Segments
            What was reduced.
        network : Reduced
            What is left of it.
        threads : int
            For products with it.
        """
        places: dict[Side, slice] = {}
        start = 0
        for side, tied in zip(SIDES, network.present, strict=True):
            if tied:
                places[side] = slice(start, start + segments.volts[side].size)
                start = places[side].stop
        return Terminals(segments, network, places, threads)

    def between(self, a: Side, b: Side) -> Array:
        """Couplings from the lines of side ``a`` to those of side ``b``, in siemens.

        Parameters
        ----------
        a, b : str
            Sides of the array, ``word_left`` and the like.
        """
        if a in self.places and b in self.places:
            return self.network.couplings[self.places[a], self.places[b]]
        return np.zeros((self.segments.volts[a].size, self.segments.volts[b].size))

    def gradient(self, a: Side, b: Side, cotangent: Array) -> Array:
        """Return ``d sum(cotangent * between(a, b)) / d conductance``; the sides differ.

        Parameters
        ----------
        a, b : str
            Two different sides of the array.
        cotangent : array
            Of the shape of ``between(a, b)``.
        """
        if a in self.places and b in self.places:
            return self.network.gradient(self.places[a], self.places[b], cotangent)
        return np.zeros(self.segments.g.shape)

    def form(self, across: Array, word_nodes: Array, bit_nodes: Array, grounded: Collection[Side] = ()) -> Array:
        """Return a quadratic form of all nodes' voltages as one of the terminals', (terminals, terminals).

        ``sum across (v - u)**2 + word_nodes v**2 + bit_nodes u**2``, each (rows, cols), of the word nodes' voltages v
        and the bit nodes' u; needs what ``keep`` keeps. Terminals of the sides ``grounded`` are at 0 V and left out.

        Parameters
        ----------
        across, word_nodes, bit_nodes : (rows, cols) array
            Coefficients of the squares.
        grounded : collection of str
            Sides whose terminals are at 0 V, and not in the result's numbers.
        """
        with one_blas_thread():
            return self.network.form(across, word_nodes, bit_nodes, frozenset(SIDES.index(side) for side in grounded))

    def stack(self, sources: Mapping[Side, Array]) -> Array:
        """Put source voltages (batch, lines) of each side in the couplings' order, (batch, terminals)."""
        stacked = [sources[side] for side in SIDES if side in self.places]
        return np.concatenate(stacked, axis=1) if stacked else np.empty((sources["word_left"].shape[0], 0))

    def currents(self, sources: Mapping[Side, Array]) -> dict[Side, Array]:
        """Amperes out of the array (batch, lines) at every side, for source voltages of the same shape."""
        batch = sources["word_left"].shape[0]
        out = {side: np.zeros((batch, self.segments.volts[side].size)) for side in SIDES}
        if self.places:
            volts = self.stack(sources)
            amperes = np.empty_like(volts)
            couplings = self.network.couplings
            # Some tenths of a second each: Ctrl-C waits for the kernel in hand.
            most = max(1, _PRODUCTS // couplings.size)
            parts = [
                slice(k, min(k + most, part.stop))
                for part in chunks(batch, self.threads)
                for k in range(part.start, part.stop, most)
            ]
            run_tasks(lambda part: ports.terminal_currents(couplings, volts[part], amperes[part]), parts, self.threads)
            for side, place in self.places.items():
                out[side][:] = amperes[:, place]
        return out
