"""What a method has for a batch of input vectors, with the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.solvers.refinement import Balance, VoltagePairs, ohmic
from xbarsim.solvers.segments import Mask, Segments


@dataclass(frozen=True)
class BatchAnswer:
    """End currents of a batch and their evidence, which nobody has judged yet; made once, when all vectors are solved.

    Attributes
    ----------
    method : str
        What solved the vectors.
    sources : dict of side to (batch, lines)
        Source voltages.
    currents : dict of side to (batch, lines)
        Amperes out of the array.
    residual : (batch,)
        Violation of Kirchhoff's laws; where a map gave the currents, that of the full solve which verified it.
    word, bit : (batch, rows, cols) or None
        Node voltages, where they are kept.
    iterations : (batch,)
        Conjugate-gradient or Newton steps; 0 for a reduction.
    converged : (batch,)
        False where conjugate gradients ran out of steps.
    sure : (batch,)
        False where rounding errors were magnified so much that a reduction gives better voltages.
    reduced : (batch,)
        Vectors whose numbers were replaced by a reduction's.
    map_difference : (batch,) or None
        How far the map that gave the currents is from a full solve; None where no map was used.
    cut_off : pair of (rows, cols), optional
        Word and bit nodes that cells without any conductance at a vector's voltages leave floating.
    across, cells : dict of int to (rows, cols)
        Volts across the cells, and the currents of nonlinear ones, for vectors whose node voltages are too near each
        other to tell.
    """

    method: str
    sources: dict[Side, Array]
    currents: dict[Side, Array]
    residual: Array
    word: Array | None = None
    bit: Array | None = None
    iterations: NDArray[np.int64] = field(kw_only=True)
    converged: Mask = field(kw_only=True)
    sure: Mask = field(kw_only=True)
    reduced: Mask = field(kw_only=True)
    map_difference: Array | None = None
    cut_off: tuple[Mask, Mask] | None = None
    across: dict[int, Array] = field(default_factory=dict)
    cells: dict[int, Array] = field(default_factory=dict)

    @staticmethod
    def direct(
        method: str, sources: dict[Side, Array], currents: dict[Side, Array], residual: Array, **more: Any
    ) -> BatchAnswer:
        """Make the answer of a method that takes no steps.

        Parameters
        ----------
        method : str
            What ``Solution.method`` says.
        sources : dict of side to (batch, lines) array
            Volts.
        currents : dict of side to (batch, lines) array
            Amperes, positive out of the array.
        residual : (batch,) array
            Of each vector, relative to its largest end current.
        **more : object
            Other fields, as node voltages.
        """
        steps = np.zeros(residual.size, np.int64)
        yes = steps == 0
        evidence = {"iterations": steps, "converged": yes, "sure": yes, "reduced": ~yes} | more
        return BatchAnswer(method, sources, currents, residual, **evidence)

    @staticmethod
    def joined(*parts: BatchAnswer) -> BatchAnswer:
        """Put the vectors of several answers of one method, without fields, one after the other."""

        def sides(name: str) -> dict[Side, Array]:
            return {side: np.concatenate([getattr(part, name)[side] for part in parts]) for side in SIDES}

        evidence: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("residual", "iterations", "converged", "sure", "reduced")
        }
        return BatchAnswer(parts[0].method, sides("sources"), sides("currents"), **evidence)

    def with_reduction(self, vectors: Mask, better: BatchAnswer) -> BatchAnswer:
        """Return the same with a reduction's numbers for some vectors; the steps that were taken still count.

        Parameters
        ----------
        vectors : (batch,) array of bool
            Which are replaced.
        better : BatchAnswer
            Of these vectors alone, in their order.
        """

        def put(array: Array, part: Array) -> Array:
            array = array.copy()
            array[vectors] = part
            return array

        places = enumerate(np.flatnonzero(vectors).tolist())
        fields: dict[str, Any] = {}
        if self.word is not None and self.bit is not None and better.word is not None and better.bit is not None:
            fields = {"word": put(self.word, better.word), "bit": put(self.bit, better.bit)}
        return replace(
            self,
            currents={side: put(amperes, better.currents[side]) for side, amperes in self.currents.items()},
            residual=put(self.residual, better.residual),
            converged=self.converged | vectors,
            sure=self.sure | vectors,
            reduced=self.reduced | vectors,
            across=self.across | {vector: better.across[place] for place, vector in places},
            **fields,
        )

    @property
    def methods(self) -> str:
        """What gave the numbers: the method, ``kron`` where a reduction replaced them, both where it did some."""
        if not self.reduced.any():
            return self.method
        return "kron" if self.reduced.all() else f"{self.method}, kron"

    @property
    def error(self) -> Array:
        """Bound of each vector's end currents' errors, (batch,)."""
        return self.residual if self.map_difference is None else self.residual + self.map_difference


def field_evidence(
    segments: Segments, sources: dict[Side, Array], currents: dict[Side, Array], word: tuple[Array, Array],
    bit: tuple[Array, Array],
) -> tuple[Array, dict[int, Array]]:  # fmt: skip
    """Hold end currents against node voltages, and these against Kirchhoff's laws; islands count as 0 V.

    Voltages are pairs of (batch, rows, cols), numbers and what their rounding left. Return the residuals (batch,), and
    each vector's volts across the cells.

    Parameters
    ----------
    segments : Segments
        Of linear cells.
    sources : dict of side to (batch, lines) array
        Volts.
    currents : dict of side to (batch, lines) array
        Amperes, positive out of the array.
    word, bit : pair of (batch, rows, cols) array
        Volts of word nodes and of bit nodes.
    """
    law_of = ohmic(segments.g)
    residual = np.empty(word[0].shape[0])
    across: dict[int, Array] = {}
    for k in range(residual.size):
        pairs = VoltagePairs.of(np.nan_to_num(word[0][k]), np.nan_to_num(bit[0][k]))
        pairs.low_v, pairs.low_u = np.nan_to_num(word[1][k]), np.nan_to_num(bit[1][k])
        across[k] = pairs.across()
        volts = [sources[side][k] for side in SIDES]
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows has no bound, and is refused
            balance = Balance(segments.word, segments.bit, volts, law_of(pairs), pairs)
        gap = max(float(np.abs(currents[side][k] - out).max()) for side, out in zip(SIDES, balance.out, strict=True))
        residual[k] = balance.bound + (gap / balance.scale if gap > 0.0 else 0.0)
    return residual, across
