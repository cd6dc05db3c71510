"""Ohmic cells."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.checks import Array
from xbarsim.devices.base import Device
from xbarsim.kernels import laws


@dataclass(frozen=True, eq=False, repr=False)
class Linear(Device):
    """An ohmic cell: ``I = G (v_word - v_bit)`` with G the cell's conductance in siemens (Ohm's law)."""

    name = "linear"
    kind = laws.LINEAR

    @property
    def parameters(self) -> dict[str, Array]:
        """None."""
        return {}
