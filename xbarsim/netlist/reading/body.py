"""What a netlist or a subcircuit is made of, in columns: no object for each element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from xbarsim.netlist.language import Expression, UserFunction
from xbarsim.netlist.reading.capacitorcards import CapacitorCard
from xbarsim.netlist.reading.controls import ControlCard
from xbarsim.netlist.reading.couplingcards import CouplingCard
from xbarsim.netlist.reading.devicecards import DeviceCard, ModelCard
from xbarsim.netlist.reading.lawcards import LawCard
from xbarsim.netlist.reading.resistorcards import ResistorCard
from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.reading.wavecards import WaveCard

Branches = list[tuple[Expression | None, "Body"]]
"""The branches of an ``.if``, with their conditions; the last may have none."""


class Parameter(NamedTuple):
    """A parameter as it is defined, and where."""

    name: str
    value: Value
    origin: int


@dataclass
class Instances:
    """X cards of one subcircuit with the same parameters, in columns.

    Numbers and expressions have columns of their own kind, as ngspice sets numbers first.

    Attributes
    ----------
    subcircuit : str
        What they are instances of.
    keys : tuple of str
        The parameters that they give.
    width : int
        How many nodes each has.
    names, nodes, origins : list
        One entry for each instance; ``nodes`` has ``width``.
    fixed : tuple of bool
        Whether a key's values are numbers.
    values : tuple of list
        A column for each key.
    """

    subcircuit: str
    keys: tuple[str, ...]
    width: int
    fixed: tuple[bool, ...]
    names: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    values: tuple[list[Value], ...] = ()


@dataclass
class Body:
    """The cards of the top level or of one ``.subckt``.

    Attributes
    ----------
    names, nodes, values, origins : list
        One entry for each element; ``nodes`` has two.
    deferred : list of (index, value, divisor)
        Elements whose value (and ``m=``) waits for parameters.
    resistors : list of (index, card)
        Those whose ohms wait for models and temperatures.
    waves : list of (index, wave, whether a DC value is given)
        Sources that change with time.
    controls : list of ControlCard
        E, F, G and H cards.
    laws : list of LawCard
        B cards, and E, F, G and H with a law.
    devices : list of DeviceCard
        D and M cards.
    models : dict of str to ModelCard
        What ``.model`` defines.
    capacitors : list of CapacitorCard
        C cards.
    couplings : list of CouplingCard
        K cards.
    at_rest : list of (text, origin)
        What may stand where nothing moves, and cannot in a transient.
    initial : list of (name, value, origin)
        Initial values by capacitor, ``c1``, or by node, ``v(x)``.
    guesses : list of (node, value, origin)
        First guesses of ``.nodeset``, by ``v(x)``.
    defaults, parameters : list of Parameter
        What ``.subckt`` and ``.param`` define.
    instances : dict
        The X cards, by subcircuit, parameters, number of nodes and which parameters are numbers.
    subcircuits, functions : dict
        The definitions that stand inside.
    conditionals : list of Branches
        What differs between instances.
    """

    name: str = ""
    origin: int = 0
    ports: tuple[str, ...] = ()
    parent: Body | None = None
    defaults: list[Parameter] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    deferred: list[tuple[int, Value, Value]] = field(default_factory=list)
    resistors: list[tuple[int, ResistorCard]] = field(default_factory=list)
    waves: list[tuple[int, WaveCard, bool]] = field(default_factory=list)
    controls: list[ControlCard] = field(default_factory=list)
    laws: list[LawCard] = field(default_factory=list)
    devices: list[DeviceCard] = field(default_factory=list)
    models: dict[str, ModelCard] = field(default_factory=dict)
    capacitors: list[CapacitorCard] = field(default_factory=list)
    couplings: list[CouplingCard] = field(default_factory=list)
    at_rest: list[tuple[str, int]] = field(default_factory=list)
    initial: list[tuple[str, Value, int]] = field(default_factory=list)
    guesses: list[tuple[str, Value, int]] = field(default_factory=list)
    instances: dict[tuple[str, tuple[str, ...], int, tuple[bool, ...]], Instances] = field(default_factory=dict)
    subcircuits: dict[str, Body] = field(default_factory=dict)
    functions: dict[str, UserFunction] = field(default_factory=dict)
    conditionals: list[Branches] = field(default_factory=list)

    def group(self, subcircuit: str, keys: tuple[str, ...], width: int, fixed: tuple[bool, ...]) -> Instances:
        """Return the columns that an X card's words go to.

        Parameters
        ----------
        subcircuit : str
            Whose instances they are.
        keys : tuple of str
            The names of the card's parameters.
        width : int
            How many nodes it has.
        fixed : tuple of bool
            Which parameters are numbers.
        """
        key = subcircuit, keys, width, fixed
        if key not in self.instances:
            self.instances[key] = Instances(*key, values=tuple([] for _ in keys))
        return self.instances[key]

    def find(self, name: str) -> Body | None:
        """Return the definition that a name means here: the innermost one around."""
        body: Body | None = self
        while body is not None:
            if name in body.subcircuits:
                return body.subcircuits[name]
            body = body.parent
        return None

    def visible(self) -> list[str]:
        """Return the names of all definitions that can be used here."""
        names: set[str] = set()
        body: Body | None = self
        while body is not None:
            names.update(body.subcircuits)
            body = body.parent
        return sorted(names)

    def visible_functions(self) -> dict[str, UserFunction]:
        """Return the functions that can be called here, inner ones before outer ones."""
        bodies, body = [], self
        while body.parent is not None:
            bodies.append(body)
            body = body.parent
        functions = dict(body.functions)
        for inner in reversed(bodies):
            functions.update(inner.functions)
        return functions
