"""What a netlist can be refused for."""

from __future__ import annotations

from xbarsim.errors import InputError, SolveError


class NetlistError(InputError):
    """A netlist that cannot be read; one line, ``file:line: what is wrong and what to do``.

    Attributes
    ----------
    file : str
        The file as it was named.
    line : int or None
        The line in it, from 1; None where the whole file is meant.
    """

    def __init__(self, message: str, file: str = "", line: int | None = None) -> None:
        where = f"{file}:{line}: " if line is not None else f"{file}: " if file else ""
        super().__init__(where + " ".join(message.split()))
        self.file = file
        self.line = line


class NotACrossbarError(NetlistError):
    """The circuit was read, but its graph is no crossbar; the message gives the reason."""


class ContradictionError(NetlistError, SolveError):
    """Ideal sources fix one voltage at two values: the text is sound, the circuit has no solution."""


class CardError(ValueError):
    """What is wrong with one card, before the reader adds its file and line."""
