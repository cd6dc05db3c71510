"""What came of writing an array."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.programming.write_log import Counts, WriteLog
from xbarsim.schemes.scheme import Cell
from xbarsim.unread import unread

FORMAT, VERSION = "xbarsim written array", 1


class Unreached(IntEnum):
    """Why a cell is not at its target."""

    REACHED = 0
    """It is, or has none."""
    PENDING = 1
    """It was not yet its turn."""
    RANGE = 2
    """Its state is at a bound: what the read shows ends there."""
    STUCK = 3
    """Pulses that should move it do not."""
    IR_DROP = 4
    """What arrives of the pulses does not move it; their whole amplitude would."""
    AMPLITUDE = 5
    """Not even the whole amplitude moves it, as where a window of its model is 0 at a bound."""
    MOST_PULSES = 6
    """It has had as many pulses as it may."""
    DISTURBED = 7
    """It was reached; writing others changed what its read shows."""
    OPEN_LOOP = 8
    """It was written without looks, and missed."""

    @property
    def word(self) -> str:
        """The reason as reports have it; empty for none."""
        return self.name.lower().replace("ir_drop", "ir-drop") if self else ""


@dataclass(frozen=True, eq=False)
class WrittenArray:
    """A written array.

    Attributes
    ----------
    target : (rows, cols)
        Siemens; NaN where a cell was not to be written.
    conductance : (rows, cols)
        Siemens of the cells themselves, at 0 V.
    states : (rows, cols)
        States in the model's unit.
    readings : (rows, cols)
        Siemens: what the last look at each cell showed; NaN where there was none.
    codes : (rows, cols) of int
        Why a cell is not at its target (:class:`Unreached`).
    log : WriteLog
        Pulses, energies, disturbances.
    settings : dict
        What it was written with.
    queue, position : (visits,) of int, int
        The cells of this round, in their order, and how many of them are done.
    rounds : int
        Rounds that are done.
    finished : bool
        Whether all was done that was to be.
    seconds : float
        Of wall time.
    """

    target: Array
    conductance: Array
    states: Array
    readings: Array
    codes: NDArray[np.int64]
    log: WriteLog
    settings: dict[str, Any] = field(default_factory=dict)
    queue: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    position: int = 0
    rounds: int = 0
    finished: bool = True
    seconds: float = 0.0

    @property
    def reached(self) -> NDArray[np.bool_]:
        """Which cells with a target are within tolerance of it."""
        return np.asarray((self.codes == Unreached.REACHED) & ~np.isnan(self.target))

    @property
    def pulses(self) -> Counts:
        """Pulses for each cell."""
        return self.log.pulses

    @property
    def energy(self) -> Array:
        """Joules of the sources in each cell's pulses."""
        return self.log.energy

    @property
    def disturbance(self) -> Array:
        """How far pulses for others moved each cell in all, as a part of its state's range."""
        return self.log.disturbance

    @property
    def residual(self) -> float:
        """The largest of all circuits' equations."""
        return self.log.residual

    @property
    def error(self) -> Array:
        """What is shown less the target, as a part of the target."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.readings - self.target) / self.target)

    def unreached(self) -> dict[Cell, str]:
        """Return the cells that are not at their target, each with the word for the reason."""
        listed = np.argwhere((self.codes != Unreached.REACHED) & (self.codes != Unreached.PENDING))
        return {(int(i), int(j)): Unreached(int(self.codes[i, j])).word for i, j in listed}

    def crossbar(self, crossbar: Crossbar) -> Crossbar:
        """Return a crossbar with the conductances reached.

        Parameters
        ----------
        crossbar : Crossbar
            Wires and ends.
        """
        return crossbar.with_cells(self.conductance)

    def summary(self) -> dict[str, Any]:
        """Return counts and totals."""
        aimed, log = ~np.isnan(self.target), self.log
        reasons = {
            word: list(self.unreached().values()).count(word) for word in dict.fromkeys(self.unreached().values())
        }
        pending = int((self.codes == Unreached.PENDING).sum())
        looked_at = aimed & ~np.isnan(self.readings)
        return {
            "rows": self.target.shape[0], "cols": self.target.shape[1], "complete": self.finished,
            "cells": int(aimed.sum()), "reached": int(self.reached.sum()), "pending": pending, "unreached": reasons,
            "largest_error": float(np.abs(self.error[looked_at]).max()) if looked_at.any() else None,
            "pulses": int(log.pulses.sum()), "most_pulses": int(log.pulses.max()),
            "half_selects": int(log.half_selects.max()), "energy": float(log.energy.sum()),
            "cell_energy": float(log.cell_energy.sum()), "disturbance": float(log.disturbance.max()),
            "largest_disturbance": float(log.largest_disturbance.max()), "rounds": self.rounds,
            "residual": log.residual, "seconds": self.seconds,
        }  # fmt: skip

    def as_record(self) -> dict[str, Any]:
        """Return all of it as JSON has it; what is no number is None."""
        arrays = {name: _listed(array) for name, array in self._arrays().items() if name not in ("codes", "queue")}
        reasons = [{"cell": list(cell), "reason": word} for cell, word in self.unreached().items()]
        return {**self.summary(), "reasons": reasons, "settings": self.settings, **arrays}

    def to_json(self) -> str:
        """Return ``as_record`` as text."""
        return json.dumps(self.as_record())

    def _arrays(self) -> dict[str, NDArray[Any]]:
        main = ("target", "conductance", "states", "readings", "codes", "queue")
        logged = {item.name: getattr(self.log, item.name) for item in fields(self.log)}
        return {name: getattr(self, name) for name in main} | {
            name: array for name, array in logged.items() if isinstance(array, np.ndarray)
        }

    def to_npz(self, path: str | Path) -> None:
        """Write it, whole or not at all.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        InputError
            The path cannot be written.
        """
        about = {
            "format": FORMAT, "version": VERSION, "settings": self.settings, "position": self.position,
            "rounds": self.rounds, "finished": self.finished, "seconds": self.seconds,
            "residual": self.log.residual, "steps": self.log.steps,
        }  # fmt: skip
        with written_whole(path) as file:
            np.savez_compressed(file, about=np.array(json.dumps(about)), **self._arrays())  # type: ignore[arg-type]

    @staticmethod
    def from_npz(path: str | Path) -> WrittenArray:
        """Read what ``to_npz`` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        InputError
            The file is missing, damaged or of another kind.
        """
        try:
            with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
            about = json.loads(str(arrays.pop("about")))
            if (about["format"], about["version"]) != (FORMAT, VERSION):
                raise KeyError
            main = {
                name: arrays.pop(name) for name in ("target", "conductance", "states", "readings", "codes", "queue")
            }
            log = WriteLog(**arrays, residual=about["residual"], steps=about["steps"])
        except OSError as error:
            raise unread(path, error, give="what --store wrote") from None
        except (KeyError, ValueError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
            raise InputError(f"{path} is damaged, or no file of a written array: give what --store wrote") from None
        return WrittenArray(
            **main, log=log, **{name: about[name] for name in ("settings", "position", "rounds", "finished", "seconds")}
        )


def _listed(array: NDArray[Any]) -> Any:
    if array.dtype.kind != "f":
        return array.tolist()
    return [[value if np.isfinite(value) else None for value in row] for row in array.tolist()]
