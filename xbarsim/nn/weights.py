"""Weights on a chip: its arrays, and their maps while nothing changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.arrays import ArrayMaps, for_gradients_too
from xbarsim.nn.cell_state import CellState
from xbarsim.nn.cell_targets import CellTargets
from xbarsim.nn.cells import ArrayState
from xbarsim.nn.clipping import clipped_share, warn_of_clipping
from xbarsim.nn.compensation import drift_scale
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layer_chips import chip_of_seed
from xbarsim.nn.map_store import (
    MAP_TYPES,
    Digest,
    MapStorage,
    StoredMaps,
    checked_storage,
    equal_numbers,
    same_numbers,
)
from xbarsim.nn.mapped_weights import MappedWeights
from xbarsim.nn.ranges import NotProgrammedError
from xbarsim.nn.tiling import Tile
from xbarsim.nonideal import Chip


class ProgrammedWeights(MappedWeights):
    """A weight and a bias on the arrays of a chip.

    Parameters
    ----------
    weight, bias, hardware, bias_row
        As of ``MappedWeights``.

    Attributes
    ----------
    chip : Chip or None
        What ``program`` made.
    reads : int
        Which read comes next, where reads have noise: each forward pass is one, of all arrays.
    vectors : int
        How many input vectors were read, where the circuit adds noise to the currents of each.
    writes : int
        Which programming of the chip this is, where writing has noise: each ``program`` of the same seed, and each
        change of the weights, is one more.
    threads : int or None
        Threads for the circuits; None: all.
    compensation : float
        The digital scale that makes up for drift; 1 without it.
    time : float or None
        Seconds since programming, where cells drift; ``at`` sets it.
    progress : callable or None
        Told how many arrays are ready, while their maps are made.
    reached, clipping_warned : bool
        Whether some forward pass has come here, and whether the user knows that weights are clipped.
    """

    _cells: CellState | None = None
    _targets: CellTargets | None = None
    _map_storage: MapStorage = "weights"

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__(weight, bias, hardware, bias_row=bias_row)
        self.chip: Chip | None = None
        self.threads: int | None = None
        self.reads = self.vectors = 0
        self.writes = 0
        self.time: float | None = None
        self.compensation = 1.0
        self.reached = self.clipping_warned = False
        self.progress: Callable[[int], None] | None = None
        self._stored: StoredMaps | None = None
        self._series: ArrayMaps | None = None
        self._follows_weights = True

    @property
    def map_storage(self) -> MapStorage:
        """How the maps are stored that forward passes outside of training share; ``keep_maps`` says what there is."""
        return self._map_storage

    @map_storage.setter
    def map_storage(self, kind: MapStorage) -> None:
        self._map_storage, stored = checked_storage(kind), self._stored
        if stored is not None:
            sources = self._sources()
            # What is stored of the weights still tells whether they are the ones that were written last.
            unchanged = all(map(same_numbers, sources, stored.sources))
            self._stored = replace(stored, sources=self._copies(sources) if unchanged else stored.sources, values={})

    @property
    def recomputes(self) -> bool:
        """Whether no map is stored."""
        return self._map_storage == "recompute"

    def _copies(self, sources: Sequence[Tensor]) -> list[Tensor | Digest]:
        """Return what tells whether weights have changed."""
        return [Digest.of(tensor) if self.recomputes else tensor.clone() for tensor in sources]

    @property
    def clipped(self) -> float:
        """Share of the weights that are beyond the scale, and count as that; 0 without a chip, or of set targets."""
        if self.chip is None or self._targets is not None or (self.scale_moves and self.headroom >= 1.0):
            return 0.0
        return clipped_share(self.matrices(), self.scales())

    def warn_if_clipped(self) -> None:
        """Say once a programming that weights are clipped."""
        share = 0.0 if self.clipping_warned else self.clipped
        if share > 0.0:
            self.clipping_warned = True
            warn_of_clipping(self.label, share, self.headroom)

    def program(
        self, seed: int = 0, *, chip: Chip | None = None, time: float | None = None, headroom: float = 1.0
    ) -> Self:
        """Put the weights on a chip: freeze what it is, and the scale of the weights.

        Parameters
        ----------
        seed : int
            The chip.
        chip : Chip, optional
            One that is there already, instead of a seed's.
        time : float, optional
            Seconds since then, as ``at`` takes them; where cells drift nothing runs before one is said.
        headroom : float
            What the scale of the weights is multiplied with, be it frozen or dynamic: above 1 the largest weight has
            less than the largest conductance, so that wires cost less; below 1 weights are clipped.

        Raises
        ------
        InputError
            The chip is one of another layer or hardware, the weights are not finite, or the time or the headroom cannot
            be.
        """
        self.check_finite()
        time = None if time is None else self.checked_time(time)
        headroom = self.checked_headroom(headroom)
        chip = chip_of_seed(self.hardware, self.places, seed) if chip is None else self.fitting_chip(chip)
        again = self.chip is not None and (self.chip.seed, self.chip.model) == (chip.seed, chip.model)
        self.writes = self.writes + 1 if again else 0
        self.chip, self.headroom = chip, headroom
        self.reads, self.vectors, self.time, self.compensation, self.clipping_warned = 0, 0, time, 1.0, False
        self._fix_scale()
        self._stored = None
        return self

    def _fix_scale(self) -> None:
        with torch.inference_mode(False), torch.no_grad():
            self.scale = self._present_scale().to(self.scale)

    def fitting_chip(self, chip: Chip) -> Chip:
        """Return a chip if the layer's arrays are such ones.

        Raises
        ------
        InputError
            It is none, or of another kind.
        """
        if not isinstance(chip, Chip):
            raise InputError(f"the chip of {self.label} is {chip!r}: it must be a Chip")
        shapes, model = tuple(place.shape for place in self.places), self.hardware.cells
        if chip.shapes != shapes or chip.model != model:
            kind = Chip(model, 0, shapes).made_for
            raise InputError(f"the chip is of another kind ({chip.made_for}): {self.label} needs one of {kind}")
        return chip

    def checked_headroom(self, headroom: float) -> float:
        """Return a headroom as a float.

        Raises
        ------
        InputError
            It is not above 0, or not finite.
        """
        number = isinstance(headroom, float | int | np.floating | np.integer) and not isinstance(headroom, bool)
        if not number or not 0.0 < headroom < math.inf:
            raise InputError(f"headroom of {self.label} is {headroom!r}: it must be a number above 0, and finite")
        return float(headroom)

    @property
    def scale_moves(self) -> bool:
        """Whether the scale is that of the weights as they are now; of written cells it is that of their writing.

        Targets that are set fix it, too.
        """
        return super().scale_moves and self._cells is None and self._targets is None

    def checked_time(self, seconds: float) -> float:
        """Return seconds since programming as a float.

        Raises
        ------
        InputError
            They are no number, before the t0 of the cells' drift, or the cells do not drift.
        """
        drift = self.hardware.cells.drift
        if drift is None:
            raise InputError(f"time is {seconds!r}: the cells of {self.label} do not drift, give Nonidealities.drift")
        return drift.checked_time(seconds)

    def at(self, seconds: float, *, compensate: bool = False) -> Self:
        """Read the cells from now on as they are some time after programming.

        Parameters
        ----------
        seconds : float
            Since programming, at least t0 of ``Drift``, at which the programmed conductances hold.
        compensate : bool
            Whether outputs are multiplied by one digital number, what all currents together were at t0 over what they
            are now, all word lines at full voltage (Joshi et al., Nature Communications 11, 2473, 2020).

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            The cells do not drift, or the time is before t0.
        """
        self.checked_chip()
        self.time = self.checked_time(seconds)
        self.compensation = drift_scale(self.array_state(), self.label) if compensate else 1.0
        return self

    def checked_chip(self) -> Chip:
        """Return the chip.

        Raises
        ------
        NotProgrammedError
            There is none.
        """
        if self.chip is None:
            raise NotProgrammedError(f"{self.label} has no chip: call program(seed) before the first forward")
        return self.chip

    def _readable_chip(self) -> Chip:
        """Return the chip; where its cells drift somebody must have said when they are read."""
        chip, drift = self.checked_chip(), self.hardware.cells.drift
        if drift and self.time is None:
            raise NotProgrammedError(
                f"{self.label} has cells that drift and no time: call at(seconds), or program(seed, time=seconds); "
                f"they are as programmed at {drift.t0:g} s"
            )
        return chip

    @property
    def noisy(self) -> bool:
        """Whether each read is another."""
        return self.hardware.cells.noisy_cells

    @property
    def preparable(self) -> bool:
        """Whether maps can be made once and for all: of linear cells, without read noise, and stored."""
        return self.hardware.law.linear and not self.noisy and not self.recomputes

    @property
    def ready(self) -> bool:
        """Whether maps are stored, so that a forward pass of the same weights reduces nothing."""
        return self._stored is not None and bool(self._stored.values.keys() - {"source_forms"})

    @property
    def _differentiable(self) -> bool:
        """Whether gradients of what is on the arrays are recorded."""
        bias = self.bias is not None and self.bias_row and self.bias.requires_grad
        return torch.is_grad_enabled() and self._targets is None and (self.weight.requires_grad or bias)

    def array_state(
        self, hardware: Hardware | None = None, *, read: int | None = None, timed: bool = True
    ) -> ArrayState:
        """Return what the arrays hold, of which their maps are functions.

        Parameters
        ----------
        hardware : Hardware, optional
            Other hardware of the same arrays and cells, as one without wires; None: the layer's.
        read : int, optional
            Which read of them; None: the next one.
        timed : bool
            Whether they are to be read, so that cells that drift need a time.
        """
        output_scales, scales = self.scales(), self.scales()
        return ArrayState(
            self.matrices(), scales, output_scales, self.places, hardware or self.hardware,
            self._readable_chip() if timed else self.checked_chip(), self.writes,
            self.reads if read is None else read, self.time, self.compensation, self.threads, self.progress,
            None if self._cells is None else self._cells.cells, self._targets,
            MAP_TYPES.get(self.map_storage),
        )  # fmt: skip

    def _read_state(self) -> ArrayState:
        """Return the state that the next read sees, and count it."""
        state = self.array_state()
        self.reads += self.noisy
        return state

    def arrays(self) -> ArrayMaps:
        """Return the maps that the next forward pass multiplies by: what is stored, or one read of the arrays."""
        if self._series is not None:
            return self._series
        values = self._current().values
        differentiable = self._differentiable
        # Circuits take long: a gradient outside of training, which is seldom asked for, reduces them again.
        wired = self.hardware.fidelity == "accurate" and not self.scale_moves
        recompute = differentiable and not self.training and wired
        stored = not (self.noisy or self.recomputes) and (recompute or not differentiable)
        metered = self.hardware.energy is not None
        return ArrayMaps(self._read_state, values if stored else None, recompute=recompute, metered=metered)

    @contextmanager
    def one_read(self) -> Iterator[None]:
        """Return a context in which all calls are one read of the arrays, as the steps of a recurrent layer are."""
        self._series = self.arrays()
        try:
            yield
        finally:
            self._series = None

    @contextmanager
    def one_read_more(self) -> Iterator[None]:
        """Return a context as that of ``one_read``; inside one it goes on with the same read."""
        if self._series is not None or not self.noisy:
            yield
        else:
            with self.one_read():
                yield

    def _sources(self) -> list[Tensor]:
        """Return what the maps are functions of, on this chip.

        Of cells that were written, or have targets that are set, that is the weights' type and device alone.
        """
        if self._cells is not None or self._targets is not None:
            return [self.scale, self.weight.detach().new_empty(0)]
        row = [self.bias.detach()] if self.bias_row and self.bias is not None else []
        return [self.weight.detach(), self.scale, *row]

    @property
    def next_write(self) -> int:
        """Which programming of the chip the next forward pass finds: one more where weights have changed since."""
        stored = self._stored
        if self._cells is not None or self.chip is None or stored is None:
            return self.writes
        changed = not all(map(equal_numbers, self._sources(), stored.sources))
        return self.writes + (stored.are_on(self.chip, self.hardware, None) and changed)

    def _current(self) -> StoredMaps:
        """Return what is stored of these very weights on this chip."""
        chip, stored, moment = self._readable_chip(), self._stored, (self.time, self.compensation)
        sources = self._sources()
        if stored is None or not stored.stand_for(sources, chip, self.hardware, self._cells, moment):
            stored = self._renewed(sources, chip, moment)
        return stored

    @for_gradients_too
    def _renewed(self, sources: list[Tensor], chip: Chip, moment: tuple[float | None, float]) -> StoredMaps:
        """Start to store anew; cells whose weights have changed are written anew, with noise of its own."""
        self.check_finite()
        self.writes = self.next_write
        self.warn_if_clipped()
        self._stored = StoredMaps(self._copies(sources), chip, self.hardware, self._cells, moment)
        return self._stored

    @property
    def tiles(self) -> list[Tile]:
        """The arrays as they are programmed now, and as the next read finds them."""
        return list(self._circuits(self.array_state).tiles())

    def circuits(self) -> ArrayMaps:
        """Return the arrays as circuits, for one read of them."""
        return self._series or self._circuits(self._read_state)

    def _circuits(self, state: Callable[[], ArrayState]) -> ArrayMaps:
        values = self._current().values
        return ArrayMaps(state, None if self.noisy or self.recomputes else values)

    def effective_matrices(self) -> list[Tensor]:
        """Return what the layer really multiplies by, (inputs, outputs) for each group, in the weights' unit."""
        return self.arrays().matrices()

    def effective_parameters(self) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias, in torch's shapes, as the crossbars make them: what the circuit multiplies by."""
        return self.parameters_of(self.arrays())

    def parameters_of(self, arrays: ArrayMaps) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias, in torch's shapes, as arrays in some state make them."""
        weight, bias = arrays.parameters(self.weight.shape, self.bias_row)
        return weight, bias if self.bias_row else self.bias
