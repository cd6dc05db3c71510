"""Crossbars of one shape reduced side by side: their verified maps, and gradients."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.kernels import lane_currents, lane_gradients, lanes
from xbarsim.kernels.blocks import Edge, Index, Shape
from xbarsim.kernels.lane_schedule import LaneSchedule, lane_schedule
from xbarsim.kernels.vectors import LANES, storage
from xbarsim.solvers.effective import TOLERANCE
from xbarsim.solvers.segments import Segments

MOST_LINES = 128
"""Longest side: work space grows with its square, and beyond a crossbar alone fills a processor's vectors."""

SETTLED = 1e-12
"""Part of the largest current by which a verifying solve's last step moved any at most."""

MOST_STEPS = 60
"""Steps of the verifying solve: where it takes more, a crossbar is better verified alone."""

_SEED = 1

KEPT_BYTES = 256e6
"""Work space is kept between calls up to this size in all: fresh memory costs a page fault every 4 KB."""


class _Spaces:
    """Work space of calls that have ended, for the next ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Array] = []

    @contextmanager
    def borrow(self, vectors: int) -> Iterator[Array]:
        """Lend storage for so many vectors of ``LANES`` numbers."""
        size = vectors * LANES
        with self._lock:
            fitting = [space for space in self._idle if size <= space.size]
            space = min(fitting, key=lambda fit: fit.size) if fitting else None
            self._idle = [idle for idle in self._idle if idle is not space]
        if space is None:
            space = storage(vectors)
        yield space[:size]
        with self._lock:
            self._idle.append(space)
            while sum(idle.nbytes for idle in self._idle) > KEPT_BYTES:
                self._idle.pop(0)


_spaces = _Spaces()


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Crossbars of one shape with the same sides tied, ``LANES`` at most.

    Attributes
    ----------
    layouts : sequence of Segments
        Their circuits.
    """

    layouts: Sequence[Segments]

    @staticmethod
    def suits(segments: Segments) -> bool:
        """Whether a crossbar is one for this: of moderate size, with wires, and tied where its map begins and ends."""
        left, _, _, bottom = segments.present
        return max(segments.g.shape) <= MOST_LINES and left and bottom and not segments.ideal

    @staticmethod
    def work_bytes(segments: Segments, *, keep: bool) -> float:
        """Bytes that reducing a crossbar beside others takes, as gradients do (``keep``) or maps alone.

        Parameters
        ----------
        segments : Segments
            Of one of the crossbars.
        keep : bool
            Whether what gradients need is kept.
        """
        rows, cols = segments.g.shape
        return 8.0 * LANES * float(SideBySide([segments])._plan(keep=keep).entries + 3 * rows * cols)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of each."""
        rows, cols = self.layouts[0].g.shape
        return rows, cols

    def maps(self, admittances: Array | None = None) -> tuple[Array, Array]:
        """Return the maps (count, rows, cols), and which of them (count,) agree with a solve that shares nothing.

        Parameters
        ----------
        admittances : (count, rows, rows), optional
            Receives those that the sources at the left see, which must agree too.
        """
        (rows, cols), count = self.shape, len(self.layouts)
        circuits = self._circuits()
        g, cw, cb, origin = circuits
        plan = self._plan(keep=False)
        maps = np.empty((count, rows, cols))
        with _spaces.borrow(plan.entries) as store:
            self._reduce(plan, circuits, store)
            step = plan.steps[-1]
            ports = plan.shape.ports
            lanes.couplings(store, int(step[lanes.OUT]), ports, ports - cols, 0, maps)
            if admittances is not None:
                between = np.empty((count, rows, ports))
                lanes.couplings(store, int(step[lanes.OUT]), ports, 0, 0, between)
                _fill_admittances(between, admittances)
        currents, settled, drawn = np.empty((count, cols)), np.empty(count, np.bool_), np.empty((count, rows))
        volts = _volts(rows)
        with _spaces.borrow(lane_currents.entries(rows, cols)) as store:
            lane_currents.output_currents(
                rows, cols, g, cw, cb, origin, volts, SETTLED, MOST_STEPS, store, drawn, currents, settled
            )
        gap = np.abs(volts @ maps - currents).max(axis=1)
        agree = settled & (gap <= TOLERANCE * np.abs(currents).max(axis=1))
        if admittances is not None:
            gap = np.abs(admittances @ volts - drawn).max(axis=1)
            agree &= gap <= TOLERANCE * np.abs(drawn).max(axis=1)
        halves = self._halves()
        if halves is not None:
            maps *= halves
        return maps, agree

    def gradients(self, cotangents: Array) -> Array:
        """Carry derivatives by the maps (count, rows, cols) back to the cells."""
        plan = self._plan(keep=True)
        gradients = np.empty((len(self.layouts), *self.shape))
        halves = self._halves()
        weights = cotangents if halves is None else cotangents * halves
        with _spaces.borrow(plan.entries) as store:
            self._reduce(plan, self._circuits(), store)
            lane_gradients.gradients(plan.steps, plan.places, store, weights, gradients)
        for gradient, segments in zip(gradients, self.layouts, strict=True):
            for floating in (segments.floating_word, segments.floating_bit):
                if floating is not None:
                    gradient[floating] = 0.0
        return gradients

    def _circuits(self) -> tuple[Array, Array, Array, Index]:
        """Return all cells and couplings, and where each crossbar's begin; equal wires are there once."""
        g = np.concatenate([segments.g.ravel() for segments in self.layouts])
        numbers: dict[tuple[int, int], int] = {}
        wired: list[Segments] = []
        origin = np.zeros((3, LANES), np.int64)
        for k, segments in enumerate(self.layouts):
            key = id(segments.word), id(segments.bit)
            if key not in numbers:
                numbers[key] = len(wired)
                wired.append(segments)
            origin[:, k] = k, numbers[key], numbers[key]
        origin[:, len(self.layouts) :] = origin[:, :1]
        couplings = [segments.couplings() for segments in wired]
        cw, cb = (np.concatenate([pair[layer].ravel() for pair in couplings]) for layer in range(2))
        rows, cols = self.shape
        origin *= np.array([[rows * cols], [rows * (cols + 1)], [(rows + 1) * cols]])
        return g, cw, cb, origin

    def _plan(self, *, keep: bool) -> LaneSchedule:
        ends = [Edge.TERMINAL if tied else Edge.ABSENT for tied in self.layouts[0].present]
        return lane_schedule(Shape(*self.shape, *ends), keep)

    def _reduce(self, plan: LaneSchedule, circuits: tuple[Array, Array, Array, Index], store: Array) -> None:
        g, cw, cb, origin = circuits
        cols = self.shape[1]
        row_size = np.array([cols, cols + 1, cols])
        lanes.reduce(plan.steps, plan.places, g, cw, cb, origin, row_size, len(self.layouts), store)

    def _halves(self) -> Array | None:
        """Return factors of the maps' columns: both ends of a bit line joined by 0 ohm carry half of what arrives."""
        joined = [segments.joined["bit"] for segments in self.layouts]
        return np.stack([np.where(lines, 0.5, 1.0) for lines in joined])[:, None] if np.any(joined) else None


def _fill_admittances(between: Array, admittances: Array) -> None:
    """Fill admittances (count, rows, rows) from couplings (count, rows, ports), right of the diagonal, to all ports.

    The rows' ports come first.
    """
    rows = between.shape[1]
    inner = np.triu(between[:, :, :rows], 1)
    inner += inner.transpose(0, 2, 1)
    whole = inner.sum(axis=2) + between[:, :, rows:].sum(axis=2)
    np.negative(inner, out=admittances)
    lines = np.arange(rows)
    admittances[:, lines, lines] = whole


@lru_cache(maxsize=64)
def _volts(rows: int) -> Array:
    """Return the random vector that maps are verified with."""
    return np.random.default_rng(_SEED).uniform(0.1, 1.0, rows)
