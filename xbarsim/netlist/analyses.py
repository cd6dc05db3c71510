"""What a netlist asks for: operating points, sweeps of sources, and sequences in time."""

from __future__ import annotations

from dataclasses import dataclass

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
    """``.dc``: an operating point for each combination of values; the first sweep is the fastest."""

    sweeps: tuple[Sweep, ...]


@dataclass(frozen=True, eq=False)
class Tran:
    """``.tran`` on a circuit without memory: an operating point at each time, sources at their waves' values."""

    times: NDArray[np.float64]


Analysis = Op | Dc | Tran
