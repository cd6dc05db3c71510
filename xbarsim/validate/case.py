"""A circuit of the bank, and one comparison of two answers for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xbarsim.crossbar import Array, Crossbar

LINEAR, NONLINEAR, CLOSED, REPEATED = 1e-9, 1e-7, 1e-11, 1e-12
"""Largest differences allowed, relative to the largest voltage or current: of linear and nonlinear circuits against
another simulator, against a closed form, and of two runs of one simulator."""

COMPONENT_FLOOR = 1e-9
"""Componentwise differences leave out what is below so much of the largest: there, rounding is all there is."""


@dataclass(frozen=True)
class BankCircuit:
    """A crossbar and what drives it; ``family`` is its boundary or what is broken in it."""

    device: str
    family: str
    crossbar: Crossbar
    voltages: Array

    @property
    def size(self) -> str:
        """Like ``16x12``."""
        rows, cols = self.crossbar.shape
        return f"{rows}x{cols}"

    @property
    def name(self) -> str:
        """Like ``linear/half select/16x12``."""
        return f"{self.device}/{self.family}/{self.size}"

    @property
    def tolerance(self) -> float:
        """The largest difference allowed against another simulator."""
        return LINEAR if self.crossbar.device.linear else NONLINEAR


@dataclass(frozen=True)
class Difference:
    """Of so many numbers: the largest difference relative to the largest number, and componentwise."""

    count: int
    relative: float
    componentwise: float
    where: str = ""

    @classmethod
    def of(cls, ours: dict[str, float], theirs: dict[str, float]) -> Difference:
        """Compare what is in ``ours``; both must hold the same names.

        Parameters
        ----------
        ours, theirs : dict of str to float
            Volts or amperes by name.

        Raises
        ------
        ValueError
            A name is missing, or a number is not finite.
        """
        if ours.keys() != theirs.keys():
            odd = sorted(ours.keys() ^ theirs.keys())
            raise ValueError(f"only one of the two has {', '.join(odd[:5])}")
        if not ours:
            return cls(0, 0.0, 0.0)
        a, b = np.array(list(ours.values())), np.array([theirs[name] for name in ours])
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise ValueError(f"{list(ours)[int(np.argmin(np.isfinite(a) & np.isfinite(b)))]} is not finite")
        gap, size = np.abs(a - b), np.abs(b)
        largest = float(size.max())
        if largest == 0.0:
            return cls(a.size, float(np.inf) if gap.any() else 0.0, 0.0)
        worst = int(np.argmax(gap))
        telling = size > COMPONENT_FLOOR * largest
        return cls(a.size, float(gap[worst]) / largest, float((gap[telling] / size[telling]).max()), list(ours)[worst])


EMPTY = Difference(0, 0.0, 0.0)


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes
    ----------
    case, device, family, size : str
        The circuit.
    ours, other : str
        How xbarsim came to its answer, and who else answered.
    cells : int
        rows times cols.
    voltages, outputs, sources, states : Difference
        Of node voltages, output currents and source currents, and of cells' states in time.
    seconds, other_seconds : float
        What both took; NaN where it is not known.
    reference : float
        Of a way through time: how far the other's is from its own with steps half as long; NaN elsewhere.
    tolerance : float
        The largest relative difference allowed.
    trouble : str
        Why there is no comparison though there should be.
    skipped : str
        Why there is none, and need not be.
    """

    case: str
    device: str
    family: str
    size: str
    cells: int
    ours: str
    other: str
    tolerance: float
    voltages: Difference = EMPTY
    outputs: Difference = EMPTY
    sources: Difference = EMPTY
    states: Difference = EMPTY
    seconds: float = float("nan")
    other_seconds: float = float("nan")
    reference: float = float("nan")
    trouble: str = ""
    skipped: str = ""
    version: str = field(default="")

    @property
    def largest(self) -> float:
        """The largest relative difference."""
        return max(part.relative for part in (self.voltages, self.outputs, self.sources, self.states))

    @property
    def componentwise(self) -> float:
        """The largest componentwise difference."""
        return max(part.componentwise for part in (self.voltages, self.outputs, self.sources, self.states))

    @property
    def compared(self) -> bool:
        """Whether numbers were compared."""
        return not (self.trouble or self.skipped)

    @property
    def failed(self) -> bool:
        """Whether it is beyond its tolerance, or could not be compared."""
        return bool(self.trouble) or (self.compared and not self.largest <= self.tolerance)
