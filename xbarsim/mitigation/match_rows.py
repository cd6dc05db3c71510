"""Rows of weights on the word lines where they cost least in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from xbarsim.checks import Array
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.line_costs import Flips, LineCosts, Order, Scope, input_weights
from xbarsim.mitigation.method import Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.row_placement import MOST_SPARE, RowPlacement
from xbarsim.nn.arrangement import OFF


@dataclass(frozen=True)
class MatchRows(RowPlacement):
    """Match rows of weights with word lines at the least sum of costs.

    ``C[p, q] = u_p^power sum_j |w_pj - t_qj(w_pj)|^power``, where t is what line q's cells would hold of row p: both
    cells of each pair with their factors, stuck ones as they are (L. Chen et al., DATE 2017, eq. 1, of power 1). The
    assignment is optimal (Hungarian method, ``scipy.optimize.linear_sum_assignment``), of rows to as many lines or,
    with spare ones, to more; lines without a row are off. Rows stay where they are if no other order is better. Lines
    that are driven negated before stay so, and cost what they do then.

    It takes maps of the chip, and a router in front of the word lines; no training. With wires it is blind to where
    currents fall: it looks at cells alone.

    Attributes
    ----------
    scope, knows, power
        As of ``RowPlacement``.
    weighting : {"paper", "input"}
        u is 1, or the root mean square of input p over unlabelled images: an error in a row that is never driven
        does no harm. With power 2 the sum is then the mean square error of all outputs, if inputs are independent.
    images : int
        How many images u is from, at most; only with ``weighting="input"``.
    spare : int
        Word lines more than inputs: of each layer's groups, or of each array.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "match-rows"
    paper: ClassVar[str] = "L. Chen et al., DATE 2017, sec. III"
    about: ClassVar[str] = "lay rows of weights on the word lines where they are nearest to what cells hold, optimally"
    settles: ClassVar[frozenset[Part]] = frozenset({"rows"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"rows"})

    weighting: Literal["paper", "input"] = "paper"
    images: int = 1000
    spare: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._word("weighting", ("paper", "input"))
        self._count("images", 1)
        self._count("spare", 0, MOST_SPARE)

    @property
    def needs(self) -> Needs:
        """Maps of the chip; with ``weighting="input"`` images."""
        return Needs(data="images" if self.weighting == "input" else "none", knows=self.knows)

    @property
    def spare_rows(self) -> tuple[int, Scope]:
        """As the options say."""
        return self.spare, self.scope

    def weighting_of(self, plan: Plan, bench: Bench) -> dict[str, list[Array]]:
        """Return u of all inputs, where images are used."""
        return input_weights(plan, bench, self.images) if self.weighting == "input" else {}

    def placed(self, costs: LineCosts, u: Array | None) -> tuple[Order, Flips]:
        """Return the best order for lines as they are driven."""
        return matched(costs.present, costs, u), costs.flips


def matched(whole: Array, costs: LineCosts, u: Array | None) -> Order:
    """Return which row each line has at the least sum of costs (rows, lines); the present order where none is less.

    Parameters
    ----------
    whole : (rows, lines) array
        Cost of each row on each line.
    costs : LineCosts
        Whose present order is kept where nothing costs less.
    u : (rows,) array or None
        What rows weigh; None: 1 each.
    """
    weighted = whole if u is None else whole * u[:, None]
    rows, lines = linear_sum_assignment(weighted)
    order = np.full(whole.shape[1], OFF)
    order[lines] = rows
    driven = np.flatnonzero(costs.order != OFF)
    present = weighted[costs.order[driven], driven].sum()
    bound = costs.rounding * (len(rows) if u is None else u.sum())
    return order if weighted[rows, lines].sum() < present - bound else costs.order
