"""Vectors of doubles, one number for each of several circuits side by side, as kernels work on them in registers.

Storage is a flat array of doubles, and places in it are counted in vectors. ``LANES`` circuits are laid out at a time;
a vector of this processor may hold only ``width()`` of them, and a kernel then does them a part at a time. Sums are
always taken in the same order, whatever the width.

Kernels in other files use these: their object code is known by this file's content too (see :mod:`object_files`).
"""

from __future__ import annotations

import os
from functools import cache, partialmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.intrinsics import intrinsic

Array = NDArray[np.float64]

LANES = 8


def storage(vectors: int) -> Array:
    """Return storage for so many vectors of ``LANES`` numbers, each on a cache line of its own.

    It holds zeros: what is computed at places that do not count must not be slowed by numbers below the normal ones.
    """
    size = vectors * LANES
    raw = np.zeros(size + LANES)
    start = -(raw.ctypes.data // raw.itemsize) % LANES
    return raw[start : start + size]


@cache
def _vector() -> tuple[Any, Any, Any]:
    """Return numba's types of a vector and of an index, and the vector as LLVM has it on this processor."""
    from llvmlite import binding, ir
    from numba.core import types
    from numba.extending import models, register_model

    wide = binding.get_host_cpu_features().get("avx512f", False) and "NUMBA_CPU_NAME" not in os.environ
    form = ir.VectorType(ir.DoubleType(), LANES if wide else LANES // 2)
    model: Any = models.PrimitiveModel

    class Vector(types.Type):
        pass

    register_model(Vector)(type("VectorModel", (model,), {"__init__": partialmethod(model.__init__, be_type=form)}))
    return Vector("vector"), types.intp, form


def _builders() -> Any:
    """Return numba's helpers for code; None has types that a checker could follow."""
    from numba.core import cgutils

    return cgutils


def _address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    form = _vector()[2]
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [builder.mul(at, at.type(form.count))]), form.as_pointer())


def _fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=["contract"]), c, flags=["contract"])


@intrinsic(lambda: LANES)
def width(typing: Any) -> Any:
    """Return how many doubles a vector holds: ``LANES``, or a divisor of it."""
    _, index, form = _vector()
    return index(), lambda context, builder, signature, args: context.get_constant(index, form.count)


@intrinsic(lambda number: np.full(LANES, number))
def every(typing: Any, number: Any) -> Any:
    """Return the same number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.Constant(form, ir.Undefined)
        for q in range(form.count):
            vector = builder.insert_element(vector, args[0], index_form(q))
        return vector

    from llvmlite import ir
    from numba.core import types

    kind, _, form = _vector()
    index_form = ir.IntType(32)
    return kind(types.float64), generate


@intrinsic(lambda store, at: store[at * LANES : at * LANES + LANES].copy())
def load(typing: Any, store: Any, at: Any) -> Any:
    """Return the vector at a place."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, store, *args), align=8)

    kind, index, _ = _vector()
    return kind(store, index), generate


def _put(store: Array, at: int, value: Array) -> int:
    store[at * LANES : at * LANES + LANES] = value
    return at


@intrinsic(_put)
def save(typing: Any, store: Any, at: Any, value: Any) -> Any:
    """Write a vector to a place, which is returned."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, store, *args[:2]), align=8)
        return args[1]

    kind, index, _ = _vector()
    return index(store, index, kind), generate


@intrinsic(lambda a, b: a + b)
def plus(typing: Any, a: Any, b: Any) -> Any:
    """Return ``a + b``."""
    kind = _vector()[0]
    return kind(kind, kind), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic(lambda a, b: a - b)
def minus(typing: Any, a: Any, b: Any) -> Any:
    """Return ``a - b``."""
    kind = _vector()[0]
    return kind(kind, kind), lambda context, builder, signature, args: builder.fsub(*args)


@intrinsic(lambda a, b: a * b)
def times(typing: Any, a: Any, b: Any) -> Any:
    """Return ``a b``."""
    kind = _vector()[0]
    return kind(kind, kind), lambda context, builder, signature, args: builder.fmul(*args)


@intrinsic(lambda a, b, c: a * b + c)
def madd(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a b + c``."""
    kind = _vector()[0]
    return kind(kind, kind, kind), lambda context, builder, signature, args: _fused(builder, *args)


def _quotient(a: Array, b: Array) -> Array:
    return np.where(b > 0.0, a / np.where(b > 0.0, b, 1.0), 0.0)


@intrinsic(_quotient)
def quotient(typing: Any, a: Any, b: Any) -> Any:
    """Return ``a / b``, and 0 where b is not above 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = form([0.0] * form.count)
        return builder.select(builder.fcmp_ordered(">", args[1], zero), builder.fdiv(*args), zero)

    kind, _, form = _vector()
    return kind(kind, kind), generate


@intrinsic(np.sqrt)
def root(typing: Any, a: Any) -> Any:
    """Return the square root of a, which is not below 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir

        function = ir.FunctionType(form, [form])
        name = f"llvm.sqrt.v{form.count}f64"
        return builder.call(_builders().get_or_insert_function(builder.module, function, name), args)

    kind, _, form = _vector()
    return kind(kind), generate


def _rows(m: int) -> Any:
    """Return ``to[r, c] = base[r, c] + sum_t x[t, r] y[t, c]`` for m rows r and n columns c, the sums in registers.

    Behind a place in the storage stand its steps by row, column and term; a column's step in ``to`` is 1. A ``base``
    below 0 is nothing.
    """

    def body(
        store: Array, n: int, to: int, to_r: int, base: int, base_r: int, base_c: int, x: int, x_r: int, x_t: int,
        y: int, y_c: int, y_t: int, count: int,
    ) -> int:  # fmt: skip
        lanes = store.reshape(-1, LANES)
        for r in range(m):
            for c in range(n):
                total = lanes[base + r * base_r + c * base_c].copy() if base >= 0 else np.zeros(LANES)
                for t in range(count):
                    total += lanes[x + r * x_r + t * x_t] * lanes[y + c * y_c + t * y_t]
                lanes[to + r * to_r + c] = total
        return to

    @intrinsic(body)
    def generator(
        typing: Any, store: Any, n: Any, to: Any, to_r: Any, base: Any, base_r: Any, base_c: Any, x: Any, x_r: Any,
        x_t: Any, y: Any, y_c: Any, y_t: Any, count: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            store_value, n, *places = args
            number = n.type
            # Half as many columns at a time where there are half as many registers.
            wide = 4 if form.count == LANES else 2
            whole = builder.udiv(n, number(wide))
            with _builders().for_range(builder, whole) as loop:
                first = builder.mul(loop.index, number(wide))
                _emit_tile(context, builder, store, store_value, m, wide, first, *places)
            handled = builder.mul(whole, number(wide))
            with _builders().for_range(builder, builder.sub(n, handled)) as loop:
                _emit_tile(context, builder, store, store_value, m, 1, builder.add(handled, loop.index), *places)
            return places[0]

        _, index, form = _vector()
        return index(store, *[index] * 13), generate

    return generator


def _emit_tile(
    context: Any, builder: Any, kind: Any, store: Any, m: int, n: int, first: Any, to: Any, to_r: Any, base: Any,
    base_r: Any, base_c: Any, x: Any, x_r: Any, x_t: Any, y: Any, y_c: Any, y_t: Any, count: Any,
) -> None:  # fmt: skip
    """Emit the sums of m rows and of n columns from ``first`` on."""
    form, number = _vector()[2], to.type

    def vector(at: Any, *steps: tuple[Any, int]) -> Any:
        """Return the address so many steps behind a place."""
        for step, times in steps:
            at = builder.add(at, builder.mul(step, number(times)))
        return _address(context, builder, kind, store, at)

    sums = {(r, c): _builders().alloca_once(builder, form) for r in range(m) for c in range(n)}
    with builder.if_else(builder.icmp_signed(">=", base, number(0))) as (present, absent):
        with present:
            corner = builder.add(base, builder.mul(first, base_c))
            for (r, c), total in sums.items():
                builder.store(builder.load(vector(corner, (base_r, r), (base_c, c)), align=8), total)
        with absent:
            for total in sums.values():
                builder.store(form([0.0] * form.count), total)
    y = builder.add(y, builder.mul(first, y_c))
    with _builders().for_range(builder, count) as loop:
        across, down = builder.mul(loop.index, x_t), builder.mul(loop.index, y_t)
        right = [builder.load(vector(builder.add(y, down), (y_c, c)), align=8) for c in range(n)]
        for r in range(m):
            left = builder.load(vector(builder.add(x, across), (x_r, r)), align=8)
            for c in range(n):
                builder.store(_fused(builder, left, right[c], builder.load(sums[r, c])), sums[r, c])
    corner = builder.add(to, first)
    for (r, c), total in sums.items():
        builder.store(builder.load(total), vector(corner, (to_r, r), (number(1), c)), align=8)


four_rows, one_row = _rows(4), _rows(1)
