"""What a cell does between its word-line node and its bit-line node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """An ohmic cell: ``I = G (v_word - v_bit)`` with G the cell's conductance in siemens (Ohm's law)."""
