"""What a group of equal nonlinear elements gives Newton's method: currents, slopes, and where both go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xbarsim.mna import Branches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Places = tuple[Ints, Ints]
"""From where to where currents flow, or which two unknowns differ by a control: places as ``mna.Stamps`` has them."""


class Tangent(NamedTuple):
    """Currents as their tangents have them at the present unknowns, slopes, and whether no tangent was held back."""

    amounts: Floats
    slopes: Floats
    settled: bool


class Part(ABC):
    """Equal elements: n of them, with one current and k controls each; (k, n) tables lie row after row.

    Attributes
    ----------
    names : list of str
        The n elements.
    origins : (n,)
        Where they stand.
    flows : Places
        From where to where each current flows, (n,) each.
    stamps : tuple of four (k n,)
        Where slopes go, as ``mna.Stamps`` has it.
    ties : Branches
        Which nodes the elements tie together whatever their voltages are, and the least conductance of that.
    """

    names: list[str]
    origins: Ints
    flows: Places
    stamps: tuple[Ints, Ints, Ints, Ints]
    ties: Branches

    @abstractmethod
    def restart(self) -> None:
        """Forget where the tangents were put last."""

    @abstractmethod
    def tangent(self, values: Floats, time: float, share: float) -> Tangent:
        """Put the tangents anew, near the unknowns ``values`` (places,).

        ``share`` is what independent sources are scaled by, for laws that are such sources.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        time : float
            Seconds.
        share : float
            0 to 1.
        """

    @abstractmethod
    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the currents (n,) at the unknowns, by the laws alone.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        time : float
            Seconds.
        """


def across(values: Floats, ends: Places) -> Floats:
    """Return differences of unknowns.

    Parameters
    ----------
    values : (places,) array
        Volts of nodes and amperes of branches, with ground's 0.
    ends : pair of array of int
        Places from which, and to which.
    """
    return np.asarray(values[ends[0]] - values[ends[1]])


def rows(*columns: Ints) -> Ints:
    """Return columns one behind the other."""
    return np.concatenate([np.asarray(column, dtype=np.int64) for column in columns])
