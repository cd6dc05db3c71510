"""Plans as networks on crossbars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.mitigation.plan import LayerPlan, Plan
from xbarsim.nn.binary import is_binary, plain
from xbarsim.nn.convert import convert
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nonideal import Chip


def hardware_of(plan: Plan, hardware: Hardware) -> Hardware:
    """Return the hardware as a plan has it programmed: verified writes have their own noise, not that of blind ones.

    Parameters
    ----------
    plan : Plan
        With the law of verified writes, or None.
    hardware : Hardware
        The kind of chip.
    """
    if plan.write_verify is None:
        return hardware
    return replace(hardware, cells=replace(hardware.cells, write_verify=plan.write_verify, cycle_variation=None))


def laid_out(plan: Plan, hardware: Hardware) -> CrossbarNetwork:
    """Return the network of a plan, its layers arranged, without chips.

    Parameters
    ----------
    plan : Plan
        Model, arrangement and what is settled of layers.
    hardware : Hardware
        The kind of chip.
    """
    binary = is_binary(plan.model)
    model = plain(plan.model) if binary else plan.model
    fold = plan.batchnorm == "weights" and not binary
    network = convert(model, hardware_of(plan, hardware), fold_batchnorm=fold).eval()
    strangers = [name for name in plan.layers if name not in network.layers]
    if strangers:
        raise InputError(f"the plan names layer {strangers[0]!r}: the network has {', '.join(network.layers)}")
    for name, layer in network.layers.items():
        if plan.layer(name).arrangement is not None:
            layer.arrange(plan.layer(name).arrangement)
    return network


def realise(
    plan: Plan, hardware: Hardware, *, seed: int = 0, chips: Mapping[str, Chip] | None = None
) -> CrossbarNetwork:
    """Put a plan on chips.

    Parameters
    ----------
    plan : Plan
        What shall be on them.
    hardware : Hardware
        Of what kind they are.
    seed : int
        Which.
    chips : mapping of str to Chip, optional
        Each layer's, instead of a seed's.

    Returns
    -------
    CrossbarNetwork
        Programmed, in evaluation mode; of cells that drift, read at t0.

    Raises
    ------
    InputError
        The plan is not of such a network or such chips.
    """
    network = laid_out(plan, hardware)
    for name, layer in network.layers.items():
        # Targets take the place of weights before anything is written.
        layer.targets = plan.layer(name).targets
    put_on_chips(network, plan, seed=seed, chips=chips)
    add_digital(network, plan)
    return network


def put_on_chips(
    network: CrossbarNetwork, plan: Plan, *, seed: int = 0, chips: Mapping[str, Chip] | None = None
) -> None:
    """Program a plan's network with the headroom of the plan; cells that drift are read at t0.

    Parameters
    ----------
    network, plan
        The network is that of the plan; its weights may be others by now.
    seed, chips
        As of ``realise``.
    """
    drift = network.hardware.cells.drift
    headroom = {name: plan.layer(name).headroom for name in network.layers}
    network.program(seed, chips=chips, headroom=headroom, time=None if drift is None else drift.t0)


def add_digital(network: CrossbarNetwork, plan: Plan) -> None:
    """Add a plan's gains and shifts to those that a BatchNorm left in a network, and what is multiplied digitally.

    Parameters
    ----------
    network : CrossbarNetwork
        Of the plan; its layers are changed.
    plan : Plan
        With gains, shifts and addends by layer.
    """
    for name, layer in network.layers.items():
        _add_to_layer(layer, plan.layer(name))


def _add_to_layer(layer: CrossbarLayer, settled: LayerPlan) -> None:
    norm_gain = layer.gain
    if settled.gain is not None:
        layer.gain = _product(norm_gain, settled.gain, layer)
    if settled.shift is not None:
        shift = _product(norm_gain, settled.shift, layer)
        layer.shift = shift if layer.shift is None else layer.shift + shift
    if settled.addend is not None:
        rows = None if norm_gain is None else norm_gain.reshape(-1, *[1] * (settled.addend.dim() - 1))
        layer.addend = _product(rows, settled.addend, layer)


def _product(before: Tensor | None, factor: Tensor, layer: CrossbarLayer) -> Tensor:
    factor = torch.as_tensor(factor).to(layer.weight)
    return factor if before is None else before * factor
