"""The chip of a layer, made from a seed: what cells share because of the weights that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xbarsim.checks import Array
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.tile_places import Place
from xbarsim.nonideal import Chip, Fault
from xbarsim.nonideal.maps import Maps, make_maps


def chip_of_seed(hardware: Hardware, places: Sequence[Place], seed: int) -> Chip:
    """Return a layer's chip, a function of its arguments alone.

    Parameters
    ----------
    hardware : Hardware
        Its cells are the chip's; its mapping says whether cells of reference columns may be stuck.
    places : sequence of Place
        What each array holds.
    seed : int
        The chip.
    """
    cells, shapes = hardware.cells, tuple(place.shape for place in places)
    variation = cells.variation
    paired = variation is not None and variation.shared == "pair"
    healthy = cells.faults is not None and not hardware.mapping.reference_faults and places[0].extra > 0
    if not (paired or healthy):
        return Chip(cells, seed, shapes)
    if variation is not None:
        cells = replace(cells, variation=replace(variation, shared="cell"))
    frozen = [make_maps(cells, shape, seed, tile) for tile, shape in enumerate(shapes)]
    if healthy:
        frozen = [_with_healthy_reference(maps, place) for maps, place in zip(frozen, places, strict=True)]
    if paired:
        frozen = _with_factors_of_pairs(frozen, places)
    return Chip(hardware.cells, seed, shapes, dict(enumerate(frozen)))


def _with_healthy_reference(maps: Maps, place: Place) -> Maps:
    """Return an array's maps without stuck cells in the columns that belong to no output."""
    faults = maps.faults.copy()
    faults[:, len(place.cols) :] = Fault.HEALTHY
    return replace(maps, faults=faults)


def _with_factors_of_pairs(frozen: Sequence[Maps], places: Sequence[Place]) -> list[Maps]:
    """Return arrays' maps in which cells of one weight have the factor of its cell in the first plane.

    L. Chen et al., DATE 2017, eq. 5: ``t = w exp(theta)``, one theta a weight, whose cells lie at the same place of the
    arrays of all planes. Cells of reference columns are of no weight and keep their own.
    """
    first: dict[tuple[int, int, int], Array] = {}
    changed = []
    for maps, place in zip(frozen, places, strict=True):
        factor, count = np.array(maps.factor), len(place.cols)
        leader = first.setdefault((place.group, place.rows.start, place.cols.start), factor)
        factor[:, :count] = leader[:, :count]
        changed.append(replace(maps, factor=factor))
    return changed
