"""What a netlist or a subcircuit is made of, in columns: no object for each element."""

from __future__ import annotations

from dataclasses import dataclass, field

from xbarsim.netlist.expressions import Expression

RESISTOR, VOLTAGE, CURRENT, INDUCTOR = 0, 1, 2, 3
KIND_OF = {"r": RESISTOR, "v": VOLTAGE, "i": CURRENT, "l": INDUCTOR}


@dataclass(frozen=True)
class Instance:
    """An X card."""

    name: str
    nodes: tuple[str, ...]
    subcircuit: str
    parameters: tuple[tuple[str, float | Expression], ...]
    origin: int


@dataclass
class Body:
    """The cards of the top level or of one ``.subckt``.

    Attributes
    ----------
    names, nodes, values, origins : list
        One entry for each element; ``nodes`` has two.
    deferred : list of (index, value, divisor)
        Elements whose value (and ``m=``) waits for parameters.
    instances : list of Instance
        The X cards.
    subcircuits : dict
        The definitions that stand inside.
    """

    name: str = ""
    origin: int = 0
    ports: tuple[str, ...] = ()
    parent: Body | None = None
    defaults: list[tuple[str, float | Expression]] = field(default_factory=list)
    parameters: list[tuple[str, float | Expression]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    deferred: list[tuple[int, float | Expression, float | Expression]] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    subcircuits: dict[str, Body] = field(default_factory=dict)

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
