"""The circuits whose speed is compared: their cells, drawn alike for every simulator. Peers need numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xbarsim import Crossbar

MANY = 64
"""Maps in one call."""

LAWS = {
    "log-uniform": ("cells log-uniform 1k..1M", 1.0, lambda rng, n: 10 ** -rng.uniform(3, 6, (n, n))),
    "uniform": ("cells uniform 1e-6..1e-3 S", 1.0, lambda rng, n: rng.uniform(1e-6, 1e-3, (n, n))),
    "hard": ("all cells 1 kohm", 2.0, lambda rng, n: np.full((n, n), 1e-3)),
}
"""What cells are, the ohms of wires and ends, and how cells are drawn."""

SINH_VOLTS = 0.25
SELECTOR = (1e-8, 0.05)
"""Amperes and volts of ``i0 sinh(v / v0)``."""


@dataclass(frozen=True)
class SpeedCase:
    """What is computed, on how many lines, of which cells.

    Attributes
    ----------
    kind : str
        ``vector`` (with all node voltages), ``map``, ``maps``, ``gradient`` (with its map), ``sinh`` or ``1s1r``.
    lines : int
        Rows, and as many columns.
    law : str
        One of ``LAWS``.
    """

    kind: str
    lines: int
    law: str = "log-uniform"

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.lines}-{self.law}"

    @classmethod
    def of(cls, name: str) -> SpeedCase:
        kind, lines, law = name.split("-", 2)
        return cls(kind, int(lines), law)

    def arrays(self, number: int = 0) -> SimpleNamespace:
        """Draw the circuit: conductance, voltages, and the ohms of every wire segment and end."""
        n = self.lines
        rng = np.random.default_rng([n, number])
        _, ohms, draw = LAWS[self.law]
        return SimpleNamespace(
            shape=(n, n),
            conductance=draw(rng, n),
            voltages=rng.uniform(0, 0.5, n),
            ohms=ohms,
            word_wire=np.full((n, n - 1), ohms),
            bit_wire=np.full((n - 1, n), ohms),
            driver=np.full(n, ohms),
            sense=np.full(n, ohms),
        )

    def crossbar(self, number: int = 0) -> Crossbar:
        """Return the same as xbarsim's, with the cells' law."""
        from xbarsim import Crossbar, Linear, Selector, Sinh

        arrays = self.arrays(number)
        ohms = dict.fromkeys(("word_wire", "bit_wire", "driver", "sense"), arrays.ohms)
        devices = {"sinh": Sinh(SINH_VOLTS), "1s1r": Selector(*SELECTOR)}
        return Crossbar(arrays.conductance, **ohms, device=devices.get(self.kind, Linear()))

    def weights(self) -> np.ndarray:
        """Return a loss's gradient with respect to the map."""
        return np.random.default_rng(7).standard_normal((self.lines, self.lines))
