"""What it costs to have a row of weights on each word line of a chip: how far cells would be from the weights."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, checked_array
from xbarsim.errors import InputError
from xbarsim.nn.cell_writes import WritableWeights
from xbarsim.nn.column_distances import column_distances
from xbarsim.nn.line_distances import LineDistances
from xbarsim.nn.physical_lines import PhysicalLines
from xbarsim.nn.tile_places import Indices
from xbarsim.nn.weight_cells import WeightCells

Selection = slice | ArrayLike | None


class ComparableWeights(WritableWeights):
    """Weights that can be compared with what other word lines would hold."""

    def realised(self, weight_rows: ArrayLike | None, physical_rows: ArrayLike, *, group: int = 0) -> Array:
        """Return what word lines would hold if rows of weights were mapped to them, in the weights' unit.

        That is the sum over the planes of what programming makes of the cells, reference column or digital offset
        subtracted: with levels, factors from device to device, and stuck cells, at the layer's scale as it is now;
        without wires, noise of writes and reads, and drift. What write-verify cannot reach ends at the bound of the
        cell's range. Columns lie as they are arranged. A row that is stored negated is ``-realised(-rows, lines)``.

        Parameters
        ----------
        weight_rows : (rows, outputs) array_like, or None
            Weights of all outputs of a group; None: all rows of the layer, with its ``targets`` where they are set.
        physical_rows : (lines,) array_like of int
            Word lines of the group as they physically lie, spare ones included, numbered as those of
            ``known(physical=True)``.
        group : int
            Of a convolution.

        Returns
        -------
        (rows, lines, outputs) array

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            Rows or lines are not of that form.
        """
        group, (inputs, outputs) = self._checked_group(group)
        lines = _indices("physical_rows", physical_rows, self._line_count(group))
        physical = PhysicalLines(self._target_state(), group, lines, np.arange(outputs))
        if weight_rows is None and self._targets is not None:
            return physical.realised(physical.set_goals(self._targets, np.arange(inputs)))
        rows = self._group_weights(group) if weight_rows is None else weight_rows
        return physical.realised(physical.goals(self._checked_rows(rows, (None, outputs))))

    def weight_cells(self, group: int = 0) -> WeightCells:
        """Return the cells of each weight of a group where it lies, at the layer's scale as it is now.

        Parameters
        ----------
        group : int
            Which group of a convolution, from 0 on.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            There is no such group.
        """
        group, shape = self._checked_group(group)
        return WeightCells(self._target_state(), group, shape)

    def row_costs(
        self,
        weights: ArrayLike | None = None,
        *,
        weighting: ArrayLike | None = None,
        negated: bool = False,
        power: Literal[1, 2] = 1,
        group: int = 0,
        rows: Selection = None,
        lines: Selection = None,
        cols: Selection = None,
    ) -> Array:
        """Return how far from its weights each row would be on each word line.

        ``C[p, q] = u_p sum_j |w_pj - t_qj(w_pj)|``, t as ``realised`` has it, the sum over outputs (L. Chen et al.,
        DATE 2017, eq. 1, of all cells of a weight).

        Parameters
        ----------
        weights : (inputs, outputs) array_like, optional
            Of a group, the row of biases last; None: the layer's. Where the layer has ``targets``, t is then what these
            become on the line, which is driven negated if ``negated``.
        weighting : (rows,) array_like, optional
            u of each row, plain numbers; None: 1.
        negated : bool
            Whether rows are stored negated, and driven negated: ``t_qj(w) = -t_qj(-w)``.
        power : {1, 2}
            With 2 squares are summed, ``u_p^2 sum_j (w_pj - t_qj(w_pj))^2``: with u the root mean square of input p,
            and inputs that are independent, what row p adds to the mean square error of all outputs.
        group : int
            Of a convolution.
        rows, lines, cols : slice or array_like of int, optional
            Inputs, physical word lines and outputs of the group to which costs are restricted, as those of one array:
            its ``place.inputs``, ``place.rows`` and ``place.outputs``. None: all.

        Returns
        -------
        (rows, lines) array
            In the weights' unit.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            An argument is not of that form.
        """
        group, shape = self._checked_group(group)
        matrix = self._checked_rows(self._group_weights(group) if weights is None else weights, shape)
        inputs, outputs = _indices("rows", rows, shape[0]), _indices("cols", cols, shape[1])
        line_numbers = _indices("lines", lines, self._line_count(group))
        matrix = np.ascontiguousarray(matrix[np.ix_(inputs, outputs)])
        physical = PhysicalLines(self._target_state(), group, line_numbers, outputs)
        goal = None if weights is not None or self._targets is None else physical.set_goals(self._targets, inputs)
        costs = LineDistances(-matrix if negated else matrix, physical, goal, _checked_power(power)).whole()
        return costs if weighting is None else costs * _checked_weighting(weighting, len(inputs))[:, None] ** power

    def col_costs(self, *, weighting: ArrayLike | None = None, power: Literal[1, 2] = 1, group: int = 0) -> Array:
        """Return how far from its weights each output's column would be where each output's cells lie.

        ``C[j, k] = sum_p (u_p |w_pj - t_pk(w_pj)|)^power``, rows as they are arranged; where scales are of columns each
        takes its own along.

        Parameters
        ----------
        weighting : (inputs,) array_like, optional
            u of each input, plain numbers, the row of biases last; None: 1.
        power : {1, 2}
            As of ``row_costs``.
        group : int
            Of a convolution.

        Returns
        -------
        (outputs, outputs) array
            In the weights' unit.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            An argument is not of that form.
        """
        group, (inputs, _) = self._checked_group(group)
        u = np.ones(inputs) if weighting is None else _checked_weighting(weighting, inputs)
        return column_distances(self._target_state(), group, u, _checked_power(power))

    def array_row_costs(self, *, negated: bool = False, power: Literal[1, 2] = 1) -> list[Array]:
        """Return what ``row_costs`` gives of each array's own inputs, on its own lines, for its own outputs.

        Arrays of all planes at one place are one. Rows are the inputs that its lines have, in rising order; lines are
        all of them, the spare ones included.

        Parameters
        ----------
        negated, power
            As of ``row_costs``.

        Returns
        -------
        list of (rows, lines) array
            In the order of those ``places`` whose plane is 0.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        """
        self.checked_chip()
        state = self._target_state()
        costs: list[Array] = []
        for group in range(self.groups):
            matrix = self._group_weights(group)
            physical = PhysicalLines(state, group, np.arange(self._line_count(group)), np.arange(matrix.shape[1]))
            goal = None if self._targets is None else physical.set_goals(self._targets, np.arange(len(matrix)))
            distances = LineDistances(-matrix if negated else matrix, physical, goal, _checked_power(power))
            places = (place for place in self.places if place.group == group and place.plane == 0)
            for place, block in zip(places, physical.blocks, strict=True):
                costs.append(distances.of(block, np.sort(place.inputs[place.driven])))
        return costs

    def _checked_group(self, group: int) -> tuple[int, tuple[int, int]]:
        """Return a group's number, and how many inputs and outputs it has."""
        self.checked_chip()
        if isinstance(group, bool) or not isinstance(group, int | np.integer) or not 0 <= group < self.groups:
            raise InputError(f"group is {group!r}: {self.label} has {self.groups}, numbered from 0")
        return int(group), (self.weight[0].numel() + self.bias_row, self.outputs // self.groups)

    def _group_weights(self, group: int) -> Array:
        matrix: Array = self.matrices()[group].detach().cpu().double().numpy()
        return matrix

    def _checked_rows(self, value: Any, shape: tuple[int | None, int]) -> Array:
        """Return weights as float64, of a shape of which None is any."""
        array = checked_array("weights", value, signed=True)
        if array.ndim != 2 or any(
            size is not None and size != count for size, count in zip(shape, array.shape, strict=True)
        ):
            sizes = ", ".join("rows" if size is None else str(size) for size in shape)
            raise InputError(f"weights have shape {array.shape}: {self.label} takes ({sizes})")
        return array

    def _line_count(self, group: int) -> int:
        """Return how many physical word lines a group has."""
        return max(place.rows.stop for place in self.places if place.group == group)


def _indices(name: str, value: Selection, count: int) -> Indices:
    """Return the numbers below ``count`` that a slice or a list selects."""
    if value is None or isinstance(value, slice):
        return np.arange(count)[slice(None) if value is None else value]
    array: NDArray[Any] = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and not 0 <= array.min() <= array.max() < count):
        raise InputError(f"{name} must be a list of whole numbers from 0 to {count - 1}")
    return array.astype(np.int64)


def _checked_power(value: Any) -> int:
    if isinstance(value, bool) or value not in (1, 2):
        raise InputError(f"power is {value!r}: it must be 1 or 2")
    return int(value)


def _checked_weighting(value: ArrayLike, count: int) -> Array:
    weighting = checked_array("weighting", value)
    if weighting.shape != (count,):
        raise InputError(f"weighting has shape {weighting.shape}: it must be ({count},), one number a row")
    return weighting
