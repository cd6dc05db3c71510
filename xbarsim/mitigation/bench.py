"""What a method is given: data, knowledge and chip as far as its needs go, each use counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.mitigation.chip_socket import ChipSocket
from xbarsim.mitigation.forward_pass import ForwardPass, forward_pass
from xbarsim.mitigation.known_chips import KnownChips
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.needs import Needs, check_entitled
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.realisation import hardware_of, laid_out, put_on_chips, realise
from xbarsim.nn.datasets import Dataset, Split
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.ranges import wants_data
from xbarsim.nn.training import inputs

Fidelity = Literal["accurate", "closed", "path", "first-order", "dividers", "ideal"]

_ORDER, _DRAWS, _SIMULATION = 1, 2, 3
"""Streams of the methods' seed."""

VALIDATION_CHIPS = 3
"""Simulated chips that stand for the kind: those of the first numbers."""

_AT_ONCE = 500  # images
_BY_CHIP = ("faults", "variation", "cycle_variation", "write_verify", "drift", "read_noise", "breaks", "shorts")
_CALIBRATION = 128  # images, unlabelled, for converters' ranges


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images as the network sees them, with their labels.

    Attributes
    ----------
    images : (count, channels, height, width) tensor
        Pixels as the network's input, without a unit.
    labels : (count,) tensor of int
        Their classes.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


class Bench:
    """The one thing beside the plan that a method sees.

    A test set, a seed of a chip, or the chip behind a fault map is not in it.

    Parameters
    ----------
    needs : Needs
        What it may hand out.
    label : str
        The method's name, for messages.
    hardware : Hardware
        The kind of chip.
    dataset : Dataset
        With a validation split; its test images are not taken over.
    seed : int
        The methods' own randomness, which has nothing to do with chips.
    ledger : Ledger
        Where uses are counted.
    knowledge : KnownChips, optional
        What is known of the chip.
    socket : ChipSocket, optional
        The chip itself.
    """

    def __init__(
        self,
        needs: Needs,
        label: str,
        hardware: Hardware,
        dataset: Dataset,
        *,
        seed: int,
        ledger: Ledger,
        knowledge: KnownChips | None = None,
        socket: ChipSocket | None = None,
    ) -> None:
        self._needs, self._label, self._ledger = needs.to_dict(), label, ledger
        self.hardware = hardware
        self.shape, self.classes = dataset.shape, len(dataset.classes)
        self._dataset = _without_test(dataset)
        self._validation_inputs: Tensor | None = None
        self._knowledge = knowledge if needs.knows != "hardware" else None
        self._socket = socket if needs.chip != "none" else None
        order, draws = (
            np.random.SeedSequence(seed, spawn_key=(_ORDER,)),
            np.random.SeedSequence(seed, spawn_key=(_DRAWS,)),
        )
        self._order = np.random.default_rng(order).permutation(len(dataset.train))
        self._seed = seed
        self.rng = np.random.default_rng(draws)
        self.trace: dict[str, list[float]] = {}

    def generator(self) -> torch.Generator:
        """Return a generator of torch, seeded from ``rng``."""
        return torch.Generator().manual_seed(int(self.rng.integers(1 << 62)))

    def note(self, **values: float) -> None:
        """Add a point to the curves that the record keeps."""
        for name, value in values.items():
            self.trace.setdefault(name, []).append(float(value))

    # Data.

    @property
    def image_count(self) -> int:
        """How many training images there are."""
        return len(self._order)

    def images(self, count: int | None = None) -> Tensor:
        """Return training images without labels, the first of an order of the methods' own seed.

        Parameters
        ----------
        count : int, optional
            How many; all that there are if it is None.

        Raises
        ------
        NotEntitledError
            The method's needs do not name images.
        InputError
            There are fewer.
        """
        self._check(data="images")
        numbers = self._numbers(count)
        self._ledger.unlabelled[numbers] = True
        return inputs(self._dataset, self._dataset.train, numbers)

    def labelled(self, count: int | None = None) -> Labelled:
        """Return training images with labels, likewise.

        Parameters
        ----------
        count : int, optional
            How many; all that there are if it is None.
        """
        self._check(data="labels")
        numbers = self._numbers(count)
        self._ledger.labelled[numbers] = True
        split = self._dataset.train
        return Labelled(inputs(self._dataset, split, numbers), torch.from_numpy(split.labels[numbers]))

    def _numbers(self, count: int | None) -> NDArray[np.int64]:
        if count is not None and not 1 <= count <= len(self._order):
            raise InputError(f"{self._label} asks for {count} images, and there are {len(self._order)} to train on")
        return self._order[:count]

    def validation(self, candidate: Plan | nn.Module) -> float:
        """Return the share of validation images whose class is found.

        A plan is evaluated on what the method may know: the chip as it is known; else the chip itself, through which
        the images then go; else the mean over three simulated chips. A network, be it torch's or one on crossbars, is
        run as it is.

        Parameters
        ----------
        candidate : Plan or torch module
            A plan on the chip as it is known, or a network.
        """
        self._check(data="labels")
        split = self._validation()
        self._ledger.validated = max(self._ledger.validated, len(split))
        if isinstance(candidate, nn.Module):
            return self._share(candidate, split)
        if self._knowledge is not None:
            return self._share(self.known_network(candidate), split)
        if self._socket is not None:
            return self.chip_validation(candidate)
        chips = [self.simulated_network(candidate, number) for number in range(VALIDATION_CHIPS)]
        return float(np.mean([self._share(network, split) for network in chips]))

    def chip_validation(self, plan: Plan) -> float:
        """Return the share of validation images whose class the chip itself finds, whatever is known of it.

        The plan is programmed where it is another than at the last use of the chip; the images go through the chip.
        """
        self._check(data="labels", chip="forward")
        split = self._validation()
        self._ledger.validated = max(self._ledger.validated, len(split))
        self._ledger.forward_images += len(split)
        return self._share(self._chip().network(plan), split)

    def _validation(self) -> Split:
        split = self._dataset.validation
        if split is None:
            raise InputError(f"{self._label} chooses on validation images, and there are none: split the data first")
        return split

    def _share(self, network: nn.Module, split: Split) -> float:
        if self._validation_inputs is None:
            self._validation_inputs = inputs(self._dataset, split)
        right = 0
        with torch.no_grad():
            for k in range(0, len(split), _AT_ONCE):
                part = slice(k, k + _AT_ONCE)
                # A network may work in place.
                classes = network(self._validation_inputs[part].clone()).argmax(dim=1)
                right += int((classes == torch.from_numpy(split.labels[part])).sum())
        return right / len(split)

    # Knowledge.

    def faults(self, plan: Plan, *, physical: bool = False) -> dict[str, list[NDArray[np.int8]]]:
        """Return each layer's stuck cells, one array a plane, as ``CrossbarLayer.known`` gives them."""
        self._check(knows="faults")
        layers = self.known_network(plan).layers
        return {name: [plane[0] for plane in layer.known(physical=physical)] for name, layer in layers.items()}

    def factors(self, plan: Plan, *, physical: bool = False) -> dict[str, list[Array]]:
        """Return what variation multiplies each cell with, likewise."""
        self._check(knows="maps")
        layers = self.known_network(plan).layers
        return {name: [plane[1] for plane in layer.known(physical=physical)] for name, layer in layers.items()}

    def known_network(self, plan: Plan) -> CrossbarNetwork:
        """Return a plan on the chip as it is known: the circuit with known faults, and factors, and nothing else.

        The network is the method's, to be asked (``layer.realised``, ``layer.row_costs``) or trained. InputError where
        the bench has no map of a chip.
        """
        self._check(knows="faults")
        if self._knowledge is None:
            raise InputError(f"{self._label} has a bench without any map of a chip")
        hardware = self._knowledge.hardware
        chips = self._knowledge.chips(hardware_of(plan, hardware).cells)
        return self._calibrated(realise(plan, hardware, chips=chips))

    def simulated_network(
        self, plan: Plan, number: int | None = 0, *, fidelity: Fidelity | None = None
    ) -> CrossbarNetwork:
        """Return a plan on a chip of this kind that is none of those that are tested.

        Parameters
        ----------
        plan : Plan
            What is on it.
        number : int or None
            Which; None: one whose cells are as they are asked for, without all by which chips differ.
        fidelity : {"accurate", "closed", "path", "first-order", "dividers", "ideal"}, optional
            How its circuit is computed; None: as the hardware says.
        """
        hardware = self.hardware if fidelity is None else replace(self.hardware, fidelity=fidelity)
        if number is None:
            off: dict[str, Any] = dict.fromkeys(_BY_CHIP)
            hardware = replace(hardware, cells=replace(hardware.cells, **off))
            plan = replace(plan, write_verify=None)
        return self._calibrated(realise(plan, hardware, seed=self._simulated_seed(number or 0)))

    def reprogram(self, network: CrossbarNetwork, plan: Plan, number: int, *, keep_scales: bool = False) -> None:
        """Program a plan's network, whose weights may have changed, on such a chip; the same number is the same chip.

        Parameters
        ----------
        network, plan
            The network is that of the plan, of ``ideal_network`` or ``simulated_network``, on whatever hardware.
        number : int
            Which chip.
        keep_scales : bool
            Whether layers whose scales are frozen keep those that they have, whatever their largest weights are now.
        """
        scales = {name: layer.scale.clone() for name, layer in network.layers.items()}
        put_on_chips(network, plan, seed=self._simulated_seed(number))
        for name, layer in network.layers.items() if keep_scales else ():
            layer.scale = scales[name]
        self._calibrated(network)

    def _simulated_seed(self, number: int) -> int:
        words = np.random.SeedSequence(self._seed, spawn_key=(_SIMULATION, number)).generate_state(1, np.uint64)
        return int(words[0])

    def ideal_network(self, plan: Plan) -> CrossbarNetwork:
        """Return a plan laid out, without chips; its ``layers`` have the weights that are mapped."""
        return laid_out(plan, self.hardware)

    def fault_free_network(self, plan: Plan) -> CrossbarNetwork:
        """Return the network of the weights that a plan maps, as torch computes it.

        It is read as one on a chip is; what a plan settles of its layers beside the weights is left out.
        """
        exact = Hardware(tiles=self.hardware.tiles, fidelity="ideal")
        return realise(Plan(plan.model, batchnorm=plan.batchnorm), exact)

    def recalibrate(self, network: CrossbarNetwork) -> None:
        """Find converters' ranges anew, of a network that was trained since: it is measured with those of its own."""
        self._calibrated(network)

    def _calibrated(self, network: CrossbarNetwork) -> CrossbarNetwork:
        """Find converters' ranges, which are from images: a method without any neither sees nor waits for them."""
        return network if self._needs["data"] == "none" else calibrated(network, self._dataset)

    # The chip.

    def forward(
        self,
        plan: Plan,
        images: Tensor,
        *,
        batch_statistics: bool = False,
        norms: Mapping[str, nn.Module] | None = None,
    ) -> ForwardPass:
        """Send images through the chip, on which a plan is programmed; what comes out is digital.

        Parameters
        ----------
        plan : Plan
            Programmed where it is another than at the last call.
        images : Tensor
            Counted.
        batch_statistics : bool
            Whether BatchNorm normalises by the batch meanwhile.
        norms : mapping of str to Module, optional
            What stands in the place of a BatchNorm, or behind a layer, meanwhile, by its name.

        Raises
        ------
        NotEntitledError
            The method's needs do not name the chip.
        InputError
            Images are of another shape, or the plan is of other arrays than the chip has.
        """
        self._check(chip="forward")
        if images.shape[1:] != self.shape:
            shape = ", ".join(map(str, self.shape))
            raise InputError(
                f"{self._label} sends images of shape {tuple(images.shape)}: they must be (count, {shape})"
            )
        self._ledger.forward_images += len(images)
        network = self._chip().network(plan)
        return forward_pass(network, images, batch_statistics=batch_statistics, norms=norms)

    def write(
        self, plan: Plan, cells: Mapping[str, Sequence[ArrayLike]] | None = None
    ) -> dict[str, list[NDArray[np.int32]]]:
        """Write a plan's weights into cells of the chip; others keep what they hold.

        Parameters
        ----------
        plan : Plan
            Of the same network as what is on the chip.
        cells : mapping of str to sequence of (inputs, outputs) array of bool, optional
            Which, by layer and plane; None: all.

        Returns
        -------
        dict of str to list of (inputs, outputs) array of int32
            Pulses, by layer and plane.
        """
        self._check(chip="write")
        return self._chip().write(plan, cells)

    def _chip(self) -> ChipSocket:
        if self._socket is None:
            raise InputError(f"{self._label} has a bench without a chip")
        return self._socket

    def _check(self, **levels: str) -> None:
        check_entitled(self._needs, self._label, **levels)


def calibration_images(dataset: Dataset, count: int = _CALIBRATION) -> list[Tensor]:
    """Return evenly spaced training images in batches, for the ranges of converters."""
    whole = len(dataset.train)
    numbers = np.unique(np.linspace(0, whole - 1, min(count, whole)).astype(int))
    sample = inputs(dataset, dataset.train, numbers)
    return [sample[k : k + 64] for k in range(0, len(sample), 64)]


def calibrated(network: CrossbarNetwork, dataset: Dataset) -> CrossbarNetwork:
    """Find the ranges of a programmed network's converters, where they come from data, and return it."""
    if wants_data(network.hardware):
        network.calibrate(calibration_images(dataset))
    return network


def _without_test(dataset: Dataset) -> Dataset:
    """Return the data with the first training image in the place of all test images."""
    return replace(dataset, test=dataset.train.first(1))
