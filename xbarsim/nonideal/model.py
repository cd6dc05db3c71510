"""All that is not ideal about a kind of chip, in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.errors import InputError
from xbarsim.nonideal.broken_lines import Breaks, Shorts
from xbarsim.nonideal.drift import Drift
from xbarsim.nonideal.effect_settings import LATER, Settings, checked_record
from xbarsim.nonideal.faults import Fault, FaultMap, Faults
from xbarsim.nonideal.levels import Levels
from xbarsim.nonideal.pulsed_writes import PulsedWrites
from xbarsim.nonideal.readnoise import ReadNoise
from xbarsim.nonideal.variation import Variation
from xbarsim.nonideal.writeverify import WriteVerify

_ROUNDING = 1e-9
"""Relative; a target computed from r_on or r_off may miss it by so much."""

_EFFECTS: dict[str, type[Settings]] = {
    "faults": Faults,
    "variation": Variation,
    "cycle_variation": Variation,
    "levels": Levels,
    "write_verify": WriteVerify,
    "drift": Drift,
    "read_noise": ReadNoise,
    "breaks": Breaks,
    "shorts": Shorts,
    "programming": PulsedWrites,
}


@dataclass(frozen=True)
class Nonidealities(Settings):
    """The cells' two states and each effect's settings, or None without it.

    A target is first brought to the nearest level, then written: by write-verify, or blindly, with the factors of
    ``variation`` and ``cycle_variation``. A stuck cell keeps its own conductance, which neither variation nor drift
    changes; read noise is on every cell.

    Attributes
    ----------
    r_on, r_off : float
        Ohms of a cell in LRS and in HRS, ``0 < r_on < r_off``; ``r_off`` may be ``inf``. Targets lie between
        1 / r_off and 1 / r_on.
    faults : Faults, optional
        Cells that are stuck.
    variation : Variation, optional
        From device to device: drawn once a chip. Write-verify corrects it as far as a cell's own range reaches.
    cycle_variation : Variation, optional
        From write to write: drawn anew each time a cell is written blindly. Pulses of write-verify have noise of their
        own.
    levels : Levels, optional
        What targets are rounded to.
    write_verify : WriteVerify, optional
        How cells are programmed; None writes each cell once and does not look.
    drift : Drift, optional
        What becomes of a conductance with time.
    read_noise : ReadNoise, optional
        Drawn at each read; ``"circuit"`` stands for ``ReadNoise(kind="circuit")``.
    breaks : Breaks, optional
        Broken wire segments.
    shorts : Shorts, optional
        Neighbouring lines that touch.
    programming : PulsedWrites, optional
        How cells are programmed by pulses that go through the tile's wires, in place of ``write_verify``.

    Raises
    ------
    InputError
        A value is out of its bounds or of the wrong kind, or two effects exclude each other.
    """

    r_on: float = 1e3
    r_off: float = 1e6
    faults: Faults | None = None
    variation: Variation | None = None
    cycle_variation: Variation | None = None
    levels: Levels | None = None
    write_verify: WriteVerify | None = None
    drift: Drift | None = None
    read_noise: ReadNoise | None = None
    breaks: Breaks | None = None
    shorts: Shorts | None = None
    programming: PulsedWrites | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        self._number("r_on", 0.0, math.inf, above=True)
        self._number("r_off", self.r_on, math.inf, above=True, inf_ok=True)
        if isinstance(self.read_noise, str) and self.read_noise == "circuit":
            object.__setattr__(self, "read_noise", ReadNoise(kind="circuit"))
        for name, kind in _EFFECTS.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                word = "'circuit', " if kind is ReadNoise else ""
                raise InputError(f"Nonidealities.{name} is {value!r}: it must be {word}{kind.__name__}(...) or None")
        if self.write_verify and self.cycle_variation:
            raise InputError("cycle_variation is of blind writes: with write_verify give WriteVerify.noise instead")
        if self.programming:
            for name in ("write_verify", "cycle_variation", "breaks", "shorts"):
                if getattr(self, name):
                    raise InputError(f"{name} does not go with programming by pulses: leave out one of them")
            if math.isinf(self.r_off):
                raise InputError("r_off is inf: programming by pulses needs cells that conduct in HRS")
        if self.cycle_variation and self.cycle_variation.shared == "pair":
            raise InputError(
                "cycle_variation.shared is 'pair': each cell is written on its own, only variation can be a pair's"
            )
        if self.levels:
            self.levels.values(self.g_off, self.g_on)
        if not self.stuck_lrs >= self.stuck_hrs:
            raise InputError(
                f"Faults.hrs_ohms is {1.0 / self.stuck_hrs:g}: it must be at least what a cell stuck at LRS has, "
                f"{1.0 / self.stuck_lrs:g} ohm"
            )

    @property
    def g_on(self) -> float:
        """1 / r_on in siemens."""
        return 1.0 / self.r_on

    @property
    def g_off(self) -> float:
        """1 / r_off in siemens."""
        return 1.0 / self.r_off

    @property
    def stuck_lrs(self) -> float:
        """Conductance of cells stuck at LRS, in siemens."""
        return 1.0 / (self.faults.lrs_ohms if self.faults and self.faults.lrs_ohms else self.r_on)

    @property
    def stuck_hrs(self) -> float:
        """Conductance of cells stuck at HRS, in siemens."""
        return 1.0 / (self.faults.hrs_ohms if self.faults and self.faults.hrs_ohms else self.r_off)

    @property
    def looks(self) -> bool:
        """Whether writing looks at what it did: cells then end on their targets, or at bounds of their ranges."""
        return bool(self.write_verify or self.programming)

    @property
    def noisy_cells(self) -> bool:
        """Whether each read sees other conductances."""
        return self.read_noise is not None and self.read_noise.of_cells

    @property
    def noisy_currents(self) -> bool:
        """Whether the circuit adds noise of its own to currents."""
        return self.read_noise is not None and self.read_noise.of_currents

    @property
    def circuit_noise(self) -> ReadNoise:
        """The noise that the circuit adds to currents.

        Raises
        ------
        InputError
            It adds none: ``read_noise`` is of another kind.
        """
        if self.read_noise is None or not self.read_noise.of_currents:
            raise InputError("read_noise is not of kind 'circuit': currents have no noise of their own")
        return self.read_noise

    @property
    def freezes(self) -> bool:
        """Whether anything is drawn once a chip."""
        return any((self.faults, self.variation, self.drift, self.breaks, self.shorts))

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes: nested dictionaries, None where an effect is off."""
        record = super().to_dict()
        for name in _EFFECTS.keys() & record.keys():
            record[name] = record[name].to_dict() if record[name] is not None else None
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the model that nested dictionaries describe; what they leave out has its default, or is off.

        Parameters
        ----------
        record : mapping
            Effects and their settings by name, as ``to_dict`` gives them.

        Raises
        ------
        InputError
            A name is unknown, or a value is out of its bounds.
        """
        values = checked_record(cls, record)
        for name, kind in _EFFECTS.items():
            if values.get(name) is not None and not (kind is ReadNoise and values[name] == "circuit"):
                values[name] = kind.from_dict(values[name])
        return super().from_dict(values)

    def differences(self, model: Nonidealities) -> list[str]:
        """Return ``name=value`` of this model where the other's value differs.

        Parameters
        ----------
        model : Nonidealities
            The other one.
        """
        names = [setting.name for setting in fields(self)]
        return [f"{name}={getattr(self, name)!r}" for name in names if getattr(self, name) != getattr(model, name)]

    @property
    def _limits(self) -> tuple[float, float]:
        return self.g_off * (1.0 - _ROUNDING), self.g_on * (1.0 + _ROUNDING)

    def holds(self, targets: Array) -> bool:
        """Whether all targets, of any shape, are in the cells' range, as ``checked_target`` asks of each tile's.

        Parameters
        ----------
        targets : array
            Siemens, of any shape.
        """
        least, most = self._limits
        return bool(targets.min() >= least and targets.max() <= most)

    def checked_target(self, target: ArrayLike, shape: tuple[int, int], name: str = "target") -> Array:
        """Return targets (rows, cols) in siemens, within the cells' range; ``name`` is what messages call them.

        Parameters
        ----------
        target : (rows, cols) array
            Siemens that cells are to have.
        shape : (rows, cols)
            Cells of the tile.
        name : str
            What messages call it.

        Raises
        ------
        InputError
            The shape is another, or a target is not between 1 / r_off and 1 / r_on.
        """
        g = checked_array(name, target)
        if g.shape != shape:
            raise InputError(f"{name} has shape {g.shape}: the tile is {shape[0]} x {shape[1]}")
        least, most = self._limits
        bad = (g < least) | (g > most)
        if bad.any():
            i, j = (int(k) for k in np.unravel_index(int(np.argmax(bad)), shape))
            raise InputError(
                f"{name}[{i}, {j}] is {g[i, j]:g} S: it must be between 1/r_off = {self.g_off:g} S "
                f"and 1/r_on = {self.g_on:g} S"
            )
        return np.clip(g, self.g_off, self.g_on)

    def stuck(self, conductance: Array, faults: FaultMap) -> Array:
        """Return ``conductance`` (rows, cols), siemens, with those of stuck cells in their place.

        Parameters
        ----------
        conductance : (rows, cols) array
            Siemens of the cells.
        faults : (rows, cols) array
            A ``Fault`` for each cell.
        """
        at_hrs = np.where(faults == Fault.STUCK_AT_HRS, self.stuck_hrs, conductance)
        return np.where(faults == Fault.STUCK_AT_LRS, self.stuck_lrs, at_hrs)
