"""The chip itself, in the harness's hands: what is programmed on it, and how often its cells were written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from xbarsim.errors import InputError
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realisation import add_digital, laid_out, realise
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.planes import largest

Pulses = dict[str, list[NDArray[np.int32]]]

_ROUNDING = 1e-9
"""Of a scale: headroom over the largest weight, times that weight, is the scale to the last bits only."""


class ChipSocket:
    """One chip with a plan on it.

    Plans that differ in digital numbers alone share what is programmed; others are programmed anew, all cells, which
    the ledger counts.

    Parameters
    ----------
    hardware : Hardware
        Of what kind it is.
    seed : int
        Which.
    ledger : Ledger
        Where writes are counted that a later programming replaced.
    calibrate : callable
        Finds the ranges of converters of a programmed network.
    base : Plan, optional
        Of the arrays that there are; None: those of the first plan.

    Attributes
    ----------
    occupied : bool
        Whether anything was programmed.
    """

    def __init__(
        self,
        hardware: Hardware,
        seed: int,
        ledger: Ledger,
        calibrate: Callable[[CrossbarNetwork], CrossbarNetwork],
        base: Plan | None = None,
    ) -> None:
        self._hardware, self._seed, self._ledger, self._calibrate = hardware, seed, ledger, calibrate
        self._shapes = None if base is None else array_shapes(laid_out(base, hardware))
        self._programmings = 0
        self._present: tuple[Plan, CrossbarNetwork] | None = None

    @property
    def occupied(self) -> bool:
        """Whether anything was programmed."""
        return self._present is not None

    def network(self, plan: Plan) -> CrossbarNetwork:
        """Return the network of a plan on the chip; cells are programmed where they would be others.

        Parameters
        ----------
        plan : Plan
            What is to be on the chip; the same object is not programmed again.

        Raises
        ------
        InputError
            The plan is of other arrays than the chip has.
        """
        if self._present is None:
            network = self._programmed(plan)
        elif self._present[0] is plan:
            return self._present[1]
        else:
            network = self._followed(plan, *self._present)
        self._present = plan, network
        return network

    def _programmed(self, plan: Plan) -> CrossbarNetwork:
        network = realise(plan, self._hardware, seed=self._seed)
        shapes = array_shapes(network)
        if self._shapes is not None and shapes != self._shapes:
            raise InputError(
                f"a plan for {_cell_counts(shapes)}, and the chip has {_cell_counts(self._shapes)}: "
                "plans are of the network that the chip is for, with the spare rows that spare_rows asks for"
            )
        self._shapes = shapes
        for layer in network.layers.values():
            # Noise of writing is another each time.
            layer.writes = self._programmings
        self._programmings += 1
        return self._calibrate(network)

    def _followed(self, plan: Plan, before: Plan, present: CrossbarNetwork) -> CrossbarNetwork:
        fresh = laid_out(plan, self._hardware)
        if plan.write_verify != before.write_verify or not _same_cells(plan, fresh, before, present):
            self._discard(present)
            return self._programmed(plan)
        if plan.batchnorm == before.batchnorm:
            add_digital(fresh, plan)
            _take_digital(present, fresh)
            return self._calibrate(present)
        network = realise(plan, self._hardware, seed=self._seed)
        for name, layer in network.layers.items():
            source = present.layers[name]
            layer.writes = source.writes
            if source.cell_state is not None:
                layer.take_cells(source.cell_state)
                layer.scale = source.scale
        return self._calibrate(network)

    def _discard(self, network: CrossbarNetwork) -> None:
        for name, layer in network.layers.items():
            state = layer.present_cells()
            self._ledger.add_writes(name, list(state.writes), sum(int(count.sum()) for count in state.pulses))

    @torch.no_grad()
    def write(self, plan: Plan, cells: Mapping[str, Sequence[ArrayLike]] | None = None) -> Pulses:
        """Write a plan's weights into some cells, by layer and plane, or all; others keep what they hold.

        Ranges of converters that come from data are found anew.

        Parameters
        ----------
        plan : Plan
            Whose weights are written.
        cells : mapping of str to sequence of (inputs, outputs) array of bool, optional
            Which, by layer and plane; None: all.

        Returns
        -------
        dict of str to list of (inputs, outputs) array of int32
            Pulses of each cell.

        Raises
        ------
        InputError
            The plan has rows, a scale (the largest weight times headroom), BatchNorm or a way of writing that are
            others than on the chip: it is to be programmed anew.
        """
        network = self.network(plan) if self._present is None else self._present[1]
        fresh = laid_out(plan, self._hardware)
        if self._present is not None:
            _check_same_form(plan, fresh, *self._present)
        for layer in network.layers.values():
            layer.follows_weights = False
        add_digital(fresh, plan)
        _take_digital(network, fresh)
        pulses: Pulses = {}
        for name, layer in network.layers.items():
            layer.weight.copy_(fresh.layers[name].weight)
            if not _equal_arrays(plan.layer(name).targets, layer.targets):
                layer.targets = plan.layer(name).targets
            masks = None if cells is None else cells.get(name)
            if cells is None or masks is not None:
                pulses[name] = layer.write(masks)
        self._present = plan, self._calibrate(network)
        return pulses


def array_shapes(network: CrossbarNetwork) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return word lines and bit lines of each layer's arrays."""
    return {name: tuple(place.shape for place in layer.places) for name, layer in network.layers.items()}


def _cell_counts(shapes: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    cells = {name: sum(rows * cols for rows, cols in arrays) for name, arrays in shapes.items()}
    return ", ".join(f"{cells[name]} cells of layer {name!r}" for name in shapes)


def _check_same_form(plan: Plan, fresh: CrossbarNetwork, before: Plan, present: CrossbarNetwork) -> None:
    """Raise InputError unless plans differ in numbers alone, which can be written cell by cell."""
    for name, layer in fresh.layers.items():
        parts = {
            "rows": layer.places == present.layers[name].places,
            "headroom": plan.layer(name).headroom == before.layer(name).headroom
            or _stands_for_the_same(plan.layer(name).headroom, layer, present.layers[name]),
            "batchnorm": plan.batchnorm == before.batchnorm,
            "writing": plan.write_verify == before.write_verify,
        }
        odd = [part for part, equal in parts.items() if not equal]
        if odd:
            raise InputError(
                f"a write changes weights, and {odd[0]} of layer {name!r} are others than on the chip: "
                "forward(plan, images) programs it anew"
            )


def _stands_for_the_same(headroom: float, fresh: CrossbarLayer, present: CrossbarLayer) -> bool:
    """Return whether the largest conductance would stand for the weight for which it stands on the chip."""
    scale = headroom * largest(fresh.matrices(), fresh.hardware).detach().double().reshape(-1)
    present_scale = torch.cat(present.scales(), dim=1).detach().double().reshape(-1)
    return bool(torch.isclose(scale, present_scale[: len(scale)], rtol=_ROUNDING, atol=0.0).all())


def _same_cells(plan: Plan, fresh: CrossbarNetwork, before: Plan, present: CrossbarNetwork) -> bool:
    """Return whether a plan asks for the cells that another had programmed."""
    return all(
        _equal_layers(layer, present.layers[name])
        and plan.layer(name).headroom == before.layer(name).headroom
        and _equal_arrays(plan.layer(name).targets, before.layer(name).targets)
        for name, layer in fresh.layers.items()
    )


def _equal_layers(layer: CrossbarLayer, present: CrossbarLayer) -> bool:
    """Return whether weights and places are the same to the last bit."""
    weights = zip(layer.matrices(), present.matrices(), strict=True)
    return layer.places == present.places and all(torch.equal(a, b) for a, b in weights)


def _equal_arrays(targets: Sequence[ArrayLike] | None, before: Sequence[ArrayLike] | None) -> bool:
    if targets is None or before is None:
        return targets is before
    return len(targets) == len(before) and all(map(np.array_equal, targets, before))


@torch.no_grad()
def _take_digital(network: CrossbarNetwork, source: CrossbarNetwork) -> None:
    """Give a network on a chip all digital numbers of another of the same form; cells and their weights stay."""
    cells = {id(layer.weight) for layer in network.layers.values()}
    cells |= {id(layer.bias) for layer in network.layers.values() if layer.bias_row}
    parameters = dict(source.model.named_parameters())
    for name, parameter in network.model.named_parameters():
        if id(parameter) not in cells and name in parameters:
            parameter.copy_(parameters[name])
    # Ranges of converters are of what is on the chip, which the other network is not.
    converters = {id(part) for layer in network.layers.values() for part in layer.modules()}
    sources = dict(source.model.named_modules())
    for name, module in network.model.named_modules():
        if isinstance(module, CrossbarLayer):
            module.gain, module.shift, module.addend = sources[name].gain, sources[name].shift, sources[name].addend
        elif id(module) not in converters:
            for buffer_name, buffer in module.named_buffers(recurse=False):
                buffer.copy_(getattr(sources[name], buffer_name))
