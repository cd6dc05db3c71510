"""Random functions: HSPICE's agauss, gauss, aunif, unif and limit, LTspice's mc, flat and gauss(x), ngspice's sgauss.

A draw belongs to a seed and a run: run 7 of seed 0 has the same numbers whatever other runs there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

import numpy as np

from xbarsim.netlist.language import Expression, Sampler, UserFunction, reach
from xbarsim.netlist.reading.expressions import RANDOM
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

_FORMS = {
    "agauss": "agauss(nominal, spread, sigmas)",
    "gauss": "gauss(nominal, relative spread, sigmas)",
    "aunif": "aunif(nominal, spread)",
    "unif": "unif(nominal, relative spread)",
    "limit": "limit(nominal, spread)",
    "mc": "mc(nominal, tolerance)",
    "flat": "flat(spread)",
    "sgauss": "sgauss(0)",
    "sunif": "sunif(0)",
}
_MOST_TRIES = 10_000


def may_draw(text: str) -> bool:
    """Whether a file's text, in lower case, may call a random function."""
    return "(" in text and any(f"{name}(" in text or f"{name} (" in text for name in RANDOM)


IN_CONTROL = 0
"""The run whose draws those of a ``.control`` block itself are."""


class Draws:
    """The draws of one run.

    Parameters
    ----------
    seed : int
        What all runs have in common.
    run : int or None
        The run, from 1; None gives nominal values.

    Attributes
    ----------
    count : int
        How often a random function was evaluated.
    """

    def __init__(self, seed: int, run: int | None) -> None:
        self.run = run
        self.count = 0
        self._seed = seed
        self._samplers = {name: Sampler(partial(self._value, name)) for name in _FORMS}

    def with_samplers(
        self, expression: Expression, functions: Mapping[str, UserFunction]
    ) -> tuple[Mapping[str, UserFunction | Sampler], bool]:
        """Return the functions that an expression can call, and whether its value is drawn.

        Parameters
        ----------
        expression : Expression
            What is evaluated.
        functions : mapping of str to UserFunction
            Those that the netlist defines.
        """
        samplers = {name: self._samplers[name] for name in reach(expression, functions)[1] if name in self._samplers}
        return ({**functions, **samplers}, self.run is not None) if samplers else (functions, False)

    def _value(self, name: str, arguments: Sequence[float], text: str) -> float:
        """Return the nominal value or a draw; ``text`` is what an error quotes."""
        if name == "limit" and len(arguments) == 3:
            value, low, high = arguments
            return max(low, min(high, value))
        self.count += 1
        nominal, scale, tries = _spread(name, arguments, text)
        if self.run is None or scale == 0:
            return nominal
        # Of several tries the one that is farthest away counts.
        deviates = [self._deviate(name) for _ in range(tries)]
        value = nominal + scale * max(deviates, key=abs)
        if not np.isfinite(value):
            raise CardError(f"{name}() in '{clipped(text)}' draws {value}: give a finite spread")
        return value

    @cached_property
    def _generator(self) -> np.random.Generator:
        assert self.run is not None
        return np.random.default_rng([self._seed, self.run])

    def _deviate(self, name: str) -> float:
        if name.endswith("gauss"):
            return float(self._generator.standard_normal())
        deviate = float(self._generator.uniform(-1.0, 1.0))
        return deviate if name != "limit" else 1.0 if deviate > 0 else -1.0


def _spread(name: str, arguments: Sequence[float], text: str) -> tuple[float, float, int]:
    """Return the nominal value, what a deviate is multiplied with, and how often to try."""
    count = len(arguments)
    if name in ("sgauss", "sunif") and count == 1:
        return 0.0, 1.0, 1
    if (name == "flat" and count == 1) or (name == "gauss" and count == 1):
        return 0.0, arguments[0], 1
    if name == "mc" and count == 2:
        return arguments[0], arguments[0] * arguments[1], 1
    least = 3 if name.endswith("gauss") else 2
    if name in ("mc", "flat", "sgauss", "sunif") or count not in (least, least + 1):
        raise CardError(f"'{clipped(text)}' cannot be read: write {_FORMS[name]}")
    nominal, spread = arguments[0], arguments[1]
    if least == 3:
        if arguments[2] == 0:
            raise CardError(f"{name}() in '{clipped(text)}' spans 0 sigmas: its third number must be > 0")
        spread /= arguments[2]
    tries = arguments[least] if count > least else 1.0
    if tries != int(tries) or not 1 <= tries <= _MOST_TRIES:
        raise CardError(f"{name}() in '{clipped(text)}' tries {tries:g} times: its last number must be 1 or more")
    return nominal, spread * nominal if name in ("gauss", "unif") else spread, int(tries)
