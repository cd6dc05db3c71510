"""Silicon at a temperature: its band gap, and how a junction's potential moves (Antognetti and Massobrio, 1988)."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.models.constants import BOLTZMANN, CHARGE, K_OVER_Q, REFERENCE
from xbarsim.netlist.models.parameters import Floats


def gap(kelvin: Floats) -> Floats:
    """Return the band gap in eV."""
    return np.asarray(1.16 - 7.02e-4 * kelvin**2 / (kelvin + 1108))


def shift(kelvin: Floats) -> Floats:
    """Return by how much a junction's potential has shifted from the reference temperature, in volts."""
    inner = -gap(kelvin) / (2 * BOLTZMANN * kelvin) + 1.1150877 / (2 * BOLTZMANN * REFERENCE)
    return np.asarray(-2 * K_OVER_Q * kelvin * (1.5 * np.log(kelvin / REFERENCE) + CHARGE * inner))
