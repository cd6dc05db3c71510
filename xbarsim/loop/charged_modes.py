"""Modes of a loop with capacitance: all of a small one, the slow ones of a large one."""

from __future__ import annotations

from collections.abc import Mapping

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.loop.all_modes import all_modes
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.loop.loop_modes import LoopModes
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.loop.slow_modes import slow_modes
from xbarsim.solution import Solution
from xbarsim.solvers.solve import solve_points

MOST_DENSE = 700
"""Unknowns up to which all modes are computed."""


def charged_modes(equations: LoopEquations, x: Array, solutions: Mapping[str, Solution] | None = None) -> LoopModes:
    """Return the modes of a loop with capacitance, or amplifiers without a pole, at operating points (size, points).

    ``solutions`` are its arrays', with all node voltages, where these are not those of its cells.

    Raises
    ------
    InputError
        An amplifier has no bandwidth.
    SolveError
        Amplifiers fix each other's outputs, or nodes float.
    ConvergenceError
        Modes are not certain.
    """
    loop = equations.loop
    for amp in loop.amplifiers:
        if amp.amplifier.bandwidth is None:
            raise InputError(
                f"{loop.charged} has capacitance and {amp.name} no bandwidth: poles need both, give "
                "Amplifier(bandwidth=...) (inf for one without a pole), or close(loop, stable=False) for the operating "
                "point alone"
            )
    if solutions is None:
        solutions = {
            array.name: solve_points(array.crossbar, equations.end_voltages(array, x), fields=True)
            for array in loop.arrays
            if array.charged
        }
    pencil = LoopPencil.of(equations, x, solutions)
    return all_modes(pencil) if pencil.size <= MOST_DENSE else slow_modes(pencil)
