"""Two threads that run one kernel on two parts of its work, and where they wait for each other.

The functions below are compiled into kernels, so that their text is among what compiled code depends on
(:mod:`object_files`). Who waits looks for a while, then yields the processor between looks, and in the end sleeps
between them: the partner may have no processor of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.intrinsics import intrinsic

Index = NDArray[np.int64]

_APART = 16
"""Places between two numbers that different threads write: two lines of the cache."""

_LOOKS = 1024
"""Looks at the partner's number before the processor is yielded, and again before it is once more."""

_PATIENCE = 24 * _LOOKS
"""Looks, as many as take some tens of microseconds, after which the processor is given up for ``_NAP``."""

_NAP = 50
"""Microseconds."""

_SYSTEM = sys.platform != "win32"
"""Whether the system has ``sched_yield`` and ``usleep``; elsewhere who waits looks on."""


def _wait(gate: Index, part: int) -> bool:
    if gate.size == 0:
        return True
    gate[_APART * part] += 1
    while gate[_APART * (1 - part)] < gate[_APART * part]:
        if gate[2 * _APART]:
            return False
        time.sleep(0.0)
    return True


@intrinsic(_wait)
def meet(typing: Any, gate: Any, part: Any) -> Any:
    """Wait until the other part, 0 or 1, has come here as often; False: it never will.

    At an empty gate nobody is waited for.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        long, word = ir.IntType(64), ir.IntType(32)
        array = context.make_array(gate)(context, builder, args[0])
        data, before = array.data, builder.block
        arrive, look, again, pause, met = map(builder.append_basic_block, ("arrive", "look", "again", "pause", "met"))
        builder.cbranch(builder.icmp_unsigned("==", array.nitems, long(0)), met, arrive)

        builder.position_at_end(arrive)
        offset = builder.mul(args[1], long(_APART))
        mine, partner = builder.gep(data, [offset]), builder.gep(data, [builder.sub(long(_APART), offset)])
        given_up = builder.gep(data, [long(2 * _APART)])
        count = builder.add(builder.load(mine), long(1))
        builder.store_atomic(count, mine, "release", 8)
        builder.branch(look)

        builder.position_at_end(look)
        looks = builder.phi(long)
        looks.add_incoming(long(1), arrive)
        arrived = builder.icmp_signed(">=", builder.load_atomic(partner, "acquire", 8), count)
        builder.cbranch(arrived, met, again)

        builder.position_at_end(again)
        more = builder.add(looks, long(1))
        looks.add_incoming(more, again)
        tired = builder.icmp_unsigned("==", builder.urem(looks, long(_LOOKS)), long(0))
        builder.cbranch(tired, pause, look)

        builder.position_at_end(pause)
        if _SYSTEM:
            with builder.if_else(builder.icmp_unsigned("<", looks, long(_PATIENCE))) as (early, late):
                with early:
                    builder.call(declared(builder.module, ir.FunctionType(word, []), "sched_yield"), [])
                with late:
                    builder.call(declared(builder.module, ir.FunctionType(word, [word]), "usleep"), [word(_NAP)])
        rested = builder.block
        looks.add_incoming(more, rested)
        alone = builder.icmp_unsigned("!=", builder.load_atomic(given_up, "acquire", 8), long(0))
        builder.cbranch(alone, met, look)

        builder.position_at_end(met)
        together = builder.phi(ir.IntType(1))
        together.add_incoming(ir.IntType(1)(1), before)
        together.add_incoming(ir.IntType(1)(1), look)
        together.add_incoming(ir.IntType(1)(0), rested)
        return together

    from llvmlite import ir
    from numba.core import cgutils, types

    declared: Any = cgutils.get_or_insert_function
    return types.boolean(gate, types.int64), generate


def run_both(work: Callable[[int, Index], Any], alone: Callable[[], Any]) -> Any:
    """Run ``work(part, gate)`` for part 0 here and part 1 in another thread; return what part 0 returned.

    If one of them raises, the other leaves where it waits next, and the error is raised. Where the system has no more
    threads, ``alone()`` does all.
    """
    gate = np.zeros(3 * _APART, np.int64)
    errors: list[BaseException] = []

    def partner() -> None:
        try:
            work(1, gate)
        except BaseException as error:
            gate[2 * _APART] = 1
            errors.append(error)

    thread = Thread(target=partner, name="xbarsim-part-1")
    try:
        thread.start()
    except RuntimeError:
        return alone()
    try:
        outcome = work(0, gate)
    except BaseException:
        gate[2 * _APART] = 1
        raise
    finally:
        thread.join()
    if errors:
        raise errors[0]
    return outcome
