"""Where ngspice 39 reads a parameter expression otherwise than it is written."""

from __future__ import annotations


class Signs:
    """What ngspice 39 makes of signs that follow operators: it lets the next number have them, whatever lies between.

    ``2*-x+3`` is 2 x - 3 there, and ``4---2`` 6, as one sign is all that a number gets. A sign that meets no number is
    an error there. Each pair of parentheses and each argument has signs of its own.
    """

    def __init__(self) -> None:
        self._owed, self._missed = [False], [False]
        self._run = 0
        self._refused = self._differs = False

    @property
    def doubtful(self) -> bool:
        """Whether ngspice gives another value, and does not refuse."""
        return self._differs and not self._refused and not self._owed[0]

    def sign(self) -> None:
        """Take in a minus that follows an operator."""
        self._run += 1
        self._owed[-1] = True

    def number(self) -> None:
        """Take in a number."""
        self._differs |= self._missed[-1] or self._owed[-1] != (self._run % 2 == 1)
        self._owed[-1] = self._missed[-1] = False
        self._run = 0

    def other(self) -> None:
        """Take in any other operand, which misses a sign before it."""
        self._missed[-1] |= self._run % 2 == 1
        self._run = 0

    def choice(self, *, inside: bool) -> None:
        """Take in a ``?``; ngspice loses the end of another one in between whose ``:`` it stands."""
        self._differs |= inside

    def open(self) -> None:
        """Take in an opening parenthesis."""
        self.other()
        self._owed.append(False)
        self._missed.append(False)

    def argument(self) -> None:
        """Take in a comma."""
        self._refused |= self._owed[-1]
        self._owed[-1] = self._missed[-1] = False

    def close(self) -> None:
        """Take in a closing parenthesis."""
        self._refused |= self._owed.pop()
        self._missed.pop()
