"""How a layer's matrices lie on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import factors
from xbarsim.nonideal import Bridged
from xbarsim.solvers.solve import solve


@dataclass(frozen=True)
class Place:
    """Which part of a group's matrix an array holds.

    Attributes
    ----------
    group, plane : int
        Of a grouped convolution, and of ``planes_of``.
    rows, cols : range
        Inputs and outputs in the group's matrix.
    factor : float
        What its currents are multiplied with.
    extra : int
        Columns that belong to no output: 1 where the array has a reference column, the last.
    first_line, first_output : int
        Where the group's inputs and outputs begin among the layer's.
    """

    group: int
    plane: int
    rows: range
    cols: range
    factor: float
    extra: int
    first_line: int
    first_output: int

    @property
    def shape(self) -> tuple[int, int]:
        """Word lines and bit lines."""
        return len(self.rows), len(self.cols) + self.extra

    @property
    def lines(self) -> slice:
        """The layer's lines that drive its word lines."""
        return slice(self.first_line + self.rows.start, self.first_line + self.rows.stop)


def layout(shapes: Sequence[tuple[int, int]], hardware: Hardware) -> tuple[Place, ...]:
    """Cut matrices (inputs, outputs), one for each group, into arrays: by group, plane, inputs and outputs."""
    extra = 1 if hardware.mapping.kind == "reference" else 0
    found, line, output = [], 0, 0
    for group, (inputs, outputs) in enumerate(shapes):
        for plane, factor in enumerate(factors(hardware)):
            for rows in _parts(inputs, hardware.tiles.rows):
                for cols in _parts(outputs, hardware.tiles.cols - extra):
                    found.append(Place(group, plane, rows, cols, factor, extra, line, output))
        line, output = line + inputs, output + outputs
    return tuple(found)


def cut(matrix: Tensor, hardware: Hardware) -> list[Tensor]:
    """Return a plane's parts, in the order of ``layout``."""
    extra = 1 if hardware.mapping.kind == "reference" else 0
    return [
        part
        for strip in torch.split(matrix, hardware.tiles.rows)
        for part in torch.split(strip, hardware.tiles.cols - extra, dim=1)
    ]


def assembled(parts: Sequence[Tensor], places: Sequence[Place], *, add: bool = False) -> list[Tensor]:
    """Return each group's matrix: its planes, put together from their parts, weighted and added up.

    With ``add`` parts are outputs (batch, cols), and those of different inputs are added up instead.
    """
    strips: dict[tuple[int, int, int], list[Tensor]] = {}
    factor: dict[tuple[int, int], float] = {}
    for part, place in zip(parts, places, strict=True):
        strips.setdefault((place.group, place.plane, place.rows.start), []).append(part)
        factor[place.group, place.plane] = place.factor
    planes: dict[tuple[int, int], list[Tensor]] = {}
    for (group, plane, _), strip in strips.items():
        planes.setdefault((group, plane), []).append(torch.cat(strip, dim=1))
    found: dict[int, Tensor] = {}
    for (group, plane), rows in planes.items():
        whole = torch.stack(rows).sum(dim=0) if add else torch.cat(rows)
        weighted = whole * factor[group, plane]
        found[group] = found[group] + weighted if group in found else weighted
    return list(found.values())


def _parts(count: int, size: int) -> list[range]:
    return [range(k, min(k + size, count)) for k in range(0, count, size)]


@dataclass(frozen=True, eq=False)
class Tile:
    """One array of a layer.

    Attributes
    ----------
    crossbar : Crossbar
        The circuit as programmed.
    rows, cols : range
        Which of the layer's lines, the columns of what ``encode`` returns, drive its word lines, and which outputs its
        bit lines belong to. With a reference column the array has one column more, the last.
    sign : float
        What its currents are multiplied with when outputs are added up: 1 or -1, times a slice's worth.
    bridged : Bridged, optional
        Where shorts added lines to the circuit: which of its lines are the array's own.
    """

    crossbar: Crossbar
    rows: range
    cols: range
    sign: float
    bridged: Bridged | None = field(default=None, repr=False)

    def solve(self, volts: Tensor | Array) -> Array:
        """Return the currents (batch, columns) in amperes for the layer's lines (batch, lines) in volts."""
        given = volts.detach().cpu().numpy() if isinstance(volts, Tensor) else np.asarray(volts)
        drive = np.ascontiguousarray(given.reshape(-1, given.shape[-1])[:, self.rows.start : self.rows.stop], float)
        if self.bridged is None:
            return solve(self.crossbar, drive).currents
        return self.bridged.outputs(solve(self.crossbar, self.bridged.inputs(drive)).currents)
