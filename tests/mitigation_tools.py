"""Small images, networks and chips for tests of mitigation, and chips that are made by hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
from torch import nn

from xbarsim.mitigation import Bench, Harness, Needs, Plan, chip_socket, harness, realise
from xbarsim.mitigation.bench_images import calibrated
from xbarsim.mitigation.harness import Application
from xbarsim.mitigation.known_chips import KnownChips
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.realisation import hardware_of
from xbarsim.nn import Hardware, Tiles, Wires
from xbarsim.nn import Mapping as WeightMapping
from xbarsim.nn.binary import Sign, binarised
from xbarsim.nn.datasets import Dataset, Split, load
from xbarsim.nn.training import Training, TrainSettings
from xbarsim.nonideal import Chip, Faults, Levels, Nonidealities, Variation

torch.set_num_threads(1)

CELLS = Nonidealities(
    r_on=1e4, r_off=1e6, faults=Faults(0.1, ocr=3.0), variation=Variation(0.4), cycle_variation=Variation(0.05)
)
"""Cells that are stuck, that vary from device to device, and from write to write."""

HARDWARE = Hardware(tiles=Tiles(24, 7), cells=CELLS, fidelity="ideal")
"""Small unsymmetric arrays without wires."""

LEVELS = replace(HARDWARE, cells=replace(CELLS, levels=Levels(16)))
"""With cells of four bits."""
ENDS = replace(HARDWARE, fidelity="accurate", wires=Wires(0.0, 0.0, 1500.0, 700.0))
"""The same with resistance at the ends of lines."""

OFFSET = replace(HARDWARE, mapping=WeightMapping("offset"))


@cache
def digits(train: int = 160, validation: int = 60, test: int = 40) -> Dataset:
    """Return a few of scikit-learn's digits, some of them to choose by."""
    return load("digits").limited(train=train + validation, test=test).split(validation)


def shuffled_labels(dataset: Dataset, seed: int = 7) -> Dataset:
    """Return the same images, all with labels of others."""
    rng = np.random.default_rng(seed)
    splits = {name: getattr(dataset, name) for name in ("train", "validation", "test")}
    return replace(
        dataset, **{name: Split(split.images, rng.permutation(split.labels)) for name, split in splits.items()}
    )


def inverted(split: Split) -> Split:
    """Return other images of the same form, with other labels."""
    return Split(255 - split.images[::-1], split.labels[::-1].copy())


@cache
def network(kind: str = "mlp", epochs: int = 30) -> nn.Module:
    """Return a small network for the digits, trained for a moment: mlp, single, norm, convolution or binary."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = _KINDS[kind]()
        Training(model, digits(), TrainSettings(epochs=epochs, batch=20, rate=1e-2)).run()
    return model.eval()


def _mlp() -> nn.Module:
    return nn.Sequential(OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(64, 11), relu1=nn.ReLU(), fc2=nn.Linear(11, 10)))


def _norm() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            flat=nn.Flatten(), fc1=nn.Linear(64, 11), bn1=nn.BatchNorm1d(11), relu1=nn.ReLU(), fc2=nn.Linear(11, 10)
        )
    )


def _convolution() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 4, 3, stride=2, padding=1), relu1=nn.ReLU(), flat=nn.Flatten(), fc1=nn.Linear(64, 10)
        )
    )


def _binary() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            flat=nn.Flatten(),
            fc1=binarised(nn.Linear(64, 24, bias=False)), bn1=nn.BatchNorm1d(24), sign1=Sign(),
            fc2=binarised(nn.Linear(24, 10, bias=False)), bn2=nn.BatchNorm1d(10),
        )
    )  # fmt: skip


_KINDS = {
    "mlp": _mlp,
    "single": lambda: nn.Sequential(OrderedDict(flat=nn.Flatten(), fc1=nn.Linear(64, 10))),
    "norm": _norm,
    "convolution": _convolution,
    "binary": _binary,
}


def bench_of(
    plan: Plan,
    needs: Needs,
    *,
    hardware: Hardware = HARDWARE,
    dataset: Dataset | None = None,
    chip: int = 0,
    seed: int = 5,
    ledger: Ledger | None = None,
    label: str = "method",
) -> Bench:
    """Return the bench that a harness would hand to a method with such needs, on a chip of a seed."""
    dataset = dataset or digits()
    ledger = ledger or Ledger.of(len(dataset.train))
    knowledge = None
    if needs.knows != "hardware":
        knowledge = KnownChips.of(realise(plan, hardware, seed=chip), hardware, needs.knows)
    socket = chip_socket.ChipSocket(hardware, chip, ledger, partial(calibrated, dataset=dataset), plan)
    return Bench(needs, label, hardware, dataset, seed=seed, ledger=ledger, knowledge=knowledge, socket=socket)


class ChipsByHand:
    """Chips that take the place of those that seeds would make, in a harness.

    Parameters
    ----------
    chips : sequence of mapping of str to Chip
        By seed; their models may be replaced by those of a plan.
    """

    def __init__(self, chips: Sequence[Mapping[str, Chip]]) -> None:
        self._chips = chips

    def realise(self, plan: Plan, hardware: Hardware, *, seed: int = 0, chips=None):
        assert chips is None, "the harness makes chips from seeds"
        cells = hardware_of(plan, hardware).cells
        by_hand = {
            name: Chip(cells, chip.seed, chip.shapes, {tile: chip.maps(tile) for tile in range(len(chip.shapes))})
            for name, chip in self._chips[seed].items()
        }
        return realise(plan, hardware, chips=by_hand)

    def install(self, monkeypatch) -> None:
        """Have the harness take them."""
        for module in (harness, chip_socket):
            monkeypatch.setattr(module, "realise", self.realise)


def chips_of(plan: Plan, hardware: Hardware, seed: int) -> dict[str, Chip]:
    """Return a seed's chips for a plan's layers."""
    return {name: layer.checked_chip() for name, layer in realise(plan, hardware, seed=seed).layers.items()}


def twins(first: Mapping[str, Chip], second: Mapping[str, Chip], shared: Sequence[str]) -> dict[str, Chip]:
    """Return the second chips with some of the maps of the first: faults, factor, ..."""
    pairs = {}
    for name, chip in second.items():
        maps = {
            tile: replace(chip.maps(tile), **{part: getattr(first[name].maps(tile), part) for part in shared})
            for tile in range(len(chip.shapes))
        }
        pairs[name] = Chip(chip.model, chip.seed, chip.shapes, maps)
    return pairs


def harness_of(kind: str = "mlp", hardware: Hardware = HARDWARE, dataset: Dataset | None = None, seed: int = 0):
    """Return a harness of a small network."""
    return Harness(network(kind), dataset or digits(), hardware, seed)


def counts(application: Application) -> dict:
    ledger = application.ledger
    names = ("labels", "images", "gradient_steps", "forward_images", "pulses")
    return {name: getattr(ledger, name) for name in names}
