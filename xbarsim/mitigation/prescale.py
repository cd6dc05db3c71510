"""Cells programmed so that, with what is known of them, they realise the weights: no training, no data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import nn

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.cell_choice import CellChoice, check_choosable
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork


@dataclass(frozen=True)
class Prescale(Method):
    """Choose both cells of each pair so that together they hold the weight, as far as they reach.

    A healthy cell of factor f that is asked for T holds f T, T between g_off and g_on; a stuck one holds what it holds.
    With ``d = w (g_on - g_off) / scale`` wanted of a pair whose cells reach from a to b::

        g- = clip(a+ - d, a-, b-),   g+ = clip(d + g-, a+, b+)

    which misses d by the least there is, and of all such pairs conducts the least. The partner of a stuck cell makes up
    for it; a pair of two stuck cells stays what it is. With a reference column or a digital offset the one cell is
    ``clip(d + zero, a, b)``, zero being what the reference cell of the line really holds. Where cells have levels, the
    best of all their pairs is taken; under write-verify cells are asked for g itself.

    It is in none of the papers: the baseline that has the knowledge of those that train, and no training. It costs
    nothing but the map of the chip. Wires are not looked at, and noise of writing stays. Currents grow where factors
    are small. The share of weights that no choice reaches is noted for each layer, as ``unreachable``.
    """

    name: ClassVar[str] = "prescale"
    paper: ClassVar[str] = "none: the baseline of all that know a chip's maps"
    about: ClassVar[str] = "program both cells of a pair so that, with their factors and faults, they hold the weight"
    settles: ClassVar[frozenset[Part]] = frozenset({"targets"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"targets"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"weights", "rows", "flips", "headroom", "writing"})

    @property
    def needs(self) -> Needs:
        """All that is frozen in the chip."""
        return Needs(knows="maps")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse weights in slices, and more levels than can be tried, besides what ``Method.check`` refuses."""
        super().check(model, network, images)
        check_choosable(self.name, network.hardware)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with the conductances of all cells set."""
        for name, layer in bench.known_network(plan).layers.items():
            weights = np.concatenate([matrix.detach().cpu().double().numpy() for matrix in layer.matrices()], axis=1)
            targets, reached = CellChoice.of(layer).targets(weights)
            plan = plan.with_layer(name, targets=targets)
            bench.note(unreachable=float((~reached).mean()))
        return plan
