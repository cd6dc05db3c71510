"""What the reads of a layer take: joules of its arrays, and how much is converted and added up for an input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xbarsim.nn.energy_settings import ReadEnergy


@dataclass(frozen=True)
class LayerEnergy:
    """Means over inputs, an entry of the first axis of what a network gets each: an image, say.

    Attributes
    ----------
    images : int
        How many inputs there were.
    reads : float
        Reads of all arrays at a time an input: its vectors, times the pulses of each.
    read_seconds : float
        How long a read takes.
    settled : bool
        Whether that is how long outputs settle, and not what the user said.
    arrays : float
        Joules that the sources of the arrays deliver.
    arrays_error : float
        Standard error of that mean, from the spread of the inputs; NaN of one input, or where vectors of several go
        through the layer together.
    dac, adc, digital : float
        Conversions, and additions behind them.
    prices : ReadEnergy
        What those cost.
    split : dict of str to float, optional
        Joules an input that ``cells``, ``wires`` and ``ends`` take of those of the arrays, where that was asked for.
    """

    images: int
    reads: float
    read_seconds: float
    settled: bool
    arrays: float
    arrays_error: float
    dac: float
    adc: float
    digital: float
    prices: ReadEnergy
    split: dict[str, float] | None = None

    @property
    def power(self) -> float:
        """Watts of the arrays during a read, the mean over reads."""
        duration = self.reads * self.read_seconds
        return self.arrays / duration if duration > 0.0 else 0.0

    @property
    def parts(self) -> dict[str, float | None]:
        """Joules an input of arrays, DACs, ADCs and digital additions; None of what is counted and has no price."""
        priced = {
            name: None if price is None else price * count
            for name, price, count in (
                ("dac", self.prices.dac, self.dac),
                ("adc", self.prices.adc, self.adc),
                ("digital", self.prices.digital, self.digital),
            )
        }
        return {"arrays": self.arrays, **priced}

    @property
    def joules(self) -> float:
        """Of an input, all that has a price."""
        return sum(part for part in self.parts.values() if part is not None)

    @staticmethod
    def mean(chips: Sequence[LayerEnergy]) -> LayerEnergy:
        """Return the mean of a layer over chips that got the same inputs."""
        first = chips[0]
        return LayerEnergy(
            first.images,
            first.reads,
            float(np.mean([chip.read_seconds for chip in chips])),
            first.settled,
            float(np.mean([chip.arrays for chip in chips])),
            float(np.mean([chip.arrays_error for chip in chips])),
            first.dac,
            first.adc,
            first.digital,
            first.prices,
            _mean_split([chip.split for chip in chips if chip.split is not None]),
        )


def _mean_split(splits: Sequence[dict[str, float]]) -> dict[str, float] | None:
    return {name: float(np.mean([split[name] for split in splits])) for name in splits[0]} if splits else None


@dataclass(frozen=True)
class NetworkEnergy:
    """All layers together, of an input each.

    Attributes
    ----------
    layers : tuple of LayerEnergy
        Those that were called.
    """

    layers: tuple[LayerEnergy, ...]

    @property
    def joules(self) -> float:
        """All that has a price."""
        return sum(layer.joules for layer in self.layers)

    @property
    def parts(self) -> dict[str, float | None]:
        """As ``LayerEnergy`` has them."""
        sums: dict[str, float | None] = {}
        for layer in self.layers:
            for name, part in layer.parts.items():
                before = sums.get(name)
                sums[name] = part if before is None or part is None else before + part
        return sums

    @property
    def split(self) -> dict[str, float] | None:
        """As ``LayerEnergy`` has it."""
        splits = [layer.split for layer in self.layers if layer.split is not None]
        return {name: sum(split[name] for split in splits) for name in splits[0]} if splits else None

    @property
    def unpriced(self) -> list[str]:
        """What is counted and has no price."""
        return [name for name, part in self.parts.items() if part is None]

    @property
    def arrays_error(self) -> float:
        """Bound of the standard error of the arrays' joules: layers see the same inputs, so theirs add up."""
        return sum(layer.arrays_error for layer in self.layers) if self.layers else math.nan
