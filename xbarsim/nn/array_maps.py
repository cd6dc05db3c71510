"""Arrays as torch sees them: conductances in, effective maps out, with exact gradients through the circuit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.resources import one_blas_thread, run_tasks, thread_count
from xbarsim.solvers.adjoint import EffectiveMap, effective_map
from xbarsim.solvers.effective import effective_conductance


def effective(
    conductances: Sequence[Tensor], crossbars: Sequence[Crossbar], threads: int | None = None, *, keep: bool = True
) -> list[Tensor]:
    """Return the maps of arrays, (rows, cols) each, as functions of their cells' conductances.

    Parameters
    ----------
    conductances : sequence of (rows, cols) tensor, float64
        Siemens; gradients reach them.
    crossbars : sequence of Crossbar
        The same arrays with their wires and ends.
    threads : int, optional
        Threads to use.
    keep : bool
        Whether what gradients need is kept. If not, the maps are to the last bit those without gradients, and a
        gradient reduces the arrays anew.
    """
    if torch.is_grad_enabled() and any(cells.requires_grad for cells in conductances):
        apply: Any = _Maps.apply
        return list(apply(tuple(crossbars), threads, keep, *conductances))
    return _reduced(crossbars, threads)


def _reduced(crossbars: Sequence[Crossbar], threads: int | None) -> list[Tensor]:
    """Return maps alone."""
    maps: list[Array] = [np.empty(0)] * len(crossbars)

    def reduce(k: int) -> None:
        maps[k] = effective_conductance(crossbars[k], threads=1)

    with one_blas_thread():  # once for all, not for each array in turn
        run_tasks(reduce, range(len(crossbars)), thread_count(threads))
    return [torch.from_numpy(np.array(matrix)) for matrix in maps]


class _Maps(torch.autograd.Function):
    """Effective maps with their adjoint; :meth:`xbarsim.solvers.adjoint.EffectiveMap.gradient` derives it."""

    @staticmethod
    def forward(ctx: Any, crossbars: tuple[Crossbar, ...], threads: int | None, keep: bool, *cells: Tensor) -> Any:
        maps: list[EffectiveMap | None] = [None] * len(crossbars)
        ctx.crossbars, ctx.threads, ctx.maps = crossbars, threads, maps
        if not keep:
            return tuple(_reduced(crossbars, threads))

        def reduce(k: int) -> None:
            maps[k] = effective_map(crossbars[k], threads=1)

        with one_blas_thread():  # once for all, not for each array in turn
            run_tasks(reduce, range(len(crossbars)), thread_count(threads))
        return tuple(torch.from_numpy(np.array(solution.matrix)) for solution in maps if solution is not None)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        gradients: list[Tensor | None] = [None] * len(cotangents)

        def carry(k: int) -> None:
            if ctx.needs_input_grad[3 + k]:
                solution = ctx.maps[k] or effective_map(ctx.crossbars[k], threads=1)
                gradients[k] = torch.from_numpy(solution.gradient(cotangents[k].detach().numpy()))

        with one_blas_thread():  # once for all, not for each array in turn
            run_tasks(carry, range(len(cotangents)), thread_count(ctx.threads))
        return None, None, None, *gradients


class _Recomputed(torch.autograd.Function):
    """A function of tensors, of which the values are at hand; its gradient computes it again."""

    @staticmethod
    def forward(ctx: Any, function: Any, values: Sequence[Tensor], *sources: Tensor) -> Any:
        ctx.function = function
        ctx.save_for_backward(*sources)
        return tuple(value.detach() for value in values)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        with torch.enable_grad():
            sources = [source.detach().requires_grad_() for source in ctx.saved_tensors]
            values = ctx.function(sources)
            gradients = torch.autograd.grad(values, sources, cotangents, allow_unused=True)
        return None, None, *gradients


def recomputed(function: Any, values: Sequence[Tensor], sources: Sequence[Tensor]) -> list[Tensor]:
    """Return known values as a function of their sources, which is computed again where a gradient is asked for.

    Parameters
    ----------
    function : callable
        Gives the values for a list of tensors like ``sources``.
    values, sources : sequence of Tensor
        What it gives, and for what.
    """
    apply: Any = _Recomputed.apply
    return list(apply(function, values, *sources))
