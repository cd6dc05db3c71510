"""Neighbours whose lines run on from one array into the next: together one crossbar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast, checked_array
from xbarsim.crossbar import Crossbar, LineEnds, Side
from xbarsim.errors import InputError


def along_word_lines(crossbars: Sequence[Crossbar], wire: ArrayLike = 0.0) -> Crossbar:
    """Return the crossbar of arrays side by side whose word lines run on from one into the next.

    Its columns are the arrays' columns one after another. The first array keeps its drivers, the last its word_right
    ends, and all keep their bit-line ends. Between two arrays a word line has no source of its own.

    Parameters
    ----------
    crossbars : sequence of Crossbar
        From left to right, of as many rows each and of one device. Those after the first leave ``driver`` out, or
        open; those before the last have no word_right ends.
    wire : array_like, scalar, (rows,) or (joints, rows)
        Ohms of each word line between an array's last cell and the next one's first.

    Raises
    ------
    InputError
        The arrays do not fit each other, or one has sources where the lines run on.
    """
    blocks = _checked(crossbars, 0, "word")
    first, last = blocks[0], blocks[-1]
    rows = first.shape[0]
    between = broadcast("wire", checked_array("wire", wire, inf_ok=True), (len(blocks) - 1, rows))
    wires = [first.word_wire]
    for ohms, block in zip(between, blocks[1:], strict=True):
        wires += [ohms[:, None], block.word_wire]
    ends = _beside(blocks, "bit_top", "bit_bottom")
    ends["word_right"] = last.boundary["word_right"]
    return Crossbar(
        np.concatenate([block.conductance for block in blocks], axis=1),
        word_wire=np.concatenate(wires, axis=1),
        bit_wire=np.concatenate([block.bit_wire for block in blocks], axis=1),
        driver=first.boundary["word_left"].resistance,
        ends=ends,
        device=first.device,
    )


def along_bit_lines(crossbars: Sequence[Crossbar], wire: ArrayLike = 0.0) -> Crossbar:
    """Return the crossbar of arrays one below another whose bit lines run on from one into the next.

    Its rows are the arrays' rows one after another. The first array keeps its bit_top ends, the last its ``sense``, and
    all keep their word-line ends: arrays that are read by one bit line.

    Parameters
    ----------
    crossbars : sequence of Crossbar
        From top to bottom, of as many columns each and of one device. Those before the last leave ``sense`` out, or
        open; those after the first have no bit_top ends.
    wire : array_like, scalar, (cols,) or (joints, cols)
        Ohms of each bit line between an array's last cell and the next one's first.

    Raises
    ------
    InputError
        As ``along_word_lines``.
    """
    blocks = _checked(crossbars, 1, "bit")
    first, last = blocks[0], blocks[-1]
    cols = first.shape[1]
    between = broadcast("wire", checked_array("wire", wire, inf_ok=True), (len(blocks) - 1, cols))
    wires = [first.bit_wire]
    for ohms, block in zip(between, blocks[1:], strict=True):
        wires += [ohms[None], block.bit_wire]
    ends = _beside(blocks, "word_right")
    ends["bit_top"], ends["bit_bottom"] = first.boundary["bit_top"], last.boundary["bit_bottom"]
    return Crossbar(
        np.concatenate([block.conductance for block in blocks]),
        word_wire=np.concatenate([block.word_wire for block in blocks]),
        bit_wire=np.concatenate(wires),
        driver=np.concatenate([block.boundary["word_left"].resistance for block in blocks]),
        ends=ends,
        device=first.device,
    )


def _beside(blocks: list[Crossbar], *sides: Side) -> dict[Side, LineEnds]:
    """Return the ends that arrays have beside each other."""
    return {
        side: LineEnds(
            np.concatenate([block.boundary[side].voltage for block in blocks]),
            np.concatenate([block.boundary[side].resistance for block in blocks]),
        )
        for side in sides
    }


def _checked(crossbars: Sequence[Crossbar], axis: int, lines: str) -> list[Crossbar]:
    """Return the arrays, or raise what keeps them from being one."""
    if isinstance(crossbars, Crossbar):
        raise InputError("crossbars is one Crossbar: give a sequence of them")
    blocks = list(crossbars)
    if not blocks:
        raise InputError("crossbars is empty: give one array at least")
    start, stop = ("word_left", "word_right") if lines == "word" else ("bit_top", "bit_bottom")
    for k, block in enumerate(blocks):
        if not isinstance(block, Crossbar):
            raise InputError(f"crossbars[{k}] is {type(block).__name__}: it must be an xbarsim.Crossbar")
        if block.shape[axis] != blocks[0].shape[axis]:
            raise InputError(
                f"crossbars[{k}] has {block.shape[axis]} {lines} lines and crossbars[0] {blocks[0].shape[axis]}: lines "
                "that run on are as many in each"
            )
        if block.device != blocks[0].device:
            raise InputError(f"crossbars[{k}] has cells of {block.device!r} and crossbars[0] of {blocks[0].device!r}")
        if k > 0:
            _check_open(block, start, k, f"the {lines} lines come from crossbars[{k - 1}]")
        if k < len(blocks) - 1:
            _check_open(block, stop, k, f"the {lines} lines run on into crossbars[{k + 1}]")
    return blocks


def _check_open(block: Crossbar, side: str, k: int, reason: str) -> None:
    """Raise where an array has a source at an end where its lines run on; ends left out are none."""
    default = {"word_left": "driver", "bit_bottom": "sense"}.get(side)
    ohms: Array = block.boundary[side].resistance  # type: ignore[index]
    if not np.isfinite(ohms).any() or (default is not None and side not in block.ends and not ohms.any()):
        return
    name = default if default is not None and side not in block.ends else f"ends[{side!r}]"
    line = int(np.argmax(np.isfinite(ohms)))
    raise InputError(
        f"crossbars[{k}].{name} ties line {line} by {ohms[line]:g} ohm: {reason}, leave it out or give the wire "
        "between as wire"
    )
