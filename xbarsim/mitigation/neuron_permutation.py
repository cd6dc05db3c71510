"""Hidden units in the order in which the chip's cells hold their weights best; no hardware pays for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import nn

from xbarsim.checks import Array
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.line_costs import input_weights
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.unit_chain import HiddenLayer, hidden_layers
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.tile_places import Place

Order = NDArray[np.int64]

_ROUNDING = 1e-9
"""Relative; orders whose costs are no more apart are equally good."""


@dataclass(frozen=True)
class NeuronPermutation(Method):
    """Exchange hidden units, each with its column of weights, bias, BatchNorm and row of the next layer's weights.

    Which unit lies where changes nothing in the network, and the cells that hold it. Layer by layer from the input, one
    permutation is found by the Hungarian method (``scipy.optimize.linear_sum_assignment``) at the least sum of::

        C[u, k] = sum_p (x_p |w_pu - t_pk(w_pu)|)^power  +  (x_u)^power sum_j |v_uj - t_kj(v_uj)|^power

    w being the layer's weights, v the next one's, rows of v as the layer before has ordered them, t what the cells of
    unit k hold of unit u's, and x 1 or the root mean square of an input. Units stay where no other order is better.

    Neuron permutation needs no router, as row permutation does; it is of the remapping methods that G. Jung et al.,
    "Cost- and Dataset-free Stuck-at Fault Mitigation for ReRAM-based Deep Learning Accelerators", compare with in
    section II. The cost is the SWV of L. Chen et al., DATE 2017, eq. 1, of both layers. The layer before chooses first,
    and chooses for two: what is best for all together is not looked for. Rows of the first layer and columns of the
    last stay. It takes chains of fully connected layers alone: of a convolution's channels many positions share cells.

    Attributes
    ----------
    knows : {"maps", "faults"}
        What is known of the chip: stuck cells and the factors of variation, or stuck cells alone.
    weighting : {"paper", "input"}
        x is 1, or the root mean square of each input over unlabelled images, in software.
    power : {1, 2}
        Of errors: 2 is what adds up where they are independent.
    images : int
        How many images x is from, at most; only with ``weighting="input"``.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "neuron-permutation"
    paper: ClassVar[str] = (
        "of the remapping methods in G. Jung et al., Cost- and Dataset-free Fault Mitigation, sec. II"
    )
    about: ClassVar[str] = "order hidden units such that cells hold their weights best, without a router"
    settles: ClassVar[frozenset[Part]] = frozenset({"weights", "units"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"units", "targets", "gain", "correction", "batchnorm"})

    knows: Literal["maps", "faults"] = "maps"
    weighting: Literal["paper", "input"] = "paper"
    power: Literal[1, 2] = 1
    images: int = 1000

    def __post_init__(self) -> None:
        self._word("knows", ("maps", "faults"))
        self._word("weighting", ("paper", "input"))
        self._count("power", 1, 2)
        self._count("images", 1)

    @property
    def needs(self) -> Needs:
        """Maps of the chip; with ``weighting="input"`` images."""
        return Needs(data="images" if self.weighting == "input" else "none", knows=self.knows, layers="dense")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse networks that are no chain with hidden units, besides what ``Method.check`` refuses."""
        super().check(model, network, images)
        hidden_layers(model, list(network.layers), self.name)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with hidden units in other orders."""
        inputs: dict[str, Array] = {}
        if self.weighting == "input":
            inputs = {name: groups[0] for name, groups in input_weights(plan, bench, self.images).items()}
        for hidden in hidden_layers(plan.model, list(bench.ideal_network(plan).layers), self.name):
            layers = bench.known_network(plan).layers
            pair = layers[hidden.name], layers[hidden.after]
            costs = self._costs(*pair, inputs.get(hidden.name), inputs.get(hidden.after))
            order = _best(costs)
            bench.note(moved=float((order != np.arange(len(order))).mean()))
            plan = permuted(plan, hidden, order)
            if inputs:
                inputs[hidden.after][: len(order)] = inputs[hidden.after][order]
        return plan

    def _costs(self, layer: CrossbarLayer, after: CrossbarLayer, inputs: Array | None, units: Array | None) -> Array:
        """Return C, (units, places)."""
        costs = layer.col_costs(weighting=inputs, power=self.power)
        count = len(costs)
        for place in after.places:
            if place.plane == 0:
                lines = place.driven & (place.inputs < count)  # all but that of a row of biases
                costs[:, place.inputs[lines]] += self._row_costs(after, place, units)[:count, lines]
        return costs

    def _row_costs(self, layer: CrossbarLayer, place: Place, u: Array | None) -> Array:
        """Return what rows cost on an array's lines, (rows, lines), as they are driven."""

        def costs(*, negated: bool) -> Array:
            lines = np.array(place.rows)
            return layer.row_costs(lines=lines, cols=place.outputs, weighting=u, power=self.power, negated=negated)

        plain = costs(negated=False)
        if place.signs is None or min(place.signs) > 0:
            return plain
        return np.where(np.array(place.signs) < 0, costs(negated=True), plain)


def _best(costs: Array) -> Order:
    """Return which unit each place has at the least sum; all stay where none is less."""
    units, places = linear_sum_assignment(costs)
    order = np.empty(len(costs), dtype=np.int64)
    order[places] = units
    present = float(np.trace(costs))
    better = costs[units, places].sum() < present - _ROUNDING * abs(present)
    return order if better else np.arange(len(costs))


def permuted(plan: Plan, hidden: HiddenLayer, order: Order) -> Plan:
    """Return a plan whose network has a layer's units in another order, and gives the same outputs.

    Parameters
    ----------
    plan : Plan
        The network; nothing digital of the two layers is one number an output.
    hidden : HiddenLayer
        Whose units.
    order : (units,) array of int
        Which unit each place gets.
    """
    index = torch.from_numpy(order)
    state = plan.model.state_dict()
    before, after = plan.weight_name(hidden.name), plan.weight_name(hidden.after)
    bias = f"{before.split('parametrizations')[0].removesuffix('weight')}bias"
    vectors = [bias, *(f"{norm}.{part}" for norm in hidden.norms for part in _NORM_PARTS)]
    weights = {before: state[before][index], after: state[after][:, index]}
    weights |= {name: state[name][index] for name in vectors if name in state}
    return plan.with_weights(weights)


_NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
