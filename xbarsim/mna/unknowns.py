"""What is solved for: voltages, and the currents of elements that fix one or conduct too well."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from xbarsim.mna.basis import paths, references
from xbarsim.mna.connections import check_islands, check_loops
from xbarsim.mna.linear_network import Bools, Branches, Floats, Ints, Network, Sparse

_STIFF = 1e6
"""How much better than its neighbours a resistor conducts whose current becomes an unknown."""

_GROUND = np.zeros(1)


class Unknowns:
    """The unknowns of a network: nodes - 1 voltages, each measured from its reference, and one current a branch.

    Attributes
    ----------
    nodes, size : int
        Nodes, ground included; unknowns.
    fixing : Branches
        Elements that have a current among the unknowns: the network's, resistors of 0 ohm, stiff resistors.
    reported : int
        How many of them are the network's ``fixing``.
    stiff : (n,)
        The last of them, as numbers of resistors.
    references : (nodes,)
        The node from which each node's voltage is measured, mostly 0; see ``basis``.

    Raises
    ------
    LoopError
        Elements that fix a voltage close a loop.
    FloatingError
        Nodes without a path to ground; ``nodes`` are their numbers as text.
    """

    def __init__(self, network: Network, ties: Branches) -> None:
        ohms = network.resistors
        shorts = np.flatnonzero(ohms.value == 0)
        a, b = (
            np.concatenate([*(getattr(branches, end) for branches in network.fixing), getattr(ohms, end)[shorts]])
            for end in "ab"
        )
        yielding = np.zeros(a.size, np.bool_)
        yielding[: network.yielding.size] = network.yielding
        check_loops(network.nodes, a, b, yielding)
        check_islands(network, a, b, ties)
        self.nodes = network.nodes
        self.reported = sum(part.a.size for part in network.fixing)
        self.references, self.stiff = _settled(network, a, b, ties)
        self.fixing = Branches(np.concatenate([a, ohms.a[self.stiff]]), np.concatenate([b, ohms.b[self.stiff]]))
        self.size = self.nodes - 1 + self.fixing.a.size
        self._relative = bool(self.references.any())
        self._paths = paths(self.references)
        places = sp.block_diag([self._paths, sp.eye_array(self.fixing.a.size)], format="csr")
        self._places = sp.csr_array(places[:, 1:])

    @property
    def parts(self) -> tuple[slice, slice]:
        """Voltages, and those currents that a solution is asked for."""
        first = self.nodes - 1
        return slice(0, first), slice(first, first + self.reported)

    @property
    def groups(self) -> Ints:
        """Nodes whose balance is that of a group."""
        references = np.unique(self.references)
        return references[references > 0]

    def members(self, group: int) -> Ints:
        """Return the nodes of the group whose reference is node ``group``."""
        return np.flatnonzero(self._paths[:, [group]].toarray().ravel())

    def pairs(self, a: Ints, b: Ints) -> Sparse:
        """Return what place a has more than place b of each unknown, or of each equation: (pairs, size), of -1, 0, 1.

        What both have is not there at all: that is what keeps groups' balances free of rounding.

        Parameters
        ----------
        a, b : (pairs,) array of int
            Places, nodes first and then branches.
        """
        rows, unit = np.arange(a.size), np.ones(a.size)
        signs = sp.coo_array(
            (np.concatenate([unit, -unit]), (np.tile(rows, 2), np.concatenate([a, b]))), (a.size, self._places.shape[0])
        )
        table = sp.csr_array(signs.tocsr() @ self._places)
        table.eliminate_zeros()
        return table

    def voltages(self, x: Floats) -> Floats:
        """Return all nodes' voltages (nodes, points) from the unknowns (size, points).

        Parameters
        ----------
        x : (size, points) array
            Unknowns.
        """
        relative = np.concatenate([np.zeros((1, x.shape[1])), x[: self.nodes - 1]])
        return np.asarray(self._paths @ relative) if self._relative else relative

    def currents(self, x: Floats) -> Floats:
        """Return the currents (branches, points) of ``fixing``.

        Parameters
        ----------
        x : (size, points) array
            Unknowns.
        """
        return x[self.nodes - 1 :]

    def values(self, x: Floats) -> Floats:
        """Return what each place has (places,), voltages and then currents, at one point's unknowns (size, 1).

        Parameters
        ----------
        x : (size, 1) array
            Unknowns of one point.
        """
        if self._relative:
            return np.concatenate([self.voltages(x)[:, 0], self.currents(x)[:, 0]])
        return np.concatenate((_GROUND, x[:, 0]))

    def relative(self, voltages: Floats) -> Floats:
        """Return the unknown voltages (nodes - 1, points) of all nodes' voltages (nodes, points).

        Parameters
        ----------
        voltages : (nodes, points) array
            Volts, ground's 0 first.
        """
        return np.asarray(voltages[1:] - np.where(self.references[1:, None] > 0, voltages[self.references[1:]], 0.0))


def _settled(network: Network, a: Ints, b: Ints, ties: Branches) -> tuple[Ints, Ints]:
    """Return references and stiff resistors, each of which depends on the other.

    It ends: a group takes resistors from the stiff ones, and fewer of these can but make more groups.
    """
    reference = np.zeros(network.nodes, np.int64)
    while True:
        stiff = _stiff(network, reference)
        before, reference = reference, references(network, a, b, stiff, ties)
        if np.array_equal(before, reference):
            return reference, stiff


def _stiff(network: Network, references: Ints) -> Ints:
    """Return the resistors of which a conductance would swamp those that meet it at a node.

    What leaves a weakly tied group cannot be swamped: it stands in the balance of the group.
    """
    ohms = network.resistors
    live = np.flatnonzero((ohms.value != 0) & (ohms.a != ohms.b))
    size = np.abs(ohms.value[live])
    largest = np.zeros(network.nodes)
    for end, opposite in ((ohms.a[live], ohms.b[live]), (ohms.b[live], ohms.a[live])):
        inside = _inside(references, end, opposite)
        np.maximum.at(largest, end[inside], size[inside])
    largest[0] = 0.0  # ground has no equation
    beside = np.maximum(largest[ohms.a[live]], largest[ohms.b[live]])
    # 1 / 4.9e-324 is no double.
    return live[(beside / _STIFF > size) | (size < np.finfo(np.float64).tiny)]


def _inside(references: Ints, node: Ints, member: Ints) -> Bools:
    """Whether other nodes are in the smallest group that each node is in."""
    if not references.any():
        return np.ones(node.size, bool)
    home = references.copy()
    groups = np.unique(references)
    home[groups] = groups
    home = home[node]
    inside = np.asarray(home == 0)
    while member.any():
        inside |= member == home
        member = references[member]
    return inside
