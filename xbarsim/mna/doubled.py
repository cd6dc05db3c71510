"""What solutions leave of a linear system, with twice the digits of a double.

A matrix is kept as the terms that it is a sum of, none of them added to another: where a node's conductances span many
decades their sum has lost the small ones. Products are split without error (Dekker, Numer. Math. 18, 224, 1971), and
each equation's sum is taken in slices that add up without rounding (Rump, Ogita, Oishi, SIAM J. Sci. Comput. 31, 189,
2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xbarsim.mna.linear_network import Floats, Ints

_SPLIT = 134217729.0
"""2^27 + 1: cuts a double into halves whose products are exact."""

_SLICES = 3


@dataclass(frozen=True, eq=False)
class Terms:
    """A matrix as a sum of terms, each of them ``high + low``.

    Attributes
    ----------
    size : int
        Rows and columns.
    row, col : (terms,)
        Where each stands.
    high, low : (terms,)
        Its value to 1e-32 of itself.
    """

    size: int
    row: Ints
    col: Ints
    high: Floats
    low: Floats

    def scaled(self, rows: Floats, columns: Floats) -> Terms:
        """Return the matrix with its rows and columns multiplied by powers of two, which round nothing.

        Parameters
        ----------
        rows, columns : (size,) array
            Powers of two.
        """
        factor_row, factor_col = rows[self.row], columns[self.col]
        return Terms(
            self.size, self.row, self.col, self.high * factor_row * factor_col, self.low * factor_row * factor_col
        )

    @cached_property
    def _places(self) -> tuple[Ints, Ints]:
        """Equations of all terms and right-hand sides, and the bits that a slice of each equation's sum leaves free.

        Slices are multiples of 2^-53 unit, each at most unit / (2 terms): no sum of them has more than 53 bits.
        """
        rows = np.concatenate([self.row, np.arange(self.size)])
        _, bits = np.frexp(4.0 * np.bincount(rows, minlength=self.size))
        return rows, bits.astype(np.int64)

    def left(self, right: Floats, high: Floats, low: Floats) -> Floats:
        """Return ``right - A (high + low)``, (size,) each, as exactly as sums of 1e-31 of the terms let it be.

        Parameters
        ----------
        right : (size,) array
            What ``A x`` is to be.
        high, low : (size,) array
            The unknowns, and what these lack.
        """
        x, tail = high[self.col], low[self.col]
        product = self.high * x
        small = _lost(self.high, x, product) + (self.high * tail + self.low * x)
        rows, bits = self._places
        parts = np.concatenate([-product, right])
        top = np.zeros(self.size)
        np.maximum.at(top, rows, np.abs(parts))
        _, exponent = np.frexp(top)
        exponent = exponent + bits
        total = np.zeros(self.size, np.longdouble)
        for _ in range(_SLICES):
            unit = np.ldexp(1.0, exponent)[rows]
            sliced = (unit + parts) - unit
            total += np.bincount(rows, sliced, self.size)
            parts = parts - sliced
            exponent = exponent - 50 + bits
        total -= np.bincount(self.row, small, self.size)
        return np.asarray(total, dtype=np.float64)


def _lost(a: Floats, b: Floats, product: Floats) -> Floats:
    """Return what the rounded product of two doubles lacks."""
    with np.errstate(over="ignore", invalid="ignore"):
        a_high, b_high = _SPLIT * a, _SPLIT * b
        a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
        a_low, b_low = a - a_high, b - b_high
        return np.asarray(a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low))


def reciprocals(value: Floats) -> tuple[Floats, Floats]:
    """Return ``1 / value`` as a double and what it lacks; 0 where that is no number.

    Parameters
    ----------
    value : array
        Of any shape.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        high = 1.0 / value
        product = high * value
        low = ((1.0 - product) - _lost(high, value, product)) / value
    return high, np.where(np.isfinite(low), low, 0.0)


def added(high: Floats, low: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Return ``high + low + step`` as a double and what it lacks.

    Parameters
    ----------
    high, low, step : array
        Of one shape; ``low`` is below the last digit of ``high``.
    """
    total = high + step
    shadow = total - high
    lost = (high - (total - shadow)) + (step - shadow)
    tail = low + lost
    result = total + tail
    return result, tail - (result - total)
