"""What an inference comes to: accuracies of chips, at times, and errors of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from xbarsim.errors import InputError
from xbarsim.nn.chips_panel import draw_chips
from xbarsim.nn.energy_lines import network_energy
from xbarsim.nn.layer_energy import NetworkEnergy
from xbarsim.nn.summary import SummaryRow
from xbarsim.plot.panels import axes_or_current, legend_below
from xbarsim.views.labelled import data_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

InferenceRows = Literal["chips", "times", "layers"]


@dataclass(frozen=True)
class LayerError:
    """How far one layer's outputs are from those of torch, ``|y - y0| / |y0|``, over images and chips.

    Attributes
    ----------
    row : SummaryRow
        The layer, its arrays, and the error of wires alone.
    own : float
        With the inputs that it really gets going into both: what this layer's arrays do.
    total : float
        Against torch's whole network: what all layers so far do.
    """

    row: SummaryRow
    own_arrays: float
    total: float


@dataclass(frozen=True)
class Moment:
    """A chip some time after programming.

    Attributes
    ----------
    time : float
        Seconds.
    accuracy, agreement : float
        Shares of test images whose class it finds, and to which it gives torch's class.
    """

    time: float
    accuracy: float
    agreement: float


@dataclass(frozen=True)
class ChipResult:
    """One chip.

    Attributes
    ----------
    seed : int
        What it was programmed with.
    accuracy : float
        Share of test images whose class it finds; at the last of several times.
    agreement : float
        Share of test images to which it gives torch's class; at the last of several times.
    seconds : float
        For programming, calibration and all images.
    moments : tuple of Moment
        Where cells drift: each time that was asked for.
    """

    seed: int
    accuracy: float
    agreement: float
    seconds: float
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True)
class Inference:
    """A network on several chips.

    Attributes
    ----------
    ideal : float
        Torch's accuracy.
    chips : tuple of ChipResult
        In the order of their seeds.
    layers : tuple of LayerError
        In the order of the network; means over chips, at the last of several times.
    alike : bool
        Whether all chips gave every image the same class.
    """

    ideal: float
    chips: tuple[ChipResult, ...]
    layers: tuple[LayerError, ...]
    alike: bool

    @property
    def accuracies(self) -> list[float]:
        """Of each chip."""
        return [chip.accuracy for chip in self.chips]

    @property
    def mean(self) -> float:
        """Over chips."""
        return float(np.mean(self.accuracies))

    @property
    def deviation(self) -> float:
        """Sample standard deviation over chips; 0 of one."""
        return _deviation(self.accuracies)

    @property
    def energy(self) -> NetworkEnergy | None:
        """What an image takes, the mean over chips, where the hardware has ``energy``."""
        return network_energy(layer.row.energy for layer in self.layers)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the accuracy of each chip, their mean and torch's (matplotlib, ``plot`` extra); return the axis.

        Parameters
        ----------
        ax : Axes, optional
            Where to; pyplot's current axis.

        Raises
        ------
        InputError
            matplotlib is not installed.
        """
        axes = axes_or_current(ax)
        draw_chips(axes, [chip.seed for chip in self.chips], self.accuracies, self.ideal)
        legend_below(axes)
        return axes

    def to_pandas(self, rows: InferenceRows = "chips") -> DataFrame:
        """Return the numbers as a pandas DataFrame.

        Parameters
        ----------
        rows : {"chips", "times", "layers"}
            ``chips``: ``seed``, ``accuracy``, ``agreement``, ``seconds`` of each chip. ``times``: ``seed``, ``time``,
            ``accuracy``, ``agreement`` of each chip at each time, where cells drift. ``layers``: each layer's arrays
            and its errors by wires, by its own arrays and by all layers so far; joules an image, where the hardware has
            ``energy``.

        Raises
        ------
        InputError
            pandas is not installed, or ``rows`` is none of these.
        """
        if rows not in get_args(InferenceRows):
            raise InputError(f"rows is {rows!r}: it must be one of {', '.join(get_args(InferenceRows))}")
        if rows == "chips":
            names = ("seed", "accuracy", "agreement", "seconds")
            return data_frame({name: [getattr(chip, name) for chip in self.chips] for name in names})
        if rows == "times":
            moments = [(chip.seed, moment) for chip in self.chips for moment in chip.moments]
            columns: dict[str, list[Any]] = {"seed": [seed for seed, _ in moments]}
            for name in ("time", "accuracy", "agreement"):
                columns[name] = [getattr(moment, name) for _, moment in moments]
            return data_frame(columns, {"time": "s"})
        facts = []
        for layer in self.layers:
            fact = asdict(layer.row) | {"own": layer.own_arrays, "total": layer.total}
            del fact["energy"]
            energy = layer.row.energy
            for name in ("arrays", "dac", "adc", "digital") if energy is not None else ():
                fact[f"{name}_energy"] = getattr(energy, name)
            facts.append(fact)
        return data_frame({name: [fact[name] for fact in facts] for name in (facts[0] if facts else ())})

    @property
    def times(self) -> list[TimeResult]:
        """All chips at each of the times that were asked for; none where cells do not drift."""
        columns = zip(*(chip.moments for chip in self.chips), strict=True)
        return [
            TimeResult(column[0].time, [moment.accuracy for moment in column], [moment.agreement for moment in column])
            for column in columns
        ]


@dataclass(frozen=True)
class TimeResult:
    """All chips some seconds after programming: of each chip the shares that ``ChipResult`` names."""

    time: float
    accuracies: list[float]
    agreements: list[float]

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(np.mean(self.accuracies))

    @property
    def deviation(self) -> float:
        """Sample standard deviation of accuracies; 0 of one chip."""
        return _deviation(self.accuracies)


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
