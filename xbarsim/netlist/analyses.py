"""What a netlist asks for: operating points, sweeps of sources, and sequences in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_POINTS = 50
"""How many steps a run has at least, unless it says its longest step."""


@dataclass(frozen=True)
class Op:
    """``.op``: one operating point."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """One swept source: its index among the circuit's elements, and the values that it takes."""

    element: int
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dc:
    """``.dc``: an operating point for each combination of values; the first sweep is the fastest.

    The last ``repeats`` sweeps repeat the analysis, as those of ``.step`` do: each has measures of its own.
    """

    sweeps: tuple[Sweep, ...]
    repeats: int = 0


@dataclass(frozen=True, eq=False)
class Tran:
    """``.tran`` on a circuit without memory: an operating point at each time, sources at their waves' values."""

    times: NDArray[np.float64]


@dataclass(frozen=True)
class Tolerances:
    """What ``.options`` says of integration in time.

    Attributes
    ----------
    method : {"trap", "gear"}
        The trapezoidal rule, or Gear's formula (BDF).
    order : int
        ``maxord``: 1 or 2.
    relative, volts, amperes, coulombs : float
        ``reltol``, ``vntol``, ``abstol``, ``chgtol``.
    truncation : float
        ``trtol``: by what the estimate of a step's error is thought too large.
    """

    method: str = "trap"
    order: int = 2
    relative: float = 1e-3
    volts: float = 1e-6
    amperes: float = 1e-12
    coulombs: float = 1e-14
    truncation: float = 7.0


@dataclass(frozen=True, eq=False)
class Transient:
    """``.tran`` on a circuit that holds charge or flux.

    Attributes
    ----------
    step, stop, start, largest : float
        Seconds: between printed times, the end, the first time that is kept, the longest step; NaN for the default.
    from_initial : bool
        ``uic``: no operating point, the initial values as they are.
    initial, guesses : dict of int to float
        Volts of nodes by ``.ic`` and ``.nodeset``.
    tolerances : Tolerances
        Of ``.options``.
    """

    step: float
    stop: float
    start: float = 0.0
    largest: float = float("nan")
    from_initial: bool = False
    initial: dict[int, float] = field(default_factory=dict)
    guesses: dict[int, float] = field(default_factory=dict)
    tolerances: Tolerances = field(default_factory=Tolerances)

    @property
    def longest(self) -> float:
        """The longest step: the smaller of ``step`` and a 50th of the way, unless ``largest`` says it."""
        if np.isnan(self.largest):
            return min(self.step, (self.stop - self.start) / _POINTS)
        return min(self.largest, self.stop)


@dataclass(frozen=True, eq=False)
class Axis:
    """A swept quantity that changes the circuit: a resistor, ``temp``, a parameter, ``monte``; its values and unit."""

    name: str
    values: NDArray[np.float64]
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Family:
    """One analysis of several variants of the circuit.

    Attributes
    ----------
    analysis : Op or Dc or Tran or Transient
        What is done with each variant.
    variant : callable
        Gives a variant, a ``FlatCircuit``, by the places along the axes.
    axes : tuple of Axis
        What differs between them, the first the fastest; none if there is one variant, which a ``.control`` block
        altered.
    order : tuple of int
        The order of all sweeps in the result, fastest first: the analysis's own count from 0, the axes follow.
    altered : dict of str to float
        What the variants have in common and the netlist as written does not.
    repeats : int
        How many of the slowest sweeps repeat the analysis.
    """

    analysis: Op | Dc | Tran | Transient
    variant: Callable[[tuple[int, ...]], Any]
    axes: tuple[Axis, ...] = ()
    order: tuple[int, ...] = ()
    altered: dict[str, float] = field(default_factory=dict)
    repeats: int = 0


Analysis = Op | Dc | Tran | Transient | Family
