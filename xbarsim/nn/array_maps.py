"""Arrays as torch sees them: conductances in, effective maps out, with exact gradients through the circuit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from xbarsim.crossbar import Crossbar
from xbarsim.solvers.map_batch import effective_conductances, effective_maps


def effective(
    conductances: Sequence[Tensor], crossbars: Sequence[Crossbar], threads: int | None = None
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
    """
    if torch.is_grad_enabled() and any(cells.requires_grad for cells in conductances):
        apply: Any = _Maps.apply
        return list(apply(tuple(crossbars), threads, *conductances))
    return [torch.from_numpy(matrix) for matrix in effective_conductances(crossbars, threads=threads)]


class _Maps(torch.autograd.Function):
    """Effective maps with their adjoint; :mod:`xbarsim.kernels.lane_gradients` derives it."""

    @staticmethod
    def forward(ctx: Any, crossbars: tuple[Crossbar, ...], threads: int | None, *cells: Tensor) -> Any:
        ctx.maps = effective_maps(crossbars, threads=threads, keep=True)
        return tuple(torch.from_numpy(matrix) for matrix in ctx.maps.matrices)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        slopes = zip(cotangents, ctx.needs_input_grad[2:], strict=True)
        gradients = ctx.maps.gradients([slope.detach().numpy() if needed else None for slope, needed in slopes])
        return None, None, *(None if gradient is None else torch.from_numpy(gradient) for gradient in gradients)


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
