"""Whether chips of one hardware can differ."""

from __future__ import annotations

from dataclasses import fields

from xbarsim.nn.hardware import Hardware

_DRAWS_NOTHING = ("r_on", "r_off", "levels")  # of the cells' settings
_SPREADS = {
    "faults": ("rate",),
    "variation": ("sigma",),
    "cycle_variation": ("sigma",),
    "read_noise": ("sigma", "of_currents"),
    "drift": ("nu_sigma",),
    "breaks": ("word_rate", "bit_rate"),
    "shorts": ("word_rate", "bit_rate"),
}
"""What is 0 where an effect draws nothing."""


def varies(hardware: Hardware) -> bool:
    """Tell whether chips of different seeds may differ: some effect is on that draws."""
    cells = hardware.cells
    for effect in fields(cells):
        settings = getattr(cells, effect.name)
        if settings is None or effect.name in _DRAWS_NOTHING:
            continue
        spreads = [getattr(settings, name) for name in _SPREADS.get(effect.name, ())]
        if any(spreads) or not spreads:
            return True
    return False
