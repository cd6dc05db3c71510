"""Where a layer's maps are stored, if they are, and what they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from xbarsim.errors import InputError
from xbarsim.nn.cell_state import CellState
from xbarsim.nn.hardware import Hardware
from xbarsim.nonideal import Chip
from xbarsim.resources import run_tasks, thread_count

MapStorage = Literal["weights", "float32", "float64", "recompute"]
"""The type in which maps are stored and multiplied, that of the weights or another; or that they are not stored."""

MAP_TYPES = {"float32": torch.float32, "float64": torch.float64}

_PART = 1 << 22
"""Bytes that are digested at a time, each part in a thread of its own."""


def checked_storage(kind: MapStorage) -> MapStorage:
    """Return a kind of storage.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if kind not in get_args(MapStorage):
        raise InputError(f"map_storage is {kind!r}: there are {', '.join(get_args(MapStorage))}")
    return kind


@dataclass(frozen=True)
class Digest:
    """What tells, without a copy of a tensor, whether another has the same numbers.

    Attributes
    ----------
    shape, kind
        Of the tensor; ``kind`` is its type.
    code : bytes
        Of its numbers, 256 bits.
    """

    shape: torch.Size
    kind: torch.dtype
    code: bytes

    @staticmethod
    def of(tensor: Tensor) -> Digest:
        """Return a tensor's digest."""
        words: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        parts = [words[k : k + _PART] for k in range(0, len(words), _PART)]
        codes = [b""] * len(parts)

        def digest(k: int) -> None:
            codes[k] = hashlib.blake2b(parts[k], digest_size=32).digest()

        run_tasks(digest, range(len(parts)), thread_count())
        return Digest(tensor.shape, tensor.dtype, hashlib.blake2b(b"".join(codes), digest_size=32).digest())


@dataclass
class StoredMaps:
    """All that follows from weights, chip, hardware, and time since programming with its compensation.

    Attributes
    ----------
    sources : list of Tensor or Digest
        Copies of weights, scales and biases, or what stands for copies.
    chip, hardware, cells, moment
        The rest; ``cells`` are what was written, if that does not follow from the weights.
    values : dict
        What has been made of them so far, as ``ArrayMaps`` calls it.
    """

    sources: list[Tensor | Digest]
    chip: Chip
    hardware: Hardware
    cells: CellState | None
    moment: tuple[float | None, float]
    values: dict[str, Any] = field(default_factory=dict)

    def are_on(self, chip: Chip, hardware: Hardware, cells: CellState | None) -> bool:
        """Whether they are of this chip and hardware, and of what was written.

        Parameters
        ----------
        chip : Chip
            The layer's; the very object counts.
        hardware : Hardware
            Likewise.
        cells : CellState or None
            What was written by hand; None: cells follow the weights.
        """
        return self.chip is chip and self.hardware is hardware and self.cells is cells

    def stand_for(
        self,
        sources: Sequence[Tensor],
        chip: Chip,
        hardware: Hardware,
        cells: CellState | None,
        moment: tuple[float | None, float],
    ) -> bool:
        """Whether nothing has changed.

        Parameters
        ----------
        sources : sequence of Tensor
            Weight, scale, and bias where it is a row, as they are now.
        chip, hardware, cells
            As of ``are_on``.
        moment : (float or None, float)
            Seconds since programming, and the compensation of drift.
        """
        return (
            self.are_on(chip, hardware, cells)
            and self.moment == moment
            and all(map(same_numbers, sources, self.sources))
        )


_BITS = {torch.float32: torch.int32, torch.float64: torch.int64}


def same_numbers(a: Tensor, b: Tensor | Digest) -> bool:
    """Return whether two tensors hold the same; numpy compares words four times as fast as torch compares floats.

    Parameters
    ----------
    a : Tensor
        As it is now.
    b : Tensor or Digest
        As it was.
    """
    if isinstance(b, Digest):
        return (a.shape, a.dtype) == (b.shape, b.kind) and Digest.of(a) == b
    if a.dtype != b.dtype or a.device != b.device or a.shape != b.shape:
        return False
    if a.device.type == "cpu" and a.dtype in _BITS and a.is_contiguous() and b.is_contiguous():
        bits = _BITS[a.dtype]
        return np.array_equal(a.view(bits).numpy(), b.view(bits).numpy())
    return torch.equal(a, b)


def equal_numbers(a: Tensor, b: Tensor | Digest) -> bool:
    """Return whether two tensors are the same numbers in the narrower of their types, on whatever devices.

    Where the second one is a digest that is its own type, of which narrower ones are not known.

    Parameters
    ----------
    a : Tensor
        As it is now.
    b : Tensor or Digest
        As it was, of another type or on another device, maybe.
    """
    if isinstance(b, Digest):
        return a.dtype.itemsize >= b.kind.itemsize and same_numbers(a.to(b.kind), b)
    narrow = min(a.dtype, b.dtype, key=lambda kind: kind.itemsize)
    return a.shape == b.shape and torch.equal(a.cpu().to(narrow), b.cpu().to(narrow))
