"""What resistors and capacitors have in common: how warm they are, what that makes of them, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.constants import ZERO_CELSIUS
from xbarsim.netlist.models.diode import kelvins
from xbarsim.netlist.models.parameters import Ambient, Amount, Floats, check_values


def warming(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> Floats:
    """Return the kelvins ``dT`` by which an element is warmer than its model's ``tnom``.

    Parameters
    ----------
    model, device : mapping of str to float or array
        Parameters of the model, and on the element's card.
    ambient : Ambient
        The circuit's temperature.
    """
    return np.asarray(kelvins(device, ambient) - np.add(model.get("tnom", ambient.nominal), ZERO_CELSIUS))


def warm_factor(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> Floats:
    """Return ``1 + tc1 dT + tc2 dT^2``, of the element's own coefficients or its model's.

    Parameters
    ----------
    model, device : mapping of str to float or array
        Parameters of the model, and on the element's card.
    ambient : Ambient
        The circuit's temperature.
    """
    warmer = warming(model, device, ambient)
    tc1, tc2 = (np.asarray(device.get(key, model.get(key, 0.0)), dtype=np.float64) for key in ("tc1", "tc2"))
    return np.asarray(1 + warmer * (tc1 + tc2 * warmer))


def multiplicity(device: Mapping[str, Amount]) -> Amount:
    """Return ``m``, how many such elements lie side by side.

    Raises
    ------
    UnphysicalError
        It is not positive.
    """
    share = device.get("m", 1.0)
    check_values(share, np.greater(share, 0), "m={}: it must be > 0")
    return share
