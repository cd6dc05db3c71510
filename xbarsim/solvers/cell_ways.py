"""A reduced crossbar that takes changes of single cells: their ways up to the terminals, each held against a solve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import overload

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import ladders, reduction, schur, updates, upward
from xbarsim.kernels.line_solver import Gradients, Lines
from xbarsim.kernels.ways import UpwardReduction
from xbarsim.resources import check_memory, one_blas_thread, run_tasks
from xbarsim.solvers.effective import Verification, verify
from xbarsim.solvers.linear import CG_TOLERANCE, STRAIN
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.terminals import Terminals

Index = NDArray[np.int64]

CLOSE = 1e-12
"""Largest difference allowed between what a way says of a cell's volts and a full solve, of the largest volts."""

SLIP = 1e-14
"""Largest error of a unit current's parts on their way: sums of some hundred positive terms, 45 roundings of 1."""

LEAST_PIVOT = 1e-6
"""Below, changes take the circuit apart: what is left of it is a difference of what they and the rest carry."""

_SEED = 2
_ITERATIONS = 1000
_SAMPLE = 16

_AT_HAND = 64
"""So many ways have memory from the beginning."""


@overload
def _triangle(rows: int) -> int: ...
@overload
def _triangle(rows: Index) -> Index: ...
def _triangle(rows: int | Index) -> int | Index:
    """Return how many numbers are in the first rows of a lower triangle with its diagonal."""
    return rows * (rows + 1) // 2


@dataclass(frozen=True, eq=False)
class Response:
    """What some changes make of a circuit.

    Attributes
    ----------
    drops : (count, terminals)
        Volts across each place of change for 1 V at each terminal, before.
    amperes : (count, terminals)
        What the changes take then, after.
    most : (count,)
        The largest of ``amperes``, without their signs.
    spread : (count,)
        Volts across each place for an error of 1 in every number on its way.
    ohms : (count,)
        Volts across each place for a unit current there.
    """

    drops: Array
    amperes: Array
    most: Array
    spread: Array
    ohms: Array

    @staticmethod
    def of_no_change(terminals: int) -> Response:
        """Return that of no change."""
        return Response(np.empty((0, terminals)), np.empty((0, terminals)), *np.empty((3, 0)))

    def error(self, changed: Array, volts: float) -> float:
        """Bound the error of any end current, in amperes, by what the errors of ways make of it.

        Parameters
        ----------
        changed : (count,)
            Amperes that the changes take, at most.
        volts : float
            The largest of the sources'.
        """
        return float(SLIP * updates.error(self.most, changed, self.spread, self.ohms, volts))


class CellWays:
    """A circuit's reduction, and the ways from cells that have been asked for.

    Parameters
    ----------
    segments : Segments
        The circuit.
    most : int
        So many ways are kept; one more, and all are taken up anew as they are needed.
    threads : int
        Threads to reduce with.

    Attributes
    ----------
    terminals : Terminals
        The reduction.
    verification : Verification
        What it was held against.
    """

    def __init__(self, segments: Segments, most: int, threads: int) -> None:
        rows, cols = segments.g.shape
        check_memory(
            3.0 * reduction.memory(rows, cols, segments.present, keep=True),
            f"keeping what updates of {rows} x {cols} need",
            "effective_conductance(crossbar) reduces each state anew",
        )
        with one_blas_thread():
            self._network = UpwardReduction(segments.g, *segments.couplings(), run=partial(run_tasks, threads=threads))
        self.terminals = Terminals.around(segments, self._network, threads)
        self.verification: Verification = verify(self.terminals)
        self._evidence = self._gather(threads)
        network, terminals = self._network, self._network.couplings.shape[0]
        self._rows: dict[int, int] = {}
        self._blocks, self._spread = np.empty(most, np.int64), np.empty(most)
        self._drops, self._q = np.empty((most, terminals)), np.empty((most, network.length))
        self._ohms = np.empty(_triangle(most))
        # Of pages that were never written to the first write would take as long as half its way.
        for array in (self._drops, self._q):
            array[:_AT_HAND] = 0.0
        self._between: dict[tuple[Side, Side], Array] = {}

    def between(self, a: Side, b: Side) -> Array:
        """Return couplings of the circuit that was reduced, from the lines of side ``a`` to those of side ``b``.

        Parameters
        ----------
        a, b : str
            Sides of the array, ``word_left`` and the like.
        """
        if (a, b) not in self._between:
            self._between[a, b] = np.ascontiguousarray(self.terminals.between(a, b))
        return self._between[a, b]

    def _gather(self, threads: int) -> tuple[Array, Array, Array, float] | None:
        """Solve for random source voltages and random currents across all cells at once, by conjugate gradients.

        Return the terminals' voltages, what the currents bring to the nodes on the ways, the volts across all cells,
        and the largest volts; None where the solve does not converge: then no way can be held against it.
        """
        segments, network = self.terminals.segments, self._network
        g, word, bit = segments.g, segments.word, segments.bit
        rows, cols = g.shape
        random = np.random.default_rng(_SEED)
        left, right, top, bottom = (random.uniform(0.1, 1.0, segments.volts[side].size) for side in SIDES)
        amperes = random.uniform(-1.0, 1.0, g.shape)
        for floating in (segments.floating_word, segments.floating_bit):
            if floating is not None:
                amperes[floating] = 0.0  # nothing can leave an island
        q = np.empty(network.roots.size)
        upward.push_all(
            network.table, network.places, network.rows, network.roots, *np.ascontiguousarray(network.cells.T),
            amperes.ravel(), np.empty(int(network.table[:, upward.TOTAL].sum())), q, np.empty((2, network.widest)),
        )  # fmt: skip
        # Currents that bring about as many volts as the sources show an error of a way as well as these.
        scale = self._volts_of(random.choice(g.size, min(_SAMPLE, g.size), replace=False), q)
        amperes *= scale
        q *= scale
        lines = Lines(rows, cols)
        lines.factor(g, word, bit)
        v, u = np.empty((2, rows, cols))
        far_w, far_b = right / np.maximum(word[:, -1], ladders.TINY), top / np.maximum(bit[0], ladders.TINY)
        status, _, strain = Gradients(rows, cols).solve(
            lines, left, far_w, bottom, far_b, CG_TOLERANCE, 0.0, _ITERATIONS, v, u,
            leaving=-amperes, entering=-amperes, threads=threads,
        )  # fmt: skip
        if status != schur.CONVERGED or strain > STRAIN:
            return None
        sources = {side: volts[None] for side, volts in zip(SIDES, (left, right, top, bottom), strict=True)}
        largest = max(1.0, float(np.abs(v).max()), float(np.abs(u).max()))
        return self.terminals.stack(sources)[0], q, (v - u).ravel(), largest

    def _volts_of(self, cells: Index, q_all: Array) -> float:
        """Return what currents are to be multiplied with to bring about a volt across one of some cells, at most."""
        network = self._network
        places = network.cells[cells]
        blocks, inward, outward = np.ascontiguousarray(places[np.argsort(places[:, 0], kind="stable")].T)
        drops, q = np.empty((cells.size, network.couplings.shape[0])), np.empty((cells.size, network.length))
        upward.push(
            network.table, network.places, network.rows, network.roots, blocks, inward, outward, drops, q,
            np.empty(cells.size, np.int64), np.empty((2, cells.size, network.widest)),
        )  # fmt: skip
        volts = upward.evidence(
            network.table, network.roots, blocks, drops, q, np.zeros(drops.shape[1]), q_all, np.zeros(cells.size),
            np.empty(cells.size),
        )  # fmt: skip
        return 1.0 / volts if volts > 0.0 else 1.0

    def _append(self, cells: Index) -> bool:
        """Take the ways of more cells up; return whether all hold, and add none if not."""
        if self._evidence is None:
            return False
        network, have = self._network, len(self._rows)
        places = network.cells[cells]
        order = np.argsort(places[:, 0], kind="stable")
        cells = cells[order]
        blocks, inward, outward = np.ascontiguousarray(places[order].T)
        more = slice(have, have + cells.size)
        drops, q, met = self._drops[more], self._q[more], np.empty(cells.size, np.int64)
        self._blocks[more] = blocks
        self._ohms[_triangle(have) : _triangle(more.stop)] = np.nan
        upward.push(
            network.table, network.places, network.rows, network.roots, blocks, inward, outward, drops, q, met,
            np.empty((2, cells.size, network.widest)),
        )  # fmt: skip
        volts, q_all, across, largest = self._evidence
        worst = upward.evidence(
            network.table, network.roots, blocks, drops, q, volts, q_all, across[cells], self._spread[more]
        )
        if met.any() or not worst <= CLOSE * largest:
            return False
        self._rows |= zip(cells.tolist(), range(have, have + cells.size), strict=True)
        return True

    def response(self, cells: Index, change: Array) -> Response | None:
        """Find what a change of siemens makes of the circuit.

        Parameters
        ----------
        cells : (count,)
            Numbers of cells, row by row.
        change : (count,)
            Siemens that they get besides what they had.

        Returns
        -------
        Response or None
            None where it would not be exact: cells of islands, a circuit that the changes take apart, or a way that a
            full solve does not bear out.
        """
        if cells.size == 0:
            return Response.of_no_change(self._drops.shape[1])
        more = np.array([cell for cell in cells.tolist() if cell not in self._rows], np.int64)
        if len(self._rows) + more.size > self._blocks.size:
            self._rows.clear()
            more = cells
        if more.size and not self._append(more):
            return None
        rows = np.array([self._rows[cell] for cell in cells.tolist()], np.int64)
        upward.mutual(self._network.table, self._blocks, self._q, rows, self._ohms)
        amperes = np.empty((cells.size, self._drops.shape[1]))
        system, most = np.empty((cells.size, cells.size)), np.empty(cells.size)
        if not updates.respond(self._ohms, change, rows, self._drops, system, amperes, most) >= LEAST_PIVOT:
            return None
        return Response(self._drops[rows], amperes, most, self._spread[rows], self._ohms[_triangle(rows) + rows])

    def alone(self, cells: Index, change: Array) -> list[Response | None]:
        """Return the response to each cell's change without the others, as ``response`` gives it.

        Parameters
        ----------
        cells : (count,)
            Numbers of different cells.
        change : (count,)
            Siemens.
        """
        responses: list[Response | None] = []
        most = self._blocks.size
        for start in range(0, cells.size, most):
            part = slice(start, start + most)
            fresh = np.array([cell for cell in cells[part].tolist() if cell not in self._rows], np.int64)
            # All ways in one go cost a fraction of one after the other; where one of them fails, so do only its own.
            if len(self._rows) + fresh.size > most:
                self._rows.clear()
                fresh = cells[part]
            if fresh.size:
                self._append(fresh)
            responses += [self.response(cells[k : k + 1], change[k : k + 1]) for k in range(*part.indices(cells.size))]
        return responses
