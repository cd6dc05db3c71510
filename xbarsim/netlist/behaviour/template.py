"""Laws of one form: what they compute, whatever their names and numbers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour.derivative import derivative
from xbarsim.netlist.behaviour.emit import compiled
from xbarsim.netlist.behaviour.graph import Graph, Node

Floats = NDArray[np.float64]

_BESIDE = (1e-20, 1e-9)
"""Volts or amperes from a point without a slope to where one is looked for, the nearest first."""

_ULPS = 8 * float(np.finfo(np.float64).eps)

Key = tuple[Node, ...]
"""The operations of a law in order, the value last; equal for laws that differ in names and numbers alone."""


@dataclass(frozen=True, eq=False)
class Template:
    """A law's form: a function of controls x and constants c, and its slopes in x.

    Attributes
    ----------
    key : Key
        What it computes; the leaves are ``("control", k)``, ``("constant", k)`` and ``("time", None)``.
    controls, constants : int
        How many there are.
    """

    key: Key
    controls: int
    constants: int

    def evaluate(self, controls: list[Floats], constants: list[Floats], time: float) -> tuple[Floats, list[Floats]]:
        """Return values and slopes for many laws of this form at once.

        Parameters
        ----------
        controls : list of (n,)
            What each control is at each law, volts or amperes.
        constants : list of (n,)
            The constants.
        time : float
            Seconds.

        Returns
        -------
        value : (n,)
            Volts or amperes.
        slopes : list of (n,)
            By each control. Where a law has no value, NaN or infinities are.
        """
        with np.errstate(all="ignore"):
            columns = self._arrays(*controls, *constants, np.asarray(time)[()])
        shape = controls[0].shape if controls else constants[0].shape if constants else ()
        value, *slopes = (_filled(shape, column) for column in columns)
        return value, slopes

    def slopes_beside(self, controls: list[Floats], constants: list[Floats], time: float) -> list[Floats]:
        """Return slopes right beside points, for laws that have a value but no finite slope there.

        A law like ``x sqrt(|x|)`` is smooth at 0, but the rules of calculus give 0 times infinity there; that of
        ``sqrt(x)`` has a slope beyond all bounds. What lies a hair's breadth off stands in, on the side where there is
        anything. The controls are moved by different amounts, so that differences of theirs move as well.

        Parameters
        ----------
        controls, constants, time
            As for ``evaluate``.

        Returns
        -------
        slopes : list of (n,)
            NaN where there is none on either side.
        """
        slopes = [np.full(controls[0].shape, np.nan) for _ in range(self.controls)]
        missing = np.ones(controls[0].shape, bool)
        for step, side in ((step, side) for step in _BESIDE for side in (1.0, -1.0)):
            moved = [x + side * (1.0 + 0.37 * k) * np.maximum(step, _ULPS * np.abs(x)) for k, x in enumerate(controls)]
            value, beside = self.evaluate(moved, constants, time)
            good = missing & np.isfinite(value) & np.isfinite(beside).all(axis=0)
            slopes = [np.where(good, new, old) for new, old in zip(beside, slopes, strict=True)]
            missing &= ~good
            if not missing.any():
                break
        return slopes

    def law(self) -> Callable[..., Any]:
        """Return ``law(v, g, *constants) -> (current, slope)`` of floats, as :class:`xbarsim.Law` takes it.

        Its conductance ``g`` only says that there is a cell. numba can compile it.

        Raises
        ------
        ValueError
            The law has not exactly one control, or depends on time.
        """
        if self.controls != 1 or self.timed:
            raise ValueError("only a law of one voltage, and not of time, is one of a cell")
        return self._scalar

    @property
    def timed(self) -> bool:
        """Whether it depends on time."""
        return ("time", None, ()) in self.key

    @cached_property
    def of_floats(self) -> Callable[..., tuple[float, ...]]:
        """``f(*controls, *constants, time)`` gives the value and the slopes of one law.

        Where Python's floats have no answer (what overflows, 1 / 0) it raises an error of arithmetic or of value, and
        ``evaluate`` has to be asked.
        """
        graph, roots = self._derived
        return compiled(graph, roots, [*self._arguments(), ("time", ("time", None, ()))], scalar=True)

    @cached_property
    def value_of_floats(self) -> Callable[..., tuple[float]]:
        """As ``of_floats``, without slopes."""
        graph, roots = self._derived
        return compiled(graph, roots[:1], [*self._arguments(), ("time", ("time", None, ()))], scalar=True)

    @cached_property
    def _derived(self) -> tuple[Graph, list[int]]:
        graph = Graph()
        for node in self.key:
            graph.add(*node)
        root = len(self.key) - 1
        leaves = [graph.add("control", k) for k in range(self.controls)]
        return graph, [root, *(derivative(graph, root, leaf) for leaf in leaves)]

    @cached_property
    def _arrays(self) -> Callable[..., Any]:
        graph, roots = self._derived
        return compiled(graph, roots, [*self._arguments(), ("time", ("time", None, ()))])

    @cached_property
    def _scalar(self) -> Callable[..., Any]:
        graph, roots = self._derived
        (first, leaf), *constants = self._arguments()
        return compiled(graph, roots, [(first, leaf), ("g", ("unused", None, ())), *constants], scalar=True)

    def _arguments(self) -> list[tuple[str, Node]]:
        controls = [(f"x{k}", ("control", k, ())) for k in range(self.controls)]
        return [*controls, *((f"c{k}", ("constant", k, ())) for k in range(self.constants))]


def _filled(shape: tuple[int, ...], column: Floats | float) -> Floats:
    """Return an array of its own with a column, or with one number everywhere."""
    values = np.empty(shape)
    values[...] = column
    return values


@lru_cache(maxsize=4096)
def template_of(key: Key) -> Template:
    """Return the template of a key: one for all laws of this form."""
    counts = [len({node[1] for node in key if node[0] == kind}) for kind in ("control", "constant")]
    return Template(key, *counts)
