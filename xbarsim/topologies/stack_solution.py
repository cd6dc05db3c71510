"""A stack solved as the crossbar that it is, its numbers put back into planes and layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Side
from xbarsim.errors import InputError
from xbarsim.solution import Solution
from xbarsim.solvers.effective import effective_conductance
from xbarsim.solvers.solve import TOLERANCE, Method, solve
from xbarsim.topologies.layer_stack import LayerStack


@dataclass(frozen=True)
class StackSolution:
    """The state of a stack for one vector of input voltages, or for a batch of them.

    Attributes
    ----------
    stack : LayerStack
        The circuit.
    solution : Solution
        Of ``stack.crossbar``: power, evidence, floating nodes.
    """

    stack: LayerStack
    solution: Solution

    @property
    def currents(self) -> Array:
        """Output currents in amperes, ``(..., bit planes, cols)``: those at ``bit_bottom``."""
        return self.end_currents("bit_bottom")

    @property
    def residual(self) -> float:
        """Bound of the error of any end current, relative to the largest of its vector's."""
        return self.solution.residual

    def end_currents(self, side: Side) -> Array:
        """Return amperes at a side's line ends, ``(..., planes, lines)``, positive out of the stack.

        Parameters
        ----------
        side : str
            ``word_left`` or one of the other three.
        """
        planes, lines = self.stack.plane_lines(side)
        amperes = self.solution.end_currents[side]
        return amperes.reshape(*amperes.shape[:-1], lines, planes).swapaxes(-1, -2)

    @property
    def word_voltages(self) -> Array:
        """Volts at word-line nodes, ``(..., word planes, rows, cols)``; raises as ``Solution.word_voltages``."""
        return np.moveaxis(self._placed(self.solution.word_voltages)[..., 0], -2, -3)

    @property
    def bit_voltages(self) -> Array:
        """Volts at bit-line nodes, ``(..., bit planes, rows, cols)``; raises as ``Solution.bit_voltages``."""
        return np.moveaxis(self._placed(self.solution.bit_voltages)[..., 0, :, :], -1, -3)

    @property
    def device_currents(self) -> Array:
        """Amperes through the cells from word to bit line, ``(..., layers, rows, cols)``; raises likewise."""
        placed = self._placed(self.solution.device_currents)
        planes = [self.stack.planes_of(layer) for layer in range(self.stack.shape[0])]
        return np.stack([placed[..., :, word, :, bit] for word, bit in planes], axis=-3)

    def _placed(self, numbers: Array) -> Array:
        """Return the crossbar's numbers as ``(..., rows, word planes, cols, bit planes)``."""
        (words, bits), (_, rows, cols) = self.stack.planes, self.stack.shape
        return numbers.reshape(*numbers.shape[:-2], rows, words, cols, bits)


def solve_stack(
    stack: LayerStack,
    voltages: ArrayLike,
    *,
    method: Method = "auto",
    fields: bool | None = None,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
) -> StackSolution:
    """Solve a stack exactly; all cells of all layers have a part in it.

    Parameters
    ----------
    stack : LayerStack
        The circuit.
    voltages : array_like, (word planes, rows) or (batch, word planes, rows)
        Volts of the word_left sources.
    method, fields, tolerance, threads
        As ``xbarsim.solve``.

    Returns
    -------
    StackSolution

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``xbarsim.solve``.
    """
    if not isinstance(stack, LayerStack):
        raise InputError(f"stack is {type(stack).__name__}: it must be a LayerStack")
    volts = checked_array("voltages", voltages, signed=True)
    lines = stack.plane_lines("word_left")
    if volts.ndim not in (2, 3) or volts.shape[-2:] != lines:
        raise InputError(
            f"voltages has shape {volts.shape}: it must be {lines} or (batch, {lines[0]}, {lines[1]}), one voltage for "
            "each word line of each plane"
        )
    flat = volts.swapaxes(-1, -2).reshape(*volts.shape[:-2], lines[0] * lines[1])
    crossbar = stack.crossbar
    return StackSolution(
        stack, solve(crossbar, flat, method=method, fields=fields, tolerance=tolerance, threads=threads)
    )


def stack_conductance(stack: LayerStack, *, threads: int | None = None) -> Array:
    """Compute the map that a stack of linear cells really applies.

    ``currents = einsum("ki,kimj->mj", voltages, map)`` exactly, with fixed sources at 0 V.

    Parameters
    ----------
    stack : LayerStack
        Of linear cells.
    threads : int, optional
        Threads to use.

    Returns
    -------
    (word planes, rows, bit planes, cols)
        Siemens.

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``effective_conductance``.
    """
    if not isinstance(stack, LayerStack):
        raise InputError(f"stack is {type(stack).__name__}: it must be a LayerStack")
    (words, bits), (_, rows, cols) = stack.planes, stack.shape
    siemens: Array = effective_conductance(stack.crossbar, threads=threads)
    return siemens.reshape(rows, words, cols, bits).transpose(1, 0, 3, 2)
