"""The images that a bench hands out, and those by which converters find their ranges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from xbarsim.nn.datasets import Dataset
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.ranges import wants_data
from xbarsim.nn.training import inputs

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


def calibration_images(dataset: Dataset, count: int = _CALIBRATION) -> list[Tensor]:
    """Return evenly spaced training images in batches of 64, for the ranges of converters.

    Parameters
    ----------
    dataset : Dataset
        Whose training images they are; labels are not looked at.
    count : int
        How many; all, if there are fewer.
    """
    whole = len(dataset.train)
    numbers = np.unique(np.linspace(0, whole - 1, min(count, whole)).astype(int))
    sample = inputs(dataset, dataset.train, numbers)
    return [sample[k : k + 64] for k in range(0, len(sample), 64)]


def calibrated(network: CrossbarNetwork, dataset: Dataset) -> CrossbarNetwork:
    """Find the ranges of a programmed network's converters, where they come from data, and return it.

    Parameters
    ----------
    network : CrossbarNetwork
        With a chip; its converters are changed.
    dataset : Dataset
        Whose training images go through it.
    """
    if wants_data(network.hardware):
        network.calibrate(calibration_images(dataset))
    return network


def without_test(dataset: Dataset) -> Dataset:
    """Return the data with the first training image in the place of all test images.

    Parameters
    ----------
    dataset : Dataset
        It stays as it is.
    """
    return replace(dataset, test=dataset.train.first(1))
