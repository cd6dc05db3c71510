"""What wires, amplifiers and cells each do to a circuit's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.loop.amplifier import Amplifier
from xbarsim.loop.signed_pair import Matrix, SignedPair, checked_matrix, without_wires
from xbarsim.text_table import aligned

Amplifiers = Amplifier | Sequence[Amplifier]


class CircuitAnswer(Protocol):
    """What circuits give: ``LoopAnswer`` and ``Eigenvector`` do."""

    @property
    def x(self) -> Array:
        """What the circuit gives."""

    @property
    def ideal(self) -> Array:
        """What linear algebra gives."""

    @property
    def doubt(self) -> float | Array:
        """What rounding leaves uncertain of their difference, as a part of the ideal's norm."""


@dataclass(frozen=True, eq=False, repr=False)
class ErrorSplit:
    """Answers of one circuit with one cause of error at a time; of an ``Eigenvector`` the largest is 1.

    Attributes
    ----------
    ideal : (n,) or (batch, n)
        Volts by linear algebra, from the target's cells.
    cells : same shape or None
        Volts with the cells as they came out, ideal else; None where nothing says what they were meant to be.
    wires : same shape
        Volts with wires and ends, ideal else.
    amplifiers : same shape
        Volts with the amplifiers as they are, ideal else.
    together : same shape
        Volts with all of it: what the circuit really gives.
    doubt : dict of cause to float
        What rounding leaves uncertain of each cause's relative error; an error that is no larger is none that could be
        told.
    """

    ideal: Array
    cells: Array | None
    wires: Array
    amplifiers: Array
    together: Array
    doubt: Mapping[str, float]

    @property
    def causes(self) -> list[str]:
        """The causes that were taken apart, all of them ``together`` last."""
        return [cause for cause in ("cells", "wires", "amplifiers", "together") if getattr(self, cause) is not None]

    def relative(self) -> dict[str, float]:
        """Return each cause's error: the norm of what it moves over the ideal's; of a batch the root mean square."""
        size = np.linalg.norm(self.ideal, axis=-1)
        shares = {}
        for cause in self.causes:
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.linalg.norm(getattr(self, cause) - self.ideal, axis=-1) / size
            shares[cause] = float(np.sqrt(np.mean(share**2)))
        return shares

    def worst(self) -> dict[str, float]:
        """Return each cause's largest error of an entry over the largest entry of the ideal."""
        largest = float(np.abs(self.ideal).max(initial=0.0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                cause: float(np.divide(np.abs(getattr(self, cause) - self.ideal).max(initial=0.0), largest))
                for cause in self.causes
            }

    def as_table(self) -> str:
        """Return a line a cause; errors that rounding may have made are told as ``<`` what it may make."""
        worst = self.worst()
        rows = [["cause", "relative error", "worst entry"]]
        for cause, share in self.relative().items():
            doubt = self.doubt[cause]
            certain = share > doubt
            rows.append(
                [cause, f"{share:.2e}" if certain else f"< {doubt:.1e}", f"{worst[cause]:.2e}" if certain else "-"]
            )
        return "\n".join(aligned(rows, ("<", ">", ">")))

    def __repr__(self) -> str:
        return f"ErrorSplit({', '.join(f'{cause}={share:.1e}' for cause, share in self.relative().items())})"


def split_errors(
    circuit: Callable[[Matrix, Amplifiers], CircuitAnswer], array: Matrix, *, target: Matrix, amplifier: Amplifiers
) -> ErrorSplit:
    """Solve a circuit with one cause of error at a time.

    Parameters
    ----------
    circuit : callable
        Gives the answer of the circuit with an array and amplifiers, as
        ``lambda array, amplifier: solve_inverse(array, b, unit=1e-4, amplifier=amplifier)``.
    array : Crossbar or SignedPair
        As it came out, with its wires.
    target : Crossbar or SignedPair
        What it was meant to be; only its conductances count.
    amplifier : Amplifier or sequence of it
        As they are.

    Raises
    ------
    InputError
        ``target`` differs from ``array`` in shape or signs.
    SolveError, UnstableError, ConvergenceError
        As the circuit raises.

    Examples
    --------
    >>> import numpy as np
    >>> from xbarsim import Crossbar
    >>> from xbarsim.loop import Amplifier, solve_inverse, split_errors
    >>> target = Crossbar(1e-4 * (np.eye(8) + np.linspace(0.0, 0.2, 64).reshape(8, 8)))
    >>> array = Crossbar(target.conductance * 1.01, word_wire=2.0, bit_wire=2.0)
    >>> def circuit(array, amplifier):
    ...     return solve_inverse(array, np.full(8, 0.1), unit=1e-4, amplifier=amplifier)
    >>> print(split_errors(circuit, array, target=target, amplifier=Amplifier(gain=1e4)).as_table())
    cause       relative error  worst entry
    cells             9.90e-03     9.90e-03
    wires             1.79e-03     1.66e-03
    amplifiers        1.94e-04     2.06e-04
    together          8.32e-03     8.44e-03
    """
    array, target = checked_matrix(array), checked_matrix(target)
    if target.shape != array.shape or isinstance(target, SignedPair) != isinstance(array, SignedPair):
        raise InputError(
            "target differs from array in its shape or its signs: it is what the same cells were meant to be"
        )
    ideal, bare = Amplifier(), without_wires(target)
    reference = circuit(bare, ideal)
    answers = {
        "cells": circuit(without_wires(array), ideal),
        "wires": circuit(_with_cells(array, target), ideal),
        "amplifiers": circuit(bare, amplifier),
        "together": circuit(array, amplifier),
    }
    # All are held against the reference's ideal, whatever else their own is.
    sure = float(np.max(reference.doubt))
    doubt = {cause: max(sure, float(np.max(answer.doubt))) for cause, answer in answers.items()}
    return ErrorSplit(reference.ideal, **{cause: answer.x for cause, answer in answers.items()}, doubt=doubt)


def _with_cells(array: Matrix, target: Matrix) -> Matrix:
    """Return an array's wires and ends with the target's cells."""
    if isinstance(array, SignedPair) and isinstance(target, SignedPair):
        return SignedPair(
            array.positive.with_cells(target.positive.conductance),
            array.negative.with_cells(target.negative.conductance),
        )
    assert not isinstance(array, SignedPair)
    assert not isinstance(target, SignedPair)
    return array.with_cells(target.conductance)
