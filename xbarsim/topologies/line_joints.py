"""Arrays joined at line ends: which ends meet, and the couplings between the sources that are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.errors import FloatingError, InputError, SolveError
from xbarsim.solvers.effective import port_admittance, ports

ArrayEnd = tuple[str, Side, int]
"""A line end: the array's name, the side and the line."""


@dataclass(frozen=True, init=False)
class JoinedArrays:
    """Crossbars whose line ends meet in joints; where no other way to one crossbar leads.

    At a joint, the resistances that its arrays give their ends are the wires to it; voltages that they give there do
    not matter. All other ends keep their sources. An array may meet itself.

    Parameters
    ----------
    arrays : mapping of str to Crossbar
        The arrays by name.
    joints : sequence of sequences of (array, side, line)
        The ends that meet in each joint, two at least, as ``[("a", "word_right", 3), ("b", "bit_top", 0)]``.

    Raises
    ------
    InputError
        A joint names an end that is not there, is open, or is in two joints.
    """

    arrays: dict[str, Crossbar]
    joints: tuple[tuple[ArrayEnd, ...], ...]

    def __init__(self, arrays: Mapping[str, Crossbar], joints: Sequence[Sequence[ArrayEnd]]) -> None:
        if not arrays:
            raise InputError("arrays is empty: give one crossbar at least")
        for name, crossbar in arrays.items():
            if not isinstance(crossbar, Crossbar):
                raise InputError(f"arrays[{name!r}] is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
        places: dict[ArrayEnd, int] = {}
        for k, joint in enumerate(joints):
            if len(joint) < 2:
                raise InputError(f"joints[{k}] has {len(joint)} line end(s): two at least meet in a joint")
            for end in joint:
                _check_end(arrays, end, k)
                if end in places:
                    raise InputError(f"joints[{k}] takes {end}, which is in joints[{places[end]}]: an end is in one")
                places[end] = k
        object.__setattr__(self, "arrays", dict(arrays))
        object.__setattr__(self, "joints", tuple(tuple((n, s, int(line)) for n, s, line in joint) for joint in joints))

    @property
    def sources(self) -> list[ArrayEnd]:
        """The line ends with a source, in order: what is not open and in no joint."""
        joint_ends = {end for joint in self.joints for end in joint}
        return [
            (name, side, line)
            for name, crossbar in self.arrays.items()
            for side, line in ports(crossbar)
            if (name, side, line) not in joint_ends
        ]


def _check_end(arrays: Mapping[str, Crossbar], end: ArrayEnd, k: int) -> None:
    """Raise where a joint's end is none of an array's."""
    if not (isinstance(end, tuple) and len(end) == 3):
        raise InputError(f"joints[{k}] has {end!r}: a line end is (array, side, line)")
    name, side, line = end
    if name not in arrays:
        raise InputError(f"joints[{k}] names the array {name!r}: there are {', '.join(map(repr, arrays))}")
    if side not in SIDES:
        raise InputError(f"joints[{k}] names the side {side!r}: sides are {', '.join(SIDES)}")
    resistance = arrays[name].boundary[side].resistance
    if isinstance(line, bool) or not isinstance(line, int | np.integer) or not 0 <= line < resistance.size:
        raise InputError(f"joints[{k}] names line {line!r} of {name}'s {side}: it has 0 to {resistance.size - 1}")
    if not np.isfinite(resistance[line]):
        raise InputError(
            f"joints[{k}] names {side}[{line}] of {name}, which is open: give it the ohms of the wire to the joint"
        )


@dataclass(frozen=True)
class JoinedReduction:
    """The couplings of joined arrays seen from the sources that are left.

    Attributes
    ----------
    couplings : (sources, sources)
        Siemens between the sources, in the order of ``JoinedArrays.sources``; the diagonal is 0.
    shares : (joints, sources)
        What part of each source's voltage a joint has; each row sums to 1.
    stiffness : (joints, joints)
        Siemens: the currents that joints take for their voltages, all sources at 0 V.
    """

    couplings: Array
    shares: Array
    stiffness: Array

    @staticmethod
    def of(joined: JoinedArrays, threads: int | None = None) -> JoinedReduction:
        """Reduce each array to its line ends, and take the joints away by star-mesh, which subtracts nothing.

        Parameters
        ----------
        joined : JoinedArrays
            Arrays whose lines are joined.
        threads : int, optional
            How many; as many as there are cores if it is None.

        Returns
        -------
        JoinedReduction

        Raises
        ------
        InputError
            An array's cells are not linear.
        FloatingError
            A joint has no path to any source.
        SolveError, ConvergenceError, TooLargeError
            As ``port_admittance``.
        """
        for name, crossbar in joined.arrays.items():
            if not crossbar.device.linear:
                raise InputError(
                    f"arrays[{name!r}] has cells of {crossbar.device!r}: only linear arrays reduce to their line ends; "
                    "solve_joined(joined, voltages) solves each vector"
                )
        sources, count = joined.sources, len(joined.joints)
        total = couplings_of(joined, joined.arrays, threads)
        stiffness = stiffness_of(total, count)
        shares = np.zeros((count, count + len(sources)))
        for k in range(count):
            row = total[k, k + 1 :]
            whole = row.sum()
            if not whole > 0.0:
                raise FloatingError(
                    f"joints[{k}], of {joined.joints[k][0]} and {len(joined.joints[k]) - 1} more, has no path to any "
                    "source: tie one of its lines' other ends",
                    [f"joints[{k}]"],
                )
            shares[k, k + 1 :] = row / whole
            total[k + 1 :, k + 1 :] += np.outer(row, shares[k, k + 1 :])
        couplings = total[count:, count:]
        np.fill_diagonal(couplings, 0.0)
        weights = shares[:, count:]
        for k in range(count - 2, -1, -1):
            weights[k] += shares[k, k + 1 : count] @ weights[k + 1 :]
        return JoinedReduction(couplings.copy(), weights.copy(), stiffness)


def couplings_of(joined: JoinedArrays, arrays: Mapping[str, Crossbar], threads: int | None) -> Array:
    """Return siemens between joints and sources, (joints + sources, joints + sources), 0 on the diagonal.

    ``arrays`` are linear ones in the places of ``joined``'s.

    Raises
    ------
    SolveError, ConvergenceError, TooLargeError
        As ``port_admittance``.
    """
    sources, count = joined.sources, len(joined.joints)
    place = {end: k for k, joint in enumerate(joined.joints) for end in joint}
    place |= {end: count + k for k, end in enumerate(sources)}
    total = np.zeros((count + len(sources), count + len(sources)))
    for name, crossbar in arrays.items():
        at = np.array([place[name, side, line] for side, line in ports(crossbar)], dtype=np.intp)
        try:
            np.add.at(total, (at[:, None], at[None, :]), -port_admittance(crossbar, threads=threads))
        except SolveError as error:
            error.args = (f"arrays[{name!r}]: {error.args[0]}", *error.args[1:])
            raise
    np.fill_diagonal(total, 0.0)
    return total


def stiffness_of(couplings: Array, joints: int) -> Array:
    """Return what currents the first ``joints`` take for their voltages, all else at 0 V."""
    stiffness: Array = np.diag(couplings[:joints].sum(axis=1)) - couplings[:joints, :joints]
    return stiffness
