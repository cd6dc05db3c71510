"""Pulse and look: cells are programmed by write-verify instead of blindly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.plan import Plan
from xbarsim.nonideal import WriteVerify


@dataclass(frozen=True)
class VerifiedWrites(Method):
    """Program each cell by pulses until a read finds it near enough to its target.

    Pulses towards LRS and HRS follow ``x <- x + a (1 - x)`` and ``x <- x - a x``, x the conductance between the cell's
    own bounds, a multiplied by ``shrink`` each time the direction turns, until ``|g - target| <= tolerance (g_on -
    g_off)`` or ``max_pulses`` are spent (F. Alibart et al., Nanotechnology 23, 075201, 2012; pulses as in NeuroSim,
    P.-Y. Chen et al., IEEE Trans. CAD 37, 3067, 2018; ``xbarsim.nonideal.WriteVerify`` has it).

    It corrects what differs from device to device as far as a cell's range reaches, and all noise of blind writes. It
    needs no map and no data, and costs pulses, each with a read. A stuck cell takes all of its pulses in vain, and it
    and cells whose range ends before the target are counted as unconverged. It does nothing against stuck cells, wires,
    drift and noise of reads.

    Attributes
    ----------
    tolerance : float
        Of the range, or of the target, above 0 and at most 1.
    of : {"range", "target"}
        Which of them.
    max_pulses : int
        At least 1.
    step, shrink : float
        Share of the way that the first pulses go, and what it is multiplied with at each turn, above 0 and at most 1.
    noise : float
        Standard deviation of a pulse's effect over its mean, 0 to 10.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    name: ClassVar[str] = "write-verify"
    paper: ClassVar[str] = "F. Alibart et al., Nanotechnology 23, 075201, 2012"
    about: ClassVar[str] = "program each cell by pulses until a read finds it near enough"
    settles: ClassVar[frozenset[Part]] = frozenset({"writing"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"writing"})

    tolerance: float = WriteVerify.tolerance
    of: Literal["range", "target"] = WriteVerify.of
    max_pulses: int = WriteVerify.max_pulses
    step: float = WriteVerify.step
    shrink: float = WriteVerify.shrink
    noise: float = WriteVerify.noise

    def __post_init__(self) -> None:
        self._law()

    @property
    def draws(self) -> bool:
        """Whether pulses have noise."""
        return self.noise > 0.0

    def _law(self) -> WriteVerify:
        options: dict[str, Any] = self.options()
        try:
            return WriteVerify(**options)
        except InputError as error:
            raise InputError(str(error).replace("WriteVerify", type(self).__name__, 1)) from None

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with verified writes."""
        return replace(plan, write_verify=self._law())
