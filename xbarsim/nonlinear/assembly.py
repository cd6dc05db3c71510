"""A netlist's nonlinear elements as parts of a problem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xbarsim.mna import VCCS, Branches, Gains, Network
from xbarsim.netlist.element_kinds import fixes_voltage
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.nonlinear_elements import Behaviours
from xbarsim.nonlinear.channel import Channels
from xbarsim.nonlinear.fixed_voltages import fixed_groups
from xbarsim.nonlinear.junction import DiodeJunctions, Junctions
from xbarsim.nonlinear.law_sources import Sources
from xbarsim.nonlinear.part import Floats, Ints, Part
from xbarsim.nonlinear.problem import Problem

_LEAST = 1e-12
"""Siemens that a law is taken to have at least where it is flat at 0 V."""


def problem_of(circuit: FlatCircuit, network: Network, branch: Ints) -> Problem:
    """Return a circuit's equations.

    Parameters
    ----------
    circuit : FlatCircuit
        With nonlinear elements.
    network : Network
        Its linear part, the behaviours' sources of volts behind its own.
    branch : (elements and controlled and sources of volts,)
        The number of each one's branch in the network, -1 where it has none.

    Raises
    ------
    FloatingError, LoopError
        As ``mna.System``.
    """
    return Problem(*parts_of(circuit, network, branch))


def parts_of(circuit: FlatCircuit, network: Network, branch: Ints) -> tuple[Network, list[Part]]:
    """Return the network with what nonlinear elements add to it, and these; arguments as ``problem_of``.

    Parameters
    ----------
    circuit : FlatCircuit
        With nonlinear elements.
    network : Network
        Its linear part.
    branch : (elements and controlled and sources of volts,) array of int
        Each one's branch in the network, -1 where it has none.
    """
    return _Builder(circuit, network, branch).run()


class _Builder:
    def __init__(self, circuit: FlatCircuit, network: Network, branch: Ints) -> None:
        self.circuit, self.network = circuit, network
        self.branch = np.append(branch, -1)  # a law without controls by a current looks up something, too
        self.nodes = network.nodes
        self.series: list[tuple[Ints, Ints, Floats]] = []
        self.sensed: list[tuple[Ints, Ints, Ints, Ints]] = []

    def run(self) -> tuple[Network, list[Part]]:
        """Return the network with what parts add to it, and the parts."""
        circuit, network = self.circuit, self.network
        parts: list[Part] = []
        if circuit.diodes is not None:
            parts.append(self._diodes())
        if circuit.mosfets is not None:
            parts += self._mosfets()
        law = int(np.count_nonzero(fixes_voltage(circuit.kinds)))
        if circuit.behaviours:
            independent = np.arange(network.voltages.a.size) < law
            if network.yielding.size:
                independent &= ~network.yielding
            self.groups = fixed_groups(network, independent)
        for laws in circuit.behaviours:
            places = np.empty(0, np.int64)
            if laws.output == "v":
                places, law = law + np.arange(len(laws.names)), law + len(laws.names)
            parts.append(self._sources(laws, places))
        ohms = network.resistors
        if self.series:
            a, b, value = (np.concatenate(column) for column in zip(*self.series, strict=True))
            ohms = Branches(*(np.concatenate(pair) for pair in ((ohms.a, a), (ohms.b, b), (ohms.value, value))))
        gains = dict(network.controlled)
        if self.sensed:
            # They carry nothing: they say that an island's voltage is sensed here and fed there.
            a, b, c, d = (np.concatenate(column) for column in zip(*self.sensed, strict=True))
            group = gains.get(VCCS, Gains())
            pairs = (group.a, a), (group.b, b), (group.value, np.zeros(a.size)), (group.c, c), (group.d, d)
            gains[VCCS] = Gains(*map(np.concatenate, pairs))
        return replace(network, nodes=self.nodes, resistors=ohms, controlled=gains), parts

    def _inside(self, outer: Ints, ohms: Floats) -> Ints:
        """Return the nodes behind series resistances, new ones where there are any."""
        has = np.flatnonzero(ohms > 0)
        inner = outer.copy()
        inner[has] = self.nodes + np.arange(has.size)
        self.nodes += has.size
        self.series.append((outer[has], inner[has], ohms[has]))
        return inner

    def _diodes(self) -> Part:
        d = self.circuit.diodes
        assert d is not None
        ends = self._inside(d.first, d.series), d.second
        gmin, breaks = self.circuit.gmin, (d.breakdown, d.breakdown_scale)
        knees = d.forward_knee, d.reverse_knee
        return DiodeJunctions(d.names, d.origins, ends, d.saturation, d.scale, gmin, breaks, knees)

    def _mosfets(self) -> list[Part]:
        m = self.circuit.mosfets
        assert m is not None
        drain, source = self._inside(m.drain, m.drain_series), self._inside(m.source, m.source_series)
        nodes = drain, m.gate, source, m.bulk
        parts: list[Part] = [
            Channels(m.names, m.origins, nodes, m.polarity, m.beta, m.channel, m.gamma, m.phi, m.built_in)
        ]
        down = m.polarity > 0
        for end, saturation in ((drain, m.drain_saturation), (source, m.source_saturation)):
            ends = np.where(down, m.bulk, end), np.where(down, end, m.bulk)
            parts.append(Junctions(m.names, m.origins, ends, saturation, m.thermal, self.circuit.gmin))
        return parts

    def _sources(self, laws: Behaviours, places: Ints) -> Part:
        # Where a control is a current, the place of its branch, behind those of all nodes.
        kinds = np.array([kind == "i" for kind in laws.kinds], dtype=bool)[:, None]
        plus = np.where(kinds, self.nodes + self.branch[np.where(kinds, laws.plus, 0)], laws.plus)
        minus = np.where(kinds, 0, laws.minus)
        fixed = ~kinds & (self.groups[np.where(kinds, 0, laws.plus)] == self.groups[minus])
        if laws.output == "v":
            flows = self.nodes + places, np.zeros_like(places)
            return Sources(
                laws.names, laws.origins, laws.template, flows, (plus, minus), laws.constants, -laws.factor,
                steep=False, ties=Branches(), fixed=fixed,
            )  # fmt: skip
        part = Sources(
            laws.names, laws.origins, laws.template, (laws.first, laws.second), (plus, minus), laws.constants,
            laws.factor, steep=True, ties=Branches(), fixed=fixed,
        )  # fmt: skip
        zero = part.tangent(np.zeros(self.nodes + self.branch.size + 1), 0.0, 1.0).slopes.reshape(plus.shape)
        part.restart()
        a, b, least = [], [], []
        for k, kind in enumerate(laws.kinds):
            if kind == "i":
                continue
            c, d = plus[k], minus[k]
            across = ((c == laws.first) & (d == laws.second)) | ((c == laws.second) & (d == laws.first))
            a.append(laws.first[across])
            b.append(laws.second[across])
            slope = np.abs(zero[k][across])
            least.append(np.where(np.isfinite(slope) & (slope > _LEAST), slope, _LEAST))
            self.sensed.append((laws.first[~across], laws.second[~across], c[~across], d[~across]))
        if a:
            part.ties = Branches(np.concatenate(a), np.concatenate(b), np.concatenate(least))
        return part
