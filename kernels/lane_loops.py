"""Loops over vectors of eight numbers, which compilers do not find by themselves in recurrences of eight lines.

A function written with :func:`lane_loops` is compiled into its caller as such loops; with ``NUMBA_DISABLE_JIT=1`` it
runs as Python. Its first argument, ``code``, offers what loops consist of; the others are C-contiguous arrays of
doubles, seen as rows of vectors, and numbers::

    @lane_loops(float)
    def scaled_sum(code, factor, a, b):
        total = code.variable()
        for j in code.upwards(0, code.count(a)):  # once where it is compiled: its body is the loop's
            total.value = factor * a[j] + b[j] + total.value
        return code.total(total)

A compiled kernel's name tells this file's content too (:mod:`object_files`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xbarsim.kernels.intrinsics import Intrinsic
from xbarsim.kernels.native import UNCOMPILED

LANES = 8

_FLAGS = ("contract", "nsz")


def lane_loops(result: type | None = None) -> Callable[[Callable[..., Any]], Any]:
    """Return the decorator of a function of vectors, which returns a float or nothing."""

    def decorate(write: Callable[..., Any]) -> Any:
        if UNCOMPILED:
            return np.errstate(all="ignore")(lambda *args: write(PlainLanes(), *(_plain(arg) for arg in args)))

        def generator(typing: Any, *kinds: Any) -> Any:
            from numba import types

            kinds_of: Any = types

            def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                code = CompiledLanes(builder)
                outcome = write(code, *map(code.argument, [context] * len(args), signature.args, args))
                return context.get_dummy_value() if outcome is None else outcome

            returned = kinds_of.void if result is None else kinds_of.float64
            return returned(*(kinds_of.unliteral(kind) for kind in kinds)), generate

        generator.__signature__ = inspect.signature(write)  # type: ignore[attr-defined]
        return Intrinsic(generator)

    return decorate


class LaneVector:
    """Eight numbers of compiled code."""

    def __init__(self, code: CompiledLanes, value: Any) -> None:
        self.code, self.value = code, value

    def __add__(self, other: LaneVector) -> LaneVector:
        return LaneVector(self.code, self.code.builder.fadd(self.value, other.value, flags=_FLAGS))

    def __sub__(self, other: LaneVector) -> LaneVector:
        return LaneVector(self.code, self.code.builder.fsub(self.value, other.value, flags=_FLAGS))

    def __mul__(self, other: LaneVector) -> LaneVector:
        return LaneVector(self.code, self.code.builder.fmul(self.value, other.value, flags=_FLAGS))

    def __truediv__(self, other: LaneVector) -> LaneVector:
        return LaneVector(self.code, self.code.builder.fdiv(self.value, other.value, flags=_FLAGS))


class LaneVariable:
    """A vector that changes from turn to turn of a loop."""

    def __init__(self, start: LaneVector) -> None:
        self.code = start.code
        self.slot = start.code.cgutils.alloca_once(start.code.builder, start.value.type)
        self.value = start

    @property
    def value(self) -> LaneVector:
        """What it is now."""
        return LaneVector(self.code, self.code.builder.load(self.slot))

    @value.setter
    def value(self, vector: LaneVector) -> None:
        self.code.builder.store(vector.value, self.slot)


class LaneArray:
    """An array of compiled code."""

    def __init__(self, code: CompiledLanes, data: Any, numbers: Any, dimensions: int) -> None:
        self.code, self.data, self.numbers, self.dimensions = code, data, numbers, dimensions

    def __getitem__(self, row: Any) -> LaneVector:
        return LaneVector(self.code, self.code.builder.load(self._place(row, self.code.vector), align=8))

    def __setitem__(self, row: Any, vector: LaneVector) -> None:
        self.code.builder.store(vector.value, self._place(row, self.code.vector), align=8)

    def number(self, index: Any) -> LaneVector:
        """Return one number, in all lanes."""
        return self.code.spread(self.code.builder.load(self._place(index, self.code.real)))

    def eight(self, index: Any) -> LaneVector:
        """Return the numbers from ``index`` on."""
        data = self.code.builder.bitcast(self._place(index, self.code.real), self.code.vector.as_pointer())
        return LaneVector(self.code, self.code.builder.load(data, align=8))

    def put_eight(self, index: Any, vector: LaneVector) -> None:
        """Set the numbers from ``index`` on."""
        data = self.code.builder.bitcast(self._place(index, self.code.real), self.code.vector.as_pointer())
        self.code.builder.store(vector.value, data, align=8)

    def _place(self, index: Any, kind: Any) -> Any:
        index = self.code.whole(index) if isinstance(index, int) else index
        return self.code.builder.gep(self.code.builder.bitcast(self.data, kind.as_pointer()), [index])


class CompiledLanes:
    """Writes loops into the code of a kernel."""

    def __init__(self, builder: Any) -> None:
        from llvmlite import ir
        from numba.core import cgutils

        self.builder = builder
        self.ir: Any = ir
        self.cgutils: Any = cgutils
        self.real = ir.DoubleType()
        self.vector = ir.VectorType(self.real, LANES)

    def argument(self, context: Any, kind: Any, value: Any) -> Any:
        """Return a kernel's argument as functions of vectors see it: float numbers in all lanes."""
        if hasattr(kind, "dtype"):
            array = context.make_array(kind)(context, self.builder, value)
            return LaneArray(self, array.data, array.nitems, kind.ndim)
        return self.spread(value) if value.type == self.real else value

    def whole(self, number: int) -> Any:
        """Return an integer constant."""
        return self.ir.Constant(self.ir.IntType(64), number)

    def spread(self, value: Any) -> LaneVector:
        """Return one number, in all lanes."""
        word = self.ir.IntType(32)
        empty = self.ir.Constant(self.vector, self.ir.Undefined)
        first = self.builder.insert_element(empty, value, self.ir.Constant(word, 0))
        everywhere = self.ir.Constant(self.ir.VectorType(word, LANES), [0] * LANES)
        return LaneVector(self, self.builder.shuffle_vector(first, empty, everywhere))

    def constant(self, number: float) -> LaneVector:
        """Return a number known now, in all lanes."""
        return LaneVector(self, self.ir.Constant(self.vector, [number] * LANES))

    def count(self, array: LaneArray) -> Any:
        """Return how many vectors an array has."""
        return self.builder.udiv(array.numbers, self.whole(LANES))

    def upwards(self, first: Any, last: Any) -> Iterator[Any]:
        """Go over the indices from ``first`` to below ``last``."""
        first = self.whole(first) if isinstance(first, int) else first
        with self.cgutils.for_range_slice(self.builder, first, last, self.whole(1), inc=True) as (index, _):
            yield index

    def downwards(self, count: Any, first: int = 0) -> Iterator[Any]:
        """Go over the indices below ``count`` from the last to ``first``."""
        minus = self.whole(-1)
        last = self.builder.add(count, minus)
        with self.cgutils.for_range_slice(self.builder, last, self.whole(first - 1), minus, inc=False) as (index, _):
            yield index

    def along(self, index: Any, pitch: Any, offset: Any) -> Any:
        """Return the index ``index pitch + offset``."""
        index, pitch, offset = (self.whole(part) if isinstance(part, int) else part for part in (index, pitch, offset))
        return self.builder.add(self.builder.mul(index, pitch), offset)

    def if_equal(self, a: LaneVector, b: LaneVector, then: LaneVector, otherwise: LaneVector) -> LaneVector:
        """Return, lane by lane, ``then`` where a equals b."""
        equal = self.builder.fcmp_ordered("==", a.value, b.value)
        return LaneVector(self, self.builder.select(equal, then.value, otherwise.value))

    def if_less(self, a: LaneVector, b: LaneVector, then: LaneVector, otherwise: LaneVector) -> LaneVector:
        """Return, lane by lane, ``then`` where a is less than b."""
        less = self.builder.fcmp_ordered("<", a.value, b.value)
        return LaneVector(self, self.builder.select(less, then.value, otherwise.value))

    def tile(self, index: Any) -> list[Any]:
        """Return the indices of a tile's eight vectors."""
        first = self.builder.mul(index, self.whole(LANES))
        return [self.builder.add(first, self.whole(q)) for q in range(LANES)]

    def variable(self, start: LaneVector | None = None) -> LaneVariable:
        """Return a variable, 0 if no start is named."""
        return LaneVariable(self.constant(0.0) if start is None else start)

    def total(self, variable: LaneVariable) -> Any:
        """Sum of a variable's lanes, in their order."""
        lanes = variable.value.value
        parts = [self.builder.extract_element(lanes, self.ir.Constant(self.ir.IntType(32), q)) for q in range(LANES)]
        total = parts[0]
        for part in parts[1:]:
            total = self.builder.fadd(total, part)
        return total

    def turned(self, rows: list[LaneVector]) -> list[LaneVector]:
        """Transpose eight vectors."""
        values = [row.value for row in rows]
        mask = self.ir.VectorType(self.ir.IntType(32), LANES)
        for step in (1, 2, 4):
            low = self.ir.Constant(mask, [q if q & step == 0 else LANES + q - step for q in range(LANES)])
            high = self.ir.Constant(mask, [q + step if q & step == 0 else LANES + q for q in range(LANES)])
            for a in (a for a in range(LANES) if a & step == 0):
                pair = values[a], values[a + step]
                values[a] = self.builder.shuffle_vector(*pair, low)
                values[a + step] = self.builder.shuffle_vector(*pair, high)
        return [LaneVector(self, value) for value in values]


class PlainArray:
    """An array of a function that runs as Python."""

    def __init__(self, array: Any) -> None:
        self.numbers = array.reshape(-1)
        self.rows: Any = self.numbers[: array.size // LANES * LANES].reshape(-1, LANES)
        self.dimensions = array.ndim

    def __getitem__(self, row: int) -> Any:
        return self.rows[row].copy()

    def __setitem__(self, row: int, vector: Any) -> None:
        self.rows[row] = vector

    def number(self, index: int) -> Any:
        """Return one number."""
        return self.numbers[index]

    def eight(self, index: int) -> Any:
        """Return the numbers from ``index`` on."""
        return self.numbers[index : index + LANES].copy()

    def put_eight(self, index: int, vector: Any) -> None:
        """Set the numbers from ``index`` on."""
        self.numbers[index : index + LANES] = vector


class PlainVariable:
    """A vector that changes from turn to turn of a loop."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _plain(argument: Any) -> Any:
    return PlainArray(argument) if isinstance(argument, np.ndarray) else argument


class PlainLanes:
    """Does at once what ``CompiledLanes`` writes."""

    def count(self, array: PlainArray) -> int:
        """Return how many vectors an array has."""
        return len(array.numbers) // LANES

    def constant(self, number: float) -> Any:
        """Return a number known now, in all lanes."""
        return np.full(LANES, number)

    def upwards(self, first: int, last: int) -> Iterator[int]:
        """Go over the indices from ``first`` to below ``last``."""
        yield from range(first, last)

    def downwards(self, count: int, first: int = 0) -> Iterator[int]:
        """Go over the indices below ``count`` from the last to ``first``."""
        yield from range(count - 1, first - 1, -1)

    def along(self, index: int, pitch: int, offset: int) -> int:
        """Return the index ``index pitch + offset``."""
        return index * pitch + offset

    def if_equal(self, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
        """Return, lane by lane, ``then`` where a equals b."""
        return np.where(a == b, then, otherwise)

    def if_less(self, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
        """Return, lane by lane, ``then`` where a is less than b."""
        return np.where(a < b, then, otherwise)

    def tile(self, index: int) -> list[int]:
        """Return the indices of a tile's eight vectors."""
        return list(range(LANES * index, LANES * index + LANES))

    def variable(self, start: Any = None) -> PlainVariable:
        """Return a variable, 0 if no start is named."""
        return PlainVariable(np.zeros(LANES) if start is None else start)

    def total(self, variable: PlainVariable) -> float:
        """Sum of a variable's lanes, in their order."""
        return float(sum(variable.value.tolist()))

    def turned(self, rows: list[Any]) -> list[Any]:
        """Transpose eight vectors."""
        return list(np.array(rows).T)
