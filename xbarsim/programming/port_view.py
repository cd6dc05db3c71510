"""What selected cells see of a crossbar whose other cells are ohmic and rest: a linear network with ports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import islands, kirchhoff, ladders, schur
from xbarsim.kernels.line_solver import Gradients, Lines
from xbarsim.programming.line_bias import BiasedLines
from xbarsim.schemes.scheme import Cell

EXACT = 1e-9
"""Largest part of the largest end current by which a network's currents may be wrong."""

_TOLERANCE = 1e-13
_LIMIT = 2000


class PortView:
    """The network around the places of some cells, which are taken out.

    Currents and volts are superpositions: what the sources give, plus what each port's current does. So all that
    pulses and reads of these cells need is a few numbers, whatever state they are in.

    Attributes
    ----------
    cells : list of (row, column)
        The ports.
    place : tuple of two (ports,) of int
        Their rows and columns.
    whole : bool
        Whether all nodes are held without the ports' cells; if not, there is no such network.
    ohms : (ports, ports)
        Volts at each port that an ampere through each takes.
    responses : (ports, rows, cols)
        Volts across all places for an ampere through each port's cell.
    """

    def __init__(
        self, biased: BiasedLines, siemens: Array, cells: Sequence[Cell], work: tuple[Lines, Gradients]
    ) -> None:
        self.cells = list(cells)
        self.biased, self._lines, self._gradients = biased, *work
        self._siemens = siemens.copy()
        rows, cols = (np.array(index) for index in zip(*cells, strict=True))
        self.place = rows, cols
        self._siemens[rows, cols] = 0.0
        segments = biased.segments
        self.whole = not segments.breakable or bool(
            all(tied.all() for tied in islands.tied_nodes(self._siemens, segments.word, segments.bit))
        )
        self.responses = np.zeros((len(self.cells), *siemens.shape))
        self._transfers: list[dict[Side, Array]] = []
        self._port_errors = np.full(len(self.cells), np.inf)
        if not self.whole:
            return
        self._lines.factor(self._siemens, segments.word, segments.bit)
        still = {side: np.zeros_like(volts) for side, volts in biased.volts.items()}
        for port, response in enumerate(self.responses):
            response[:], out, self._port_errors[port] = self.solve(still, port)
            self._transfers.append(out)
        self.ohms = -np.ascontiguousarray(self.responses[:, rows, cols].T)

    def solve(self, volts: dict[Side, Array], port: int | None) -> tuple[Array, dict[Side, Array], float]:
        """Solve for sources, or for an ampere from the word node to the bit node of a port.

        Returns the volts across all places, the end currents, and by how many amperes these may be wrong.
        """
        segments, g = self.biased.segments, self._siemens
        word, bit = segments.word, segments.bit
        v, u = np.empty((2, *g.shape))
        ampere = None
        if port is not None:
            ampere = np.zeros(g.shape)
            ampere[self.cells[port]] = 1.0
        status, _, _ = self._gradients.solve(
            self._lines, volts["word_left"], volts["word_right"] / np.maximum(word[:, -1], ladders.TINY),
            volts["bit_bottom"], volts["bit_top"] / np.maximum(bit[0], ladders.TINY), _TOLERANCE, 0.0, _LIMIT, v, u,
            leaving=ampere, entering=ampere,
        )  # fmt: skip
        across = v - u
        drawn = g * across
        if ampere is not None:
            drawn += ampere
        out, _ = self.biased.shares.end_currents(drawn, drawn, volts)
        amperes = kirchhoff.current_error(
            drawn, drawn, g, g, word, bit, *(volts[side] for side in SIDES), v, u, *(out[side] for side in SIDES)
        )
        return across, out, float(amperes) if status == schur.CONVERGED else np.inf


class DrivenPorts:
    """Ports and the sources around them.

    Attributes
    ----------
    across : (rows, cols)
        Volts across all places without the ports' cells, for the sources as they are.
    power : float
        Watts that the sources deliver then.
    open_volts : (ports,)
        Volts across the ports.
    """

    def __init__(self, view: PortView, biased: BiasedLines) -> None:
        self.view, self.biased = view, biased
        if not view.whole:
            self.exact = False
            return
        self.across, self._out, self._error = view.solve(biased.volts, None)
        self.open_volts = np.ascontiguousarray(self.across[view.place])
        self.power = -sum(float(biased.volts[side] @ self._out[side]) for side in SIDES)
        self._largest = max(float(np.abs(amperes).max()) for amperes in self._out.values())
        self.exact = self.residual(np.zeros(len(view.cells))) <= EXACT

    def residual(self, amperes: Array) -> float:
        """Bound the end currents' errors with so many amperes through the ports, as a part of the largest."""
        error = self._error + float(np.abs(amperes) @ self.view._port_errors)
        if error == 0.0:
            return 0.0
        carried = max(self._largest, float(np.abs(amperes).max()))
        return error / carried if carried > 0.0 else np.inf

    def ohmic_currents(self, siemens: Array | float) -> Array:
        """Return the ports' amperes, for the sources as they are, with ohmic cells."""
        g = np.atleast_1d(siemens)
        if g.size == 1:
            return np.asarray(g * self.open_volts / (1.0 + self.view.ohms[0] * g))
        system = np.eye(g.size) + self.view.ohms * g
        return np.asarray(g * np.linalg.solve(system, self.open_volts))

    def end_current(self, side: Side, line: int, amperes: Array) -> float:
        """Return what leaves the array at a line's end with so many amperes through the ports."""
        total = float(self._out[side][line])
        for ampere, out in zip(amperes, self.view._transfers, strict=True):
            total += float(ampere) * float(out[side][line])
        return total
