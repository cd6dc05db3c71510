"""Which part of a layer's matrices each of its arrays holds, and what drives its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import factors

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Place:
    """Which part of a group's matrix an array holds.

    Attributes
    ----------
    group, plane : int
        Of a grouped convolution, and of ``planes_of``.
    rows, cols : range
        Word lines and bit lines among those of the group; inputs and outputs in its matrix if nothing is arranged.
    factor : float
        What its currents are multiplied with.
    extra : int
        Columns that belong to no output: 1 where the array has a reference column, the last.
    first_line, first_output : int
        Where the group's lines and outputs begin among the layer's.
    row_order, col_order : tuple of int or None
        Inputs and outputs, in the group's matrix, of word lines and bit lines; -1: the line is off. None: in order.
    signs : tuple of int or None
        1, or -1 where a word line holds negated weights, and is driven negated.
    """

    group: int
    plane: int
    rows: range
    cols: range
    factor: float
    extra: int
    first_line: int
    first_output: int
    row_order: tuple[int, ...] | None = None
    col_order: tuple[int, ...] | None = None
    signs: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Word lines and bit lines."""
        return len(self.rows), len(self.cols) + self.extra

    @property
    def lines(self) -> slice:
        """The layer's lines that drive its word lines."""
        return slice(self.first_line + self.rows.start, self.first_line + self.rows.stop)

    @property
    def inputs(self) -> Indices:
        """The input, in the group's matrix, of each word line; -1 of those that are off."""
        return np.array(self.rows if self.row_order is None else self.row_order)

    @property
    def outputs(self) -> Indices:
        """The output, in the group's matrix, of each bit line but those that belong to none."""
        return np.array(self.cols if self.col_order is None else self.col_order)

    @property
    def driven(self) -> NDArray[np.bool_]:
        """Which word lines are driven."""
        return self.inputs >= 0


def layout(
    shapes: Sequence[tuple[int, int]], hardware: Hardware, arrangement: Arrangement | None = None
) -> tuple[Place, ...]:
    """Cut matrices (inputs, outputs), one for each group, into arrays: by group, plane, inputs and outputs.

    Parameters
    ----------
    shapes : sequence of (inputs, outputs)
        A matrix each, a bias row included.
    hardware : Hardware
        Whose array size, and planes, count.
    arrangement : Arrangement, optional
        Which line is where; None: in their own order.
    """
    extra = 1 if hardware.mapping.kind == "reference" else 0
    if arrangement is not None:
        return _arranged(shapes, hardware, arrangement, extra)
    places, line, output = [], 0, 0
    for group, (inputs, outputs) in enumerate(shapes):
        for plane, factor in enumerate(factors(hardware)):
            for rows in _parts(inputs, hardware.tiles.rows):
                for cols in _parts(outputs, hardware.tiles.cols - extra):
                    places.append(Place(group, plane, rows, cols, factor, extra, line, output))
        line, output = line + inputs, output + outputs
    return tuple(places)


def _arranged(
    shapes: Sequence[tuple[int, int]], hardware: Hardware, arrangement: Arrangement, extra: int
) -> tuple[Place, ...]:
    """Cut matrices as ``layout`` does."""
    height, width = hardware.tiles.rows, hardware.tiles.cols - extra
    if arrangement.by == "layer":
        groups = _by_layer(shapes, arrangement, height, width)
    else:
        groups = _by_tile(shapes, arrangement, height, width)
    return tuple(
        Place(
            group, plane, block.rows, block.cols, factor, extra, block.first_line, group * shapes[0][1], *block.orders
        )
        for group, blocks in enumerate(groups)
        for plane, factor in enumerate(factors(hardware))
        for block in blocks
    )


@dataclass(frozen=True)
class _WeightBlock:
    """What the arrays of all planes at one place share."""

    rows: range
    cols: range
    first_line: int
    orders: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def _by_layer(
    shapes: Sequence[tuple[int, int]], arrangement: Arrangement, height: int, width: int
) -> list[list[_WeightBlock]]:
    """Cut each group's lines, which have one order, spare ones with them."""
    arrangement.check_parts(len(shapes))
    groups = []
    for group, (inputs, outputs) in enumerate(shapes):
        count = inputs + arrangement.spare
        order, signs = arrangement.row_order(group, inputs), arrangement.signs(group, inputs)
        col_order = arrangement.col_order(group, outputs)
        groups.append([
            _WeightBlock(rows, cols, group * count, _lists(
                order[rows.start : rows.stop], col_order[cols.start : cols.stop], signs[rows.start : rows.stop]
            ))
            for rows in _parts(count, height)
            for cols in _parts(outputs, width)
        ])  # fmt: skip
    return groups


def _by_tile(
    shapes: Sequence[tuple[int, int]], arrangement: Arrangement, height: int, width: int
) -> list[list[_WeightBlock]]:
    """Cut inputs, and give each array lines of its own, spare ones with them."""
    spare = arrangement.spare
    if spare >= height:
        raise InputError(f"Arrangement.spare is {spare}: an array of {height} word lines has no room for inputs")
    cuts = [
        [(k, rows, cols) for k, rows in enumerate(_parts(inputs, height - spare)) for cols in _parts(outputs, width)]
        for inputs, outputs in shapes
    ]
    arrangement.check_parts(sum(map(len, cuts)))
    groups: list[list[_WeightBlock]] = []
    tile = line = 0
    for cut in cuts:
        groups.append([])
        for k, rows, cols in cut:
            lines = range(rows.start + k * spare, rows.stop + (k + 1) * spare)
            order = arrangement.row_order(tile, len(rows))
            orders = _lists(
                np.where(order >= 0, order + rows.start, order),
                arrangement.col_order(tile, len(cols)) + cols.start,
                arrangement.signs(tile, len(rows)),
            )
            groups[-1].append(_WeightBlock(lines, cols, line - lines.start, orders))
            tile, line = tile + 1, line + len(lines)
    return groups


def _lists(rows: Indices, cols: Indices, signs: Indices) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    return tuple(rows.tolist()), tuple(cols.tolist()), tuple(signs.tolist())


def _parts(count: int, size: int) -> list[range]:
    return [range(k, min(k + size, count)) for k in range(0, count, size)]


@dataclass(frozen=True, eq=False)
class LineOrder:
    """Which of a layer's inputs each of its word lines has, and with which sign; 0 where a line is off."""

    inputs: Indices
    signs: Indices

    @staticmethod
    def of(places: Sequence[Place], inputs: int) -> LineOrder | None:
        """Return what the places of a layer with so many inputs a group ask for; None where that is nothing.

        Parameters
        ----------
        places : sequence of Place
            Of all arrays.
        inputs : int
            How many a group has, a bias row included.
        """
        if not places or places[0].row_order is None:
            return None
        count = max(place.lines.stop for place in places)
        index, signs = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        for place in places:
            order, on = place.inputs, place.driven
            index[place.lines] = np.where(on, order + place.group * inputs, 0)
            signs[place.lines] = np.where(on, np.array(place.signs), 0)
        return LineOrder(index, signs)

    def __call__(self, lines: Tensor) -> Tensor:
        """Return what drives word lines, (batch, word lines), from a layer's inputs in their order."""
        return lines[:, torch.from_numpy(self.inputs)] * torch.from_numpy(self.signs).to(lines)
