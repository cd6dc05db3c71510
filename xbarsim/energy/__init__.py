"""Energy: where the power of a read goes, from the exact solution.

Examples
--------
>>> from xbarsim import Crossbar, solve
>>> from xbarsim.energy import power_split
>>> split = power_split(solve(Crossbar([[1e-3, 2e-4], [5e-4, 1e-3]], word_wire=1.0, bit_wire=1.0), [0.2, 0.1]))
>>> bool(split.imbalance < 1e-12)
True
"""

from xbarsim.energy.power_forms import PowerForms, power_forms
from xbarsim.energy.power_split import PowerSplit, power_split

__all__ = ["PowerForms", "PowerSplit", "power_forms", "power_split"]
