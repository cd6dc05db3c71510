"""A circuit's sources that something controls, linear ones too, as rows of laws by places of their controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xbarsim.netlist.behaviour.template import Template, template_of
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.nonlinear.part import Floats, Ints

_PROPORTIONAL = template_of((("control", 0, ()), ("constant", 0, ()), ("*", None, (0, 1))))
"""The law of E, F, G and H: their control times their gain."""


@dataclass(frozen=True)
class LawRows:
    """Sources of one template, n of them.

    Attributes
    ----------
    template : Template
        Their law.
    volts : bool
        Whether they give volts from ``second`` to ``first``, else amperes into ``second``.
    first, second : (n,)
        Their nodes.
    plus, minus : (controls, n)
        Places of their controls: voltages of nodes, then branch currents, whose ``minus`` is ground.
    by_volts : (controls,) of bool
        Which controls are voltages.
    constants : (constants, n)
        The template's.
    factor : (n,)
        Times the law.
    """

    template: Template
    volts: bool
    first: Ints
    second: Ints
    plus: Ints
    minus: Ints
    by_volts: np.ndarray[tuple[int], np.dtype[np.bool_]]
    constants: Floats
    factor: Floats


def law_rows(circuit: FlatCircuit, nodes: int, branch: Ints) -> Iterator[LawRows]:
    """Give a circuit's controlled sources.

    Parameters
    ----------
    circuit : FlatCircuit
        The circuit.
    nodes : int
        How many places are voltages.
    branch : (elements and controlled and sources of volts,)
        The number of each one's branch, -1 where it has none.
    """
    number = np.append(branch, -1)  # a law without controls by a current looks up something, too
    for laws in circuit.behaviours:
        by_volts = np.array([kind == "v" for kind in laws.kinds], dtype=bool)
        currents = nodes + number[np.where(by_volts[:, None], -1, laws.plus)]
        plus = np.where(by_volts[:, None], laws.plus, currents)
        minus = np.where(by_volts[:, None], laws.minus, 0)
        yield LawRows(
            laws.template, laws.output == "v", laws.first, laws.second, plus, minus, by_volts, laws.constants,
            laws.factor,
        )  # fmt: skip
    for coupling in dict.fromkeys(source.coupling for source in circuit.controlled):
        yield _linear([source for source in circuit.controlled if source.coupling == coupling], nodes, number)


def _linear(sources: list[Controlled], nodes: int, number: Ints) -> LawRows:
    coupling = sources[0].coupling
    first, second, c, d = (
        np.array([getattr(source, name) for source in sources], np.int64) for name in ("first", "second", "c", "d")
    )
    by_current = coupling.by_current
    plus, minus = (nodes + number[c], np.zeros_like(c)) if by_current else (c, d)
    gains = np.array([source.gain for source in sources], np.float64)
    return LawRows(
        _PROPORTIONAL, coupling.fixes_voltage, first, second, plus[None], minus[None], np.array([not by_current]),
        gains[None], np.ones(gains.size),
    )  # fmt: skip
