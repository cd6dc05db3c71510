"""The equations of a network: its linear part once and for all, and room for slopes that change.

In a nonlinear network ``A x + i(x) = s``: A x and s are the linear part, i(x) what the other elements add to balances
and laws. Newton's method takes their slopes S(x) and solves ``(A + S) step = s - A x - i(x)`` again and again. An
element that fixes a nonlinear voltage is a voltage source of the network whose law gets a term that is no constant.

::

    system = System(network, ties)             # ties: nonlinear elements that conduct, by their least conductance
    jacobian = system.jacobian(Stamps.of((p, q, p, q), (law, 0, c, d)))  # where the slopes go
    flows = system.flows(p, q)                 # what i(x) consists of, in places that Stamps have too
    right = system.right(volts, amperes)
    while True:
        v, i = system.unknowns.voltages(x), system.unknowns.currents(x)
        amounts, slopes = ...                  # of the nonlinear elements at v and i
        x = x + jacobian.factored(slopes).solve(system.gap(x, right) - flows.sums(amounts))
    Residual(system).ratios(x, right, flows, amounts)  # whether x may be handed out: amounts at x, not before the step
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from xbarsim.mna.doubled import Terms
from xbarsim.mna.factors import Factors
from xbarsim.mna.linear_network import Branches, Floats, Ints, Network, Sparse, Wide
from xbarsim.mna.stamps import Stamps, linear_stamps
from xbarsim.mna.unknowns import Unknowns


class System:
    """A network's linear equations.

    Parameters
    ----------
    network : Network
        The circuit.
    ties : Branches, optional
        What else ties nodes to each other, and the least conductance that it has, in siemens.

    Attributes
    ----------
    unknowns : Unknowns
        What is solved for, and how to read it.
    wide : (size, size) sparse, longdouble
        A, so that a node's sum of conductances keeps its small terms.
    matrix, magnitude : (size, size) sparse
        A and its entries' sizes in double precision.

    Raises
    ------
    FloatingError, LoopError
        As ``Unknowns``.
    """

    def __init__(self, network: Network, ties: Branches | None = None) -> None:
        self.network, self.ties = network, ties or Branches()
        self.unknowns = Unknowns(network, self.ties)
        self.size = self.unknowns.size
        self.stamps, self.high, self.low, self.valued = linear_stamps(
            network, self.unknowns.fixing, self.unknowns.stiff
        )
        self.values: Wide = self.high.astype(np.longdouble) + self.low
        self.wide = self.matrix_of(self.stamps, self.values)
        self.matrix: Sparse = self.wide.astype(np.float64)
        self.magnitude: Sparse = abs(self.matrix)

    def fill(self) -> None:
        """Keep matrices full from now on, which is faster where unknowns are few."""
        self.matrix, self.magnitude = self.matrix.toarray(), self.magnitude.toarray()

    def right(self, volts: Floats, amperes: Floats) -> Floats:
        """Return s (size, points) for the sources' values, (sources, points) each.

        Parameters
        ----------
        volts : (sources, points) array
            Of the elements that fix a voltage.
        amperes : (sources, points) array
            Of the current sources.
        """
        first = self.unknowns.nodes - 1
        right = -self.flows(self.network.currents.a, self.network.currents.b).sums(amperes)
        right[first : first + volts.shape[0]] = volts
        return right

    def flows(self, a: Ints, b: Ints) -> Flows:
        """Return what adds up currents that leave places a and enter places b.

        Parameters
        ----------
        a, b : (flows,) array of int
            Places that currents leave, and that they enter.
        """
        return Flows(self.unknowns.pairs(a, b))

    def gap(self, x: Floats, right: Floats) -> Floats:
        """Return s - A x (size, points), with twice the digits of a double.

        Parameters
        ----------
        x, right : (size, points) array
            Unknowns, and what the sources give.
        """
        zeros = np.zeros(self.size)
        return np.stack([self.terms.left(b, column, zeros) for b, column in zip(right.T, x.T, strict=True)], axis=1)

    def entries(self, stamps: Stamps) -> tuple[Ints, Ints, Floats, Ints]:
        """Return rows, columns and signs of all matrix entries of stamps, and the stamp that each comes from."""
        left, up = self.unknowns.pairs(stamps.a, stamps.b), self.unknowns.pairs(stamps.c, stamps.d)
        wide = np.diff(up.indptr).astype(np.int64)
        counts = np.diff(left.indptr) * wide
        stamp = np.repeat(np.arange(counts.size), counts)
        within = np.arange(stamp.size) - np.repeat(np.cumsum(counts) - counts, counts)
        down, across = np.divmod(within, wide[stamp])
        at, to = left.indptr[stamp] + down, up.indptr[stamp] + across
        return left.indices[at].astype(np.int64), up.indices[to].astype(np.int64), left.data[at] * up.data[to], stamp

    def matrix_of(self, stamps: Stamps, values: Wide) -> Sparse:
        """Return the sum of stamps in extended precision.

        Parameters
        ----------
        stamps : Stamps
            Where each value goes.
        values : (stamps,) array
            In extended precision.
        """
        row, col, sign, stamp = self.entries(stamps)
        return sp.csr_array(sp.coo_array((sign * values[stamp], (row, col)), (self.size, self.size)))

    def factored(self) -> Factors:
        """Return the factors of A alone, with its terms, so that solutions are refined in twice the digits."""
        return Factors(self.wide, self.terms, self.unknowns.parts)

    @cached_property
    def terms(self) -> Terms:
        """A as the terms that it is a sum of."""
        row, col, sign, stamp = self.entries(self.stamps)
        return Terms(self.size, row, col, sign * self.high[stamp], sign * self.low[stamp])

    def jacobian(self, stamps: Stamps) -> Jacobian:
        """Return ``A + S`` for slopes S at fixed places."""
        return Jacobian(self, stamps)

    def near(self, unknown: int) -> Ints:
        """Return the nodes that an unknown or an equation is about."""
        if unknown >= self.unknowns.nodes - 1:
            branch = unknown - (self.unknowns.nodes - 1)
            ends = np.array([self.unknowns.fixing.a[branch], self.unknowns.fixing.b[branch]])
        else:
            ends = np.append(unknown + 1, self.unknowns.members(unknown + 1))
        return np.unique(ends[ends > 0])


class Flows:
    """Currents from place to place, and terms of laws, as sums in the equations."""

    def __init__(self, pairs: Sparse) -> None:
        self._signs: Sparse = sp.csr_array(pairs.T)
        self._incidence: Sparse = abs(self._signs)

    def fill(self) -> None:
        """Keep matrices full from now on, which is faster where unknowns are few."""
        self._signs, self._incidence = self._signs.toarray(), self._incidence.toarray()

    @property
    def entries(self) -> tuple[Ints, Ints, Floats]:
        """Equations, the flows that count there, and with which signs."""
        table = sp.coo_array(self._signs)
        return table.row.astype(np.int64), table.col.astype(np.int64), table.data.astype(np.float64)

    def sums(self, amounts: Floats) -> Floats:
        """Return what currents (flows, points) add to each equation, (size, points).

        Parameters
        ----------
        amounts : (flows, points) array
            Amperes, or terms of laws.
        """
        return np.asarray(self._signs @ amounts)

    def sizes(self, amounts: Floats) -> Floats:
        """Return the sum of their sizes in each equation, against which it is rounded.

        Parameters
        ----------
        amounts : (flows, points) array
            Amperes, or terms of laws.
        """
        return np.asarray(self._incidence @ np.abs(amounts))


class Jacobian:
    """The linear part of a system and slopes whose places stay while their values change."""

    def __init__(self, system: System, stamps: Stamps) -> None:
        row, col, sign, stamp = system.entries(stamps)
        size, base = system.size, sp.coo_array(system.wide)
        linear = base.row.astype(np.int64) * size + base.col
        keys, at = np.unique(np.concatenate([linear, row * size + col]), return_inverse=True)
        self._columns, self._parts = keys % size, system.unknowns.parts
        self._starts = np.searchsorted(keys, np.arange(size + 1) * size)
        self._shape = size, size
        self._base = np.zeros(keys.size, np.longdouble)
        self._base[at[: linear.size]] = base.data
        places = (sign.astype(np.longdouble), (at[linear.size :], stamp))
        self._scatter = sp.csr_array(sp.coo_array(places, (keys.size, stamps.a.size)))
        self._full = system.wide.astype(np.float64), row * size + col, sign, stamp

    @cached_property
    def full(self) -> tuple[Floats, Ints, Floats, Ints]:
        """A as a full matrix (size, size); where in it, counted row by row, what sign of which stamp's slope goes."""
        linear, place, sign, stamp = self._full
        return linear.toarray(), place, sign, stamp

    def matrix(self, slopes: Floats) -> Sparse:
        """Return ``A + S`` in extended precision, for one slope a stamp.

        Parameters
        ----------
        slopes : (stamps,) array
            Of laws.
        """
        data = self._base + self._scatter @ slopes.astype(np.longdouble)
        return sp.csr_array((data, self._columns, self._starts), self._shape)

    def factored(self, slopes: Floats) -> Factors:
        """Factor ``A + S``.

        Parameters
        ----------
        slopes : (stamps,) array
            Of laws.

        Raises
        ------
        SolveError
            It is singular.
        """
        return Factors(self.matrix(slopes), parts=self._parts)
