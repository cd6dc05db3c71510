"""The errors a user can meet. Each message names the thing, the place and the way out."""

from __future__ import annotations

from collections.abc import Sequence


class XbarsimError(Exception):
    """Anything that xbarsim itself refuses or fails at."""


class InputError(XbarsimError, ValueError):
    """An argument, a file or an option is wrong; nothing was computed or written."""


class LawError(InputError):
    """A cell's law falls, gives current against the voltage, or no number, where a solution led."""


class ExtrapolationError(InputError):
    """A cell's voltage is beyond those at which its curve was measured, and its device refuses that."""


class ExtrapolationWarning(UserWarning):
    """A cell's voltage is beyond those at which its curve was measured: its current is a straight line's."""


class UnseenSourceWarning(UserWarning):
    """A compiled model came without its source, where what it loses could be seen."""


class FailedTrialsWarning(UserWarning):
    """Trials of a study failed: it has no numbers of them."""


class SolveError(XbarsimError, ArithmeticError):
    """The circuit has no unique solution, or none was found to the asked tolerance."""


class FloatingError(SolveError):
    """Some nodes have no path to any source, so their voltages are undefined.

    Attributes
    ----------
    nodes : list of str
        The names of the floating nodes.
    """

    def __init__(self, message: str, nodes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.nodes = list(nodes)


class ConvergenceError(SolveError):
    """A solution's residual stayed above the tolerance; no number is returned.

    Attributes
    ----------
    remedies : tuple of str
        Likely causes, each with the call to make, as the message lists them.
    """

    def __init__(self, message: str, *remedies: str) -> None:
        super().__init__(f"{message}: {'; '.join(remedies)}" if remedies else message)
        self.remedies = remedies


class TimeStepError(ConvergenceError):
    """No step in time was small enough.

    Attributes
    ----------
    time : float
        Seconds, to which all is computed.
    cell : tuple of int or None
        Row and column of the cell that kept steps from being taken.
    transient : object
        What was computed until then, where somebody keeps it.
    """

    def __init__(self, message: str, *remedies: str, time: float, cell: tuple[int, int] | None = None) -> None:
        super().__init__(message, *remedies)
        self.time = time
        self.cell = cell
        self.transient: object = None


class TooLargeError(InputError, MemoryError):
    """The answer would not fit in memory; the message says how much is needed."""


class SpiceError(XbarsimError, RuntimeError):
    """Another simulator gave no answer that can be trusted; the message says what it said."""


class SpiceMissingError(SpiceError):
    """The other simulator is not installed; the message says how to get it."""
