"""What methods share that lay rows of weights on other word lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.line_costs import Flips, LineCosts, Order, Scope, arrangement_by, line_costs, rearranged
from xbarsim.mitigation.method import Method
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork

MOST_SPARE = 1 << 16
"""Spare word lines: each row of weights is compared with every line, in hours and gigabytes beyond that."""


@dataclass(frozen=True)
class RowPlacement(Method):
    """Base of methods that settle, layer by layer, which word line has which row of weights, and with which sign.

    Attributes
    ----------
    scope : {"layer", "tile"}
        Whether a row may lie on any of its group's word lines, in all arrays alike; or the lines of each array (of all
        planes) have an order of their own, so that its inputs are routed to it separately.
    knows : {"maps", "faults"}
        What is known of the chip: stuck cells and the factors of variation, or stuck cells alone.
    power : {1, 2}
        Of |w - t| in costs: 1 is the papers'; 2 is what adds up where errors are independent, as the variance of an
        output's error does, and weighs one stuck cell more than many small deviations.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    flips_rows: ClassVar[bool] = False
    """Whether it looks at costs of rows that are negated."""

    scope: Scope = "layer"
    knows: Literal["maps", "faults"] = "maps"
    power: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        self._word("scope", ("layer", "tile"))
        self._word("knows", ("maps", "faults"))
        self._count("power", 1, 2)

    @property
    def needs(self) -> Needs:
        """Maps of the chip."""
        return Needs(knows=self.knows)

    @property
    def arranges(self) -> Scope:
        """The scope."""
        return self.scope

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check that arrays have room for inputs beside spare lines; raises as ``Method.check``."""
        super().check(model, network, images)
        spare, by = self.spare_rows
        for layer in network.layers.values() if by == "tile" else ():
            if spare >= layer.hardware.tiles.rows:
                raise InputError(
                    f"{self.name}: spare={spare} leaves no room for inputs in arrays of {layer.hardware.tiles.rows} "
                    f"word lines: give less"
                )

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with rows, or signs, that are nearer to their weights on the chip as it is known."""
        weighting = self.weighting_of(plan, bench)
        for name, layer in bench.known_network(plan).layers.items():
            arrangement = arrangement_by(layer, self.scope, self.name)
            self._check_spare(arrangement.spare, layer.label)
            rows, flips = [], []
            for costs in line_costs(layer, self.scope, self.name, negated=self.flips_rows, power=self.power):
                u = weighting[name][costs.group][costs.inputs] ** self.power if weighting else None
                order, signs = self.placed(costs, u)
                rows.append(order)
                flips.append(signs)
            plan = rearranged(plan, name, arrangement, rows, flips)
        return plan

    def _check_spare(self, spare: int, label: str) -> None:
        if spare < self.spare_rows[0]:
            raise InputError(
                f"{self.name} has spare={self.spare_rows[0]}, and {label} has {spare} spare lines: "
                "lay the plan out with as many, as Plan.of(model, spare, by, names) does"
            )

    def weighting_of(self, plan: Plan, bench: Bench) -> dict[str, list[Array]]:
        """Return what rows weigh, by layer and group; nothing: 1 each.

        Parameters
        ----------
        plan : Plan
            What is on the chip.
        bench : Bench
            With images, where the method uses any.
        """
        return {}

    def placed(self, costs: LineCosts, u: Array | None) -> tuple[Order, Flips]:
        """Return which row each line shall have (-1: none), and whether it is driven negated.

        Parameters
        ----------
        costs : LineCosts
            Of a group, or an array.
        u : (rows,) array or None
            What rows' costs are multiplied with.
        """
        raise NotImplementedError
