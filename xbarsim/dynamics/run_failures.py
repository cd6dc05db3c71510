"""What is said of a run that does not begin, or that ends before its time, in the netlist's names."""

from __future__ import annotations

from xbarsim import mna, nonlinear
from xbarsim.dynamics.step_equations import StepEquations, StepError
from xbarsim.errors import ConvergenceError, FloatingError, SolveError
from xbarsim.mna import System
from xbarsim.netlist.as_network import NamedNetwork, loop_message
from xbarsim.netlist.flat_circuit import FlatCircuit

_MOST_NODES = 8


def step_failure(circuit: FlatCircuit, system: System, error: StepError) -> str:
    """Return why a step has no solution.

    Parameters
    ----------
    circuit : FlatCircuit
        Whose names and places are told.
    system : System
        The equations, by which an unknown has a node or a branch.
    error : StepError
        What Newton's method ended with.
    """
    return f"the step's equations end{_where(circuit, system, error.element, error.unknown)} with '{error}'"


def _where(circuit: FlatCircuit, system: System, element: tuple[str, int], unknown: int) -> str:
    name, origin = element
    place = f" at {name} ({circuit.places.where(origin)})" if name else ""
    nodes = [k for k in (system.near(unknown).tolist() if unknown >= 0 else []) if k < len(circuit.nodes)]
    return place + (f", node {circuit.nodes[nodes[0]]}," if nodes else "")


def explained(time: float, smallest: float, cause: str) -> str:
    """Return why a run ends at a time.

    Parameters
    ----------
    time : float
        Seconds of the last point.
    smallest : float
        Seconds of the smallest step that is allowed.
    cause : str
        What kept steps from being larger.
    """
    return f"at {time:.9g} s the step falls below the smallest, {smallest:.3g} s: {cause}"


def no_start(
    circuit: FlatCircuit, named_network: NamedNetwork, equations: StepEquations | None, error: SolveError
) -> SolveError:
    """Return the error of a run that does not begin.

    Parameters
    ----------
    circuit : FlatCircuit
        Whose names and places are told.
    named_network : NamedNetwork
        Its linear part, by which a branch has a name.
    equations : StepEquations or None
        As far as there are any.
    error : SolveError
        Why there is no first point.
    """
    file = circuit.places.files[0]
    if isinstance(error, mna.LoopError):
        return SolveError(loop_message(circuit, named_network.fixing, error.branch))
    if isinstance(error, FloatingError):
        names = [circuit.nodes[int(k)] for k in error.nodes if int(k) < len(circuit.nodes)]
        more = f" and {len(names) - _MOST_NODES} more" if len(names) > _MOST_NODES else ""
        through = " but through capacitors" if equations is not None else ""
        remedy = "tie them to ground by a resistor"
        if equations is not None:
            remedy += ", give them a voltage by .ic, or start from initial values (uic)"
        nodes = f"node{'s' if len(names) > 1 else ''} {', '.join(names[:_MOST_NODES])}{more}"
        return FloatingError(f"{file}: no path to ground{through} from {nodes}: {remedy}", names)
    if isinstance(error, nonlinear.FailedPointError):
        cause = error.cause
        element = (cause.element, cause.origin)
        where = _where(circuit, equations.system, element, cause.unknown) if equations is not None else ""
        return ConvergenceError(
            f"{file}: no operating point was found for the transient to start from: Newton's method ends{where} with "
            f"'{cause}': give .nodeset voltages near the solution, or start from initial values (uic)"
        )
    if isinstance(error, StepError) and equations is not None:
        return ConvergenceError(
            f"{file}: the initial values lead to no solution at 0 s: {step_failure(circuit, equations.system, error)}"
        )
    return (
        type(error)(f"{file}: {error}")
        if type(error) in (SolveError, ConvergenceError)
        else SolveError(f"{file}: {error}")
    )
