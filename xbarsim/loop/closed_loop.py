"""A loop solved: arrays and amplifiers at one operating point, held against Kirchhoff's laws inside the arrays too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from xbarsim.checks import Array, check_tolerance
from xbarsim.crossbar import Side
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.dense_system import DenseSystem
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.loop.loop_evidence import GOOD, factored, largest_share
from xbarsim.loop.loop_parts import JoinedArray
from xbarsim.loop.newton_points import NewtonPoint, newton_point
from xbarsim.loop.stability import Stability, check_stable, stability_of
from xbarsim.solution import Solution
from xbarsim.solvers.solve import solve_points

TOLERANCE = 1e-8
"""Largest bound of a voltage's error that is handed out, relative to the largest voltage."""

_ROUNDS = 5


@dataclass(frozen=True, eq=False, repr=False)
class ClosedLoop:
    """The operating points of a loop.

    Attributes
    ----------
    loop : Loop
        The circuit.
    residual : float
        Bound of the error of any node's voltage, relative to the largest of its point, the worst over all points:
        what voltages leave of the equations, with the arrays' currents from full solutions, times the sizes of the
        inverse's entries.
    current_residual : float
        The same of the currents of sources and amplifiers, relative to the largest of these.
    condition : float
        Condition number of the scaled equations.
    """

    loop: Loop
    residual: float
    current_residual: float
    condition: float
    _equations: LoopEquations = field(repr=False)
    _unknowns: Array = field(repr=False)
    _bent: tuple[NewtonPoint, ...] = field(default=(), repr=False)

    @cached_property
    def stability(self) -> Stability:
        """The poles; of nonlinear cells with their slopes at the operating point, of which there is one.

        Raises
        ------
        InputError
            Cells are nonlinear, and there are more points than one; or the loop has capacitance and an amplifier no
            bandwidth.
        SolveError
            Amplifiers fix each other's outputs.
        """
        if len(self._bent) > 1:
            raise InputError("the poles of nonlinear cells are others at each point: take stability_at(point)")
        return self.stability_at() if self._bent else stability_of(self._equations, self._unknowns)

    def stability_at(self, point: int = 0) -> Stability:
        """Return the poles at one point.

        Parameters
        ----------
        point : int
            Which of the operating points.

        Raises
        ------
        InputError
            There is no such point; otherwise as ``stability``.
        """
        if not 0 <= point < self._unknowns.shape[1]:
            raise InputError(f"point is {point}: the loop has {self._unknowns.shape[1]}")
        if not self._bent:
            return stability_of(self._equations, self._unknowns[:, point : point + 1])
        at = self._bent[point]
        return stability_of(at.equations, at.x, at.solutions)

    def voltages(self, nodes: Iterable[str]) -> Array:
        """Return the volts of nodes, (nodes,) or (points, nodes).

        Parameters
        ----------
        nodes : iterable of str
            Their names.

        Raises
        ------
        InputError
            The loop has no such node.
        """
        rows = []
        for node in nodes:
            if node not in self._equations.number:
                raise InputError(f"node {node!r} is none of the loop's: it has {', '.join(self.loop.nodes[:6])} ...")
            rows.append(self._equations.number[node])
        return self._shaped(self._with_ground()[rows])

    def node_voltages(self) -> dict[str, Array]:
        """Return the volts of all nodes by name, numbers or (points,)."""
        return dict(zip(self.loop.nodes, self._shaped(self._unknowns[: self._equations.nodes]).T, strict=True))

    def source_currents(self) -> dict[str, Array]:
        """Return the amperes into the + terminals of sources and shorts, and into amplifiers' outputs, by name."""
        names = [name for name, _, _ in self._equations.fixing] + [amp.name for amp in self.loop.amplifiers]
        return dict(zip(names, self._shaped(self._unknowns[self._equations.nodes :]).T, strict=True))

    def end_voltages(self, array: str) -> dict[Side, Array]:
        """Return the volts that an array's ends are tied to, (lines,) or (points, lines) of each side.

        Parameters
        ----------
        array : str
            Its name in the loop.
        """
        ends = self.end_points(array)
        return {side: volts if self.loop.points is not None else volts[0] for side, volts in ends.items()}

    def end_points(self, array: str) -> dict[Side, Array]:
        """Return the volts of an array's ends as (points, lines) of each side, one point where no source has more.

        Parameters
        ----------
        array : str
            Its name in the loop.
        """
        return self._equations.end_voltages(self._array(array), self._unknowns)

    def solutions(self, array: str) -> Solution:
        """Return an array's solution at all points, as a batch with all node voltages; raises as ``solution``.

        Parameters
        ----------
        array : str
            Its name in the loop.
        """
        return solve_points(self._array(array).crossbar, self.end_points(array), fields=True)

    def solution(self, array: str, point: int = 0) -> Solution:
        """Return an array's solution at one point, as a batch of one with all node voltages.

        Parameters
        ----------
        array : str
            Its name in the loop.
        point : int
            Which of the sources' points, counted from 0.

        Raises
        ------
        InputError
            The loop has no such array.
        """
        ends = self.end_points(array)
        return solve_points(
            self._array(array).crossbar, {side: volts[point : point + 1] for side, volts in ends.items()}, fields=True
        )

    def _array(self, name: str) -> JoinedArray:
        for array in self.loop.arrays:
            if array.name == name:
                return array
        raise InputError(f"array {name!r} is none of the loop's: it has {', '.join(a.name for a in self.loop.arrays)}")

    def _with_ground(self) -> Array:
        return np.concatenate([self._unknowns, np.zeros((1, self._unknowns.shape[1]))])

    def _shaped(self, rows: Array) -> Array:
        return rows[:, 0] if self.loop.points is None else rows.T

    def __repr__(self) -> str:
        parts = f"{len(self.loop.arrays)} arrays, {len(self.loop.amplifiers)} amplifiers"
        return f"ClosedLoop({parts}, {self._unknowns.shape[1]} points, residual={self.residual:.1e})"


def close(loop: Loop, *, stable: bool = True, tolerance: float = TOLERANCE) -> ClosedLoop:
    """Find the operating points of a loop.

    Each array counts by its exact admittance between its line ends, so that a loop of n lines is one dense solve of a
    few n unknowns. Its voltages are then held against full solutions of the arrays at these ends, and corrected by
    what these say; of nonlinear cells in as many steps of Newton's method as it takes, from 0 V, for each point.

    Parameters
    ----------
    loop : Loop
        The circuit.
    stable : bool
        Whether a loop that runs away from its operating point is an error; ``stability`` says it anyway.
    tolerance : float
        Largest ``residual`` that is handed out.

    Returns
    -------
    ClosedLoop
        Voltages have an axis of points if any source has.

    Raises
    ------
    InputError
        The loop has no amplifier and no source, or ``tolerance`` is none.
    SolveError
        There is no operating point, or more than one; the message names an amplifier or a node.
    UnstableError
        There is one and the loop runs away from it; the message names an amplifier.
    ConvergenceError
        The voltages are uncertain by more than ``tolerance``, or Newton's method did not come to an end; the message
        names the worst node.
    """
    if not isinstance(loop, Loop):
        raise InputError(f"loop is {type(loop).__name__}: it must be a Loop of parts")
    check_tolerance(tolerance)
    if not loop.nodes:
        raise InputError("the loop has no nodes: give it parts between nodes other than ground")
    if not all(array.crossbar.device.linear for array in loop.arrays):
        return _bent_loop(loop, stable, tolerance)
    equations = LoopEquations(loop)
    system = factored(equations)
    x, residual, current_residual = _refined(equations, system)
    if not residual <= tolerance:
        raise ConvergenceError(
            f"the loop's voltages are uncertain by {residual:.1e} of the largest (tolerance {tolerance:g}), its "
            f"equations have the condition number {system.condition:.1e}",
            "look for lines that hardly differ, or resistances many decades apart",
            f"close(loop, tolerance={2 * residual:.0e}) accepts it as it is" if residual < 1e-2 else "scale the matrix",
        )
    closed = ClosedLoop(loop, residual, current_residual, system.condition, equations, x)
    if stable:
        check_stable(closed.stability)
    return closed


def _bent_loop(loop: Loop, stable: bool, tolerance: float) -> ClosedLoop:
    """Find the operating points of a loop with nonlinear cells, one after the other."""
    points = tuple(newton_point(loop, k, tolerance) for k in range(loop.points or 1))
    closed = ClosedLoop(
        loop,
        max(at.residual for at in points),
        max(at.current_residual for at in points),
        max(at.condition for at in points),
        LoopEquations(loop),
        np.concatenate([at.x for at in points], axis=1),
        points,
    )
    for k in range(len(points) if stable else 0):
        check_stable(closed.stability_at(k))
    return closed


def _refined(equations: LoopEquations, system: DenseSystem) -> tuple[Array, float, float]:
    """Return unknowns (size, points) and bounds of their error, by what full solutions of the arrays say."""
    x = system.solve(equations.right)
    best, least, currents = x, np.inf, np.inf
    for _ in range(_ROUNDS):
        gap, doubt = equations.gap(x, equations.solutions(x))
        bound = system.bound(np.abs(gap) + doubt)
        residual = largest_share(bound[: equations.nodes], x[: equations.nodes])
        if not residual < least / 2.0:
            break
        best, least = x, residual
        currents = largest_share(bound[equations.nodes :], x[equations.nodes :])
        if residual <= GOOD:
            break
        x = x + system.solve(gap)
    return best, least, currents
