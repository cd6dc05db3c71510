"""What is not ideal about real cells and wires: stuck cells, variation, levels, writing, drift, noise, broken lines.

Each effect is a frozen dataclass of settings whose methods are functions of a seed. ``Nonidealities`` puts them
together, and a ``Chip`` is one seed of it: maps that are frozen, and can be saved, loaded and drawn.

Examples
--------
>>> import numpy as np
>>> import xbarsim
>>> from xbarsim.nonideal import Chip, Faults, Nonidealities, Variation
>>> model = Nonidealities(r_on=1e4, r_off=1e6, faults=Faults(rate=0.1, ocr=5), variation=Variation(sigma=0.1))
>>> chip = Chip(model, seed=7, shapes=(64, 64))
>>> programmed = chip.apply(np.full((64, 64), 1e-4))
>>> solution = xbarsim.solve(xbarsim.Crossbar(programmed.conductance, word_wire=1.0, bit_wire=1.0), np.full(64, 0.2))
>>> solution.currents.shape
(64,)
>>> Nonidealities.from_dict(model.to_dict()) == model
True
"""

from xbarsim.nonideal.bridges import Bridged, bridge
from xbarsim.nonideal.broken_lines import Breaks, Shorts
from xbarsim.nonideal.chip import Chip
from xbarsim.nonideal.drift import Drift
from xbarsim.nonideal.faultfile import load_faults, save_faults
from xbarsim.nonideal.faults import Fault, Faults
from xbarsim.nonideal.levels import Levels
from xbarsim.nonideal.maps import Maps, make_maps
from xbarsim.nonideal.model import Nonidealities
from xbarsim.nonideal.pulsed_writes import PulsedWrites
from xbarsim.nonideal.readnoise import ReadNoise
from xbarsim.nonideal.variation import Variation
from xbarsim.nonideal.writeverify import WriteVerify, write_in_array
from xbarsim.nonideal.writing import Programmed

__all__ = [
    "Breaks",
    "Bridged",
    "Chip",
    "Drift",
    "Fault",
    "Faults",
    "Levels",
    "Maps",
    "Nonidealities",
    "Programmed",
    "PulsedWrites",
    "ReadNoise",
    "Shorts",
    "Variation",
    "WriteVerify",
    "bridge",
    "load_faults",
    "make_maps",
    "save_faults",
    "write_in_array",
]
