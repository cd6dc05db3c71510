"""Rows of weights on word lines, one after the other, each on the best that is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from xbarsim.checks import Array
from xbarsim.mitigation.line_costs import Flips, LineCosts, Order, Scope
from xbarsim.mitigation.method import Part
from xbarsim.mitigation.row_placement import MOST_SPARE, RowPlacement
from xbarsim.nn.arrangement import OFF


@dataclass(frozen=True)
class GreedyRows(RowPlacement):
    """Give each row of weights the free word line where it costs least, row after row.

    Costs are those of ``match-rows``, ``C[p, q] = sum_j |w_pj - t_qj(w_pj)|``; of equal lines the lowest is taken. It
    is the mapping of Vortex (B. Liu et al., DAC 2015) as L. Chen et al. (DATE 2017) tell it, the baseline of
    ``match-rows``, whose sum of costs is never larger: the last rows get what is left. A sum that is larger than that
    of the order before is possible, and kept. Lines that are driven negated before stay so.

    It takes maps of the chip, and a router in front of the word lines; no data and no training.

    Attributes
    ----------
    scope, knows, power
        As of ``RowPlacement``.
    order : {"index", "norm"}
        Rows by their number; or by their Euclidean norm, the largest first.
    spare : int
        Word lines more than inputs: of each layer's groups, or of each array.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "greedy-rows"
    paper: ClassVar[str] = "B. Liu et al., DAC 2015 (Vortex), as L. Chen et al., DATE 2017, tell it"
    about: ClassVar[str] = "lay each row of weights, one after the other, on the free word line that holds it best"
    settles: ClassVar[frozenset[Part]] = frozenset({"rows"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"rows"})

    order: Literal["index", "norm"] = "index"
    spare: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._word("order", ("index", "norm"))
        self._count("spare", 0, MOST_SPARE)

    @property
    def spare_rows(self) -> tuple[int, Scope]:
        """As the options say."""
        return self.spare, self.scope

    def placed(self, costs: LineCosts, u: Array | None) -> tuple[Order, Flips]:
        """Return the order that rows come to, for lines as they are driven."""
        whole = costs.present.copy()
        order = np.full(whole.shape[1], OFF)
        turns = np.arange(len(whole))
        if self.order == "norm":
            turns = np.argsort(-np.linalg.norm(costs.weights, axis=1), kind="stable")
        for row in turns:
            line = int(np.argmax(whole[row] <= whole[row].min() + costs.rounding))
            order[line] = row
            whole[:, line] = np.inf
        return order, costs.flips
