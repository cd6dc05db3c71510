"""Arrays as torch sees them one vector at a time: volts and conductances in, currents out, with exact gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from xbarsim.crossbar import Crossbar
from xbarsim.solvers.output_currents import output_currents


def array_currents(
    volts: Tensor, conductances: Tensor | None, crossbar: Crossbar, *, keep: bool, threads: int | None = None
) -> Tensor:
    """Return an array's output currents (batch, cols), in double precision, as a function of volts and of its cells.

    Parameters
    ----------
    volts : (batch, rows) tensor
        Of the word lines; gradients reach them.
    conductances : (rows, cols) tensor, float64, or None
        Siemens; gradients reach them. None: those of the crossbar, which are no function of anything.
    crossbar : Crossbar
        The same array, its cells of any law.
    keep : bool
        As of ``output_currents``: whether a gradient finds the cells' voltages, or solves the vectors again.
    threads : int, optional
        Threads to use.
    """
    apply: Any = _Currents.apply
    currents: Tensor = apply(volts, conductances, crossbar, keep, threads)
    return currents


class _Currents(torch.autograd.Function):
    """Output currents with their adjoint, as :mod:`xbarsim.solvers.output_currents` derives it."""

    @staticmethod
    def forward(
        ctx: Any, volts: Tensor, conductances: Tensor | None, crossbar: Crossbar, keep: bool, threads: int | None
    ) -> Tensor:
        drive = np.ascontiguousarray(volts.detach().cpu().numpy(), dtype=np.float64)
        ctx.solved = output_currents(crossbar, drive, keep=keep, threads=threads)
        ctx.like = volts.dtype, volts.device
        return torch.from_numpy(ctx.solved.currents)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        gradient = ctx.solved.gradient(cotangent.detach().numpy())
        kind, device = ctx.like
        by_volts = torch.from_numpy(gradient.voltages).to(device, kind) if ctx.needs_input_grad[0] else None
        by_cells = torch.from_numpy(gradient.conductance) if ctx.needs_input_grad[1] else None
        return by_volts, by_cells, None, None, None
