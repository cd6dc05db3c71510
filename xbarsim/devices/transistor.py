"""Cells with an access transistor: 1T1R."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device
from xbarsim.devices.option import Option


@dataclass(frozen=True, eq=False, repr=False)
class Transistor(Device):
    """A memristor on the word line's side in series with an n-channel transistor towards the bit line (1T1R).

    The transistor is SPICE's level 1 (Shichman and Hodges, IEEE J. Solid-State Circuits 3, 285, 1968) without body
    effect or junctions. With ``Vov = Vgs - vto`` over the lower of its two ends and Vds >= 0 between them::

        I = 0                                              Vov <= 0
        I = kp (1 + lam Vds) Vds (Vov - Vds / 2)           Vds < Vov
        I = kp (1 + lam Vds) Vov^2 / 2                     otherwise

    The inner node between memristor and transistor is solved inside the cell. A cell cut off is open.

    Parameters
    ----------
    gate : array_like
        Gate volts: a scalar, ``(rows, 1)`` for a gate line a row, ``(cols,)`` for one a column, or (rows, cols).
        Rows that are not selected have theirs below ``vto``.
    kp : array_like, scalar or (rows, cols)
        Transconductance times W / L, in A/V^2, > 0.
    vto : array_like, scalar or (rows, cols)
        Threshold in volts.
    lam : array_like, scalar or (rows, cols)
        Channel-length modulation in 1/V, >= 0.

    Raises
    ------
    InputError
        A parameter is not finite or out of bounds.
    """

    name = "transistor"
    kernel = "TRANSISTOR"
    summary = "memristor and level-1 transistor in series"
    options = (
        Option("gate", "gate voltage; in a read that of the selected row, the others' is 0 V", 1.5, "V"),
        Option("kp", "transconductance times W / L", 2e-4, "A/V^2", above=0.0),
        Option("vto", "threshold", 0.5, "V"),
        Option("lam", "channel-length modulation", 0.0, "1/V", least=0.0),
    )
    two_terminal = False
    cards = (
        "* SPICE lays its gmin, 1e-12 S, across each channel; a cell's transistor has none.",
        ".options gmin=1e-18",
    )

    gate: Array
    kp: Array
    vto: Array
    lam: Array

    def __init__(self, gate: ArrayLike, kp: ArrayLike = 2e-4, vto: ArrayLike = 0.5, lam: ArrayLike = 0.0) -> None:
        super().__init__(gate=gate, kp=kp, vto=vto, lam=lam)

    @classmethod
    def sample(cls, rng: np.random.Generator, shape: tuple[int, int]) -> Transistor:
        """Return cells with a gate line a row at 1 to 2.5 V."""
        gate = rng.uniform(1.0, 2.5, (shape[0], 1))
        kp = 10 ** rng.uniform(-4, -2.5, shape)
        return cls(gate, kp, rng.uniform(0.3, 0.6, shape), rng.uniform(0, 0.1, shape))

    @property
    def gates(self) -> Array:
        """``gate``."""
        return self.gate

    def with_gates(self, gates: Array) -> Transistor:
        """Return the same transistors at other gate volts.

        Parameters
        ----------
        gates : array, (rows, cols) or (rows, 1)
            Volts.
        """
        return Transistor(gates, self.kp, self.vto, self.lam)

    def instance(self, conductance: Array) -> dict[str, Array]:
        """Return the subcircuit's parameters for each cell; the gate is a port of it, ``TE BE gate``.

        Parameters
        ----------
        conductance : array, (rows, cols)
            Siemens of the memristors.
        """
        values = super().instance(conductance)
        del values["gate"]
        return values
