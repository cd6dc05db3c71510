"""Layers of cells on top of each other whose lines are shared by the layers above and below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, Locked, broadcast, checked_array
from xbarsim.crossbar import SIDES, Crossbar, LineEnds, Side
from xbarsim.devices import Device, Linear
from xbarsim.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class LayerStack(Locked):
    """Cells in layers between planes of lines that are in turn bit and word lines.

    Layer k lies between the planes k and k + 1, counted upward; every plane but the lowest and the highest is shared by
    two layers. Two layers that share their word lines are ``first="bit"``, two that share their bit lines
    ``first="word"``. Nodes at one place of a line are one node, whatever layers meet there, so a stack of any height is
    a :attr:`crossbar`: its word lines are all planes' word lines, its bit lines all planes' bit lines, 0 ohm lie
    between a line's nodes at one place, and cells between planes that do not touch are open.

    Parameters
    ----------
    conductance : array_like, (layers, rows, cols)
        Cells in siemens: word line ``rows``, bit line ``cols`` of the planes below and above the layer.
    first : {"bit", "word"}
        What the lowest plane's lines are.
    word_wire : array_like, scalar or (word planes, rows, cols - 1)
        Ohms along word lines, as a crossbar's.
    bit_wire : array_like, scalar or (bit planes, rows - 1, cols)
        Ohms along bit lines.
    driver : array_like, scalar or (word planes, rows)
        Ohms from each word line's source to its left end.
    sense : array_like, scalar or (bit planes, cols)
        Ohms from each bit line's bottom end to virtual ground.
    ends : mapping of side to LineEnds, optional
        As a crossbar's; arrays are of all of a side's lines, plane after plane.
    device : Device, optional
        The cells' law, its parameters scalars. A cell's first terminal is at its word line, above or below.

    Raises
    ------
    InputError
        An argument is NaN, negative, not numeric or of the wrong shape; the message names it.
    """

    conductance: Array
    first: Literal["bit", "word"]
    word_wire: Array
    bit_wire: Array
    driver: Array
    sense: Array
    ends: dict[Side, LineEnds] = field(default_factory=dict)
    device: Device = field(default_factory=Linear)

    def __init__(
        self,
        conductance: ArrayLike,
        *,
        first: Literal["bit", "word"] = "bit",
        word_wire: ArrayLike = 0.0,
        bit_wire: ArrayLike = 0.0,
        driver: ArrayLike = 0.0,
        sense: ArrayLike = 0.0,
        ends: Mapping[Side, LineEnds] | None = None,
        device: Device | None = None,
    ) -> None:
        g = checked_array("conductance", conductance)
        if g.ndim != 3 or g.size == 0:
            raise InputError(f"conductance has shape {g.shape}: it must be (layers, rows, cols), at least 1 x 1 x 1")
        if first not in ("bit", "word"):
            raise InputError(f"first is {first!r}: the lowest plane is one of 'bit' or 'word' lines")
        g.setflags(write=False)
        values: dict[str, Any] = {"conductance": g, "first": first}
        layers, rows, cols = g.shape
        words, bits = _planes(layers, first)
        for name, value, shape in (
            ("word_wire", word_wire, (words, rows, cols - 1)),
            ("bit_wire", bit_wire, (bits, rows - 1, cols)),
            ("driver", driver, (words, rows)),
            ("sense", sense, (bits, cols)),
        ):
            values[name] = broadcast(name, checked_array(name, value, inf_ok=True), shape)
        values["ends"] = dict(ends or {})
        values["device"] = device if device is not None else Linear()
        if isinstance(values["device"], Device):
            for name, numbers in values["device"].parameters.items():
                if np.ndim(numbers) != 0:
                    raise InputError(
                        f"device.{name} has shape {np.shape(numbers)}: in a stack a device's parameters are scalars"
                    )
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self.crossbar  # noqa: B018 - checks ends and device

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(layers, rows, cols)``."""
        layers, rows, cols = self.conductance.shape
        return layers, rows, cols

    @property
    def planes(self) -> tuple[int, int]:
        """Planes of word and of bit lines."""
        return _planes(self.shape[0], self.first)

    def plane_lines(self, side: Side) -> tuple[int, int]:
        """Return the planes that a side's ends belong to, and the lines of each.

        Parameters
        ----------
        side : str
            ``word_left`` or one of the other three.
        """
        words, bits = self.planes
        _, rows, cols = self.shape
        return (words, rows) if side.startswith("word") else (bits, cols)

    def planes_of(self, layer: int) -> tuple[int, int]:
        """Return the word plane and the bit plane that a layer lies between, each counted among its like.

        Parameters
        ----------
        layer : int
            Counted from 0, the lowest.
        """
        low, high = layer // 2, (layer + 1) // 2
        return (high, low) if self.first == "word" else (low, high)

    @cached_property
    def crossbar(self) -> Crossbar:
        """The crossbar that the stack is: row ``i * word planes + plane``, column ``j * bit planes + plane``."""
        layers, rows, cols = self.shape
        words, bits = self.planes
        cells = np.zeros((rows, words, cols, bits))
        for layer in range(layers):
            word, bit = self.planes_of(layer)
            cells[:, word, :, bit] = self.conductance[layer]
        along = np.zeros((rows, words, cols, bits))
        along[:, :, :-1, -1] = self.word_wire.transpose(1, 0, 2)
        down = np.zeros((rows, words, cols, bits))
        down[:-1, -1] = self.bit_wire.transpose(1, 2, 0)
        size = rows * words, cols * bits
        return Crossbar(
            cells.reshape(size),
            word_wire=along.reshape(size)[:, :-1],
            bit_wire=down.reshape(size)[:-1],
            driver=self.driver.T.ravel(),
            sense=self.sense.T.ravel(),
            ends={side: self._placed(side, tied) for side, tied in self.ends.items()},
            device=self.device,
        )

    def _placed(self, side: Side, tied: LineEnds) -> LineEnds:
        """Return a side's ends in the order of the crossbar's lines."""
        if side not in SIDES or not isinstance(tied, LineEnds):
            return tied
        planes, lines = self.plane_lines(side)
        whole = tied.for_lines(side, planes * lines)
        return LineEnds(*(part.reshape(planes, lines).T.ravel() for part in (whole.voltage, whole.resistance)))

    def __repr__(self) -> str:
        words, bits = self.planes
        layers, rows, cols = self.shape
        return f"LayerStack({layers} layers of {rows} x {cols}, {words} word and {bits} bit planes, {self.crossbar!r})"


def _planes(layers: int, first: str) -> tuple[int, int]:
    low, high = layers // 2 + 1, (layers + 1) // 2
    return (low, high) if first == "word" else (high, low)
