"""What a plan asks for beside the arrays that the network has anyway, as chip area: a rule of thumb."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import Tensor

from xbarsim.mitigation.plan import LayerPlan
from xbarsim.nn.layers import CrossbarLayer

BIT, CELL = 150, 12
"""Squares of the least feature F: a bit of static memory of six transistors, and a cell with its own transistor."""

NUMBER = 16
"""Bits of a digital gain or shift."""

_WEIGHT = 8  # bits of a weight in a digital memory, beside those of its place


def extra_area(layer: CrossbarLayer, settled: LayerPlan) -> int:
    """Return the F^2 that a layer takes more: memory of what is digital, of orders and signs of lines, spare cells.

    Numbers of gain and shift have 16 bits; weights in a digital memory 8, and as many as tell which of the layer's they
    are; a moved line as many as tell which input it has, and each line of a layer with negated ones a sign. What
    multiplies, adds and switches is not in it.

    Parameters
    ----------
    layer : CrossbarLayer
        As it lies on its arrays.
    settled : LayerPlan
        What is digital beside it.
    """
    place_bits = math.ceil(math.log2(max(2, layer.weight.numel())))
    bits = NUMBER * sum(0 if part is None else part.numel() for part in (settled.gain, settled.shift))
    bits += (_WEIGHT + place_bits) * sum(_entries(part) for part in (settled.sram, settled.correction))
    by_tile = settled.arrangement is not None and settled.arrangement.by == "tile"
    spare = negated = lines = 0
    for place in layer.places:
        spare += int((~place.driven).sum()) * place.shape[1]
        if place.plane == 0 and (by_tile or place.cols.start == 0):
            bits += _router_bits(place.inputs, place.rows, layer, by_tile=by_tile)
            signs = np.array(place.signs or ())
            negated, lines = negated + int((signs < 0).sum()), lines + len(signs)
    bits += lines if negated else 0
    return BIT * bits + CELL * spare


def _router_bits(inputs: Any, rows: range, layer: CrossbarLayer, *, by_tile: bool) -> int:
    """Return the bits that say which inputs an array's lines have, of those that have not their own."""
    on = inputs >= 0
    first = int(inputs[on].min()) if by_tile and on.any() else rows.start
    moved = int((on & (inputs != first + np.arange(len(inputs)))).sum())
    choices = len(rows) if by_tile else layer.weight[0].numel()
    return moved * math.ceil(math.log2(max(2, choices)))


def _entries(part: Tensor | None) -> int:
    return 0 if part is None else int((part != 0).sum())
