"""What holds charge or flux, from the columns that a flat circuit grew in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.element_kinds import INDUCTOR
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.states import Initial
from xbarsim.netlist.storage import Capacitors, Inductors, JunctionCharges, Storage
from xbarsim.netlist.suggest import clipped, closest

Floats = NDArray[np.float64]


def storage_of(
    flat: Flat,
    rows: list[tuple[str, int, int, int]],
    initial: Mapping[str, Initial],
    junctions: JunctionCharges | None,
    places: Places,
) -> Storage | None:
    """Return what holds charge or flux, or None if nothing does.

    Parameters
    ----------
    flat : Flat
        Elements, with the farads of its capacitors.
    rows : list of (name, first, second, origin)
        All capacitors.
    initial : mapping
        The ``ic=`` of capacitors and inductors.
    junctions : JunctionCharges, optional
        Those of all diodes.
    places : Places
        For messages.

    Raises
    ------
    NetlistError
        An inductor has no henries, or two are coupled twice.
    """
    kinds, _, _, values, origins = flat.joined()
    elements = np.flatnonzero(kinds == INDUCTOR)
    for k in elements.tolist():
        if values[k] == 0:
            raise places.error(
                f"{flat.names[k]} has 0 henries or none: write '{flat.names[k]} node node 1u'", origins[k]
            )
    if not (rows or elements.size or junctions):
        return None
    names = [row[0] for row in rows]
    ends = np.array([row[1:] for row in rows], np.int64).reshape(-1, 3).T.copy()
    capacitors = Capacitors(
        names, ends[2], ends[0], ends[1], np.array(flat.farads, np.float64), _initial(names, initial)
    )
    coils = [flat.names[k] for k in elements.tolist()]
    inductors = Inductors(
        elements, values[elements], _initial(coils, initial), *_couplings(flat, coils, values[elements], places)
    )
    return Storage(capacitors, inductors, junctions)


def _initial(names: list[str], initial: Mapping[str, Initial]) -> Floats:
    return np.array([initial[name].volts if name in initial else np.nan for name in names], np.float64)


def check_couplings(flat: Flat, kinds: NDArray[np.uint8], places: Places) -> None:
    """Refuse couplings of what is no inductor.

    Raises
    ------
    NetlistError
        The message names it.
    """
    if not flat.couplings:
        return
    coils = {flat.names[k] for k in np.flatnonzero(kinds == INDUCTOR).tolist()}
    for name, first, second, factor, origin in flat.couplings:
        for coil in (first, second):
            if coil not in coils:
                close = closest(coil, coils)
                hint = f"did you mean '{close}'?" if close else "name two inductors"
                raise places.error(f"{name} couples {clipped(coil)}, which is not there: {hint}", origin)
        if not 0 < abs(factor) <= 1:
            raise places.error(f"{name} has the factor {factor:g}: it must be in (0, 1]", origin)


def _couplings(
    flat: Flat, names: list[str], henries: Floats, places: Places
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return pairs of coupled inductors, and what each couples: ``K sqrt(L1 L2)``."""
    number = {name: k for k, name in enumerate(names)}
    pairs: dict[tuple[int, int], float] = {}
    for name, first, second, factor, origin in flat.couplings:
        low, high = sorted((number[first], number[second]))
        if (low, high) in pairs:
            raise places.error(f"{name} couples {first} and {second}, which are coupled already: remove one", origin)
        pairs[low, high] = factor * float(np.sqrt(henries[low] * henries[high]))
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    return ends[:, 0].copy(), ends[:, 1].copy(), np.array(list(pairs.values()), np.float64)
