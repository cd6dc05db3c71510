"""The model of filamentary RRAM of Stanford and Peking universities."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.dynamic import check_below
from xbarsim.devices.gap import GapDevice, GapLaw
from xbarsim.devices.option import Option


@dataclass(frozen=True, eq=False, repr=False)
class Stanford(GapDevice):
    """A filament of oxygen vacancies, its gap x to the electrode the state.

    Jiang et al., "A compact model for metal-oxide resistive random access memory with experiment verification", IEEE
    Trans. Electron Devices 63, 1884 (2016)::

        I = i0 exp(-x / g0) sinh(V / v0)
        dx/dt = -velocity (exp((w V - eg) / kT) - exp(-(w V + er) / kT))
        w = a0 / length gamma,    gamma = gamma0 - beta (x / nm)^3
        T = t0 + rth V I

    energies in electronvolts. A positive voltage from word to bit line turns it on. The temperature is that at which
    the cell settles within its thermal time constant, rth times its heat capacity, 0.23 ns in the paper: it has no
    state of its own. Reads see a :class:`Sinh` cell of ``G = i0 / v0 exp(-x / g0)``. The defaults are the paper's.

    Parameters
    ----------
    i0 : array_like, scalar or (rows, cols)
        Amperes, > 0.
    g0 : array_like, scalar or (rows, cols)
        Metres of gap that make the current e times less, > 0.
    v0 : array_like, scalar or (rows, cols)
        Volts over which the current turns from ohmic to exponential, > 0.
    velocity : array_like, scalar or (rows, cols)
        The tip's, in m/s, > 0.
    gamma0, beta : array_like, scalar or (rows, cols)
        The local field over the mean one without a gap, > 0, and its loss with the gap in nm^-3, >= 0.
    eg, er : array_like, scalar or (rows, cols)
        Activation energies of the vacancies' generation and of the ions' return, in eV, > 0.
    a0, length : array_like, scalar or (rows, cols)
        An ion's hop and the oxide's thickness in metres, > 0.
    t0 : array_like, scalar or (rows, cols)
        Kelvin around the cell, > 0.
    rth : array_like, scalar or (rows, cols)
        Kelvin a watt, >= 0.
    gap_min, gap_max : array_like, scalar or (rows, cols)
        The state's bounds in metres, >= 0, ``gap_min < gap_max``.

    Raises
    ------
    InputError
        A parameter is not finite or out of bounds.
    """

    name = "stanford"
    summary = "I = I0 exp(-x / g0) sinh(V / v0), a gap x that moves"
    options = (
        Option("i0", "current scale", 6.14e-5, "A", above=0.0, in_time=True),
        Option("g0", "gap that makes the current e times less", 2.7505e-10, "m", above=0.0, in_time=True),
        Option("v0", "volts from ohmic to exponential", 0.43, "V", above=0.0),
        Option("velocity", "velocity of the filament's tip", 150.0, "m/s", above=0.0, in_time=True),
        Option("gamma0", "local field over mean field without a gap", 16.5, above=0.0, in_time=True),
        Option("beta", "loss of gamma with the gap", 1.25, "nm^-3", least=0.0, in_time=True),
        Option("eg", "activation energy of generation", 1.501, "eV", above=0.0, in_time=True),
        Option("er", "activation energy of recombination", 1.5, "eV", above=0.0, in_time=True),
        Option("a0", "an ion's hop", 0.25e-9, "m", above=0.0, in_time=True),
        Option("length", "the oxide's thickness", 5e-9, "m", above=0.0, in_time=True),
        Option("t0", "temperature around the cell", 300.0, "K", above=0.0, in_time=True),
        Option("rth", "thermal resistance", 7.2270e5, "K/W", least=0.0, in_time=True),
        Option("gap_min", "least gap", 0.1e-9, "m", least=0.0, in_time=True),
        Option("gap_max", "largest gap", 1.7e-9, "m", above=0.0, in_time=True),
    )

    i0: Array
    g0: Array
    v0: Array
    velocity: Array
    gamma0: Array
    beta: Array
    eg: Array
    er: Array
    a0: Array
    length: Array
    t0: Array
    rth: Array
    gap_min: Array
    gap_max: Array

    def __init__(
        self,
        i0: ArrayLike = 6.14e-5,
        g0: ArrayLike = 2.7505e-10,
        v0: ArrayLike = 0.43,
        velocity: ArrayLike = 150.0,
        gamma0: ArrayLike = 16.5,
        beta: ArrayLike = 1.25,
        eg: ArrayLike = 1.501,
        er: ArrayLike = 1.5,
        a0: ArrayLike = 0.25e-9,
        length: ArrayLike = 5e-9,
        t0: ArrayLike = 300.0,
        rth: ArrayLike = 7.2270e5,
        gap_min: ArrayLike = 0.1e-9,
        gap_max: ArrayLike = 1.7e-9,
    ) -> None:
        super().__init__(
            i0=i0, g0=g0, v0=v0, velocity=velocity, gamma0=gamma0, beta=beta, eg=eg, er=er, a0=a0, length=length,
            t0=t0, rth=rth, gap_min=gap_min, gap_max=gap_max,
        )  # fmt: skip
        check_below("gap_min", self.gap_min, "gap_max", self.gap_max)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """``gap_min`` and ``gap_max``."""
        return self.gap_min, self.gap_max

    @property
    def gap_law(self) -> GapLaw:
        """The laws' parameters."""
        return GapLaw(
            self.i0, self.g0, self.v0, self.velocity, self.gamma0, self.beta, self.a0 / self.length, self.eg, self.er,
            self.t0, self.rth,
        )  # fmt: skip
