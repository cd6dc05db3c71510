"""Training whose steps run through the circuits of one chip, with exact gradients, and that leaves torch's weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.binary import is_binary
from xbarsim.nn.convert import convert
from xbarsim.nn.datasets import Dataset
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.planning import footprint_of
from xbarsim.nn.ranges import wants_data
from xbarsim.nn.training import Epoch, Training, TrainSettings, spaced_inputs
from xbarsim.nonideal.streams import whole
from xbarsim.resources import check_memory

_CALIBRATION, _AT_ONCE = 128, 64  # images for the ranges of converters, as infer takes them


@dataclass(frozen=True)
class TrainingChip:
    """The chip that a network is trained through.

    Cells are written at each step, and the scale is that of the weights as they then are (``Mapping.scale`` dynamic),
    which is what programming the trained weights gives.

    Attributes
    ----------
    hardware : Hardware
        What it is made of; its cells do not drift.
    seed : int
        Which of all such chips, as ``CrossbarNetwork.program`` takes it.
    digital : tuple of str
        Layers that stay in torch.
    words : tuple of str
        How it was asked for, as ``xbarsim infer`` takes it.

    Raises
    ------
    InputError
        There is no such seed, or cells drift.
    """

    hardware: Hardware
    seed: int = 0
    digital: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole("chip seed", self.seed, 0, 1 << 64)
        if self.hardware.cells.drift is not None:
            raise InputError(
                "cells.drift is set, and each step reads cells as it has written them, before they drift: "
                "train with cells.drift=null, and read the trained network at a time"
            )

    def network(self, model: nn.Module) -> CrossbarNetwork:
        """Return a copy of a model on the chip, to be trained: BatchNorms are digital, as each batch changes them.

        Raises
        ------
        InputError
            Its weights are signs, or two layers share a parameter, or the model cannot be put on the hardware.
        """
        if is_binary(model):
            raise InputError(
                "weights of this network are signs, and no gradient passes from their cells to what they are signs of: "
                "train it in torch"
            )
        _check_unshared(model)
        followed = replace(self.hardware, mapping=replace(self.hardware.mapping, scale="dynamic"))
        return convert(model.train(), followed, digital=self.digital, fold_batchnorm=False).program(self.seed)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes: numbers, words, lists and dictionaries."""
        return {
            "hardware": self.hardware.to_dict(), "seed": self.seed,
            "digital": list(self.digital), "words": list(self.words),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the chip that a dictionary describes.

        Raises
        ------
        InputError
            A value is out of its bounds.
        """
        hardware = Hardware.from_dict(record["hardware"])
        return cls(hardware, record["seed"], tuple(record["digital"]), tuple(record["words"]))


def _check_unshared(model: nn.Module) -> None:
    """Refuse parameters that two layers share: on crossbars each has cells of its own, which would part."""
    users: dict[int, list[str]] = defaultdict(list)
    for name, module in model.named_modules():
        for kind, parameter in module._parameters.items():
            if parameter is not None:
                users[id(parameter)].append(f"{name}.{kind}" if name else kind)
    for names in users.values():
        if len(names) > 1:
            raise InputError(
                f"{names[0]} and {names[1]} are one parameter, and would part on cells of their own: train it in torch"
            )


class CircuitTraining(Training):
    """A network on its way through a chip; ``model`` is on crossbars.

    Ranges of converters are calibrated on 128 training images before the first step and after each epoch's last, before
    its accuracy is measured, and stay in between.

    Parameters
    ----------
    model : nn.Module
        Torch's, which is left as it is.
    dataset, settings
        As of ``Training``.
    chip : TrainingChip
        What each step, and each epoch's accuracy, goes through.
    more
        As of ``Training``.

    Raises
    ------
    InputError
        The model cannot be trained on such a chip.
    TooLargeError
        There is not enough memory for it.
    """

    def __init__(
        self, model: nn.Module, dataset: Dataset, settings: TrainSettings, chip: TrainingChip, **more: Any
    ) -> None:
        footprint = footprint_of(model, dataset, chip.hardware, digital=chip.digital, batch=settings.batch)
        demand = max(footprint.peak, footprint.training)
        check_memory(demand, "training through the chip", "take a smaller network, or train in torch")
        self.chip, self.network = chip, chip.network(model)
        super().__init__(self.network, dataset, settings, **more)
        self._calibrate()

    def _calibrate(self) -> None:
        if wants_data(self.chip.hardware):
            sample = spaced_inputs(self.dataset, _CALIBRATION)
            self.network.eval().calibrate([sample[k : k + _AT_ONCE] for k in range(0, len(sample), _AT_ONCE)])

    def _close_epoch(self, report: Callable[[Epoch], None] | None) -> None:
        self._calibrate()
        super()._close_epoch(report)

    def state(self) -> dict[str, Any]:
        """Return what ``load_state`` needs, and as ``weights`` those of the torch model."""
        state = super().state()
        network: dict[str, Tensor] = state["weights"]
        plain = self.network.to_torch().state_dict()
        return state | {
            "weights": {name: _one_of_both(network.get(f"model.{name}"), value) for name, value in plain.items()},
            "circuit": {"chip": self.chip.to_dict(), "weights": network},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same network on the same chip, as ``Training.load_state`` does.

        Raises
        ------
        InputError
            As there, or the state is of another chip.
        """
        circuit = state.get("circuit")
        if circuit is None or TrainingChip.from_dict(circuit["chip"]) != self.chip:
            raise InputError("the state was trained through another chip, or through none: give the same")
        super().load_state(state | {"weights": circuit["weights"]})


def _one_of_both(first: Tensor | None, second: Tensor) -> Tensor:
    """Return the first of two tensors if they are alike, which a file then holds once."""
    return first if first is not None and torch.equal(first, second) else second
