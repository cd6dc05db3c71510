"""Conductances of a known layer's cells for which its circuit multiplies by the weights, as nearly as can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

from xbarsim.checks import Array
from xbarsim.mitigation.cell_choice import CellChoice
from xbarsim.nn.arrays import CellMatrices
from xbarsim.nn.layers import CrossbarLayer

_MISSED = 1e-3
"""Of the layer's largest weight: what may be missed, and still counts as reached."""

_STALLED, _PATIENCE = 0.99, 4
"""A fixed point that so many steps have not brought below this part of its error has got where it gets."""

_EXACT = 1e-6


@dataclass(frozen=True, eq=False)
class MapFit:
    """Targets, and how near they come.

    Attributes
    ----------
    targets : tuple of (inputs, outputs) array
        Siemens to ask the cells of each plane for.
    error : float
        ``|w_eff - w| / |w|``, both norms those of Frobenius.
    unreachable : float
        Share of the weights that miss more than their cells have left, by 1e-3 of the layer's largest or more: what no
        conductance of theirs would bring, all others as they are.
    """

    targets: tuple[Array, ...]
    error: float
    unreachable: float


class MapFitting:
    """A layer on a known chip, of which the effective matrix is to become the weights.

    Parameters
    ----------
    layer : CrossbarLayer
        With its wires and all that is known of its cells, programmed with the headroom that it is to have.
    """

    def __init__(self, layer: CrossbarLayer) -> None:
        self._choice = CellChoice.of(layer)
        self._matrix = CellMatrices(layer.array_state())
        self._weights = np.concatenate([matrix.detach().cpu().double().numpy() for matrix in layer.matrices()], axis=1)
        self._norm = float(np.linalg.norm(self._weights)) or 1.0
        self._low, self._high = self._choice.bounds
        self._best: MapFit | None = None

    def by_fixed_point(self, iterations: int) -> MapFit:
        """Return the best of ``v += w - w_eff``, v kept within what cells can hold.

        It converges where the circuit takes a share of each weight, ``w_eff ~ a v`` with 0 < a <= 1, and other weights
        move it little; where many cells are at their end it does not, and the state of least error counts.

        Parameters
        ----------
        iterations : int
            Steps, at most; a fixed point that has come to its end takes fewer.
        """
        weights = self._clipped(self._weights)
        errors = []
        for _ in range(iterations + 1):
            real = self._look(weights)
            errors.append(self._best_error)
            stalled = len(errors) > _PATIENCE and errors[-1] > _STALLED * errors[-1 - _PATIENCE]
            if stalled or errors[-1] < _EXACT:
                break
            weights = self._clipped(weights + self._weights - real)
        return self._result()

    def by_adjoint(self, iterations: int) -> MapFit:
        """Return the least of ``|w_eff - w|^2`` that so many steps of L-BFGS-B find, from the circuit's adjoint.

        Parameters
        ----------
        iterations : int
            Steps, each of one or more circuits with their gradients.
        """
        largest = float(np.abs(self._weights).max()) or 1.0

        def loss(flat: Array) -> tuple[float, Array]:
            weights = self._clipped(flat.reshape(self._weights.shape) * largest)
            value, gradient = self._loss(weights)
            return value, (gradient * largest).ravel()

        bounds = Bounds(self._low.ravel() / largest, self._high.ravel() / largest)
        start = self._clipped(self._weights).ravel() / largest
        minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": iterations, "ftol": 0.0, "gtol": 0.0},
        )
        return self._result()

    @property
    def _best_error(self) -> float:
        return np.inf if self._best is None else self._best.error

    def _result(self) -> MapFit:
        assert self._best is not None
        return self._best

    def _clipped(self, weights: Array) -> Array:
        return np.clip(weights, self._low, self._high)

    def _look(self, weights: Array) -> Array:
        """Return the effective matrix for weights, and keep the targets if it is the nearest so far."""
        targets, _ = self._choice.targets(weights)
        real = self._matrix([torch.from_numpy(siemens) for siemens in self._choice.siemens(targets)]).numpy()
        self._keep(weights, targets, real)
        return real

    def _loss(self, weights: Array) -> tuple[float, Array]:
        """Return half the square of the distance over that of the weights, and its gradient; keep as ``_look``."""
        targets, _ = self._choice.targets(weights)
        planes = [torch.from_numpy(siemens).requires_grad_() for siemens in self._choice.siemens(targets)]
        real = self._matrix(planes)
        value = 0.5 * ((real - torch.from_numpy(self._weights)) / self._norm).square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        self._keep(weights, targets, real.detach().numpy())
        slopes = self._choice.slopes(weights)
        gradient = np.zeros(weights.shape)
        for plane, slope in zip(planes, slopes, strict=True):
            gradient += np.zeros(()) if plane.grad is None else plane.grad.numpy() * slope
        return float(value.detach()), gradient

    def _keep(self, weights: Array, targets: tuple[Array, ...], real: Array) -> None:
        missed = self._weights - real
        error = float(np.linalg.norm(missed)) / self._norm
        if error < self._best_error:
            self._best = MapFit(targets, error, float(self._beyond(weights, missed).mean()))

    def _beyond(self, weights: Array, missed: Array) -> NDArray[np.bool_]:
        """Return which weights ask for more than their cells can hold, were all that they miss laid upon them.

        A siemens more is at most a siemens more through the circuit: less than that would not do.
        """
        margin = _MISSED * np.abs(self._weights).max()
        demand = weights + missed
        return np.asarray((demand > self._high + margin) | (demand < self._low - margin))


SOLVERS: dict[str, Callable[[MapFitting, int], MapFit]] = {
    "fixed-point": MapFitting.by_fixed_point,
    "adjoint": MapFitting.by_adjoint,
}
