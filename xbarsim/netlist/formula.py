"""Expressions over results: what ``.measure``, ``.print`` and their like ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour import Parsed, law_of, parse_law
from xbarsim.netlist.language import Control, UserFunction

Floats = NDArray[np.float64]

_PAR = re.compile(r"(?<![\w.])par\s*\(\s*(?:'([^']*)'|\"([^\"]*)\"|\{([^{}]*)\})\s*\)")
_BRANCH = re.compile(r"([a-z][\w.\[\]<>]*)#branch")
_DEVICE = re.compile(r"@([a-z][\w.<>:]*)\[i\w?\]")
_QUOTES = {"'": "'", '"': '"', "{": "}"}


def plain(text: str) -> str:
    """Return an expression without what other simulators put around and in it: quotes, ``par()``, ``v1#branch``."""
    text = text.strip().lower()
    text = _PAR.sub(lambda match: f"({next(group for group in match.groups() if group is not None)})", text)
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return _DEVICE.sub(r"i(\1)", _BRANCH.sub(r"i(\1)", text))


class Formula:
    """An expression in ``v(node)``, ``v(node, node)``, ``i(element)``, numbers and names.

    Parameters
    ----------
    text : str
        As it was written.
    functions : mapping
        What ``.func`` defines.

    Attributes
    ----------
    controls : tuple of Control
        The voltages and currents that it asks for.
    names : tuple of str
        Its names: parameters, or what else has a value.

    Raises
    ------
    CardError
        It is no expression; the message quotes it.
    """

    def __init__(self, text: str, functions: Mapping[str, UserFunction]) -> None:
        graphs: dict[tuple[str, ...], Parsed] = {}
        parsed, self._literals, controls = parse_law(plain(text), functions, graphs)
        self._law = law_of(parsed)
        self.controls: tuple[Control, ...] = tuple(controls[k] for k in self._law.controls)
        self.names = self._law.parameters

    def evaluate(
        self, quantity: Callable[[Control], Floats], value: Callable[[str], float], times: Floats, celsius: float = 27.0
    ) -> Floats:
        """Return its values at all points.

        Parameters
        ----------
        quantity : callable
            What gives a voltage or a current at all points, (points,).
        value : callable
            What gives a name's value.
        times : (points,)
            Seconds.
        celsius : float
            The temperature.
        """
        constants = [np.asarray(column) for column in self._law.constants(self._literals, value, celsius)]
        controls = [np.asarray(quantity(control)) for control in self.controls]
        shape = times.shape
        spread = [np.broadcast_to(column, shape) for column in (*controls, *constants)]
        values, _ = self._law.template.evaluate(spread[: len(controls)], spread[len(controls) :], times)  # type: ignore[arg-type]
        return np.broadcast_to(values, shape)
