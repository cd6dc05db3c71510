"""The noise of all output currents of a crossbar, with what they have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.noise.adjoint_circuit import AdjointCircuit
from xbarsim.noise.cell_noise import BOLTZMANN, CellNoise
from xbarsim.noise.operating_point import OperatingPoint
from xbarsim.noise.tangent_circuit import TangentCircuit
from xbarsim.resources import thread_count
from xbarsim.solvers.solve import checked_voltages, solve

KINDS = ("white", "flicker", "telegraph")


@dataclass(frozen=True, eq=False)
class OutputNoise:
    """Covariances of the output currents, of one vector of input voltages or of a batch.

    Attributes
    ----------
    parts : dict of kind to (cols, cols) or (batch, cols, cols)
        A^2, or A^2/Hz of a density: ``white`` (thermal noise of wires, ends and cells, and the cells' shot noise),
        ``flicker`` and ``telegraph``, which are there where cells have them.
    currents : (cols,) or (batch, cols)
        Amperes without noise.
    """

    parts: dict[str, Array]
    currents: Array

    @property
    def covariance(self) -> Array:
        """All together, (..., cols, cols)."""
        total: Array = sum(self.parts.values(), np.zeros(1))
        return total

    @property
    def variance(self) -> Array:
        """Of each output, (..., cols)."""
        return np.diagonal(self.covariance, axis1=-2, axis2=-1).copy()

    @property
    def rms(self) -> Array:
        """Root of the variance, (..., cols): amperes, or A/sqrt(Hz)."""
        return np.sqrt(self.variance)

    @property
    def correlation(self) -> Array:
        """Covariances over both outputs' rms, (..., cols, cols); NaN for outputs without noise."""
        rms = self.rms
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation: Array = self.covariance / (rms[..., :, None] * rms[..., None, :])
        return correlation

    def signal_to_noise(self) -> Array:
        """Return the variance of each output over the batch, as a share of its noise's, (cols,).

        The batch is the sample of inputs that counts; noise is the mean of its vectors'.

        Raises
        ------
        InputError
            There is no batch of at least two vectors.
        """
        if self.currents.ndim != 2 or len(self.currents) < 2:
            raise InputError("voltages are one vector: a signal is what outputs differ by, give (batch, rows) of them")
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio: Array = self.currents.var(axis=0) / self.variance.mean(axis=0)
        return ratio

    def effective_bits(self) -> Array:
        """Return the bits that a read of each output tells, ``log2(1 + signal to noise) / 2``, (cols,).

        It is the capacity of a channel of Gaussian noise (C. E. Shannon, Proc. IRE 37, 10, 1949); raises as
        ``signal_to_noise``.
        """
        return 0.5 * np.log2(1.0 + self.signal_to_noise())

    def converter_bits(self) -> Array:
        """Return the bits of the coarsest converter whose own rounding adds less noise than there is, (cols,).

        Its full scale is from the output's lowest current in the batch to its highest; a step makes noise of a twelfth
        of its square. More bits than that measure noise. 0 where the output never differs; raises as
        ``signal_to_noise``.
        """
        self.signal_to_noise()
        span = np.ptp(self.currents, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            bits = np.ceil(np.log2(span / np.sqrt(12.0 * self.variance.mean(axis=0))))
        return np.where(span > 0.0, np.maximum(bits, 1.0), 0.0)

    def draws(self, count: int, *, seed: int) -> Array:
        """Return currents of so many reads, (count, cols) or (count, batch, cols): Gaussian, of these covariances.

        Parameters
        ----------
        count : int
            Number of reads.
        seed : int
            Of the generator.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        spread = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        normal = np.random.default_rng(seed).standard_normal((count, *self.currents.shape))
        reads: Array = self.currents + (spread @ normal[..., None])[..., 0]
        return reads


def output_noise(
    crossbar: Crossbar,
    voltages: ArrayLike | None = None,
    *,
    band: tuple[float, float] = (1.0, 1e6),
    temperature: float = 300.0,
    cells: CellNoise | None = None,
    threads: int | None = None,
) -> OutputNoise:
    """Compute the covariance of all output currents in a band of frequencies.

    Wires, ends and cells at one temperature make thermal noise of covariance ``4 k T Y`` among all ends, Y the
    admittance between them (H. Nyquist, Phys. Rev. 32, 110, 1928; R. Q. Twiss, J. Appl. Phys. 26, 599, 1955). What
    cells make beside it is carried to the ends through the same reduction, all outputs at once. Nonlinear cells count
    with their slopes at the operating point.

    The circuit is resistive: the noise is that of frequencies at which its capacitances do not count.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit, of cells of any law. Those of access transistors take an adjoint solve for each output.
    voltages : array_like, (rows,) or (batch, rows), optional
        Volts of the word_left sources; 0 by default.
    band : (float, float)
        Hertz from and to; the first may be 0 where no cell has flicker noise of an exponent from 1 on.
    temperature : float
        Kelvin, above 0.
    cells : CellNoise, optional
        What cells make beside thermal noise; nothing by default.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    OutputNoise
        In A^2.

    Raises
    ------
    InputError
        A number is out of its bounds, or cells have a negative slope at their operating points.
    SolveError, ConvergenceError, TooLargeError
        As ``port_admittance`` and ``solve``; 0 ohm may not join the two ends of a line.
    """
    low, high = _checked_band(band)
    cells = _checked_cells(crossbar, cells)
    if low == 0.0 and (cells.flicker * (cells.exponent >= 1.0)).any():
        raise InputError("band is from 0 Hz: flicker noise of an exponent from 1 on has no bound there")
    powers: dict[str, _Power] = {
        "flicker": lambda amperes: cells.flicker_power(amperes, (low, high)),
        "telegraph": lambda amperes: cells.telegraph_power(amperes, (low, high)),
    }
    return _noise(crossbar, voltages, cells, _checked_temperature(temperature), high - low, powers, threads)


def output_noise_density(
    crossbar: Crossbar,
    voltages: ArrayLike | None = None,
    *,
    frequency: float,
    temperature: float = 300.0,
    cells: CellNoise | None = None,
    threads: int | None = None,
) -> OutputNoise:
    """Compute the spectral densities of all output currents, A^2/Hz, at one frequency; see :func:`output_noise`.

    Parameters
    ----------
    crossbar, voltages, temperature, cells, threads
        As of ``output_noise``.
    frequency : float
        Hertz, above 0.

    Returns
    -------
    OutputNoise
        Densities in the place of powers.

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``output_noise``.
    """
    hertz = _number("frequency", frequency)
    if not 0.0 < hertz < math.inf:
        raise InputError(f"frequency is {hertz:g}: it must be above 0 and finite")
    cells = _checked_cells(crossbar, cells)
    powers: dict[str, _Power] = {
        "flicker": lambda amperes: cells.flicker_density(amperes, hertz),
        "telegraph": lambda amperes: cells.telegraph_density(amperes, hertz),
    }
    return _noise(crossbar, voltages, cells, _checked_temperature(temperature), 1.0, powers, threads)


_Power = Callable[[Array], Array]


def _noise(
    crossbar: Crossbar, voltages: ArrayLike | None, cells: CellNoise, kelvin: float, width: float,
    powers: dict[str, _Power], threads: int | None,
) -> OutputNoise:  # fmt: skip
    count = thread_count(threads)
    volts = checked_voltages(np.zeros(crossbar.shape[0]) if voltages is None else voltages, crossbar.shape[0])
    present = {"flicker": np.any(cells.flicker), "telegraph": np.any(cells.telegraph)}
    kinds = ["white", *(kind for kind, some in present.items() if some)]
    solution = solve(crossbar, volts, fields=True, threads=count)
    vectors = [None] if volts.ndim == 1 else list(range(len(volts)))
    collected: dict[str, list[Array]] = {kind: [] for kind in kinds}
    circuit: TangentCircuit | AdjointCircuit | None = None
    thermal = 4.0 * BOLTZMANN * kelvin
    for vector in vectors:
        point = OperatingPoint.of(solution, vector)
        if not crossbar.device.two_terminal:
            circuit = AdjointCircuit(solution, vector, point, count)
        elif circuit is None or not crossbar.device.linear:
            # A linear circuit is the same at all operating points: it is reduced once.
            circuit = TangentCircuit.of(crossbar, point, count)
        collected["white"].append(circuit.white(cells.white(point.chord, point.volts, kelvin), thermal) * width)
        for kind in kinds[1:]:
            collected[kind].append(circuit.powers(powers[kind](point.amperes)))
    cols = crossbar.shape[1]
    parts = {
        kind: np.reshape(values, (-1, cols, cols)) if volts.ndim == 2 else values[0]
        for kind, values in collected.items()
    }
    return OutputNoise(parts, solution.currents)


def _checked_cells(crossbar: Crossbar, cells: CellNoise | None) -> CellNoise:
    if not isinstance(crossbar, Crossbar):
        raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
    if cells is not None and not isinstance(cells, CellNoise):
        raise InputError(f"cells is {type(cells).__name__}: it must be a CellNoise")
    return (cells or CellNoise()).for_cells(crossbar.shape)


def _checked_temperature(temperature: float) -> float:
    kelvin = _number("temperature", temperature)
    if not 0.0 < kelvin < math.inf:
        raise InputError(f"temperature is {kelvin:g}: it must be above 0 K and finite")
    return kelvin


def _checked_band(band: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(band, tuple | list) or len(band) != 2:
        raise InputError(f"band is {band!r}: it must be two frequencies in hertz, from and to")
    low, high = (_number("band", part) for part in band)
    if not 0.0 <= low < high < math.inf:
        raise InputError(f"band is from {low:g} to {high:g} Hz: it must begin at 0 or above and end above that")
    return low, high


def _number(name: str, value: float) -> float:
    array = checked_array(name, value, inf_ok=True, signed=True)
    if array.ndim:
        raise InputError(f"{name} has shape {array.shape}: it must be one number")
    return float(array)
