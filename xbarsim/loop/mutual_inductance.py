"""Flux that inductors of a loop share, SPICE's K."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xbarsim.checks import checked_array
from xbarsim.errors import InputError
from xbarsim.loop.part_checks import check_names, set_number

_LEAST = 1e-9
"""Smallest eigenvalue of the couplings' matrix from which on coils are told from one coil."""

_SHARE = 1e-3
"""Part in the currents without energy from which on a coil is named."""


@dataclass(frozen=True)
class MutualInductance:
    """Volts of each of two inductors by the other's current: ``v1 = L1 i1' + M i2'``, and ``v2`` likewise.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    first, second : str
        The names of two inductors; their dots are at their nodes ``a``.
    henries : float
        M, of either sign; its size is below ``sqrt(L1 L2)``.

    Raises
    ------
    InputError
        A name is malformed, both are one inductor, or ``henries`` is not one finite number.
    """

    name: str
    first: str
    second: str
    henries: float

    def __post_init__(self) -> None:
        check_names(self, "first", "second")
        if self.first == self.second:
            raise InputError(f"{self.name} couples {self.first} to itself: it couples two inductors")
        set_number(self, "henries", checked_array(f"henries of {self.name}", self.henries, signed=True), most_axes=0)
        object.__setattr__(self, "henries", float(self.henries))


def check_fluxes(henries: Mapping[str, float], fluxes: Sequence[MutualInductance]) -> None:
    """Check that couplings are of inductors, ``henries`` by name, once each, and leave each current some energy.

    Raises
    ------
    InputError
        Those of one do not; the message names it.
    """
    if not fluxes:
        return
    place = {name: k for k, name in enumerate(henries)}
    sizes = np.sqrt(np.array(list(henries.values())))
    matrix = np.eye(len(henries))
    for flux in fluxes:
        for name in (flux.first, flux.second):
            if not henries.get(name):
                raise InputError(f"{flux.name} couples {name}, which is no inductor of more than 0 henries in the loop")
        i, j = place[flux.first], place[flux.second]
        if matrix[i, j]:
            raise InputError(f"{flux.name} couples {flux.first} and {flux.second}, which are coupled already")
        matrix[i, j] = matrix[j, i] = flux.henries / (sizes[i] * sizes[j])
        if not 1.0 - abs(matrix[i, j]) > _LEAST:
            raise InputError(
                f"{flux.name} couples {flux.first} and {flux.second} by {matrix[i, j]:.6g}: coils share less than all "
                "their flux, give it a size below 1"
            )
    energies, currents = np.linalg.eigh(matrix)
    if not energies[0] > _LEAST:
        names = [name for name, share in zip(henries, currents[:, 0], strict=True) if abs(share) > _SHARE]
        raise InputError(
            f"the couplings of {', '.join(names)} together have less than no energy: give three coils and more "
            "sizes and signs that one core has"
        )
