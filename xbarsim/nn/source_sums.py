"""What the sources of arrays see, added up over the arrays that have the same word lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.nn.tile_places import Place
from xbarsim.nonideal import Bridged

SourceForm = tuple[slice, Tensor]
"""Word lines, and a matrix Y (lines, lines) in siemens: with volts x they deliver ``x @ Y @ x`` watts."""


class SourceSums:
    """Admittances of the word lines' sources, of as many arrays as have been added.

    Parameters
    ----------
    places : sequence of Place
        Of all arrays of a layer.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._added: set[int] = set()
        self._sums: dict[tuple[int, int], Array] = {}

    def add(
        self, tiles: Sequence[int], admittances: Sequence[Array], circuits: Sequence[Crossbar | Bridged]
    ) -> None:  # fmt: skip
        """Add arrays by their numbers; lines that stand for shorts have no sources.

        Parameters
        ----------
        tiles : sequence of int
            Their numbers.
        admittances : sequence of (lines, lines) array
            Siemens between the word lines' sources of each.
        circuits : sequence of Crossbar or Bridged
            The arrays themselves, whose lines may be more than they were.
        """
        for tile, admittance, wired in zip(tiles, admittances, circuits, strict=True):
            self._add(tile, admittance if isinstance(wired, Crossbar) else admittance[np.ix_(wired.rows, wired.rows)])

    def add_cells(self, tiles: Sequence[int], cells: Sequence[Tensor]) -> None:
        """Add arrays without wires and ends.

        Parameters
        ----------
        tiles : sequence of int
            Their numbers.
        cells : sequence of (rows, cols) Tensor
            Siemens.
        """
        for tile, g in zip(tiles, cells, strict=True):
            self._add(tile, np.diag(g.detach().sum(dim=1).cpu().numpy()))

    def _add(self, tile: int, admittance: Array) -> None:
        if tile not in self._added:
            self._added.add(tile)
            lines = self._places[tile].lines
            key = lines.start, lines.stop
            self._sums[key] = self._sums[key] + admittance if key in self._sums else admittance

    @property
    def complete(self) -> bool:
        """Whether all arrays are in."""
        return len(self._added) == len(self._places)

    def forms(self) -> list[SourceForm]:
        """Return the sums by word lines."""
        return [(slice(*lines), torch.from_numpy(admittance)) for lines, admittance in self._sums.items()]
