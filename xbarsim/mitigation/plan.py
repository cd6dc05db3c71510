"""What shall be on a chip: a network, how its layers lie on arrays, and what is digital beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.binary import is_binary
from xbarsim.nn.copies import copied
from xbarsim.nonideal import WriteVerify

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """What a method may settle of one layer, but its weights.

    Attributes
    ----------
    arrangement : Arrangement or None
        Which word lines inputs lie on, and with which sign.
    headroom : float
        What the layer's scale is multiplied with.
    gain, shift : Tensor or None
        Digital: outputs are ``gain * product + bias + shift``; one number, or one an output.
    targets : tuple of (inputs, outputs) array or None
        Siemens of the cells, one array a plane, instead of those of the weights.
    sram, correction : Tensor or None
        Of the weight's shape and mostly 0: weights in a digital memory, and known errors of stuck cells, that are
        multiplied with the layer's inputs digitally and added.
    """

    arrangement: Arrangement | None = None
    headroom: float = 1.0
    gain: Tensor | None = None
    shift: Tensor | None = None
    targets: tuple[Array, ...] | None = None
    sram: Tensor | None = None
    correction: Tensor | None = None

    @property
    def addend(self) -> Tensor | None:
        """All that is multiplied digitally with the inputs."""
        parts = [part for part in (self.sram, self.correction) if part is not None]
        return None if not parts else torch.stack(parts).sum(dim=0)


@dataclass(frozen=True, eq=False)
class Plan:
    """A network as it shall be on a chip; it holds nothing of any chip. Methods return a new one.

    Attributes
    ----------
    model : nn.Module
        The torch network, with weights, biases and BatchNorm; it is not to be changed, but replaced.
    layers : mapping of str to LayerPlan
        By the layers' names in the network; those that are not in it are as ``LayerPlan()``.
    batchnorm : {"weights", "outputs"}
        Where a BatchNorm right behind a layer goes: into the weights that cells hold, or into digital gain and shift.
        A binary network's stays digital.
    write_verify : WriteVerify or None
        How cells are programmed, if not as the hardware says.

    Raises
    ------
    InputError
        The model is no module, or ``batchnorm`` is neither of these.
    """

    model: nn.Module
    layers: Mapping[str, LayerPlan] = field(default_factory=dict)
    batchnorm: Literal["weights", "outputs"] = "weights"
    write_verify: WriteVerify | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise InputError(f"model is {self.model!r}: it must be a torch.nn.Module")
        if self.batchnorm not in ("weights", "outputs"):
            raise InputError(f"batchnorm is {self.batchnorm!r}: it must be weights or outputs")

    @staticmethod
    def of(model: nn.Module, spare: int = 0, by: Literal["layer", "tile"] = "layer", names: Sequence[str] = ()) -> Plan:
        """Return the plan that changes nothing, on arrays with so many spare word lines, which are off.

        Parameters
        ----------
        model : torch module
            The network.
        spare : int
            Word lines beyond those that are needed.
        by : str
            Whether there are so many for each ``layer`` or each ``tile``.
        names : sequence of str
            Of the layers on crossbars.

        Raises
        ------
        InputError
            The model is no module.
        """
        arrangement = Arrangement(spare=spare, by=by) if spare else None
        if not isinstance(model, nn.Module):
            raise InputError(f"model is {model!r}: it must be a torch.nn.Module")
        return Plan(copied(model).eval(), {name: LayerPlan(arrangement) for name in names})

    def layer(self, name: str) -> LayerPlan:
        """Return what is settled of a layer.

        Parameters
        ----------
        name : str
            Of the layer in the model.
        """
        return self.layers.get(name, _DEFAULT)

    def with_layer(self, name: str, **changes: Any) -> Plan:
        """Return the plan with changes to one layer, as ``LayerPlan`` names them.

        Parameters
        ----------
        name : str
            Of the layer in the model.
        **changes
            Fields of its ``LayerPlan``.
        """
        return replace(self, layers={**self.layers, name: replace(self.layer(name), **changes)})

    def with_weights(self, weights: Mapping[str, Tensor]) -> Plan:
        """Return the plan with other parameters or buffers of the model, by their names in its ``state_dict``.

        Parameters
        ----------
        weights : mapping of name to Tensor
            In the shapes that they have.

        Raises
        ------
        InputError
            The model has no such parameter, or its shape is another.
        """
        model = copied(self.model)
        state = model.state_dict()
        for name, value in weights.items():
            if name not in state or state[name].shape != value.shape:
                raise InputError(f"the model has no parameter {name!r} of shape {tuple(value.shape)}")
            with torch.no_grad():
                state[name].copy_(value)
        return replace(self, model=model.eval())

    def with_model(self, model: nn.Module) -> Plan:
        """Return the plan with a copy of another network of the same layers.

        Parameters
        ----------
        model : torch module
            The other network.
        """
        return replace(self, model=copied(model).eval())

    def with_digital_norms(self) -> Plan:
        """Return the plan with BatchNorms as digital gains and shifts: cells hold the model's own weights.

        Binary networks, whose norms are digital anyway, and those without any stay as they are.

        Raises
        ------
        InputError
            Cells' targets, a correction or an addend are those of weights that have a BatchNorm in them.
        """
        normed = any(isinstance(module, _NORMS) for module in self.model.modules())
        if self.batchnorm == "outputs" or not normed or is_binary(self.model):
            return self
        for name, settled in self.layers.items():
            parts = [part for part in ("targets", "correction", "sram") if getattr(settled, part) is not None]
            if parts:
                part = parts[0]
                raise InputError(
                    f"{part} of layer {name!r} are of weights with a BatchNorm in them, which is to be digital now: "
                    "begin with plan.with_digital_norms()"
                )
        return replace(self, batchnorm="outputs")

    def weight_name(self, layer: str) -> str:
        """Return what ``state_dict`` calls the weight of a layer: of signs, the real weights behind them.

        Parameters
        ----------
        layer : str
            Its name in the model.
        """
        # The network itself is the layer "model", unless it has one of this name.
        prefix = f"{layer}." if layer in dict(self.model.named_modules()) else ""
        latent = f"{prefix}parametrizations.weight.original"
        return latent if latent in self.model.state_dict() else f"{prefix}weight"

    def fingerprint(self) -> str:
        """Return a short name of all that the plan says, to the last bit."""
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(self.model.state_dict().items()):
            _update(digest, name, tensor)
        for name in sorted(self.layers):
            for part in fields(LayerPlan):
                _update(digest, f"{name}.{part.name}", getattr(self.layers[name], part.name))
        _update(digest, "batchnorm", self.batchnorm)
        _update(digest, "write_verify", self.write_verify)
        return digest.hexdigest()


_DEFAULT = LayerPlan()


def _update(digest: Any, name: str, value: Any) -> None:
    digest.update(name.encode())
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        for k, item in enumerate(value):
            _update(digest, str(k), item)
    elif isinstance(value, Arrangement):
        digest.update(repr(value.to_dict()).encode())
    else:
        digest.update(repr(value).encode())
