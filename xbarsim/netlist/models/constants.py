"""Physical constants as ngspice has them: CODATA 2014."""

from __future__ import annotations

BOLTZMANN = 1.38064852e-23
CHARGE = 1.6021766208e-19
K_OVER_Q = BOLTZMANN / CHARGE
ZERO_CELSIUS = 273.15
REFERENCE = 27.0 + ZERO_CELSIUS
"""Kelvin at which SPICE's own constants hold."""
PERMITTIVITY = 8.854214871e-12
"""F/m of the vacuum, as the MOS models have it."""
CARRIERS = 1.45e16
"""1/m^3 in intrinsic silicon."""
