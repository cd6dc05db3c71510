"""How a layer's matrices lie on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.energy import PowerForms, power_forms, power_split
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.tile_places import Place
from xbarsim.nonideal import Bridged
from xbarsim.solution import Solution
from xbarsim.solvers.solve import solve


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
    sums: dict[int, Tensor] = {}
    for (group, plane), rows in planes.items():
        whole = torch.stack(rows).sum(dim=0) if add else torch.cat(rows)
        weighted = whole * factor[group, plane]
        sums[group] = sums[group] + weighted if group in sums else weighted
    return list(sums.values())


def arranged_outputs(parts: Sequence[Tensor], places: Sequence[Place], outputs: int) -> list[Tensor]:
    """Return each group's outputs (batch, outputs) from what the columns of arranged arrays gave, (batch, cols)."""
    groups = 1 + max(place.group for place in places)
    sums = [parts[0].new_zeros((len(parts[0]), outputs)) for _ in range(groups)]
    for part, place in zip(parts, places, strict=True):
        columns = torch.from_numpy(place.outputs).to(part.device)
        sums[place.group] = sums[place.group].index_add(1, columns, part * place.factor)
    return sums


def arranged_matrix(matrix: Tensor, part: Tensor, place: Place) -> None:
    """Add an array's part (rows, cols), arranged or not, to its group's matrix (inputs, outputs), in place."""
    on = torch.from_numpy(place.driven)
    rows, cols = torch.from_numpy(place.inputs)[on], torch.from_numpy(place.outputs)
    signs = torch.tensor(place.signs or (1,) * len(on), dtype=part.dtype)[on]
    matrix.index_put_((rows[:, None], cols[None, :]), part[on] * (signs * place.factor)[:, None], accumulate=True)


def by_weight(parts: Sequence[NDArray[Any]], places: Sequence[Place], *, physical: bool = False) -> list[NDArray[Any]]:
    """Return what is known of cells, array by array, as one array (inputs, outputs of all groups) for each plane.

    Parameters
    ----------
    parts : sequence of (rows, cols) array
        Of all arrays; columns that belong to no output are left out.
    places : sequence of Place
        Of all arrays.
    physical : bool
        Whether it is to be (word lines, bit lines) instead, as they lie, lines that are off included.
    """
    rows = [np.array(place.rows) if physical else place.inputs for place in places]
    cols = [place.first_output + (np.array(place.cols) if physical else place.outputs) for place in places]
    shape = 1 + max(int(index.max()) for index in rows), 1 + max(int(index.max()) for index in cols)
    planes = [np.zeros(shape, dtype=parts[0].dtype) for _ in range(1 + max(place.plane for place in places))]
    for part, place, row, col in zip(parts, places, rows, cols, strict=True):
        planes[place.plane][np.ix_(row[row >= 0], col)] = part[row >= 0, : len(place.cols)]
    return planes


def by_tile(planes: Sequence[NDArray[Any]], places: Sequence[Place]) -> list[NDArray[Any]]:
    """Return planes (inputs, outputs of all groups) cut into arrays; 0 where no weight is."""
    parts = []
    for place in places:
        part = np.zeros(place.shape, dtype=planes[0].dtype)
        on = place.driven
        cells = planes[place.plane][np.ix_(place.inputs[on], place.first_output + place.outputs)]
        part[np.ix_(on, np.arange(len(place.cols)))] = cells
        parts.append(part)
    return parts


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

    @property
    def lines(self) -> slice:
        """``rows`` as a slice."""
        return slice(self.rows.start, self.rows.stop)

    def solve(self, volts: Tensor | Array) -> Array:
        """Return the currents (batch, columns) in amperes for the layer's lines (batch, lines) in volts.

        Parameters
        ----------
        volts : (batch, lines) array or Tensor
            Of the layer's lines.
        """
        currents = self._solved(volts).currents
        return currents if self.bridged is None else self.bridged.outputs(currents)

    def power(self, volts: Tensor | Array) -> Array:
        """Return the watts (batch,) that the array's sources deliver for the layer's lines (batch, lines) in volts.

        Parameters
        ----------
        volts : (batch, lines) array or Tensor
            Of the layer's lines.
        """
        return np.asarray(self._solved(volts).power)

    def forms(self, threads: int | None = None) -> PowerForms:
        """Return what sources, cells and ends take of the power of all reads; of the array's own lines and cells."""
        wired = self.bridged
        if wired is None:
            return power_forms(self.crossbar, threads=threads)
        drawn = np.zeros(self.crossbar.shape, dtype=bool)
        drawn[np.ix_(wired.rows, wired.cols)] = True
        grown = power_forms(self.crossbar, counted=drawn, threads=threads)
        lines = np.ix_(wired.rows, wired.rows)
        return PowerForms(grown.sources[lines], grown.cells[lines], grown.ends[lines])

    def split(self, volts: Tensor | Array) -> dict[str, float]:
        """Return the watts, all vectors' together, that cells, wires and ends take by solves of each.

        Parameters
        ----------
        volts : (batch, lines) array or Tensor
            Of the layer's lines.
        """
        parts = power_split(self._solved(volts, fields=True))
        watts = {"cells": parts.cells, "wires": parts.word_wires + parts.bit_wires, "ends": sum(parts.ends.values())}
        return {name: float(np.sum(part)) for name, part in watts.items()}

    def _solved(self, volts: Tensor | Array, *, fields: bool = False) -> Solution:
        array = volts.detach().cpu().numpy() if isinstance(volts, Tensor) else np.asarray(volts)
        drive = np.ascontiguousarray(array.reshape(-1, array.shape[-1])[:, self.lines], float)
        return solve(self.crossbar, drive if self.bridged is None else self.bridged.inputs(drive), fields=fields)
