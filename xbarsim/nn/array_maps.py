"""Arrays as torch sees them: conductances in, effective maps out, with exact gradients through the circuit."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
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

CACHED_BYTES = 256e6
"""Maps of arrays are kept up to this size in all, the last ones used."""


class MapCache:
    """Effective maps by the content of their arrays."""

    def __init__(self, limit: float = CACHED_BYTES) -> None:
        self._kept: OrderedDict[bytes, Array] = OrderedDict()
        self._limit = limit
        self._bytes = 0

    def maps(self, crossbars: Sequence[Crossbar], threads: int | None = None) -> list[Array]:
        """Return each crossbar's effective conductance; equal arrays are reduced once."""
        keys = [_content(crossbar) for crossbar in crossbars]
        missing = {key: crossbar for key, crossbar in zip(keys, crossbars, strict=True) if key not in self._kept}
        found: dict[bytes, Array] = {key: self._kept[key] for key in keys if key in self._kept}

        def reduce(key: bytes) -> None:
            found[key] = effective_conductance(missing[key], threads=1)

        with one_blas_thread():  # once for all, not for each array in turn
            run_tasks(reduce, list(missing), thread_count(threads))
        for key in keys:
            self._keep(key, found[key])
        return [found[key] for key in keys]

    def clear(self) -> None:
        """Forget all maps."""
        self._kept.clear()
        self._bytes = 0

    def _keep(self, key: bytes, matrix: Array) -> None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return
        self._kept[key] = matrix
        self._bytes += matrix.nbytes
        while self._bytes > self._limit and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes


def _content(crossbar: Crossbar) -> bytes:
    """Fingerprint of all that an effective map depends on."""
    digest = hashlib.blake2b(digest_size=16)
    ends = crossbar.boundary
    for array in (crossbar.conductance, crossbar.word_wire, crossbar.bit_wire, *(e.resistance for e in ends.values())):
        digest.update(repr(array.shape).encode())
        # Wires are mostly one number; its place in a broadcast array says so without a copy.
        digest.update(array.tobytes() if any(array.strides) or array.size == 0 else array.flat[0].tobytes())
    return digest.digest()


SHARED = MapCache()
"""The maps of all layers."""


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
        Whether what a gradient needs is kept. If not, known maps are used again, and a gradient, if one is asked for,
        reduces the arrays anew.
    """
    if torch.is_grad_enabled() and any(one.requires_grad for one in conductances):
        apply: Any = _Maps.apply
        return list(apply(tuple(crossbars), threads, keep, *conductances))
    return [torch.from_numpy(np.array(matrix)) for matrix in SHARED.maps(crossbars, threads)]


class _Maps(torch.autograd.Function):
    """Effective maps with their adjoint; :meth:`xbarsim.solvers.adjoint.EffectiveMap.gradient` derives it."""

    @staticmethod
    def forward(ctx: Any, crossbars: tuple[Crossbar, ...], threads: int | None, keep: bool, *cells: Tensor) -> Any:
        ctx.crossbars, ctx.threads, ctx.maps = crossbars, threads, [None] * len(crossbars)
        if not keep:
            return tuple(torch.from_numpy(np.array(matrix)) for matrix in SHARED.maps(crossbars, threads))
        found: list[EffectiveMap | None] = ctx.maps

        def reduce(k: int) -> None:
            found[k] = effective_map(crossbars[k], threads=1)

        with one_blas_thread():  # once for all, not for each array in turn
            run_tasks(reduce, range(len(crossbars)), thread_count(threads))
        return tuple(torch.from_numpy(np.array(one.matrix)) for one in found if one is not None)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        gradients: list[Tensor | None] = [None] * len(cotangents)

        def carry(k: int) -> None:
            if ctx.needs_input_grad[3 + k]:
                kept = ctx.maps[k] or effective_map(ctx.crossbars[k], threads=1)
                gradients[k] = torch.from_numpy(kept.gradient(cotangents[k].detach().numpy()))

        with one_blas_thread():  # once for all, not for each array in turn
            run_tasks(carry, range(len(cotangents)), thread_count(ctx.threads))
        return None, None, None, *gradients
