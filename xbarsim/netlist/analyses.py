"""What a netlist asks for: operating points, sweeps of sources, and sequences in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    analysis : Op or Dc or Tran
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

    analysis: Op | Dc | Tran
    variant: Callable[[tuple[int, ...]], Any]
    axes: tuple[Axis, ...] = ()
    order: tuple[int, ...] = ()
    altered: dict[str, float] = field(default_factory=dict)
    repeats: int = 0


Analysis = Op | Dc | Tran | Family
