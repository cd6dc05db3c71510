"""Rows of weights on the word lines and with the signs that cost least together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from xbarsim.checks import Array
from xbarsim.mitigation.line_costs import Flips, LineCosts, Order, Scope
from xbarsim.mitigation.match_rows import MatchRows, matched
from xbarsim.mitigation.method import Part


@dataclass(frozen=True)
class RowFlipMatch(MatchRows):
    """Choose word lines and signs of rows together: match at the cost of the better sign, then take that sign.

    ``C[p, q] = u_p min(sum_j |w_pj - t_qj(w_pj)|, sum_j |w_pj + t_qj(-w_pj)|)``, the assignment optimal as that of
    ``match-rows``; a row is stored and driven negated where the second is less. The sum of costs is at most that of
    ``row-flip`` and ``match-rows`` in either order: signs that are chosen first are those of other rows' lines. In
    chains ``row-flip+row-permutation`` is this method, with its scope.

    It takes maps of the chip, a router and drivers of both signs; no training.

    Attributes
    ----------
    scope : {"tile", "layer"}
        As of ``RowPlacement``.
    knows, power, weighting, images, spare
        As of ``MatchRows``.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "row-flip-match"
    paper: ClassVar[str] = "RF+RP of G. Jung et al. (FPT), chosen jointly"
    about: ClassVar[str] = "lay rows of weights on word lines, negated where that is better, optimally together"
    settles: ClassVar[frozenset[Part]] = frozenset({"rows", "flips"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"rows", "flips"})
    flips_rows: ClassVar[bool] = True

    scope: Scope = "tile"

    def placed(self, costs: LineCosts, u: Array | None) -> tuple[Order, Flips]:
        """Return the best order and signs."""
        negated = costs.better_negated
        whole = costs.plain if costs.negated is None else np.where(negated, costs.negated, costs.plain)
        order = matched(whole, costs, u)
        return order, negated[order, np.arange(len(order))] & (order >= 0)
