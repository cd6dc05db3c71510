"""What rows of weights cost on each word line of a chip as it is known, and what inputs weigh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.needs import parts_of_larger
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.arrangement import OFF, Arrangement
from xbarsim.nn.layers import CrossbarLayer

Scope = Literal["layer", "tile"]
Order = NDArray[np.int64]
Flips = NDArray[np.bool_]

_ROUNDING = 1e-12
"""Of the largest weight: what a cell that holds exactly its weight is apart from it at most."""

_FLOOR = 1e-3
"""Of the largest input: inputs that are dark in all images still lie somewhere."""

_AT_ONCE = 50  # images; patches of convolutions are many


@dataclass(frozen=True, eq=False)
class LineCosts:
    """Word lines that may be exchanged: those of a layer's group, or of one array.

    Attributes
    ----------
    group, inputs : int and (rows,) array of int
        Which inputs of the group's matrix they have.
    order : (lines,) array of int
        Which row lies on each line now, by its number among ``inputs``; -1: none.
    flips : (lines,) array of bool
        Which lines are driven negated now.
    plain, negated : (rows, lines) array
        ``sum_j |w_pj - t_qj(w_pj)|^power`` of rows that are stored as they are, and of rows that are stored and driven
        negated: ``t_qj(w) = -t_qj(-w)``; None where none shall be.
    weights : (rows, cols) array
        The rows.
    rounding : float
        Costs that are less apart are equal.
    """

    group: int
    inputs: Order
    order: Order
    flips: Flips
    plain: Array
    negated: Array | None
    weights: Array
    rounding: float

    @property
    def present(self) -> Array:
        """Costs on lines that are driven as they are now."""
        return self.plain if self.negated is None else np.where(self.flips, self.negated, self.plain)

    @property
    def better_negated(self) -> NDArray[np.bool_]:
        """Where a row is nearer to its weights if it is stored and driven negated, (rows, lines)."""
        if self.negated is None:
            return np.zeros(self.plain.shape, dtype=bool)
        better: NDArray[np.bool_] = self.negated < self.plain - self.rounding
        return better


def arrangement_by(layer: CrossbarLayer, scope: Scope, label: str) -> Arrangement:
    """Return a layer's arrangement as it is, in the form of a scope.

    Parameters
    ----------
    layer : CrossbarLayer
        Whose arrangement is looked at.
    scope : {"layer", "tile"}
        Within what lines may change places.
    label : str
        The method's name, for messages.

    Raises
    ------
    InputError
        Its lines are arranged in the other scope.
    """
    present = layer.arrangement or Arrangement(by=scope)
    if present.by == scope:
        return present
    if present.spare or any(part is not None for part in (present.rows, present.cols, present.flips)):
        raise InputError(
            f"{label} has scope={scope}, and lines of {layer.label} are arranged by {present.by}: "
            f"give scope={present.by}"
        )
    return Arrangement(by=scope)


def line_costs(
    layer: CrossbarLayer, scope: Scope, label: str, *, negated: bool = True, power: Literal[1, 2] = 1
) -> Iterator[LineCosts]:
    """Yield the costs of all lines that may be exchanged, in the order of an arrangement's parts.

    ``C[p, q] = sum_j |w_pj - t_qj(w_pj)|^power`` (L. Chen et al., DATE 2017, eq. 1, of power 1), t as
    ``layer.realised`` has it.

    Parameters
    ----------
    layer : CrossbarLayer
        On the chip as it is known.
    scope : {"layer", "tile"}
        Whether rows may lie on all of a group's lines, or on those of their own array.
    label : str
        The method's, for messages.
    negated : bool
        Whether the costs of negated rows are wanted where no line is driven negated now.
    power : {1, 2}
        As of ``layer.row_costs``.
    """
    arrangement = arrangement_by(layer, scope, label)
    signs = (False, True) if negated or arrangement.flips is not None else (False,)
    matrices = [matrix.detach().cpu().double().numpy() for matrix in layer.matrices()]
    largest = max(np.abs(matrix).max() for matrix in matrices)
    parts: list[tuple[int, Order, slice | Order]]
    if scope == "layer":
        parts = [(group, np.arange(len(matrix)), slice(None)) for group, matrix in enumerate(matrices)]
        costs = [
            [layer.row_costs(group=group, negated=minus, power=power) for group in range(layer.groups)]
            for minus in signs
        ]
    else:
        places = [place for place in layer.places if place.plane == 0]
        parts = [(place.group, np.sort(place.inputs[place.driven]), place.outputs) for place in places]
        costs = [layer.array_row_costs(negated=minus, power=power) for minus in signs]
    for part, (group, inputs, outputs) in enumerate(parts):
        weights = matrices[group][inputs][:, outputs]
        yield LineCosts(
            group,
            inputs,
            arrangement.row_order(part, len(inputs)),
            arrangement.signs(part, len(inputs)) < 0,
            costs[0][part],
            costs[1][part] if len(costs) > 1 else None,
            weights,
            _ROUNDING * max(largest, np.finfo(float).tiny) ** power * weights.shape[1],
        )


def rearranged(plan: Plan, name: str, arrangement: Arrangement, rows: Sequence[Order], flips: Sequence[Flips]) -> Plan:
    """Return a plan with other orders and signs of a layer's lines; nothing changes where they are those of before.

    Parameters
    ----------
    plan : Plan
        What was before.
    name : str
        The layer.
    arrangement : Arrangement
        Its own, of the scope of ``rows`` and ``flips``.
    rows, flips : sequence of (lines,) array
        Of each part.
    """
    spare = arrangement.spare
    usual = all(np.array_equal(order, _usual(len(order) - spare, spare)) for order in rows)
    changed = replace(
        arrangement,
        rows=None if usual else tuple(rows),
        flips=tuple(flips) if any(part.any() for part in flips) else None,
    )
    trivial = changed.rows is None and changed.flips is None and changed.cols is None and not spare
    if trivial and plan.layer(name).arrangement is None:
        return plan
    return plan.with_layer(name, arrangement=changed)


def _usual(count: int, spare: int) -> Order:
    return np.concatenate([np.arange(count), np.full(spare, OFF)])


def input_weights(plan: Plan, bench: Bench, count: int) -> dict[str, list[Array]]:
    """Return what inputs weigh: u, the root of the mean square of each over unlabelled images, in software.

    It is at least 1e-3 of the layer's largest. Inputs of a convolution are its patches; a row of biases has the
    input 1.

    Parameters
    ----------
    plan : Plan
        The network.
    bench : Bench
        Which hands out the images.
    count : int
        How many, at most.

    Returns
    -------
    dict of str to list of (inputs,) array
        By layer, of each group.
    """
    network = bench.ideal_network(plan)
    reference: nn.Module = network.to_torch().eval()
    modules = dict(reference.named_modules())
    if parts_of_larger(plan.model, network):
        # Torch has no modules for gates of recurrent layers and projections of attention.
        reference = exact = bench.fault_free_network(plan)
        modules = dict(exact.layers)
    watched = {name: modules[name] if name in modules else modules[""] for name in network.layers}
    return measured_weights(network.layers, reference, watched, bench.images(min(count, bench.image_count)))


@torch.no_grad()
def measured_weights(
    layers: Mapping[str, CrossbarLayer], reference: nn.Module, watched: Mapping[str, nn.Module], images: Tensor
) -> dict[str, list[Array]]:
    """Return what inputs of layers weigh, as ``input_weights`` does, from what some network makes of images.

    Parameters
    ----------
    layers : mapping of str to CrossbarLayer
        Whose inputs.
    reference : Module
        The network.
    watched : mapping of str to Module
        Its parts whose inputs those of the layers are, by the layers' names.
    images : (count, channels, height, width) tensor
        Without labels.

    Returns
    -------
    dict of str to list of (inputs,) array
        By layer, of each group.
    """
    squares: dict[str, Tensor] = {}
    vectors: dict[str, int] = {}

    def watch(name: str, layer: CrossbarLayer) -> Any:
        def add(module: nn.Module, arguments: tuple[Tensor, ...], outputs: Tensor) -> None:
            lines = layer.lines(arguments[0].double())
            squares[name] = squares.get(name, torch.zeros(())) + lines.square().sum(dim=0)
            vectors[name] = vectors.get(name, 0) + len(lines)

        return watched[name].register_forward_hook(add)

    handles = [watch(name, layer) for name, layer in layers.items()]
    try:
        for start in range(0, len(images), _AT_ONCE):
            reference(images[start : start + _AT_ONCE])
    finally:
        for handle in handles:
            handle.remove()
    weights = {}
    for name, layer in layers.items():
        rms = (squares[name] / vectors[name]).sqrt().numpy()
        groups = rms.reshape(layer.groups, -1)
        if layer.bias_row:
            groups = np.concatenate([groups, np.ones((layer.groups, 1))], axis=1)
        weights[name] = list(np.maximum(groups, _FLOOR * groups.max()))
    return weights
