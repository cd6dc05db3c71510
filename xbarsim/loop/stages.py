"""Parts that circuits share: inputs, inverters, amplifiers at lines, arrays joined to nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.checks import Array
from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.loop_parts import JoinedArray, OpAmp, Part, Resistor, VoltageSource
from xbarsim.loop.part_checks import GROUND
from xbarsim.loop.signed_pair import Matrix, SignedPair

Nodes = Sequence[str]


def line_nodes(prefix: str, count: int) -> list[str]:
    """Return names of nodes."""
    return [f"{prefix}{k}" for k in range(count)]


def inputs(volts: Array, nodes: Nodes, siemens: float) -> list[Part]:
    """Return sources of ``volts`` (lines,) or (batch, lines) with a conductance from each to its node."""
    parts: list[Part] = []
    for k, node in enumerate(nodes):
        parts.append(VoltageSource(f"vin{k}", f"in{k}", GROUND, volts[..., k].copy()))
        parts.append(Resistor(f"rin{k}", f"in{k}", node, 1.0 / siemens))
    return parts


def summing(prefix: str, sums: Nodes, outputs: Nodes, amplifiers: Sequence[Amplifier]) -> list[Part]:
    """Return amplifiers that hold nodes ``sums`` at ground by their minus inputs."""
    return [
        OpAmp(f"{prefix}{k}", GROUND, total, out, amplifier)
        for k, (total, out, amplifier) in enumerate(zip(sums, outputs, amplifiers, strict=True))
    ]


def feedback(prefix: str, sums: Nodes, outputs: Nodes, ohms: float) -> list[Part]:
    """Return a resistor from each output to its sum."""
    return [
        Resistor(f"{prefix}{k}", out, total, ohms) for k, (total, out) in enumerate(zip(sums, outputs, strict=True))
    ]


def inverters(prefix: str, sources: Nodes, outputs: Nodes, amplifiers: Sequence[Amplifier], ohms: float) -> list[Part]:
    """Return amplifiers of gain -1, by two equal resistors each."""
    sums = line_nodes(f"{prefix}s", len(outputs))
    parts = summing(f"{prefix}a", sums, outputs, amplifiers)
    parts += [
        Resistor(f"{prefix}i{k}", source, total, ohms)
        for k, (source, total) in enumerate(zip(sources, sums, strict=True))
    ]
    return parts + feedback(f"{prefix}f", sums, outputs, ohms)


def joined(name: str, array: Matrix, positive: tuple[Nodes, Nodes], negative: tuple[Nodes, Nodes]) -> list[JoinedArray]:
    """Return an array, or both of a pair, with their nodes at ``word_left`` and ``bit_bottom``."""
    crossbars = [array.positive, array.negative] if isinstance(array, SignedPair) else [array]
    names = [f"{name}p", f"{name}n"] if isinstance(array, SignedPair) else [name]
    return [
        JoinedArray(label, crossbar, {"word_left": list(word), "bit_bottom": list(bit)})
        for label, crossbar, (word, bit) in zip(names, crossbars, (positive, negative), strict=False)
    ]


def is_signed(array: Matrix) -> bool:
    """Whether a circuit needs inverted voltages for an array."""
    return isinstance(array, SignedPair)


def sign_free(values: Array) -> Array:
    """Return a vector scaled so that its entry of largest size is 1."""
    scaled: Array = values / values[int(np.abs(values).argmax())]
    return scaled
