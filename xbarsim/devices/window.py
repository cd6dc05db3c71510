"""Windows that let a state's motion fade towards its bounds."""

from __future__ import annotations

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices.option import Option
from xbarsim.errors import InputError

WINDOWS = {"none": 0, "joglekar": 1, "biolek": 2, "prodromakis": 3}
"""Words for windows, and their numbers in :mod:`xbarsim.kernels.state_laws`."""

WINDOW_OPTIONS = (
    Option("window", "what lets the motion fade at the bounds", "none", choices=tuple(WINDOWS), in_time=True),
    Option("exponent", "the window's exponent", 1.0, least=1.0, in_time=True),
)


def check_window(window: str, exponent: Array) -> None:
    """Check that an exponent goes with a window.

    Raises
    ------
    InputError
        There is an exponent other than 1, and no window.
    """
    if window == "none" and np.any(exponent != 1.0):
        raise InputError("exponent acts on a window: give window, or leave exponent out")
