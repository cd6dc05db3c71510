"""A crossbar's cells at a moment: currents, motions of states, and their slopes, in arrays that are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Array, Crossbar
from xbarsim.devices import DynamicDevice
from xbarsim.kernels import charged_nodes
from xbarsim.kernels.state_cells import DynamicCells


class CellsInTime:
    """Laws of cells with or without a state.

    Attributes
    ----------
    symmetric : bool
        Whether currents depend on the difference of the two nodes' volts alone.
    low, high : (rows, cols)
        Bounds of the states.
    i, a, b : (rows, cols)
        Amperes from word to bit node, and their slopes in the word node's and less those in the bit node's volts.
    ix, f, fv, fx : (rows, cols)
        The current's slope in the state; the state's motion, and its slopes in volts and state.
    dynamic : bool
        Whether cells have a state that moves.
    linear : bool
        Whether currents are proportional to volts, and nothing moves.
    fading : bool
        Whether motions may lead to rests that the opposite ones leave as slowly.
    stuck : (rows, cols) of bool, optional
        Cells whose state stays whatever the law says.
    """

    def __init__(self, crossbar: Crossbar, siemens: Array) -> None:
        shape = crossbar.shape
        self.device = crossbar.device
        self.i, self.a, self.ix, self.f, self.fv, self.fx, self._across = np.zeros((7, *shape))
        self.low, self.high = np.zeros(shape), np.ones(shape)
        self._linear = siemens if self.device.linear else None
        self._moving: DynamicCells | None = None
        if isinstance(self.device, DynamicDevice):
            self._moving = self.device.dynamics(shape)
            self.low[:], self.high[:] = self._moving.low, self._moving.high
            self.symmetric, self.fading = True, self.device.fades
        else:
            self._fixed = self.device.cells(siemens)
            self.symmetric, self.fading = self._fixed.symmetric, False
        self.b = self.a if self.symmetric else np.zeros(shape)
        self._near = np.zeros(shape)
        self._turned: Array | None = None
        self.stuck: NDArray[np.bool_] | None = None
        self.dynamic = self._moving is not None
        self.linear = self._linear is not None and not self.dynamic
        if self._linear is not None and self.linear:
            self.a[:] = self._linear

    def evaluate(self, v: Array, u: Array, x: Array) -> None:
        """Fill all arrays for node volts v, u and states x.

        Parameters
        ----------
        v, u : (rows, cols) array
            Volts of word nodes and of bit nodes.
        x : (rows, cols) array
            States, in the device's unit.
        """
        if self._moving is not None:
            np.subtract(v, u, out=self._across)
            self._moving.evaluate(self._across, x, self.i, self.a, self.ix, self.f, self.fv, self.fx)
            if self.stuck is not None:
                for motion in (self.f, self.fv, self.fx):
                    motion[self.stuck] = 0.0
        elif self._linear is not None:
            charged_nodes.ohmic(self._linear, v, u, self.i)
        else:
            self._fixed.evaluate(v, u, self._near, self.i, self.a, self.b)
            self._near[:] = self.i

    def turned_slopes(self, volts: float, x: Array) -> Array:
        """Return the slopes ``f_x`` (rows, cols) at states x under so many volts the other way than at the moment.

        Parameters
        ----------
        volts : float
            Across each cell, against the sign that it has at the moment.
        x : (rows, cols) array
            States, in the device's unit.
        """
        assert self._moving is not None
        if self._turned is None:
            self._turned = np.empty((6, *x.shape))
        self._moving.evaluate(np.copysign(volts, -self._across), x, *self._turned)
        slopes: Array = self._turned[-1]
        if self.stuck is not None:
            slopes[self.stuck] = 0.0
        return slopes

    @property
    def falling(self) -> bool:
        """Whether a law without a state has a falling current or none: solvers cannot go on."""
        return not (self.dynamic or self.linear) and not (
            np.isfinite(self.i).all() and (self.a >= 0.0).all() and (self.b >= 0.0).all()
        )
