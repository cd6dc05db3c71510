"""The ReRAM cell of the open process sky130."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.dynamic import check_below
from xbarsim.devices.gap import GapDevice, GapLaw
from xbarsim.devices.option import Option

_HOP = 0.25e-9
"""Metres: the model's atomic distance, no parameter of it."""


@dataclass(frozen=True, eq=False, repr=False)
class Sky130(GapDevice):
    """The filament of sky130's ReRAM, its thickness x the state.

    ``sky130_fd_pr_reram__reram_cell`` (Verilog-A, the SkyWater PDK authors, 2020, Apache-2.0)::

        I = i_k1 exp(-(t_ox - x) / (t_ox - t_ref)) sinh(V / v_ref)
        dx/dt = velocity_k1 (exp((w V - e_generation) / kT) - exp(-(w V + e_recombination) / kT))
        w = 0.25 nm / t_ox (gamma_k0 + gamma_k1 ((t_ox - x) / nm)^3)
        T = temperature_0 + tau_thermal / c_thermal V I

    energies in electronvolts. A positive voltage from word to bit line turns it on. The Verilog-A keeps x in a variable
    of its own and moves it by explicit steps, at every iteration of a simulator: compilers for ngspice and others
    lose it, and the cell never switches. Here x is a state that is integrated as any other. The temperature is that at
    which the cell settles within ``tau_thermal``. Reads see a :class:`Sinh` cell. The defaults are the Verilog-A's.

    Parameters
    ----------
    i_k1 : array_like, scalar or (rows, cols)
        Amperes, > 0.
    t_ox, t_ref : array_like, scalar or (rows, cols)
        Metres of oxide, and of the filament to which i_k1 belongs, > 0, ``t_ref < t_ox``.
    v_ref : array_like, scalar or (rows, cols)
        Volts over which the current turns from ohmic to exponential, > 0.
    velocity_k1 : array_like, scalar or (rows, cols)
        Of the filament's growth, in m/s, > 0.
    gamma_k0, gamma_k1 : array_like, scalar or (rows, cols)
        The local field over the mean one without a gap, > 0, and its change with the gap in nm^-3.
    e_generation, e_recombination : array_like, scalar or (rows, cols)
        Activation energies in eV, > 0.
    temperature_0 : array_like, scalar or (rows, cols)
        Kelvin around the cell, > 0.
    c_thermal, tau_thermal : array_like, scalar or (rows, cols)
        Heat capacity in J/K and thermal time constant in seconds, > 0.
    t_min, t_max : array_like, scalar or (rows, cols)
        The filament's bounds in metres, > 0, ``t_min < t_max <= t_ox``.

    Raises
    ------
    InputError
        A parameter is not finite or out of bounds.
    """

    name = "sky130"
    sign = -1.0
    summary = "sky130's ReRAM, I = I_k1 exp(-gap / g0) sinh(V / v_ref), a filament that moves"
    options = (
        Option("i_k1", "current scale", 6.14e-5, "A", above=0.0, in_time=True),
        Option("t_ox", "the oxide's thickness", 5e-9, "m", above=0.0, in_time=True),
        Option("t_ref", "thickness of the filament to which i_k1 belongs", 4.7249e-9, "m", above=0.0, in_time=True),
        Option("v_ref", "volts from ohmic to exponential", 0.43, "V", above=0.0),
        Option("velocity_k1", "velocity of the filament's growth", 150.0, "m/s", above=0.0, in_time=True),
        Option("gamma_k0", "local field over mean field without a gap", 16.5, above=0.0, in_time=True),
        Option("gamma_k1", "its change with the gap", -1.25, "nm^-3", in_time=True),
        Option("e_generation", "activation energy of generation", 1.501, "eV", above=0.0, in_time=True),
        Option("e_recombination", "activation energy of recombination", 1.5, "eV", above=0.0, in_time=True),
        Option("temperature_0", "temperature around the cell", 300.0, "K", above=0.0, in_time=True),
        Option("c_thermal", "heat capacity", 3.1825e-16, "J/K", above=0.0, in_time=True),
        Option("tau_thermal", "thermal time constant", 0.23e-9, "s", above=0.0, in_time=True),
        Option("t_min", "least thickness of the filament", 3.3e-9, "m", above=0.0, in_time=True),
        Option("t_max", "largest thickness of the filament", 4.9e-9, "m", above=0.0, in_time=True),
    )

    i_k1: Array
    t_ox: Array
    t_ref: Array
    v_ref: Array
    velocity_k1: Array
    gamma_k0: Array
    gamma_k1: Array
    e_generation: Array
    e_recombination: Array
    temperature_0: Array
    c_thermal: Array
    tau_thermal: Array
    t_min: Array
    t_max: Array

    def __init__(
        self,
        i_k1: ArrayLike = 6.14e-5,
        t_ox: ArrayLike = 5e-9,
        t_ref: ArrayLike = 4.7249e-9,
        v_ref: ArrayLike = 0.43,
        velocity_k1: ArrayLike = 150.0,
        gamma_k0: ArrayLike = 16.5,
        gamma_k1: ArrayLike = -1.25,
        e_generation: ArrayLike = 1.501,
        e_recombination: ArrayLike = 1.5,
        temperature_0: ArrayLike = 300.0,
        c_thermal: ArrayLike = 3.1825e-16,
        tau_thermal: ArrayLike = 0.23e-9,
        t_min: ArrayLike = 3.3e-9,
        t_max: ArrayLike = 4.9e-9,
    ) -> None:
        super().__init__(
            i_k1=i_k1, t_ox=t_ox, t_ref=t_ref, v_ref=v_ref, velocity_k1=velocity_k1, gamma_k0=gamma_k0,
            gamma_k1=gamma_k1, e_generation=e_generation, e_recombination=e_recombination,
            temperature_0=temperature_0, c_thermal=c_thermal, tau_thermal=tau_thermal, t_min=t_min, t_max=t_max,
        )  # fmt: skip
        check_below("t_ref", self.t_ref, "t_ox", self.t_ox)
        check_below("t_min", self.t_min, "t_max", self.t_max)
        check_below("t_max", self.t_max, "t_ox", np.nextafter(self.t_ox, np.inf))

    @property
    def bounds(self) -> tuple[Array, Array]:
        """``t_min`` and ``t_max``."""
        return self.t_min, self.t_max

    @property
    def offset(self) -> Array:
        """``t_ox``."""
        return self.t_ox

    @property
    def gap_law(self) -> GapLaw:
        """The laws' parameters."""
        return GapLaw(
            self.i_k1, self.t_ox - self.t_ref, self.v_ref, self.velocity_k1, self.gamma_k0, -self.gamma_k1,
            _HOP / self.t_ox, self.e_generation, self.e_recombination, self.temperature_0,
            self.tau_thermal / self.c_thermal,
        )  # fmt: skip
