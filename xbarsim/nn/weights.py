"""Weights on a chip: its arrays, and their maps while nothing changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn import cells as written
from xbarsim.nn.clipping import clipped_share, warn_of_clipping
from xbarsim.nn.compensation import drift_scale
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.kept import Kept, Strip, equal_numbers, kept_for_all, same_numbers
from xbarsim.nn.planes import largest, subtracted, unit
from xbarsim.nn.ranges import NotProgrammedError
from xbarsim.nn.reads import OneRead
from xbarsim.nn.tiling import Place, Tile, assembled, layout
from xbarsim.nonideal import Bridged, Chip

_TOGETHER = 1 << 19
"""Cells whose circuits are reduced at a time, about 30 MB with all that it takes."""

_DOUBLE = ("scale", "input_range", "output_range")
"""Buffers that keep their type."""


class ProgrammedWeights(nn.Module, OneRead):
    """A weight and a bias on arrays.

    Parameters
    ----------
    weight, bias : Tensor
        As the torch layer's; they stay trainable parameters.
    hardware : Hardware
        What it runs on.
    bias_row : bool
        Whether the bias is one more row of cells, driven by an input of 1, instead of a digital sum.

    Attributes
    ----------
    chip : Chip or None
        What ``program`` made.
    reads : int
        Which read comes next, where reads have noise: each forward pass is one, of all arrays.
    writes : int
        Which programming of the chip this is, where writing has noise: each ``program`` of the same seed, and each
        change of the weights, is one more.
    threads : int or None
        Threads for the circuits; None: all.
    compensation : float
        The digital scale that makes up for drift; 1 without it.
    time : float or None
        Seconds since programming, where cells drift; ``at`` sets it.
    name : str
        What messages call the layer.
    told : callable or None
        Told how many arrays are ready, while their maps are made.
    reached, told_of_clipping : bool
        Whether some forward pass has come here, and whether the user knows that weights are clipped.
    """

    scale: Tensor
    groups = 1

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        for name, one in (("weight", weight), ("bias", bias)):
            if one is not None and one.numel() == 0:
                raise InputError(f"{name} has shape {tuple(one.shape)}: a layer on crossbars needs at least one weight")
        self.weight = nn.Parameter(weight.detach().clone(), weight.requires_grad)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), bias.requires_grad)
        self.hardware = hardware
        self.bias_row = bias_row and bias is not None
        self.name = ""
        self.chip: Chip | None = None
        self.threads: int | None = None
        self.reads = 0
        self.writes = 0
        self.time: float | None = None
        self.compensation = 1.0
        self.reached = self.told_of_clipping = False
        self.told: Callable[[int], None] | None = None
        self._see_finite()
        scales = weight.shape[0] if hardware.mapping.per == "column" else 1
        self.register_buffer("scale", torch.ones(scales, dtype=torch.float64, device=weight.device))
        self._kept: Kept | None = None

    def matrices(self) -> list[Tensor]:
        """Weights as matrices (inputs, outputs), one for each group; the last row is the bias if it is a row."""
        flat = self.weight.reshape(self.weight.shape[0], -1)
        found = [part.T for part in flat.chunk(self.groups)]
        if not self.bias_row or self.bias is None:
            return found
        return [torch.cat([one, bias[None]]) for one, bias in zip(found, self.bias.chunk(self.groups), strict=True)]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move to another device or type, but for scales and ranges: those stay double, amperes vanish in a half."""
        held = {name: one for name, one in self._buffers.items() if one is not None and name in _DOUBLE}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, one in held.items():
            moved = self._buffers[name]
            self._buffers[name] = one if moved is None else one.to(moved.device)
        return self

    # Programming.

    @property
    def label(self) -> str:
        """What messages call the layer."""
        return f"layer {self.name!r}" if self.name else "the layer"

    @property
    def places(self) -> tuple[Place, ...]:
        """What each array holds."""
        known = self.__dict__.get("_places")
        if known is None or known[0] is not self.hardware:
            shapes = [(one.shape[0], one.shape[1]) for one in self.matrices()]
            known = self.__dict__["_places"] = (self.hardware, layout(shapes, self.hardware))
        found: tuple[Place, ...] = known[1]
        return found

    def program(self, seed: int = 0, *, chip: Chip | None = None, time: float | None = None) -> Self:
        """Put the weights on a chip: freeze what it is, and the scale of the weights.

        Parameters
        ----------
        seed : int
            The chip.
        chip : Chip, optional
            A known one, instead of a seed's.
        time : float, optional
            Seconds since then, as ``at`` takes them; where cells drift nothing runs before one is said.

        Raises
        ------
        InputError
            The chip is one of another layer or hardware, the weights are not finite, or the time cannot be.
        """
        self._see_finite()
        time = None if time is None else self.checked_time(time)
        shapes = tuple(place.shape for place in self.places)
        model = self.hardware.cells
        if chip is not None and (chip.shapes != shapes or chip.model != model):
            made = Chip(model, 0, shapes).made_for
            raise InputError(f"the chip is of another kind ({chip.made_for}): {self.label} needs one of {made}")
        chip = chip or Chip(model, seed, shapes)
        same = self.chip is not None and (self.chip.seed, self.chip.model) == (chip.seed, model)
        self.writes = self.writes + 1 if same else 0
        self.chip = chip
        self.reads, self.time, self.compensation, self.told_of_clipping = 0, time, 1.0, False
        with torch.inference_mode(False), torch.no_grad():
            self.scale = largest(self.matrices(), self.hardware).to(self.scale)
        self._kept = None
        return self

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
        self._programmed()
        self.time = self.checked_time(seconds)
        self.compensation = drift_scale(self) if compensate else 1.0
        return self

    def _see_finite(self) -> None:
        for name, one in (("weight", self.weight), ("bias", self.bias)):
            if one is not None and not torch.isfinite(one).all():
                raise InputError(f"{name} of {self.label} has entries that are not finite")

    def scales(self) -> list[Tensor]:
        """Return the weight that the largest conductance stands for, (1, 1) or (1, outputs) for each group."""
        dynamic = self.hardware.mapping.scale == "dynamic"
        whole = largest(self.matrices(), self.hardware).double() if dynamic else self.scale
        parts = whole.chunk(self.groups) if self.hardware.mapping.per == "column" else [whole] * self.groups
        return [part.reshape(1, -1) for part in parts]

    @property
    def clipped(self) -> float:
        """Share of the weights that are beyond a frozen scale, and count as that."""
        return clipped_share(self)

    # Circuits and their maps, kept while they stand.

    @property
    def noisy(self) -> bool:
        """Whether each read is another."""
        return self.hardware.cells.read_noise is not None

    @property
    def _settled(self) -> bool:
        """Whether what is computed now stands for later calls too: no gradients are recorded, and no read is new."""
        bias = self.bias is not None and self.bias_row and self.bias.requires_grad
        return not (self.noisy or (torch.is_grad_enabled() and (self.weight.requires_grad or bias)))

    def _current(self) -> Kept:
        """Return what is known of these very weights on this chip."""
        chip = self._timed()
        sources = [self.weight.detach(), self.scale]
        if self.bias_row and self.bias is not None:
            sources.append(self.bias.detach())
        kept, when = self._kept, (self.time, self.compensation)
        known = kept is not None and kept.chip is chip and kept.hardware is self.hardware
        same = known and kept is not None and all(map(same_numbers, sources, kept.sources))
        if kept is None or not same or kept.when != when:
            self._see_finite()
            # Cells whose weights have changed are written anew, with noise of its own.
            self.writes += known and kept is not None and not all(map(equal_numbers, sources, kept.sources))
            warn_of_clipping(self)
            kept = self._kept = Kept([one.clone() for one in sources], chip, self.hardware, when)
        return kept

    def _programmed(self) -> Chip:
        if self.chip is None:
            raise NotProgrammedError(f"{self.label} has no chip: call program(seed) before the first forward")
        return self.chip

    def _timed(self) -> Chip:
        """Return the chip; where its cells drift somebody must have said when they are read."""
        chip, drift = self._programmed(), self.hardware.cells.drift
        if drift and self.time is None:
            raise NotProgrammedError(
                f"{self.label} has cells that drift and no time: call at(seconds), or program(seed, time=seconds); "
                f"they are as programmed at {drift.t0:g} s"
            )
        return chip

    def _cells(self) -> list[Tensor]:
        return self.cells_at(self._timed(), self.time)

    def cells_at(self, chip: Chip, time: float | None) -> list[Tensor]:
        """Return the conductances (rows, cols) of all arrays in siemens, some seconds after programming a chip."""
        return written.conductances(
            self.matrices(), self.scales(), self.places, self.hardware, chip, self.reads, time, self.writes
        )

    @property
    def tiles(self) -> list[Tile]:
        """The arrays as they are programmed now, and as the next read finds them."""
        kept = self._current()
        if not kept.tiles or self.noisy:
            with torch.no_grad():
                kept.tiles = [self._tile(g.numpy(), k) for k, g in enumerate(self._cells())]
        return list(kept.tiles)

    def solved_tiles(self) -> list[Tile]:
        """Return the arrays for one read of them."""
        found = self.tiles
        self.reads += self.noisy
        return found

    def _tile(self, conductance: Array, tile: int) -> Tile:
        place = self.places[tile]
        found = written.circuit(conductance, tile, self.hardware, self._programmed())
        bridged = found if isinstance(found, Bridged) else None
        outputs = range(place.first_output + place.cols.start, place.first_output + place.cols.stop)
        lines = range(place.lines.start, place.lines.stop)
        return Tile(found.crossbar if isinstance(found, Bridged) else found, lines, outputs, place.factor, bridged)

    @kept_for_all
    def maps(self) -> list[Tensor]:
        """Return each array's effective conductance, (rows, cols) in siemens."""
        found: dict[int, Tensor] = {}
        for strip in self._read_strips():
            found |= strip
        return [found[tile] for tile in range(len(self.places))]

    def _read_strips(self) -> Iterator[dict[int, Tensor]]:
        """Yield the maps of one read of all arrays by their number, a few strips of the matrices at a time.

        Where no gradient is recorded nothing else is held meanwhile: neither targets nor cells of the whole layer.
        """
        chip = self._current().chip
        read = (self.scales(), self.places, self.hardware, chip, self.reads, self.time, self.writes)
        whole = torch.is_grad_enabled()
        self.reads += self.noisy
        strips = written.strips(self.matrices(), *read)
        done = 0
        for cells in written.together(strips, math.inf if whole else _TOGETHER):
            tiles = sorted(cells)
            ready = [cells[tile] for tile in tiles]
            found = written.maps(ready, self.hardware, chip, self.threads, keep=self.training, tiles=tiles)
            done += len(tiles)
            if self.told is not None:
                self.told(done)
            yield dict(zip(tiles, found, strict=True))

    def _by_lines(self) -> Iterator[tuple[list[int], list[Tensor]]]:
        """Yield the numbers and maps of arrays with the same word lines."""
        for strip in self._read_strips():
            beside: dict[tuple[int, int], list[int]] = {}
            for tile in strip:
                place = self.places[tile]
                beside.setdefault((place.lines.start, place.lines.stop), []).append(tile)
            for tiles in beside.values():
                yield tiles, [strip[tile] for tile in tiles]

    @kept_for_all
    def strips(self) -> list[Strip]:
        """Return the maps of arrays with the same inputs side by side, in the weights' type, or in single precision."""
        kept = self._current()
        if kept.strips is not None and self._settled:
            return kept.strips
        # Siemens of a cell are beyond the range of half precision.
        kind = torch.promote_types(self.weight.dtype, torch.float32)
        found = [
            (self.places[tiles[0]].lines, tiles, torch.cat(maps, dim=1).to(self.weight.device, kind))
            for tiles, maps in self._by_lines()
        ]
        if self._settled:
            kept.strips = found
        return found

    @kept_for_all
    def effective_matrices(self) -> list[Tensor]:
        """Return what the layer really multiplies by, (inputs, outputs) for each group, in the weights' unit."""
        kept = self._current()
        if kept.matrices is not None and self._settled:
            return kept.matrices
        zero = subtracted(self.hardware) if self.hardware.mapping.kind == "offset" else []
        scales = [scale / unit(self.hardware) for scale in self.scales()]
        rows: list[list[Tensor]] = [[] for _ in scales]
        for tiles, maps in self._by_lines():
            places = [self.places[tile] for tile in tiles]
            parts = [self._in_use(one, place, zero) for one, place in zip(maps, places, strict=True)]
            scale = scales[places[0].group]
            (whole,) = assembled(parts, places)
            rows[places[0].group].append((whole.to(scale.device) * scale).to(self.weight))
        matrices = [one[0] if len(one) == 1 else torch.cat(one) for one in rows]
        if self._settled:
            kept.matrices = matrices
        return matrices

    def _in_use(self, whole: Tensor, place: Place, zero: Sequence[float]) -> Tensor:
        """Return an array's columns less what stands for a weight of 0: its reference column, or a digital number."""
        whole = whole * self.compensation if self.compensation != 1.0 else whole
        part = whole[:, : len(place.cols)]
        if place.extra:
            return part - whole[:, -1:]
        return part - zero[place.plane] if zero else part

    @kept_for_all
    def effective_parameters(self) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias, in torch's shapes, as the crossbars make them: what the circuit multiplies by."""
        kept, inputs = self._current(), self.weight[0].numel()
        found = kept.parameters if self._settled else None
        if found is None:
            matrices = self.effective_matrices()
            turned = [one[:inputs].T for one in matrices]
            # One matrix is used as it is: a second one of its size would double what is kept.
            weight = (turned[0] if len(turned) == 1 else torch.cat(turned)).reshape(self.weight.shape)
            found = weight, torch.cat([one[-1] for one in matrices]) if self.bias_row else None
            if self._settled:
                kept.parameters = found
        return found[0], found[1] if self.bias_row else self.bias
