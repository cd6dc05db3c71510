"""One digital number a layer, or an output, for what its arrays have lost: the least that can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.fitted_gains import as_matrix, fitted, realised_matrix
from xbarsim.mitigation.method import Method, Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realisation import add_digital
from xbarsim.nn.feedforward import CrossbarConv, CrossbarLinear
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork


@dataclass(frozen=True)
class LayerGain(Method):
    """Multiply each layer's products by the number that brings them nearest to those of its weights.

    From ``maps``, without data::

        gain = <w, w_eff> / <w_eff, w_eff>

    w the weights, w_eff the effective matrix of the circuit with all that is known of the chip. From ``images`` the
    products p of the chip itself are read, and compared with those that the weights would make of the very inputs that
    each layer got, ``gain = <x w, p> / <p, p>``: least squares in both cases, over a layer, or over an output. A
    digital addend counts on the side of the weights, ``w - addend``. Where nothing flows the gain is 1.

    The baseline that must stand beside precompensation and technology-aware training: a share that wires take from all
    outputs alike comes back by it, and costs one digital product an output. It does not tell one weight from another,
    and does little against stuck cells and variation.

    Attributes
    ----------
    source : {"maps", "images"}
        The known chip, or the chip itself.
    per : {"layer", "output"}
        One number a layer, or one an output.
    count : int
        Unlabelled images that are sent through the chip, at least 1, where it is asked itself.

    Raises
    ------
    InputError
        An option is none of these.
    """

    name: ClassVar[str] = "gain"
    paper: ClassVar[str] = "none: the baseline of precompensation and technology-aware training"
    about: ClassVar[str] = "multiply each layer's outputs by the number that brings them nearest to what is wanted"
    settles: ClassVar[frozenset[Part]] = frozenset({"gain"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"gain", "batchnorm", "correction", "sram"})
    relies_on: ClassVar[frozenset[Part]] = frozenset({"rows", "flips", "headroom", "targets", "writing"})

    source: Literal["maps", "images"] = "maps"
    per: Literal["layer", "output"] = "layer"
    count: int = 256

    def __post_init__(self) -> None:
        self._word("source", ("maps", "images"))
        self._word("per", ("layer", "output"))
        self._count("count", 1)

    @property
    def needs(self) -> Needs:
        """The chip's maps; or the chip and images."""
        if self.source == "maps":
            return Needs(knows="maps")
        return Needs(data="images", chip="forward")

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Refuse nonlinear cells of maps, and fewer images or other layers, besides what ``Method.check`` refuses."""
        super().check(model, network, images)
        law = network.hardware.law
        if self.source == "maps":
            if not law.linear:
                raise InputError(
                    f"gain:source=maps takes effective matrices, which cells of law {law.kind!r} do not have: "
                    "take source=images"
                )
            return
        if self.count > images:
            raise InputError(f"gain:count is {self.count}, and there are {images} images: give count={images} or less")
        for name, layer in network.layers.items():
            if not isinstance(layer, CrossbarLinear | CrossbarConv):
                raise InputError(
                    f"gain:source=images takes linear and convolution layers, and {name!r} is none: take source=maps"
                )

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with gains."""
        products = _known_products(plan, bench) if self.source == "maps" else _read_products(plan, bench, self.count)
        for name, (ideal, real) in products.items():
            gain = fitted(ideal, real, self.per)
            plan = plan.with_layer(name, gain=gain)
            bench.note(gain=float(gain.mean()))
        return plan


Products = dict[str, tuple[Tensor, Tensor]]
"""Of each layer, (anything, outputs): what is wanted, and what is there."""


@torch.no_grad()
def _known_products(plan: Plan, bench: Bench) -> Products:
    """Return weights and effective matrices: products of all inputs of 1."""
    products = {}
    for name, layer in bench.known_network(plan).layers.items():
        ideal = as_matrix(layer, layer.weight)
        addend = plan.layer(name).addend
        if addend is not None:
            ideal = ideal - as_matrix(layer, addend)
        products[name] = ideal, realised_matrix(layer)
    return products


@torch.no_grad()
def _read_products(plan: Plan, bench: Bench, count: int) -> Products:
    """Return what weights make of each layer's inputs, and what its arrays made of them; gains of norms in both."""
    passed = bench.forward(plan, bench.images(count))
    products = {}
    network = bench.ideal_network(plan)
    add_digital(network, plan)
    for name, layer in network.layers.items():
        x, outputs = passed.inputs[name].double(), passed.layers[name].double()
        weight = layer.weight.double()
        if layer.gain is not None:
            weight = weight * layer.gain.double().reshape(-1, *[1] * (weight.dim() - 1))
        ideal = layer.multiplied(x, weight, None)
        digital = 0.0 if layer.addend is None else layer.multiplied(x, layer.addend.double(), None)
        ideal, real = (_rows(layer, part) for part in (ideal - digital, outputs - digital))
        for offset in (layer.bias, layer.shift):
            real = real if offset is None else real - offset.double()
        products[name] = ideal, real
    return products


def _rows(layer: CrossbarLayer, outputs: Tensor) -> Tensor:
    """Return outputs as (vectors, outputs)."""
    axis = 1 if isinstance(layer, CrossbarConv) else -1
    return outputs.movedim(axis, -1).reshape(-1, layer.outputs)
