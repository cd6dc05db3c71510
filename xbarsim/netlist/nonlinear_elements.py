"""Nonlinear elements of a flat circuit, in columns: equal laws are one group, whatever their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour import Template

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Behaviours:
    """Sources whose amperes or volts are one template's value: B elements, and E and G with a law.

    Attributes
    ----------
    template : Template
        The law's form.
    output : {"i", "v"}
        Amperes that leave the circuit at ``first`` and enter it at ``second``, or volts from ``second`` to ``first``.
    names : list of str
        In lower case, as ngspice calls them.
    first, second : (n,)
        The two nodes of each.
    kinds : str
        A letter for each control of the template: ``v``, a voltage, or ``i``, a current.
    plus, minus : (controls, n)
        v: the nodes of each control. i: in ``plus`` the element whose current it is, as ``Controlled.c`` has it, with
        ``len(circuit.names) + len(circuit.controlled) + k`` for the k-th source of volts among all behaviours.
    constants : (constants, n)
        The template's constants.
    factor : (n,)
        What the value is multiplied with: ``m=`` and temperature coefficients.
    origins : (n,)
        Where each stands.
    """

    template: Template
    output: str
    names: list[str]
    first: Ints
    second: Ints
    kinds: str
    plus: Ints
    minus: Ints
    constants: Floats
    factor: Floats
    origins: Ints

    @property
    def two_terminal(self) -> NDArray[np.bool_]:
        """Which are a current by the voltage across them alone: (n,)."""
        if self.output != "i" or self.kinds != "v":
            return np.zeros(self.first.size, bool)
        return np.asarray((self.plus[0] == self.first) & (self.minus[0] == self.second))


@dataclass(frozen=True, eq=False)
class Diodes:
    """Diodes of SPICE's level 1, their parameters at their temperatures.

    Attributes
    ----------
    names : list of str
        In lower case, as ngspice calls them.
    first, second : (n,)
        Anode and cathode.
    saturation : (n,)
        Amperes.
    scale : (n,)
        Volts over which the current grows e-fold, N k T / q.
    series : (n,)
        Ohms, 0 for none.
    breakdown, breakdown_scale : (n,)
        Volts, inf for none, and what its current grows e-fold over.
    forward_knee, reverse_knee : (n,)
        Amperes of high injection, inf for none.
    origins : (n,)
        Where each stands.
    """

    names: list[str]
    first: Ints
    second: Ints
    saturation: Floats
    scale: Floats
    series: Floats
    breakdown: Floats
    breakdown_scale: Floats
    forward_knee: Floats
    reverse_knee: Floats
    origins: Ints


@dataclass(frozen=True, eq=False)
class Mosfets:
    """Transistors of SPICE's level 1, their parameters at their temperatures.

    Attributes
    ----------
    names : list of str
        In lower case, as ngspice calls them.
    drain, gate, source, bulk : (n,)
        Nodes.
    polarity : (n,)
        1 for n-channel, -1 for p-channel; what follows is as if n-channel.
    beta : (n,)
        A/V^2, KP W / L.
    channel : (n,)
        1/V, LAMBDA.
    gamma, phi, built_in : (n,)
        V^0.5 and volts: the threshold is ``built_in + gamma sqrt(phi - vbs)``.
    drain_saturation, source_saturation, thermal : (n,)
        Amperes of the bulk's junctions, and k T / q.
    drain_series, source_series : (n,)
        Ohms, 0 for none.
    origins : (n,)
        Where each stands.
    """

    names: list[str]
    drain: Ints
    gate: Ints
    source: Ints
    bulk: Ints
    polarity: Floats
    beta: Floats
    channel: Floats
    gamma: Floats
    phi: Floats
    built_in: Floats
    drain_saturation: Floats
    source_saturation: Floats
    thermal: Floats
    drain_series: Floats
    source_series: Floats
    origins: Ints
