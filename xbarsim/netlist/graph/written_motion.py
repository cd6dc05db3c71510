"""A cell whose current and whose state's motion a netlist wrote down."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Self

import numpy as np

from xbarsim.devices.base import parameter
from xbarsim.devices.dynamic_law import DynamicLaw
from xbarsim.netlist.graph.edges import Bools, Floats

UNBOUNDED = 1e30


class WrittenMotion(DynamicLaw):
    """Both laws as functions of volts, state and constants; compiled when a solver first needs them.

    A netlist bounds no state: ``within`` says how far the laws are to be followed.

    Parameters
    ----------
    current, motion : callable
        As :class:`DynamicLaw` takes them.
    turn : (rows, cols)
        1 where the laws' volts are from word to bit node, -1 where they are from bit to word node, 0 where no cell is.
    constants : list of (rows, cols)
        What both laws take beside volts and state.
    bends : bool
        Whether a law has corners or jumps.
    """

    bends: bool

    def __init__(
        self,
        current: Callable[..., Any],
        motion: Callable[..., Any],
        turn: Floats,
        constants: list[Floats],
        *,
        bends: bool,
    ) -> None:
        object.__setattr__(self, "bends", bends)
        object.__setattr__(self, "current_law", _turned(current, True))
        object.__setattr__(self, "motion_law", _turned(motion, False))
        object.__setattr__(self, "low", parameter("low", -UNBOUNDED))
        object.__setattr__(self, "high", parameter("high", UNBOUNDED))
        numbers = {f"c{k}": parameter(f"c{k}", values) for k, values in enumerate(constants)}
        object.__setattr__(self, "arguments", {"turn": parameter("turn", turn), **numbers})

    def within(self, size: float, present: Bools) -> Self:
        """Return the cell with states between -size and size, and only where it is present.

        Parameters
        ----------
        size : float
            Of the state, which is a node's volts.
        present : (rows, cols) array of bool
            Where there is a cell.
        """
        turn = parameter("turn", np.where(present, self.arguments["turn"], 0.0))
        bounds = {"low": parameter("low", -size), "high": parameter("high", size)}
        cell = object.__new__(type(self))
        cell.__dict__.update(self.__dict__, **bounds, arguments={**self.arguments, "turn": turn})
        return cell


@lru_cache(maxsize=256)
def _turned(inner: Callable[..., Any], along: bool) -> Callable[..., Any]:
    """Return a law of the volts from word to bit node; ``along`` says that it gives what flows that way."""
    from xbarsim.kernels.compiled import jitted

    law = jitted(inner)

    def current(v, x, turn, *constants):  # type: ignore[no-untyped-def]
        i, slope, by_state = law(turn * v, x, *constants)
        return turn * i, turn * turn * slope, turn * by_state

    def motion(v, x, turn, *constants):  # type: ignore[no-untyped-def]
        f, slope, by_state = law(turn * v, x, *constants)
        return turn * turn * f, turn * slope, turn * turn * by_state

    return current if along else motion
