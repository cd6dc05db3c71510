"""How far states are from rests that they fade towards, and that the opposite motion leaves as slowly.

With Joglekar's window a memristor's state moves at ``f = k i (1 - (2 x - 1)^2)``: towards 1 what is left of the way,
``d = 1 - x``, decays exponentially, and under the opposite current it grows as it decayed. When the state comes back is
decided by how little was left: an error counts as a part of d, not of x. Near such a rest ``|f / f_x|`` is d, whatever
drives the motion, and under the opposite drive the motion leads away from it, ``f_x > 0``. Where a capacitor relaxes,
one or the other is not so: there ``f_x`` is always negative, or the rest lies elsewhere under the opposite drive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

import numpy as np

from xbarsim.dynamics.law_rows import law_rows
from xbarsim.dynamics.like_motions import LikeMotions
from xbarsim.dynamics.lone_states import Motion, nodes_and_motions
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.storage import Storage
from xbarsim.nonlinear.part import Floats, Ints

_TURNED, _ALONG = -1.0, 1.0


class FadingStates:
    """A circuit's states that laws alone move, n of them.

    Parameters
    ----------
    circuit : FlatCircuit
        With its ``storage``.
    nodes : int
        How many places are voltages.
    branch : (elements and controlled and sources of volts,)
        The number of each one's branch, -1 where it has none.

    Attributes
    ----------
    capacitors : (k,)
        The numbers of those that hold such states and whose motions depend on them.
    lone : (m,)
        The numbers of all that hold such states.
    """

    def __init__(self, circuit: FlatCircuit, nodes: int, branch: Ints) -> None:
        groups = list(law_rows(circuit, nodes, branch)) if circuit.behaviours else []
        alike: defaultdict[Hashable, list[Motion]] = defaultdict(list)
        at, moving = nodes_and_motions(circuit, groups) if groups else ([], [])
        for motion in moving:
            alike[tuple(motion.form)].append(motion)
        self._motions = [LikeMotions(motions, groups, nodes) for motions in alike.values()]
        states = np.concatenate([np.zeros(0, np.int64), *(motions.nodes for motions in self._motions)])
        number = np.full(len(circuit.nodes), -1)
        number[states] = np.arange(states.size)
        capacitors = (circuit.storage or Storage()).capacitors
        # One end of each is ground, where it is a state's.
        state = np.maximum(number[capacitors.first], number[capacitors.second])
        self.capacitors = np.flatnonzero(state >= 0)
        self._state = state[self.capacitors]
        alone = np.zeros(len(circuit.nodes), bool)
        alone[at] = True
        self.lone = np.flatnonzero(alone[capacitors.first] | alone[capacitors.second])

    def see(self, values: Floats, volts: float) -> None:
        """Remember how large drives have been: the circuit's ``values`` (places,), and ``volts`` of its sources.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        volts : float
            The largest of the sources' volts.
        """
        for motions in self._motions:
            motions.see(values, volts)

    def ways(self, values: Floats, time: float, near: Floats) -> Floats:
        """Return how far capacitors (k,) are from rests that they leave as slowly as they came, else infinity.

        Parameters
        ----------
        values : (places,)
            The circuit's.
        time : float
            Seconds.
        near : (k,)
            Volts from which on it does not matter.
        """
        if not self._motions:
            return np.zeros(0)
        with np.errstate(all="ignore"):  # what has no value has no rest
            rate, slope = self._rates(values, time, 0.0)
            way = _way(rate, slope)
            if not np.any(way < near):
                return np.full(way.shape, np.inf)
            turned_rate, turned_slope = self._rates(values, time, _TURNED)
            far = np.maximum(way, _way(turned_rate, turned_slope))
            leaves = (slope > 0.0) | (turned_slope > 0.0)
            still = (rate == 0.0) & (slope == 0.0) & ~leaves
            if still.any():
                more_rate, more_slope = self._rates(values, time, _ALONG)
                far = np.where(still, np.maximum(far, _way(more_rate, more_slope)), far)
                leaves |= still & (more_slope > 0.0)
            return np.where(leaves & (far < near), far, np.inf)

    def _rates(self, values: Floats, time: float, turned: float) -> tuple[Floats, Floats]:
        """Return what charges capacitors' nodes (k,), amperes, and its slopes (k,) by their voltages."""
        pairs = [motions.rates(values, time, turned) for motions in self._motions]
        rates, slopes = pairs[0] if len(pairs) == 1 else map(np.concatenate, zip(*pairs, strict=True))
        return rates[self._state], slopes[self._state]


def _way(rate: Floats, slope: Floats) -> Floats:
    """Return how far rests are by Newton's method; 0 where nothing moves whatever the state is."""
    return np.where((rate == 0.0) & (slope == 0.0), 0.0, np.abs(rate / slope))
