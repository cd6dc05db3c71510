"""Cells with an access transistor: 1T1R."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device, parameter
from xbarsim.kernels import laws


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
    kind = laws.TRANSISTOR

    gate: Array
    kp: Array
    vto: Array
    lam: Array

    def __init__(self, gate: ArrayLike, kp: ArrayLike = 2e-4, vto: ArrayLike = 0.5, lam: ArrayLike = 0.0) -> None:
        object.__setattr__(self, "gate", parameter("gate", gate))
        object.__setattr__(self, "kp", parameter("kp", kp, above=0.0))
        object.__setattr__(self, "vto", parameter("vto", vto))
        object.__setattr__(self, "lam", parameter("lam", lam, least=0.0))

    @property
    def parameters(self) -> dict[str, Array]:
        """``gate``, ``kp``, ``vto`` and ``lam``."""
        return {"gate": self.gate, "kp": self.kp, "vto": self.vto, "lam": self.lam}

    def instance(self, conductance: Array) -> dict[str, Array]:
        """Return the subcircuit's parameters for each cell; the gate is a port of it, ``TE BE gate``."""
        named = super().instance(conductance)
        del named["gate"]
        return named
