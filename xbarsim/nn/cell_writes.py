"""Weights whose cells can be looked at, arranged and written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from xbarsim.errors import InputError
from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.cell_state import CellState
from xbarsim.nn.cell_targets import CellTargets
from xbarsim.nn.cells import ArrayState
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.tiling import by_tile, by_weight
from xbarsim.nn.weights import ProgrammedWeights
from xbarsim.nonideal import Chip


class WritableWeights(ProgrammedWeights):
    """Weights on arrays, and what is in their cells.

    Whatever is said of single cells is a list of arrays (inputs, outputs), one for each plane in the order of
    ``planes_of``: outputs of all groups beside each other, inputs of a group, the row of biases last.
    """

    def program(
        self, seed: int = 0, *, chip: Chip | None = None, time: float | None = None, headroom: float = 1.0
    ) -> Self:
        """Put the weights on a chip.

        Parameters
        ----------
        seed, chip, time, headroom
            As of ``ProgrammedWeights``.
        """
        followed = self.follows_weights
        super().program(seed, chip=chip, time=time, headroom=headroom)
        self._cells = None if followed else CellState.of(self._target_state())
        return self

    @property
    def follows_weights(self) -> bool:
        """Whether the cells hold what the weights are: a weight that changes is written, all others with it.

        If not they hold what was written, until ``write``. Setting it to False leaves them as they are; to True, all
        are written where the next forward pass comes.
        """
        return self._follows_weights

    @follows_weights.setter
    def follows_weights(self, follows: bool) -> None:
        if follows and self._cells is not None:
            self.writes += 1
            self._cells = self._stored = None
        elif not follows and self.chip is not None:
            self._stop_following()
        self._follows_weights = follows

    @property
    def cell_state(self) -> CellState | None:
        """What was written, array by array; None while the cells follow the weights."""
        return self._cells

    def take_cells(self, cells: CellState) -> None:
        """Take cells as they were written before, on the same chip; they follow the weights no more.

        Parameters
        ----------
        cells : CellState
            As they were written.
        """
        self._cells, self._follows_weights = cells, False

    def chip_usage(self) -> dict[str, Any] | None:
        """Return what use has made of the chip, as tensors and numbers: cells that were written, and counts for noise.

        None before there is a chip.
        """
        if self.chip is None:
            return None
        arrays = {} if self._cells is None else self._cells.packed()
        cells = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        return {"reads": self.reads, "vectors": self.vectors, "writes": self.next_write, "cells": cells}

    def take_chip_usage(self, usage: Mapping[str, Any]) -> None:
        """Go on with a chip as ``chip_usage`` told of the same one.

        Parameters
        ----------
        usage : mapping
            As ``chip_usage`` gave it.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            It is of other arrays.
        """
        chip = self.checked_chip()
        arrays = {name: tensor.numpy() for name, tensor in usage["cells"].items()}
        try:
            cells = CellState.on_chip(chip, arrays) if arrays else None
        except (KeyError, ValueError):
            raise InputError(f"the cells that were written are of other arrays than the chip of {self.label}") from None
        self._cells, self._follows_weights, self._stored = cells, cells is None, None
        self.reads, self.vectors, self.writes = usage["reads"], usage.get("vectors", 0), usage["writes"]

    @property
    def targets(self) -> list[NDArray[np.float64]] | None:
        """The siemens that cells are to have, if they are set, for each plane; None: what the weights ask for.

        Set one array (inputs, outputs) for each plane, in the form of ``programmed``. Each must be between g_off and
        g_on, and is brought to the nearest level where there are levels. Reference columns are as always. Cells lie as
        the arrangement says; those of a flipped line hold their targets as they are, and it is driven negated. While
        targets are set neither weights nor their gradients count, and a dynamic scale stays what it is. Cells that
        follow are written anew; cells that do not, at the next ``write``.

        Raises
        ------
        InputError
            They are not of that form, not finite, or out of range.
        """
        return None if self._targets is None else list(self._targets.siemens)

    @targets.setter
    def targets(self, planes: Sequence[ArrayLike] | None) -> None:
        targets = None if planes is None else self.checked_targets(planes)
        if targets is None and self._targets is None:
            return
        if self.scale_moves:
            self._fix_scale()
        if self.chip is not None and self._cells is None:
            self.writes = self.next_write + 1
        self._targets, self._stored = targets, None

    def checked_targets(self, planes: Sequence[ArrayLike] | NDArray[Any]) -> CellTargets:
        """Return what ``targets`` can be set to, or raise InputError."""
        return CellTargets.checked(planes, self._cell_shape, self.hardware.cells, self.label)

    @property
    def _cell_shape(self) -> tuple[int, int, int]:
        """How many planes, inputs and outputs there are."""
        planes = 1 + max(place.plane for place in self.places)
        return planes, self.weight[0].numel() + self.bias_row, self.outputs

    def write(self, cells: Sequence[ArrayLike] | None = None) -> list[NDArray[np.int32]]:
        """Write what the weights are, or ``targets``, into cells, which from then on hold that.

        ``follows_weights`` is False from then on.

        Parameters
        ----------
        cells : sequence of (inputs, outputs) array of bool, optional
            Which, for each plane; others stay, but hold the present weights already if they followed them up to now.
            None: all, those of reference columns and spare lines too. Where the scale is dynamic it becomes that of the
            weights with all cells, and stays what it is with some.

        Returns
        -------
        list of (inputs, outputs) array of int32
            How many pulses each cell took, for each plane.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            ``cells`` are not of that form, or the weights are not finite.
        """
        self.check_finite()
        masks = None if cells is None else self._masks(cells)
        present = self._stop_following()
        if masks is None and self._targets is None and self.hardware.mapping.scale == "dynamic":
            self._fix_scale()
        self.writes += 1
        self._cells = present.rewritten(self._target_state(), masks)
        return self._by_weight([array.pulses for array in self._cells.cells])

    def _masks(self, cells: Sequence[ArrayLike]) -> list[NDArray[np.bool_]]:
        try:
            masks = [np.asarray(plane) for plane in cells]
        except (TypeError, ValueError):
            raise InputError(f"cells are no arrays: {self.label} takes one of bool for each plane") from None
        planes, *size = self._cell_shape
        shape = tuple(size)
        if len(masks) != planes or any(mask.dtype != bool or mask.shape != shape for mask in masks):
            kinds = ", ".join(f"{mask.dtype} {mask.shape}" for mask in masks[:3])
            raise InputError(
                f"cells are {kinds}: {self.label} takes {planes} arrays of bool of shape {shape}, one a plane"
            )
        return by_tile(masks, self.places)

    def _target_state(self) -> ArrayState:
        """Return the state that a write makes, whatever time it is read at."""
        return replace(self.array_state(timed=False), cells=None)

    def present_cells(self) -> CellState:
        """Return what is in the cells now."""
        if self._cells is not None:
            return self._cells
        self.checked_chip()
        if self._stored is not None:
            self._current()  # weights that changed since are written, as a forward pass would find them
        return CellState.of(self._target_state())

    def _stop_following(self) -> CellState:
        """Let the cells hold what they hold now, at the scale that they have now."""
        if self._cells is None:
            self._cells = self.present_cells()
            self._follows_weights = False
            if self._targets is None and self.hardware.mapping.scale == "dynamic":
                self._fix_scale()
        return self._cells

    def _check_hardware(self, hardware: Hardware) -> None:
        """Refuse hardware on which the cells would stand for other weights than they were written, or set, for."""
        rules = [
            (self._cells, ("tiles", "mapping", "cells"), "cells that were written with", "follows_weights = True"),
            (self._targets, ("mapping", "cells"), "targets that are of", "targets = None"),
        ]
        for state, names, tie, way_out in rules:
            for name in names if state is not None else ():
                if getattr(hardware, name) != getattr(self.hardware, name):
                    raise InputError(f"{self.label} has {tie} other {name}: set {way_out} before its hardware")

    def _by_weight(self, parts: Sequence[NDArray[Any]], *, physical: bool = False) -> list[NDArray[Any]]:
        return by_weight(parts, self.places, physical=physical)

    @property
    def programmed(self) -> list[NDArray[np.float64]]:
        """The siemens of all cells as they were written, for each plane; drift and read noise are not in them."""
        return self._by_weight([array.conductance for array in self.present_cells().cells])

    @property
    def writes_per_cell(self) -> list[NDArray[np.int32]]:
        """How often each cell was written since the layer stopped to follow its weights; what it had then counts."""
        return self._by_weight(self.present_cells().writes)

    @property
    def pulses_per_cell(self) -> list[NDArray[np.int32]]:
        """The pulses of these writes in all."""
        return self._by_weight(self.present_cells().pulses)

    def known(self, *, physical: bool = False) -> list[tuple[NDArray[np.int8], NDArray[np.float64]]]:
        """Return what is frozen in the cells: for each plane their faults, and their factors.

        Parameters
        ----------
        physical : bool
            Whether the arrays are (word lines, bit lines) as they lie, spare ones included, instead of what the
            arrangement makes of them, (inputs, outputs).

        Returns
        -------
        list of (faults, factors)
            ``Fault`` of each cell, int8, and what variation multiplies its conductance with.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        """
        chip = self.checked_chip()
        maps = [chip.maps(tile) for tile in range(len(self.places))]
        faults = self._by_weight([tile.faults for tile in maps], physical=physical)
        factors = self._by_weight([tile.factor for tile in maps], physical=physical)
        return list(zip(faults, factors, strict=True))

    @property
    def arrangement(self) -> Arrangement | None:
        """Where inputs and outputs lie; None: in order."""
        return self._arrangement

    def arrange(self, arrangement: Arrangement | None) -> Self:
        """Lay inputs and outputs on other lines; a chip that is there is written anew.

        Parameters
        ----------
        arrangement : Arrangement or None
            None: in order.

        Raises
        ------
        InputError
            It is not of this layer's lines.
        """
        if not isinstance(arrangement, Arrangement | None):
            raise InputError(f"arrangement is {arrangement!r}: give Arrangement(...), or None for lines in order")
        if self.chip is not None:
            self.check_finite()
        before, self._arrangement = self._arrangement, arrangement
        try:
            self._lay_out()
        except InputError:
            self._arrangement = before
            raise
        self._stored = None
        if self.chip is not None and self.chip.shapes != tuple(place.shape for place in self.places):
            # Other spare lines are another chip.
            self.chip = self._cells = None
        elif self._cells is not None:
            self.write()
        elif self.chip is not None:
            self.writes += 1
        return self
