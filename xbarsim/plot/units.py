"""Axes in the unit that their numbers have the size of: mV, uA, ns."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.plot.style import scaled_unit
from xbarsim.quantities import short_number

if TYPE_CHECKING:
    from matplotlib.axis import Axis

Scale = Literal["linear", "log"]

_QUANTITIES = {
    "V": "voltage", "A": "current", "S": "conductance", "ohm": "resistance", "s": "time", "W": "power", "J": "energy",
}  # fmt: skip
"""Units that have a scale, and what an axis says that has a unit alone."""

_SUBS = ((15.0, (1.0, 2.0, 5.0)), (500.0, (1.0, 3.0)), (math.inf, (1.0,)))
"""Of which numbers a decade has ticks where the largest number is less than so many times the least."""

_MOST_DECIMALS = 12


def scale_axis(axis: Axis, values: ArrayLike, label: str, scale: Scale = "linear") -> None:
    """Write an axis's label, and where this has a unit its ticks as thousands or thousandths of it: ``time (ns)``.

    What is drawn stays what it is: only ticks and label are in another unit.

    Parameters
    ----------
    axis : matplotlib Axis
        ``axes.xaxis``, or a bar of colours' ``ax.yaxis``.
    values : array_like, any shape
        What is drawn along it, in volts, amperes, seconds, as the label says; the largest size says the scale.
    label : str
        ``time (s)``; a unit alone, as ``A``, is written with its quantity. Any other text is written as it is.
    scale : {"linear", "log"}
        Of the axis; on a logarithmic one each tick has its unit.
    """
    match = re.fullmatch(r"(?:(.*) )?\(?(\w+)\)?", label, re.S)
    if match is None or match[2] not in _QUANTITIES or (match[1] is not None and not label.endswith(f"({match[2]})")):
        axis.set_label_text(label)
        return
    numbers = np.abs(np.asarray(values, dtype=np.float64).ravel())
    numbers = numbers[np.isfinite(numbers)]
    quantity = match[1] or _QUANTITIES[match[2]]
    if scale == "log":
        axis.set_label_text(quantity)
        _tick_decades(axis, numbers[numbers > 0.0], match[2])
        return
    factor, unit = scaled_unit(float(numbers.max(initial=0.0)), match[2])
    axis.set_label_text(f"{quantity} ({unit})")
    axis.set_major_formatter(_formatter(factor))


def _tick_decades(axis: Axis, numbers: Array, unit: str) -> None:
    """Write powers of ten, and numbers between where these are few, with their unit."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    span = float(numbers.max() / numbers.min()) if numbers.size else 1.0
    axis.set_major_locator(LogLocator(subs=next(subs for limit, subs in _SUBS if span < limit)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value, unit)))
    axis.set_minor_formatter(NullFormatter())


def _formatter(scale: float) -> Any:
    """Return a formatter of ticks that divides by a scale, with as many decimals as their distance asks for."""
    from matplotlib.ticker import Formatter

    class ScaledTicks(Formatter):
        decimals = 3

        def set_locs(self, locs: Any) -> None:
            places = np.unique(np.asarray(locs, dtype=np.float64)) / scale
            step = float(np.diff(places).min()) if places.size > 1 else 1.0
            self.decimals = next(
                (k for k in range(_MOST_DECIMALS) if math.isclose(step * 10.0**k, round(step * 10.0**k), rel_tol=1e-6)),
                _MOST_DECIMALS,
            )  # fmt: skip

        def __call__(self, x: float, pos: int | None = None) -> str:
            number = f"{x / scale:.{self.decimals}f}"
            return self.fix_minus("0" if float(number) == 0.0 else number)

    return ScaledTicks()
