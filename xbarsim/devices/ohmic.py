"""Ohmic cells."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.devices.base import Device


@dataclass(frozen=True, eq=False, repr=False)
class Linear(Device):
    """An ohmic cell: ``I = G (v_word - v_bit)`` with G the cell's conductance in siemens (Ohm's law)."""

    name = "linear"
    kernel = "LINEAR"
    summary = "I = G V"
    linear = True
