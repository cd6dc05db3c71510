"""What holds charge or flux, as parts of Newton's method and of a linear system alike.

Each element has one state q, its charge or its flux with the sign of what its rate adds to an equation: a capacitor's
``dq/dt`` leaves at its first node, an inductor's law is ``v - d(flux)/dt = 0`` with ``q = -flux``. A step replaces the
rate by ``alpha (q - q_n) + carried``, see ``formulas``.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress

import numpy as np

from xbarsim.mna import Branches
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.storage import JunctionCharges, Storage
from xbarsim.nonlinear import one_diode
from xbarsim.nonlinear.junction import Junctions
from xbarsim.nonlinear.part import Floats, Ints, Part, Places, Tangent, across


class Stored(Part):
    """Elements with one state each, by one control each.

    Attributes
    ----------
    by_current : bool
        Whether the controls are currents.
    """

    by_current = False

    def __init__(self, names: list[str], origins: Ints, flows: Places, controls: Places, ties: Branches) -> None:
        self.names, self.origins, self.flows = names, origins, flows
        self.stamps = (*flows, *controls)
        self.ties = ties
        self.open()

    @property
    def controls(self) -> Places:
        """Which two unknowns differ by each control."""
        return self.stamps[2], self.stamps[3]

    def open(self) -> None:
        """Take no part: rates are 0."""
        self.take(0.0, np.zeros(len(self.names)), np.zeros(len(self.names)))

    def take(self, alpha: float, carried: Floats, before: Floats) -> None:
        """Use a formula, see ``formulas``, from charges ``before`` (n,) on; ``carried`` (n,) is these elements'.

        Parameters
        ----------
        alpha : float
            1/s, what a rate has of its charge.
        carried : (n,) array
            What it has of earlier points, in the rates' unit.
        before : (n,) array
            Charges of the last point, coulombs or webers.
        """
        self._alpha, self._carried, self._before = alpha, carried, before

    def restart(self) -> None:
        """Forget nothing: the tangents are the laws, or those of the junctions."""

    def tangent(self, values: Floats, time: float, share: float) -> Tangent:
        """Return the rates' tangents.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        time, share : float
            Not used: charges depend on neither; all parts are called alike.
        """
        charge, slope, settled = self._tangent(values)
        return Tangent(self._rates(charge), self._alpha * slope, settled)

    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the rates.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        time : float
            Not used: charges do not depend on it.
        """
        return self._rates(self.charges(values))

    def _rates(self, charge: Floats) -> Floats:
        return self._alpha * (charge - self._before) + self._carried

    @abstractmethod
    def charges(self, values: Floats) -> Floats:
        """Return the states (n,) at the unknowns ``values`` (places,)."""

    @abstractmethod
    def capacitances(self, values: Floats) -> Floats:
        """Return their slopes (n,) by the controls."""

    @abstractmethod
    def _tangent(self, values: Floats) -> tuple[Floats, Floats, bool]:
        """Return states as their tangents have them, slopes, and whether no tangent was held back."""


class LinearStored(Stored):
    """Capacitors, inductors and what couples these: ``q = c u`` by the control u, ``coefficient`` c."""

    def __init__(
        self,
        names: list[str],
        origins: Ints,
        flows: Places,
        controls: Places,
        coefficient: Floats,
        ties: Branches,
        *,
        by_current: bool = False,
    ) -> None:
        self.coefficient, self.by_current = coefficient, by_current
        super().__init__(names, origins, flows, controls, ties)

    def charges(self, values: Floats) -> Floats:
        """Return charges and fluxes."""
        return np.asarray(self.coefficient * across(values, self.controls))

    def capacitances(self, values: Floats) -> Floats:
        """Return farads, and henries with their sign."""
        return self.coefficient

    def _tangent(self, values: Floats) -> tuple[Floats, Floats, bool]:
        return self.charges(values), self.coefficient, True


class JunctionStored(Stored):
    """Charges of diodes' junctions, as SPICE has them (Antognetti and Massobrio, 1988, section 1.5).

    ``q = TT i(v) + CJO VJ / (1 - M) (1 - (1 - v / VJ)^(1 - M))`` below FC VJ; from there on the depletion capacitance
    goes on as a straight line, ``CJO / F2 (F3 + M v / VJ)`` with ``F2 = (1 - FC)^(1 + M)``, ``F3 = 1 - FC (1 + M)``.

    Parameters
    ----------
    junctions : Junctions
        The junctions, whose tangents are put before these.
    model : JunctionCharges
        Their parameters.
    ties : Branches
        What the charges tie together at least.
    """

    def __init__(self, junctions: Junctions, model: JunctionCharges, ties: Branches) -> None:
        self._junctions, self._model = junctions, model
        columns = model.capacitance, model.potential, model.grading, model.knee
        self._few = list(zip(*(column.tolist() for column in columns), strict=True))
        self._latest: tuple[bytes, Floats, Floats] | None = None
        super().__init__(junctions.names, junctions.origins, junctions.flows, junctions.flows, ties)

    def charges(self, values: Floats) -> Floats:
        """Return coulombs."""
        return self._law(across(values, self.flows))[0]

    def capacitances(self, values: Floats) -> Floats:
        """Return farads."""
        return self._law(across(values, self.flows))[1]

    def _tangent(self, values: Floats) -> tuple[Floats, Floats, bool]:
        proposal = across(values, self.flows)
        at = self._junctions.at
        charge, slope = self._law(at)
        return charge + slope * (proposal - at), slope, bool(np.all(at == proposal))

    def _law(self, v: Floats) -> tuple[Floats, Floats]:
        """Return charges and capacitances; a step's end asks for the same ones more than once."""
        key = v.tobytes()
        if self._latest is None or self._latest[0] != key:
            current, slope = self._junctions.current(v)
            coulombs, farads = self._depletion(v)
            transit = self._model.transit
            self._latest = key, transit * current + coulombs, transit * slope + farads
        return self._latest[1:]

    def _depletion(self, v: Floats) -> tuple[Floats, Floats]:
        if v.size <= one_diode.MOST:
            with suppress(ArithmeticError, ValueError):
                laws = [one_diode.depletion(x, *own) for x, own in zip(v.tolist(), self._few, strict=True)]
                return np.array([law[0] for law in laws]), np.array([law[1] for law in laws])
        m = self._model
        bent = v < m.knee * m.potential
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 1 - np.where(bent, v, 0.0) / m.potential
            power = share**-m.grading
            # In this form a small voltage's charge keeps all its digits.
            low = np.log1p(np.where(bent, -v, 0.0) / m.potential) * (1 - m.grading)
            low = -m.capacitance * m.potential / (1 - m.grading) * np.expm1(low)
            start, end = m.knee * m.potential, np.maximum(v, m.knee * m.potential)
            at_start = -m.capacitance * m.potential / (1 - m.grading) * np.expm1((1 - m.grading) * np.log1p(-m.knee))
            f2, f3 = (1 - m.knee) ** (1 + m.grading), 1 - m.knee * (1 + m.grading)
            rise = f3 * (end - start) + 0.5 * m.grading / m.potential * (end**2 - start**2)
            high = at_start + m.capacitance / f2 * rise
            line = m.capacitance / f2 * (f3 + m.grading * end / m.potential)
        depletion = np.where(m.capacitance > 0, np.where(bent, low, high), 0.0)
        farads = np.where(m.capacitance > 0, np.where(bent, m.capacitance * power, line), 0.0)
        return depletion, farads


def stored_parts(
    circuit: FlatCircuit, nodes: int, branch: Ints, junctions: Junctions | None, longest: float
) -> list[Stored]:
    """Return what a circuit stores.

    Parameters
    ----------
    circuit : FlatCircuit
        With its ``storage``.
    nodes : int
        How many the equations have, those behind series resistances too.
    branch : (elements,)
        The number of each one's branch, as ``netlist.as_network`` counts them.
    junctions : Junctions, optional
        Its diodes.
    longest : float
        Seconds: what charges tie together is worth at least what steps of this length give.
    """
    storage = circuit.storage or Storage()
    parts: list[Stored] = []
    caps, coils = storage.capacitors, storage.inductors
    if caps.names:
        ends = caps.first, caps.second
        parts.append(
            LinearStored(caps.names, caps.origins, ends, ends, caps.farads, Branches(*ends, caps.farads / longest))
        )
    if coils.elements.size:
        law = nodes + branch[coils.elements]
        elements = np.concatenate([coils.elements, coils.elements[coils.first], coils.elements[coils.second]])
        laws, by = (
            np.concatenate([law, law[first], law[second]])
            for first, second in ((coils.first, coils.second), (coils.second, coils.first))
        )
        henries = np.concatenate([coils.henries, coils.mutual, coils.mutual])
        ground = np.zeros_like(laws)
        names = [circuit.names[k] for k in elements.tolist()]
        flows, controls = (laws, ground), (by, ground)
        origins = circuit.origins[elements]
        parts.append(LinearStored(names, origins, flows, controls, -henries, Branches(), by_current=True))
    model = storage.junctions
    if model is not None and junctions is not None and (np.any(model.capacitance) or np.any(model.transit)):
        ties = Branches(*junctions.flows, model.capacitance / longest)
        parts.append(JunctionStored(junctions, model, ties))
    return parts
