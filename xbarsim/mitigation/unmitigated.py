"""Nothing: what every method is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.method import Method
from xbarsim.mitigation.plan import Plan


@dataclass(frozen=True)
class Unmitigated(Method):
    """Program the network as it is, the first row of every table."""

    name: ClassVar[str] = "none"
    paper: ClassVar[str] = "none"
    about: ClassVar[str] = "program the network as it is"

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan."""
        return plan
