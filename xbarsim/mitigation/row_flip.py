"""Rows of weights that are stored negated, and driven negated, where cells then hold them better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xbarsim.checks import Array
from xbarsim.mitigation.line_costs import Flips, LineCosts, Order, Scope
from xbarsim.mitigation.method import Part
from xbarsim.mitigation.row_placement import RowPlacement


@dataclass(frozen=True)
class RowFlip(RowPlacement):
    """Store a row negated and drive its word line negated, where that lowers its cost.

    ``sum_j |w_qj + t_qj(-w_qj)| < sum_j |w_qj - t_qj(w_qj)|`` decides for the row that lies on line q (B. Zhang et al.,
    ASP-DAC 2019; RF of G. Jung et al., "Cost- and dataset-free stuck-at fault mitigation"). Rows stay on their lines;
    signs are chosen anew for all of them.

    It takes maps of the chip, and drivers of both signs on the word lines; no data and no training.

    Attributes
    ----------
    scope : {"tile", "layer"}
        Whether each array (of all planes) decides by itself, or all arrays of a word line alike.
    knows, power
        As of ``RowPlacement``.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "row-flip"
    paper: ClassVar[str] = "B. Zhang et al., ASP-DAC 2019; RF of G. Jung et al."
    about: ClassVar[str] = "store and drive rows of weights negated where cells hold them better so"
    settles: ClassVar[frozenset[Part]] = frozenset({"flips"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"flips"})
    flips_rows: ClassVar[bool] = True

    scope: Scope = "tile"

    def placed(self, costs: LineCosts, u: Array | None) -> tuple[Order, Flips]:
        """Return the present order, and the better sign of each line; lines that are off are not negated."""
        lines = np.arange(len(costs.order))
        return costs.order, costs.better_negated[costs.order, lines] & (costs.order >= 0)
