"""What kinds of element a circuit's columns hold."""

from __future__ import annotations

RESISTOR, VOLTAGE, CURRENT, INDUCTOR = 0, 1, 2, 3
KIND_OF = {"r": RESISTOR, "v": VOLTAGE, "i": CURRENT, "l": INDUCTOR, "e": VOLTAGE, "g": CURRENT}
"""What a name's letter says; E and G are among the elements where their law is a constant."""

METER = "i("
"""What the names of ammeters begin with that a law's ``i(r1)`` needs, and of the nodes behind them: no other's do."""
GROUND = 0
"""The node that all voltages are measured from, ``0`` or ``gnd``."""
