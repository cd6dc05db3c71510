"""A crossbar in time, of the bank that compares ways through time."""

from __future__ import annotations

from dataclasses import dataclass, field

from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.devices import DynamicDevice
from xbarsim.waves import Wave

TIME = 1e-4
"""Largest difference allowed at the same times, relative to the largest voltage, current or state."""


@dataclass(frozen=True)
class TimeCircuit:
    """A crossbar that is at rest at 0 V, and what drives it from then on.

    Attributes
    ----------
    device, family : str
        The cells, with what is set in them; and what the circuit is about.
    crossbar : Crossbar
        The circuit.
    waves : dict of side to a list with a wave or volts for each line
        All begin at 0 V.
    stop : float
        Seconds.
    states : (rows, cols) or None
        Initial states of cells that have one.
    capacitance : dict of "word", "bit", "cell" to (rows, cols)
        Farads from word nodes and bit nodes to ground, and across cells.
    """

    device: str
    family: str
    crossbar: Crossbar
    waves: dict[Side, list[Wave | float]]
    stop: float
    states: Array | None = None
    capacitance: dict[str, Array] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """Like ``16x12``."""
        rows, cols = self.crossbar.shape
        return f"{rows}x{cols}"

    @property
    def name(self) -> str:
        """Like ``vteam/half-select write/16x16``."""
        return f"{self.device}/{self.family}/{self.size}"

    @property
    def moving(self) -> DynamicDevice | None:
        """The cells' model, if they have a state that moves."""
        device = self.crossbar.device
        return device if isinstance(device, DynamicDevice) else None
