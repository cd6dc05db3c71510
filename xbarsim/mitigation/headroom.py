"""A larger scale: weights use less of the conductances' range, and currents fall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.plan import Plan


@dataclass(frozen=True)
class Headroom(Method):
    """Multiply every layer's scale by ``h``.

    ``g+ - g- = (g_on - g_off) w / (h scale)``: conductances and currents fall, and with them what wires take; outputs
    are multiplied by ``h`` digitally. It needs nothing and costs signal: against noise of converters and reads, against
    levels and against stuck cells, whose conductance then counts ``h`` times as much, it does harm.

    Attributes
    ----------
    h : float
        At least 1.

    Raises
    ------
    InputError
        h is below 1 or not finite.
    """

    name: ClassVar[str] = "headroom"
    paper: ClassVar[str] = "none: the baseline of every precompensation"
    about: ClassVar[str] = "multiply each layer's scale by h, so that cells conduct less"
    settles: ClassVar[frozenset[Part]] = frozenset({"headroom"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"headroom", "targets"})

    h: float = 2.0

    def __post_init__(self) -> None:
        self._number("h", 1.0, math.inf)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with the scale of all layers multiplied."""
        for name in bench.ideal_network(plan).layers:
            plan = plan.with_layer(name, headroom=plan.layer(name).headroom * self.h)
        return plan
