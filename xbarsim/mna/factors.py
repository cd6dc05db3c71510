"""A matrix in extended precision, factored in double precision, and solutions refined until they hold."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import SuperLU, splu

from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.mna.doubled import Terms, added
from xbarsim.mna.linear_network import Floats, Ints, Sparse

SINGULAR = (
    "the circuit's equations are singular: some voltage or current is not determined "
    "(controlled sources that cancel a resistance, or sources that depend on each other)"
)

_REFINEMENTS = 12

_HOLDS = 1e-17
"""Relative size of a last refinement from which on no digit of a double would move."""

_SLOWEST = 0.5
"""Times the one before that a refinement may be: what is left is then no more than the refinement itself."""

_SHARP = 1e-2
"""Times the one before that some refinement must have been for a stop to be the end of the digits, not a slow way."""

_MOST_DOUBT = 1e-9
"""Part of a solution that may be in doubt: past that it is none."""

_MOST_REFINED = 1e-6
"""The same for steps towards one."""

_LEAST = 1e-28
"""Of the largest unknown, in units that suit the equations: what refinement in twice the digits cannot tell from 0."""

_SMALLEST = float(np.finfo(np.float64).tiny)

_WAYS: tuple[dict[str, Any], ...] = (
    # Networks are nearly symmetric; COLAMD squares the rows of lines that hundreds of elements meet.
    {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 1e-3, "options": {"SymmetricMode": True}},
    {"permc_spec": "COLAMD", "diag_pivot_thresh": 1.0},
)
"""How to order and pivot: the fast way, and the one where no pivot is small."""


class UntrustedError(ConvergenceError):
    """A solution that does not hold, worst in unknown or equation number ``unknown``; ``nodes`` is where that is."""

    def __init__(self, message: str, unknown: int) -> None:
        super().__init__(message)
        self.unknown = unknown
        self.nodes: list[int] = []


class Refined(NamedTuple):
    """Solutions (size, points), and at each point by how much of itself a part of it may still be off."""

    x: Floats
    doubt: Floats


class Factors:
    """LU factors of a matrix, rows and columns scaled.

    Parameters
    ----------
    wide : (size, size) sparse, longdouble
        The matrix.
    terms : Terms, optional
        The same, as the terms it is a sum of: solutions are then refined in twice the digits of a double.
    parts : tuple of slice, optional
        Unknowns that solutions are asked for, those of one unit together: each part is refined until it holds, be it
        as small as it may beside the others.

    Raises
    ------
    SolveError
        It is singular.
    """

    def __init__(self, wide: Sparse, terms: Terms | None = None, parts: tuple[slice, ...] = ()) -> None:
        self.wide = wide
        self.size = wide.shape[0]
        # Plain arrays from here on: in a small circuit sparse ones take longer to make than to factor.
        entries = sp.coo_array(wide)
        self._rows, self._columns = entries.row.astype(np.int64), entries.col.astype(np.int64)
        self._entries = entries.data.astype(np.float64)
        # Conductances of 1e-12 S stand beside 1s of branch laws: equilibrate rows, then columns.
        magnitude = np.abs(self._entries)
        self.row_scale = _power_below(_largest(magnitude, self._rows, self.size))
        magnitude *= self.row_scale[self._rows]
        self.col_scale = _power_below(_largest(magnitude, self._columns, self.size))
        self._terms = None if terms is None else terms.scaled(self.row_scale, self.col_scale)
        self._parts = (*parts, slice(0, self.size))
        self._order: Ints | None = None
        self._way, self._lu = 0, self._factored(0)

    @property
    def entries(self) -> int:
        """How many entries the factors have."""
        return int(self._lu.nnz)

    def solve(self, right: Floats) -> Floats:
        """Solve for right-hand sides (size, points), refined with residuals in extended precision.

        Parameters
        ----------
        right : (size, points) array
            In the equations' units.

        Raises
        ------
        UntrustedError
            Refinement does not settle.
        """
        return self.refined(right).x

    def refined(self, right: Floats) -> Refined:
        """Solve as ``solve``, and say how well.

        Parameters
        ----------
        right : (size, points) array
            In the equations' units.

        Raises
        ------
        UntrustedError
            Refinement does not settle, with whatever pivots.
        """
        while True:
            try:
                return self._refined_wide(right) if self._terms is None else self._refined_twice(self._terms, right)
            except UntrustedError:
                if not self.advance():
                    raise

    def advance(self) -> bool:
        """Factor anew the next way, or return False where there is none."""
        if self._way + 1 == len(_WAYS):
            return False
        self._lu = self._factored(self._way + 1)
        return True

    def _refined_wide(self, right: Floats) -> Refined:
        x = self.apply(right)
        step, moved = x, np.zeros(right.shape[1])
        for _ in range(5):
            gap = (right - self.wide @ x.astype(np.longdouble)).astype(np.float64)
            step = self.apply(gap)
            x = x + step
            moved = self.sizes(step) / np.maximum(self.sizes(x), _SMALLEST)
            if moved.max(initial=0.0) <= 1e-16:
                break
        if not moved.max(initial=0.0) <= _MOST_REFINED:
            raise self._unsettled(float(moved.max()), step)
        return Refined(x, moved)

    def _refined_twice(self, terms: Terms, right: Floats) -> Refined:
        """Refine point by point, the unknowns kept with twice a double's digits."""
        scaled = right * self.row_scale[:, None]
        first = self.apply(right) / self.col_scale[:, None]
        doubt = np.zeros(right.shape[1])
        for k in range(right.shape[1]):
            high, low = first[:, k], np.zeros(self.size)
            before = moved = np.inf
            step, sharpest = high, 1.0
            for _ in range(_REFINEMENTS):
                gap = terms.left(scaled[:, k], high, low)
                step = self.apply(gap[:, None] / self.row_scale[:, None])[:, 0] / self.col_scale
                high, low = added(high, low, step)
                before, moved = moved, self._share(step, high)
                if moved <= _HOLDS or not moved <= _SLOWEST * before:
                    break
                sharpest = min(sharpest, moved / before)
            if moved > _HOLDS:
                # Twice the digits are used up, or every step still brings some: then they say nothing of what is left.
                moved = 8.0 * max(moved, min(before, 1.0)) if sharpest <= _SHARP else np.inf
            if not moved <= _MOST_DOUBT:
                raise self._unsettled(moved, (step * self.col_scale)[:, None])
            first[:, k], doubt[k] = high, moved
        return Refined(first * self.col_scale[:, None], doubt)

    def share(self, step: Floats, x: Floats) -> float:
        """Return the largest share that steps (size, any) have in a part of unknowns (size, 1).

        Parameters
        ----------
        step : (size, any) array
            Steps in the unknowns.
        x : (size, 1) array
            Unknowns.
        """
        whole = x[:, 0] / self.col_scale
        return max((self._share(column, whole) for column in (step / self.col_scale[:, None]).T), default=0.0)

    def _share(self, step: Floats, x: Floats) -> float:
        """Return the largest share that a step has in a part of a solution; both as the scaled equations have them."""
        least = _LEAST * float(np.abs(x).max(initial=0.0))
        worst = 0.0
        for part in self._parts:
            unit = self.col_scale[part]
            top = float(np.abs(x[part] * unit).max(initial=0.0))
            whole = np.maximum(np.maximum(top, least * unit), _SMALLEST)
            worst = max(worst, float((np.abs(step[part] * unit) / whole).max(initial=0.0)))
        return worst if np.isfinite(step).all() else np.inf

    def _unsettled(self, moved: float, step: Floats) -> UntrustedError:
        return UntrustedError(
            f"the network's solution still moves by {moved:.1e} of itself when it is refined: "
            "look for resistances or gains many decades apart, or feedback that cancels a resistance",
            int(np.abs(step / self.col_scale[:, None]).max(axis=1).argmax()),
        )

    def _factored(self, way: int) -> SuperLU:
        """Factor the one or the next way that does not end at a pivot of 0."""
        if self._order is None:
            # An order of its own first: how fill grows must not hang on the order of a netlist's cards.
            graph = sp.csr_array((self._entries, (self._rows, self._columns)), (self.size, self.size))
            self._order = np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=False), dtype=np.int64)
        place = np.empty_like(self._order)
        place[self._order] = np.arange(self.size)
        places = place[self._rows], place[self._columns]
        for self._way in range(way, len(_WAYS)):
            left, right = self._scales = self._scaling()
            scaled = self._entries * left[self._rows] * right[self._columns]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    return splu(sp.csc_array((scaled, places), (self.size, self.size)), **_WAYS[self._way])
                except RuntimeError:
                    continue
        raise SolveError(SINGULAR)

    def _scaling(self) -> tuple[Floats, Floats]:
        """Return what rows and columns are multiplied with: the same where pivots shall be those of the diagonal."""
        if self._way > 0:
            return self.row_scale, self.col_scale
        balance = _symmetric_scale(np.abs(self._entries), self._rows, self._columns, self.size)
        return balance, balance

    def apply(self, right: Floats) -> Floats:
        """Solve once, without refinement."""
        assert self._order is not None
        left, scale = self._scales
        solved = np.empty_like(right)
        solved[self._order] = self._lu.solve((right * left[:, None])[self._order])
        return np.asarray(solved * scale[:, None])

    def sizes(self, x: Floats) -> Floats:
        """Largest unknown at each point, volts and amperes in units that suit the equations."""
        sizes: Floats = np.abs(x / self.col_scale[:, None]).max(axis=0, initial=0.0)
        return sizes

    def part_sizes(self, x: Floats) -> Floats:
        """Largest unknown of each part that solutions are asked for, and of all, at each point: (parts, points)."""
        whole = self.sizes(x)
        return np.array([*(np.abs(x[part]).max(axis=0, initial=0.0) for part in self._parts[:-1]), whole])


def _largest(magnitude: Floats, places: Ints, size: int) -> Floats:
    """Largest of the entries' magnitudes at each of ``size`` places; 0 where there is none."""
    largest = np.zeros(size)
    np.maximum.at(largest, places, magnitude)
    return largest


def _symmetric_scale(magnitude: Floats, rows: Ints, columns: Ints, size: int) -> Floats:
    """Return powers of two that, on both sides, bring the largest of each row and column to about 1.

    One for both, so that the diagonal of a network stays what is largest in its row and in its column.
    """
    scale = np.ones(size)
    for _ in range(3):
        scaled = magnitude * scale[rows] * scale[columns]
        largest = np.maximum(_largest(scaled, rows, size), _largest(scaled, columns, size))
        _, exponent = np.frexp(np.where(np.isfinite(largest) & (largest > 0), largest, 1.0))
        scale = scale * np.ldexp(1.0, np.clip(-(exponent // 2), -500, 500))
    return scale


def _power_below(size: Floats) -> Floats:
    """Return powers of two that bring sizes to about 1: they round nothing, so that 1 - 1 stays 0 where it is."""
    _, exponent = np.frexp(np.where(np.isfinite(size) & (size > 0), size, 1.0))
    return np.asarray(np.ldexp(1.0, np.clip(1 - exponent, -1000, 1000)))
