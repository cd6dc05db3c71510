"""Windows that let a state's motion fade towards its bounds."""

from __future__ import annotations

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices.option import Option
from xbarsim.errors import InputError

_NUMBERS = {"none": 0.0, "joglekar": 1.0, "biolek": 2.0, "prodromakis": 3.0}
"""As in :mod:`xbarsim.kernels.state_laws`, and in the twins."""

WINDOW_OPTIONS = (
    Option("window", "what lets the motion fade at the bounds", "none", choices=tuple(_NUMBERS), in_time=True),
    Option("exponent", "the window's exponent", 1.0, least=1.0, in_time=True),
)


def check_window(window: str, exponent: Array) -> None:
    """Check that an exponent goes with a window.

    Parameters
    ----------
    window : str
        The window's name, or ``none``.
    exponent : array, (rows, cols) or scalar
        Its p, a plain number; 1 where it was left out.

    Raises
    ------
    InputError
        There is an exponent other than 1, and no window.
    """
    if window == "none" and np.any(exponent != 1.0):
        raise InputError("exponent acts on a window: give window, or leave exponent out")


def window_number(window: str) -> Array:
    """Return a window's number in kernels and twins."""
    return np.array(_NUMBERS[window])


def fades_both_ways(window: str) -> bool:
    """Whether a window is 0 at a bound for motions to it and from it alike."""
    return window in ("joglekar", "prodromakis")
