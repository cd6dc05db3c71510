"""Where on its arrays a layer's inputs and outputs lie, and with which sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError

Order = NDArray[np.int64]

OFF = -1
"""Stands in an order of rows for a word line that has no input, and is driven by nothing."""


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Orders of word lines and bit lines, signs of word lines, and spare ones; the default is the matrices' own.

    Parameters
    ----------
    rows : sequence of array of int, optional
        Which input each word line has, every input once; -1 leaves the line off: open, not grounded, its cells in HRS.
        With ``by="layer"`` one array for each group of a convolution, of all its inputs (the bias row is the last) and
        ``spare`` more. With ``by="tile"`` one for each array of a plane, in the order of ``layer.places``, with numbers
        from 0 among that array's own inputs. None: in order, spare lines off. All planes are alike.
    cols : sequence of array of int, optional
        Which output each bit line belongs to, likewise.
    flips : sequence of array of bool, optional
        Which word lines hold their weights negated, and are driven negated; of the form of ``rows``.
    spare : int
        Word lines more than inputs: of each group, or of each array, whose inputs are so many fewer.
    by : {"layer", "tile"}
        Whether an order is of all a group's lines, or each array has its own.

    Raises
    ------
    InputError
        An order is none, or a number cannot be.
    """

    rows: tuple[Order, ...] | None = None
    cols: tuple[Order, ...] | None = None
    flips: tuple[NDArray[np.bool_], ...] | None = None
    spare: int = 0
    by: Literal["layer", "tile"] = "layer"

    def __post_init__(self) -> None:
        if self.by not in ("layer", "tile"):
            raise InputError(f"Arrangement.by is {self.by!r}: it must be layer or tile")
        if isinstance(self.spare, bool) or not isinstance(self.spare, int | np.integer) or self.spare < 0:
            raise InputError(f"Arrangement.spare is {self.spare!r}: it must be a whole number of lines, 0 or more")
        object.__setattr__(self, "spare", int(self.spare))
        for name in ("rows", "cols", "flips"):
            object.__setattr__(self, name, _arrays(name, getattr(self, name)))

    def row_order(self, part: int, count: int) -> Order:
        """Return which of a part's inputs each of its word lines has.

        Parameters
        ----------
        part : int
            A group's number, or an array's.
        count : int
            Its inputs.
        """
        lines = count + self.spare
        if self.rows is None:
            return np.concatenate([np.arange(count), np.full(self.spare, OFF)])
        order = _part("rows", self.rows, part, lines)
        _check_order(f"rows[{part}]", order[order != OFF], count)
        return order

    def col_order(self, part: int, count: int) -> Order:
        """Return which of a part's outputs each of its bit lines belongs to.

        Parameters
        ----------
        part : int
            The group, or array, counted from 0.
        count : int
            Its bit lines.
        """
        if self.cols is None:
            return np.arange(count)
        order = _part("cols", self.cols, part, count)
        _check_order(f"cols[{part}]", order, count)
        return order

    def signs(self, part: int, count: int) -> Order:
        """Return -1 for a part's word lines that are flipped, 1 for others.

        Parameters
        ----------
        part : int
            The group, or array, counted from 0.
        count : int
            Its word lines, without spare ones.
        """
        lines = count + self.spare
        if self.flips is None:
            return np.ones(lines, dtype=np.int64)
        return np.where(_part("flips", self.flips, part, lines), -1, 1)

    def check_parts(self, parts: int) -> None:
        """Raise InputError unless there is something for each group, or array, and no more.

        Parameters
        ----------
        parts : int
            How many groups, or arrays, the layer has.
        """
        for name in ("rows", "cols", "flips"):
            value = getattr(self, name)
            if value is not None and len(value) != parts:
                owners = "group" if self.by == "layer" else "array of a plane"
                raise InputError(f"Arrangement.{name} has {len(value)} arrays: give {parts}, one for each {owners}")

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes; it is JSON."""
        orders = {name: getattr(self, name) for name in ("rows", "cols", "flips")}
        lists = {name: None if order is None else [part.tolist() for part in order] for name, order in orders.items()}
        return lists | {"spare": self.spare, "by": self.by}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the arrangement that ``to_dict`` told of.

        Parameters
        ----------
        record : mapping
            As ``to_dict`` gives it.
        """
        return cls(**record)


def _arrays(name: str, value: Sequence[Any] | None) -> tuple[NDArray[Any], ...] | None:
    if value is None:
        return None
    flips = name == "flips"
    kinds, kind, content = ("b", bool, "True and False") if flips else ("iu", np.int64, "whole numbers")
    try:
        parts = [np.array(part) for part in value]
    except (TypeError, ValueError):
        parts = [np.empty(0)]
    arrays: list[NDArray[Any]] = []
    for part in parts:
        if part.ndim != 1 or part.dtype.kind not in kinds or (part.astype(kind) != part).any():
            raise InputError(f"Arrangement.{name} must be a list of arrays of {content}, one for each group or array")
        array = part.astype(kind)
        array.setflags(write=False)
        arrays.append(array)
    return tuple(arrays)


def _part(name: str, arrays: tuple[NDArray[Any], ...], part: int, size: int) -> NDArray[Any]:
    if arrays[part].size != size:
        raise InputError(f"Arrangement.{name}[{part}] has {arrays[part].size} lines: it must have {size}")
    return arrays[part]


def _check_order(name: str, order: Order, count: int) -> None:
    if not np.array_equal(np.sort(order), np.arange(count)):
        raise InputError(f"Arrangement.{name} is no order: each number from 0 to {count - 1} must be in it once")
