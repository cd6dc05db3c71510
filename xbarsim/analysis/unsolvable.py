"""What is said of a circuit that has no solution, in the netlist's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim.errors import FloatingError
from xbarsim.netlist.read_circuit import ReadCircuit

if TYPE_CHECKING:
    from xbarsim import nonlinear

MOST_NODES = 8
"""How many nodes a message names."""


def floating_error(circuit: ReadCircuit, names: list[str]) -> FloatingError:
    """Return the error that names nodes without a path to any source.

    Parameters
    ----------
    circuit : ReadCircuit
        What was read.
    names : list of str
        Its nodes that float.
    """
    more = f" and {len(names) - MOST_NODES} more" if len(names) > MOST_NODES else ""
    grounds = [name for name in names if name in ("gnd!", "!gnd", "ground")]
    hint = f" ({grounds[0]} is ground in HSPICE alone: write 0)" if grounds else _state_hint(circuit, set(names))
    return FloatingError(
        f"{circuit.places.files[0]}: no path to any source from node{'s' if len(names) > 1 else ''} "
        f"{', '.join(names[:MOST_NODES])}{more}{hint}: tie them to a source or ground, or take them out",
        names,
    )


def _state_hint(circuit: ReadCircuit, names: set[str]) -> str:
    """Say that a capacitor at one of these nodes may be meant to hold a state."""
    for name, first, second, _ in circuit.capacitors:
        if names & {circuit.nodes[first], circuit.nodes[second]}:
            return f" ({name} there is open: with IC= or .ic, and without --steady, it holds a state)"
    return ""


def newton_message(circuit: ReadCircuit, problem: nonlinear.Problem, error: nonlinear.NewtonError, at: str) -> str:
    """Name the element that is worst off, and the node that moved by most.

    Parameters
    ----------
    circuit : ReadCircuit
        Whose names and places are told.
    problem : Problem
        The equations.
    error : NewtonError
        With the element and the unknown that are worst off.
    at : str
        At which point it was.
    """
    element = f"at {error.element} ({circuit.places.where(error.origin)}) " if error.element else ""
    nodes = [k for k in problem.system.near(error.unknown).tolist() if k < len(circuit.nodes)]
    node = f", node {circuit.nodes[nodes[0]]}" if nodes else ""
    joined = {circuit.nodes[k] for k in np.unique(np.concatenate([[0], circuit.first, circuit.second])).tolist()}
    return (
        f"no operating point was found{' at ' + at if at else ''}: Newton's method ends {element}with '{error}'{node}; "
        "steps by gmin and by sources end likewise: look for laws with jumps, without a value, or with two solutions"
        + _state_hint(circuit, set(circuit.nodes) - joined)
    )
