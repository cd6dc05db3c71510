"""What a mitigation method must be given; checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn.binary import is_binary
from xbarsim.nn.feedforward import CrossbarLinear
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork

DATA = ("none", "images", "labels")
KNOWLEDGE = ("hardware", "faults", "maps")
CHIP = ("none", "forward", "write")
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class NotEntitledError(InputError):
    """A method asked for something that its needs do not name."""


@dataclass(frozen=True)
class Needs:
    """What a method is entitled to, and what it works on; each level holds those before it.

    Attributes
    ----------
    data : {"none", "images", "labels"}
        Training images without, or with labels.
    knows : {"hardware", "faults", "maps"}
        Rates and sigmas of the kind of chip; which cells of the chip are stuck; all that is frozen in it, the factors
        of variation and broken lines too.
    chip : {"none", "forward", "write"}
        Whether images may be sent through the very chip, and its cells be written.
    layers : {"any", "dense", "single"}
        What networks it takes: any, a chain of fully connected layers, or one such layer alone.
    batchnorm, binary : bool
        Whether the network must have BatchNorm, or weights of +1 and -1.
    gradient : bool
        Whether gradients go through the circuit, which converters do not let pass: cells of any law do.
    whole : bool
        Whether each layer on crossbars must be a layer of the network itself, not a part of a larger one, as gates of
        recurrent layers and projections of attention are; ``dense`` and ``single`` ask for it too.
    """

    data: Literal["none", "images", "labels"] = "none"
    knows: Literal["hardware", "faults", "maps"] = "hardware"
    chip: Literal["none", "forward", "write"] = "none"
    layers: Literal["any", "dense", "single"] = "any"
    batchnorm: bool = False
    binary: bool = False
    gradient: bool = False
    whole: bool = False

    def check(self, label: str, model: nn.Module, network: CrossbarNetwork) -> None:
        """Check that a network on its hardware is one that a method takes.

        Parameters
        ----------
        label : str
            The method's name, for messages.
        model : nn.Module
            As torch has it.
        network : CrossbarNetwork
            The same, converted.

        Raises
        ------
        InputError
            It is not; the message says what to give.
        """
        dense = all(isinstance(layer, CrossbarLinear) for layer in network.layers.values())
        if self.layers != "any" and not dense:
            odd = next(name for name, layer in network.layers.items() if not isinstance(layer, CrossbarLinear))
            raise InputError(f"{label} takes fully connected layers only, and {odd!r} is none: take a network of them")
        parts = parts_of_larger(model, network)
        if parts and (self.whole or self.layers != "any"):
            raise InputError(
                f"{label} takes Linear and Conv layers, and {parts[0]!r} is a part of a larger one: take a network "
                "without recurrent layers and attention"
            )
        if self.layers == "single" and len(network.layers) > 1:
            raise InputError(
                f"{label} takes one fully connected layer, and the network has {len(network.layers)}: "
                "take one, as linear of the zoo"
            )
        if self.batchnorm and not any(isinstance(module, _NORMS) for module in model.modules()):
            raise InputError(f"{label} needs BatchNorm, and the network has none: give a network with BatchNorm layers")
        if self.binary and not is_binary(model):
            raise InputError(f"{label} needs weights of +1 and -1: give a binary network, as binary-mlp of the zoo")
        if self.gradient:
            _check_gradient(label, network.hardware)

    def to_dict(self) -> dict[str, Any]:
        """Return what records say of it."""
        return {"data": self.data, "knows": self.knows, "chip": self.chip}


def parts_of_larger(model: nn.Module, network: CrossbarNetwork) -> list[str]:
    """Return the layers on crossbars that are no layers of the torch network, but parts of such, by name.

    Parameters
    ----------
    model : torch module
        The network of torch.
    network : CrossbarNetwork
        The same on crossbars.
    """
    names = {name for name, _ in model.named_modules()} | {"model"}
    return [name for name in network.layers if name not in names]


def _check_gradient(label: str, hardware: Hardware) -> None:
    for name in ("dac", "adc"):
        if getattr(hardware, name).bits is not None:
            raise InputError(
                f"{label} needs gradients, and {name}.bits rounds them away: take hardware with {name}.bits=null"
            )


def reaches(order: tuple[str, ...], present: str, level: str) -> bool:
    """Return whether a level is at least another; ``order`` has all.

    Parameters
    ----------
    order : tuple of str
        All levels, the least first.
    present, level : str
        The level that there is, and the one that is asked for.
    """
    return order.index(present) >= order.index(level)


def check_entitled(needs: Mapping[str, str], label: str, **levels: str) -> None:
    """Raise NotEntitledError unless needs reach all levels by name.

    Parameters
    ----------
    needs : mapping of str to str
        The levels of ``data``, ``knows`` and ``chip`` that a method declares.
    label : str
        The method's name, for messages.
    **levels : str
        What is asked for, by the same names.
    """
    orders = {"data": DATA, "knows": KNOWLEDGE, "chip": CHIP}
    for name, level in levels.items():
        if not reaches(orders[name], needs[name], level):
            raise NotEntitledError(
                f"{label} is not entitled to this: its needs say {name}={needs[name]!r}, not {level!r}"
            )
