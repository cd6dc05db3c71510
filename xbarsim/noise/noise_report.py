"""What ``xbarsim noise`` prints: a table, JSON or CSV."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from xbarsim.checks import Array
from xbarsim.noise.output_noise import OutputNoise
from xbarsim.quantities import counted, engineering
from xbarsim.text_table import aligned, comma_separated


@dataclass(frozen=True)
class NoiseReport:
    """The noise of an array's outputs, for reading.

    Attributes
    ----------
    noise : OutputNoise
        Of one vector or of a batch.
    shape : (int, int)
        Rows and columns.
    outputs : tuple of str
        The columns' names.
    band : (float, float)
        Hertz.
    temperature : float
        Kelvin.
    """

    noise: OutputNoise
    shape: tuple[int, int]
    outputs: tuple[str, ...]
    band: tuple[float, float]
    temperature: float

    @property
    def batch(self) -> bool:
        """Whether there are vectors enough for a signal."""
        return self.noise.currents.ndim == 2 and len(self.noise.currents) > 1

    def columns(self) -> dict[str, Array]:
        """Return what there is of each output, the mean over the vectors."""
        noise = self.noise
        currents, variance = np.atleast_2d(noise.currents), np.atleast_2d(noise.variance)
        columns = {"current": currents.mean(axis=0), "rms": np.sqrt(variance.mean(axis=0))}
        for kind, part in noise.parts.items():
            variances = np.diagonal(part, axis1=-2, axis2=-1).reshape(variance.shape)
            columns[kind] = np.sqrt(np.maximum(variances.mean(axis=0), 0.0))
        if self.batch:
            columns["signal_to_noise"] = noise.signal_to_noise()
            columns["effective_bits"] = noise.effective_bits()
            columns["converter_bits"] = noise.converter_bits()
        return columns

    def as_table(self) -> str:
        """Return a line an output."""
        columns = self.columns()
        rows, cols = self.shape
        vectors = len(np.atleast_2d(self.noise.currents))
        words = {
            "current": "current (A)", "rms": "noise (A rms)", "signal_to_noise": "SNR (dB)",
            "effective_bits": "bits", "converter_bits": "ADC bits",
        }  # fmt: skip
        listed = [["output", *(words.get(name, name) for name in columns)]]
        for k, output in enumerate(self.outputs):
            listed.append([output, *(_cell(name, float(values[k])) for name, values in columns.items())])
        low, high = self.band
        heading = (
            f"{rows} x {cols}, {counted(vectors, 'vector')}, {engineering(low, 'Hz')} to {engineering(high, 'Hz')}, "
            f"{self.temperature:g} K"
        )
        return "\n".join([heading, "", *aligned(listed, ("<", *(">" * len(columns))), keys=1)])

    def as_json(self) -> str:
        """Return all of it, covariances too."""
        record: dict[str, Any] = {
            "rows": self.shape[0],
            "cols": self.shape[1],
            "outputs": list(self.outputs),
            "band": list(self.band),
            "temperature": self.temperature,
            **{name: [None if np.isnan(value) else value for value in values] for name, values in self._listed()},
            "covariance": self.noise.covariance.tolist(),
        }
        return json.dumps(record, indent=2)

    def as_csv(self) -> str:
        """Return a line an output under a heading."""
        listed = self._listed()
        return comma_separated(
            [["output", *(name for name, _ in listed)],
             *([name, *(repr(values[k]) for _, values in listed)] for k, name in enumerate(self.outputs))]
        )  # fmt: skip

    def as_numbers(self) -> str:
        """Return each output's noise alone."""
        rms = self.columns()["rms"].tolist()
        return "\n".join(f"{name} {value!r}" for name, value in zip(self.outputs, rms, strict=True))

    def _listed(self) -> list[tuple[str, list[float]]]:
        return [(name, values.tolist()) for name, values in self.columns().items()]


def _cell(name: str, value: float) -> str:
    if np.isnan(value):
        return "-"
    if name == "signal_to_noise":
        return f"{10.0 * np.log10(value):.1f}" if value > 0.0 else "-"
    if name == "effective_bits":
        return f"{value:.2f}"
    return f"{value:.0f}" if name == "converter_bits" else f"{value:.4g}"
