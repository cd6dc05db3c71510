"""Cells that are stuck: at which rate, in which state, scattered or in lines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.nonideal.clusters import runs
from xbarsim.nonideal.effect_settings import Settings, checked_shape
from xbarsim.nonideal.streams import Draw, Stream, every

FaultMap = NDArray[np.int8]
"""(rows, cols) of ``Fault``."""


class Fault(IntEnum):
    """What a cell of a fault map is."""

    HEALTHY = 0
    STUCK_AT_LRS = 1
    STUCK_AT_HRS = 2


@dataclass(frozen=True)
class Faults(Settings):
    """Stuck cells: a share ``rate`` of all, of which ``ocr`` stuck-at-HRS for each stuck-at-LRS.

    A share ``clustering`` of them comes in runs along lines, the rest cell by cell. Runs are those of
    :func:`xbarsim.nonideal.clusters.runs`. What strikes a cell first counts, in the order runs along rows, runs along
    columns, single cells; with shares s_k of the whole, each strikes at ``1 - (1 - rate)^s_k``, so that the rates asked
    for are the expected rates in every cell, whatever the overlap. All cells of a run are stuck in the same state.

    Attributes
    ----------
    rate : float
        Expected share of stuck cells, 0 to 1.
    ocr : float
        Open-close ratio, stuck-at-HRS (open) over stuck-at-LRS (closed): at a rate of 10 % and an OCR of 4, 8 % of all
        cells are stuck at HRS and 2 % at LRS (Cost- and Dataset-free Stuck-at Fault Mitigation for ReRAM-based Deep
        Learning Accelerators, section IV). 0 is LRS only, ``inf`` HRS only.
    clustering : float
        Share of the stuck cells that comes in runs: 0 scatters them all, 1 has lines only.
    along : {"both", "rows", "columns", "by_kind"}
        Which lines runs lie along. ``by_kind``: stuck-at-HRS along rows and stuck-at-LRS along columns, as a real chip
        has them (C.-Y. Chen et al., IEEE Trans. Computers 64, 180, 2015, as told in section II of L. Chen et al.,
        Accelerator-friendly neural-network training, DATE 2017).
    length : int, optional
        Cells of a run; None: the whole line. The two ends of a line may cut a run short.
    exact : bool
        Not each cell by its own chance, but ``round(rate * cells)`` cells chosen out of all, ``round`` of the HRS share
        of them stuck at HRS. Scattered only.
    lrs_ohms, hrs_ohms : float, optional
        What stuck cells have; None: r_on and r_off. A cell whose insulator is shorted has less than r_on, an open
        one ``inf``.

    Raises
    ------
    InputError
        A number is out of its bounds, or exact counts are asked of clusters.
    """

    rate: float = 0.0
    ocr: float = 1.0
    clustering: float = 0.0
    along: Literal["both", "rows", "columns", "by_kind"] = "both"
    length: int | None = None
    exact: bool = False
    lrs_ohms: float | None = None
    hrs_ohms: float | None = None

    def __post_init__(self) -> None:
        self._number("rate", 0.0, 1.0)
        self._number("ocr", 0.0, math.inf, inf_ok=True)
        self._number("clustering", 0.0, 1.0)
        self._word("along", ("both", "rows", "columns", "by_kind"))
        if self.length is not None:
            self._count("length", 1)
        if not isinstance(self.exact, bool):
            raise InputError(f"Faults.exact is {self.exact!r}: it must be True or False")
        if self.exact and self.clustering > 0.0:
            raise InputError(
                f"Faults.exact with clustering {self.clustering:g}: only scattered cells can be counted out"
            )
        for name in ("lrs_ohms", "hrs_ohms"):
            if getattr(self, name) is not None:
                self._number(name, 0.0, math.inf, above=True, inf_ok=name == "hrs_ohms")

    @classmethod
    def of_rates(cls, lrs: float, hrs: float, **settings: Any) -> Self:
        """Return faults of two rates, as ``of_rates(lrs=0.0175, hrs=0.0904)``, those of a 4 Mb chip.

        Parameters
        ----------
        lrs, hrs : float
            Shares of cells that are stuck at LRS and at HRS.
        **settings
            Other settings by name.

        Raises
        ------
        InputError
            A rate is negative, or they add up to more than 1.
        """
        for name, value in (("lrs", lrs), ("hrs", hrs)):
            if not isinstance(value, float | int | np.floating | np.integer) or not 0.0 <= value <= 1.0:
                raise InputError(f"{name} is {value!r}: it must be a rate from 0 to 1")
        return cls(rate=lrs + hrs, ocr=hrs / lrs if lrs else math.inf if hrs else 1.0, **settings)

    @property
    def hrs_share(self) -> float:
        """Share of the stuck cells that is stuck at HRS."""
        return 1.0 if math.isinf(self.ocr) else self.ocr / (1.0 + self.ocr)

    @property
    def hrs_rate(self) -> float:
        """Expected share of all cells that is stuck at HRS."""
        return self.rate * self.hrs_share

    @property
    def lrs_rate(self) -> float:
        """Expected share of all cells that is stuck at LRS."""
        return self.rate * (1.0 - self.hrs_share)

    def map(self, shape: tuple[int, int], seed: int, tile: int = 0) -> FaultMap:
        """Return the stuck cells of a tile.

        With the same seed, a higher rate adds cells and frees none.

        Parameters
        ----------
        shape : (rows, cols)
            Of the tile.
        seed, tile : int
            The chip, and which of its arrays.
        """
        shape = checked_shape(shape)
        faults = np.zeros(shape, dtype=np.int8)
        if self.exact:
            return self._counted(faults, Stream.of(seed, Draw.FAULT_CELL, tile))
        for kind, rate, lines in self._mechanisms():
            in_runs, alone = ((1.0 - (1.0 - rate) ** s) for s in (self.clustering / len(lines), 1.0 - self.clustering))
            for along in lines if in_runs > 0.0 else ():
                draw = Draw.FAULT_ROW if along == "rows" else Draw.FAULT_COLUMN
                count, cells = shape if along == "rows" else shape[::-1]
                struck, mark = runs(Stream.of(seed, draw, tile), count, cells, in_runs, self.length)
                self._strike(faults, *((struck, mark) if along == "rows" else (struck.T, mark.T)), kind)
            if alone > 0.0:
                cell, word = Stream.of(seed, Draw.FAULT_CELL, tile), 2 if kind is Fault.STUCK_AT_LRS else 0
                struck = cell.uniform(*every(shape), word) < alone
                self._strike(faults, struck, cell.uniform(*every(shape), word + 1), kind)
        return faults

    def _mechanisms(self) -> Iterator[tuple[Fault | None, float, tuple[str, ...]]]:
        """Yield what strikes cells that are still healthy: a kind, or None for either; its rate; along which lines."""
        if self.along != "by_kind" or self.clustering == 0.0:
            yield None, self.rate, ("rows", "columns") if self.along in ("both", "by_kind") else (self.along,)
            return
        yield Fault.STUCK_AT_HRS, self.hrs_rate, ("rows",)
        left = 1.0 - self.hrs_rate
        yield Fault.STUCK_AT_LRS, min(1.0, self.lrs_rate / left) if left > 0.0 else 0.0, ("columns",)

    def _strike(
        self, faults: FaultMap, struck: NDArray[np.bool_], mark: NDArray[np.float64], kind: Fault | None
    ) -> None:
        """Mark cells that are struck and still healthy; without a kind, the mark decides."""
        hrs = mark < self.hrs_share if kind is None else np.full(mark.shape, kind is Fault.STUCK_AT_HRS)
        new = struck & (faults == Fault.HEALTHY)
        faults[new & hrs] = Fault.STUCK_AT_HRS
        faults[new & ~hrs] = Fault.STUCK_AT_LRS

    def _counted(self, faults: FaultMap, cell: Stream) -> FaultMap:
        """Choose cells in the order of their random words: first those stuck at HRS, then those at LRS."""
        order = np.argsort(cell.words(*every((faults.shape[0], faults.shape[1]))), axis=None, kind="stable")
        stuck, hrs = round(self.rate * faults.size), round(self.hrs_rate * faults.size)
        faults.flat[order[:stuck]] = Fault.STUCK_AT_LRS
        faults.flat[order[:hrs]] = Fault.STUCK_AT_HRS
        return faults
