"""Random linear circuits: crossbars, crossbars inside larger circuits, and networks of anything.

Values are moderate, so that two right solvers agree to far better than 1e-9: wires and ends 0.1 to 1e3 ohm, cells
1e2 to 1e7, gains of controlled sources that amplify little. Text comes later, in ``dressing``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import netlist_tools

GROUND = "0"


@dataclass
class Element:
    """``control``: two nodes for E and G, an element of the scope for F and H; ``wave``: it may have a waveform."""

    letter: str
    nodes: list[str]
    value: float
    control: list[str] | Element | None = None
    name: str = ""
    wave: bool = False


@dataclass
class Instance:
    sub: Scope
    nodes: list[str]
    name: str = ""
    parameters: tuple[str, ...] = ()


@dataclass
class Scope:
    """The top level, or a subcircuit with ports."""

    name: str = ""
    ports: list[str] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    subcircuits: list[Scope] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)


@dataclass
class Drawn:
    """A circuit: its top level, its global nodes, and what it is."""

    top: Scope
    kind: str
    globals: list[str] = field(default_factory=list)
    memory: bool = False


STYLES = [
    {"drive": "source", "sense": "source"},
    {"drive": "resistor", "sense": "resistor"},
    {"drive": "resistor", "sense": "ground", "other_ends": 0.4},
    {"drive": "reversed", "sense": "ammeter", "missing": 0.2},
    {"drive": "resistor", "sense": "ammeter first", "zero": 0.2},
    {"drive": "resistor", "sense": "tie"},
    {"drive": "source", "sense": "source", "half_select": True, "other_ends": 0.3},
    {"drive": "resistor", "sense": "source", "word_wire": False, "bit_wire": False},
    {"drive": "resistor", "sense": "ammeter", "word_wire": False},
    {"drive": "source", "sense": "resistor", "bit_wire": False, "missing": 0.1},
]


def draw(rng: np.random.Generator) -> Drawn:
    """Return a random circuit."""
    kind = str(rng.choice(["crossbar", "embedded", "network"], p=[0.3, 0.25, 0.45]))
    if kind == "network":
        elements = _network(rng)
    else:
        elements = _crossbar(rng)
        if kind == "embedded":
            elements = _embed(rng, elements)
    drawn = Drawn(Scope(elements=elements), kind)
    _add_idle(rng, drawn)
    drawn.memory = any(one.letter in "CL" for one in elements)
    if rng.random() < 0.3:
        nodes = sorted({n for one in elements for n in one.nodes} - {GROUND})
        drawn.globals = [str(n) for n in rng.choice(nodes, min(2, len(nodes)), replace=False)]
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            _fold(rng, drawn.top, drawn)
    return drawn


def _ohms(rng: np.random.Generator, low: float, high: float) -> float:
    return float(10 ** rng.uniform(low, high))


def _crossbar(rng: np.random.Generator) -> list[Element]:
    rows, cols = (int(k) for k in rng.integers(1, 7, 2))
    style = STYLES[int(rng.integers(len(STYLES)))]
    listed = netlist_tools.shuffled(rng, netlist_tools.random_elements(rng, rows, cols, **style))
    elements = []
    for name, a, b, value in listed:
        # 0 ohm is 1 mohm in ngspice, and a 0 V source is exact in both.
        if name[0] == "r" and value == 0:
            elements.append(Element("V", [a, b], 0.0))
        else:
            elements.append(Element(name[0].upper(), [a, b], value, wave=name[0] == "v" and value != 0))
    return elements


def _embed(rng: np.random.Generator, elements: list[Element]) -> list[Element]:
    """Put amplifiers, loads and sneak paths around a crossbar."""
    elements = list(elements)
    nodes = sorted({n for one in elements for n in one.nodes} - {GROUND})
    for k in range(int(rng.integers(1, 5))):
        node, partner, new = str(rng.choice(nodes)), str(rng.choice(nodes)), f"x{k}"
        choice = int(rng.integers(7))
        if choice == 0:  # a buffer and its load
            elements.append(Element("E", [new, GROUND], rng.uniform(0.5, 3), [node, GROUND]))
            elements.append(Element("R", [new, GROUND], _ohms(rng, 2, 5)))
        elif choice == 1:  # a transconductance
            elements.append(Element("G", [new, GROUND], rng.uniform(-1e-3, 1e-3), [node, partner]))
            elements.append(Element("R", [new, GROUND], _ohms(rng, 2, 4)))
        elif choice == 2:  # a leak between two nodes
            elements.append(Element("R", [node, new], _ohms(rng, 1, 3)))
            elements.append(Element("R", [new, partner if partner != node else GROUND], _ohms(rng, 3, 6)))
        elif choice == 3:
            elements.append(Element("I", [node, GROUND], rng.uniform(-1e-4, 1e-4), wave=True))
        elif choice == 4:  # a current read by an ammeter, and again by a mirror
            meter = Element("V", [new, GROUND], 0.0)
            elements += [meter, Element("R", [node, new], _ohms(rng, 3, 6))]
            elements.append(Element("F", [new + "m", GROUND], rng.uniform(-4, 4), meter))
            elements.append(Element("R", [new + "m", GROUND], _ohms(rng, 2, 4)))
        elif choice == 5:  # a transresistance amplifier
            meter = Element("V", [new, GROUND], 0.0)
            elements += [meter, Element("R", [node, new], _ohms(rng, 3, 6))]
            elements.append(Element("H", [new + "h", GROUND], rng.uniform(-1e4, 1e4), meter))
            elements.append(Element("R", [new + "h", partner], _ohms(rng, 3, 5)))
        else:
            elements.append(Element("R", [node, new], _ohms(rng, 1, 3)))
            elements.append(Element("V", [new, GROUND], rng.uniform(-1, 1), wave=True))
    return elements


def _network(rng: np.random.Generator) -> list[Element]:
    count = int(rng.integers(3, 30))
    nodes = [GROUND, *(f"n{k}" for k in range(1, count))]
    decades = sorted(rng.uniform(-1, 6, 2))

    def pair(among: list[str]) -> list[str]:
        return [str(n) for n in rng.choice(among, 2, replace=False)]

    elements = [Element("R", [nodes[k], nodes[int(rng.integers(0, k))]], _ohms(rng, *decades)) for k in range(1, count)]
    elements += [Element("R", pair(nodes), _ohms(rng, *decades)) for _ in range(int(rng.integers(0, 2 * count)))]
    inner = list(nodes)
    fixing: list[Element] = []
    for k in range(int(rng.integers(1, 6))):
        new, partner = f"s{k}", str(rng.choice(inner))
        letter = "V" if not fixing else str(rng.choice(list("VVEHL")))
        ends = [new, partner] if rng.random() < 0.5 else [partner, new]
        if letter == "V":
            # Each source drives a node of its own, so that none closes a loop.
            element = Element("V", ends, rng.normal(), wave=True)
            fixing.append(element)
        elif letter == "L":
            element = Element("L", ends, _ohms(rng, -9, -3))
        elif letter == "E":
            element = Element("E", ends, 0.5 * rng.normal(), pair(nodes))
        else:
            element = Element("H", ends, 10 ** decades[0] * 0.3 * rng.normal(), fixing[int(rng.integers(len(fixing)))])
        elements += [element, Element("R", [new, str(rng.choice(inner))], _ohms(rng, *decades))]
        nodes.append(new)
    reactive = rng.random() < 0.5
    if not reactive:
        elements = [Element("V", element.nodes, 0.0) if element.letter == "L" else element for element in elements]
    for _ in range(int(rng.integers(0, 4))):
        letter = str(rng.choice(list("IIGFC" if reactive else "IIGF")))
        if letter == "I":
            elements.append(Element("I", pair(nodes), 10.0 ** -decades[1] * 0.3 * rng.normal(), wave=True))
        elif letter == "G":
            elements.append(Element("G", pair(nodes), 10.0 ** -decades[1] * 0.3 * rng.normal(), pair(nodes)))
        elif letter == "F":
            elements.append(Element("F", pair(nodes), 0.2 * rng.normal(), fixing[int(rng.integers(len(fixing)))]))
        else:
            elements.append(Element("C", pair(nodes), _ohms(rng, -15, -6)))
    return [elements[k] for k in rng.permutation(len(elements))]


def _add_idle(rng: np.random.Generator, drawn: Drawn) -> None:
    """Add what changes nothing: a capacitor, a coil in series with a resistor."""
    elements = drawn.top.elements
    nodes = sorted({n for element in elements for n in element.nodes})
    if rng.random() < 0.15:
        elements.append(Element("C", [str(n) for n in rng.choice(nodes, 2)], _ohms(rng, -15, -9)))
        if elements[-1].nodes[0] == elements[-1].nodes[1]:
            elements.pop()
    if rng.random() < 0.1:
        node = str(rng.choice(nodes))
        elements.append(Element("L", [node, "coil"], _ohms(rng, -9, -3)))
        elements.append(Element("R", ["coil", GROUND], _ohms(rng, 2, 5)))


def _fold(rng: np.random.Generator, scope: Scope, drawn: Drawn, depth: int = 0) -> None:
    """Move some elements into a subcircuit, and perhaps some of those into another."""
    movable = [element for element in scope.elements if element.letter in "RCEGILV"]
    controlling = {id(element.control) for element in scope.elements if isinstance(element.control, Element)}
    movable = [
        element
        for element in movable
        if id(element) not in controlling and not (element.letter == "V" and element.wave)
    ]
    if len(movable) < 2:
        return
    if rng.random() < 0.5:  # neighbours
        start = movable[int(rng.integers(len(movable)))]
        near = set(start.nodes) - {GROUND}
        for _ in range(int(rng.integers(0, 3))):
            near |= {n for element in movable if near & set(element.nodes) for n in element.nodes} - {GROUND}
        moving = [element for element in movable if set(element.nodes) - {GROUND} <= near][:40]
    else:
        size = int(rng.integers(1, min(len(movable), 8) + 1))
        moving = [movable[int(k)] for k in rng.choice(len(movable), size, replace=False)]
    # An ammeter may move along with all that it controls.
    inside = {id(element) for element in moving}
    staying = [element for element in scope.elements if id(element) not in inside]

    def touched(elements: list[Element]) -> set[str]:
        plain = {n for element in elements for n in element.nodes}
        return plain | {n for element in elements if isinstance(element.control, list) for n in element.control}

    outside = touched(staying) | set(scope.ports) | {n for element in scope.instances for n in element.nodes}
    inner = touched(moving) - {GROUND} - set(drawn.globals)
    ports = sorted(inner & outside)
    if not ports:
        return
    sub = Scope(f"sub{len(scope.subcircuits)}_{depth}_{int(rng.integers(1000))}", ports, moving)
    sub.defaults = [f"p{k}" for k in range(int(rng.integers(0, 4)))]
    scope.elements[:] = staying
    scope.subcircuits.append(sub)
    settings = tuple(p for p in sub.defaults if rng.random() < 0.6)
    scope.instances.append(Instance(sub, list(ports), parameters=settings))
    if {element.letter for element in moving} <= set("RC") and rng.random() < 0.5:
        ports_outside = sorted((outside | set(ports)) - {GROUND})
        for _ in range(int(rng.integers(1, 3))):
            nodes = [str(n) for n in rng.choice(ports_outside, len(ports), replace=True)]
            scope.instances.append(Instance(sub, nodes, parameters=tuple(p for p in settings if rng.random() < 0.7)))
    if depth < 2 and rng.random() < 0.4:
        _fold(rng, sub, drawn, depth + 1)
