"""Arrays without wires as dividers: what a line's end takes from it, in closed form."""

from __future__ import annotations

from torch import Tensor


def divided(conductance: Tensor, source: Tensor, sense: float) -> Tensor:
    """Return an array's map as two dividers, one at each end of its lines, which do not know of each other.

    Amperes I at virtual ground, of the sources' volts V::

        V'_i = V_i / (1 + R_s sum_j G_ij),    I_j = sum_i G_ij V'_i / (1 + R_n sum_i G_ij)

    The source of a row is loaded by the row's cells as if all bit lines were at 0 V, and the sense resistance of a
    column by the column's cells as if all word lines were held. With the factors D of the dividers the exact map of an
    array without wires is ``I = (1 - K)^-1 D_c G' D_r V``, ``K = R_s R_n D_c G' D_r G`` (Kirchhoff's law at both layers
    of nodes), and this is K = 0: exact if R_s or R_n is 0, and with both all currents come out too small.

    Parameters
    ----------
    conductance : (rows, cols) tensor
        Siemens; gradients reach them.
    source : (rows,) tensor
        R_s in ohms; infinite where a line is off, which drives nothing, and is taken to load nothing.
    sense : float
        R_n in ohms.

    Returns
    -------
    (rows, cols) tensor
        Siemens.
    """
    driven = source.isfinite()[:, None]
    connected = conductance * driven
    rows = 1.0 + source.where(driven[:, 0], source.new_tensor(0.0))[:, None] * connected.sum(dim=1, keepdim=True)
    cols = 1.0 + sense * connected.sum(dim=0, keepdim=True)
    return connected / (rows * cols)
