"""Products that go past the crossbars: a weight used outside of its layer, or a matrix that is in no layer.

While a network runs, each torch function is looked at. Tensors that come from a layer's weight alone, views and copies
of it, are followed by their storage; so a norm of weights, whose result is one number, is free, and what brings a
weight together with anything else outside of its layer is refused. Matrices that stay digital without having been
named (an embedding's, a buffer) may be looked up and added, but not multiplied with.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from xbarsim.errors import InputError

_LOOKS = {
    "embedding", "embedding_bag", "to", "type_as", "expand_as", "view_as", "reshape_as", "is_same_size", "result_type",
    "promote_types", "can_cast", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like",
    "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor", "__len__", "size", "stride", "dim", "numel",
}  # fmt: skip
"""Functions that look rows up, or ask for no more than shape, type and place."""

_PRODUCTS = {
    "linear", "bilinear", "matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "addmm", "addmv", "addbmm",
    "baddbmm", "einsum", "tensordot", "inner", "dot", "vdot", "chain_matmul", "multi_dot",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """Where a tensor comes from.

    Attributes
    ----------
    what : str
        What messages call it: ``weight of layer 'fc1'``.
    name : str
        What ``convert(digital=...)`` calls it.
    programmed : bool
        Whether it is on arrays; if not, it is a matrix that stays digital.
    """

    what: str
    name: str
    programmed: bool


class _Paused(threading.local):
    depth = 0


_PAUSED = _Paused()


@contextmanager
def paused() -> Iterator[None]:
    """Do a layer's own work, which nobody looks at."""
    _PAUSED.depth += 1
    try:
        yield
    finally:
        _PAUSED.depth -= 1


class Watch(TorchFunctionMode):
    """Looks at the functions that a network calls.

    Parameters
    ----------
    watched : iterable of (Tensor, Origin)
        The weights of layers, and matrices that are in none.
    """

    def __init__(self, watched: Iterable[tuple[Tensor, Origin]]) -> None:
        super().__init__()
        self._origins: dict[int, list[tuple[int, int, Origin]]] = {}
        self._results: list[Tensor] = []
        """Kept, so that no other tensor takes the place of one that is followed."""
        for one, origin in watched:
            self._add(one, origin)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function, and refuse what goes past the crossbars."""
        kwargs = kwargs or {}
        if _PAUSED.depth:
            return func(*args, **kwargs)
        given = list(_tensors((args, kwargs)))
        origins = [self._origin(one) for one in given]
        origin = next((one for one in origins if one is not None), None)
        name = getattr(func, "__name__", "")
        if origin is None or name in _LOOKS:
            return func(*args, **kwargs)
        meets = any(one is None and tensor.numel() > 1 for one, tensor in zip(origins, given, strict=True))
        if meets and name != "__get__":
            self._refuse(origins, name)
            return func(*args, **kwargs)
        found = func(*args, **kwargs)
        self._follow(found, origin)
        return found

    def _refuse(self, origins: list[Origin | None], name: str) -> None:
        """Raise where a weight meets something else outside of its layer, or a matrix is multiplied with."""
        for one in origins:
            if one is not None and one.programmed:
                raise InputError(
                    f"{one.what} is used outside of the layer, by {name}, where it would go past its arrays: "
                    f"call the layer, or leave it digital with digital=({one.name!r},)"
                )
            if one is not None and name in _PRODUCTS:
                raise InputError(
                    f"{one.what} is a matrix that inputs are multiplied with, by {name}, outside of any layer that "
                    f"goes onto crossbars: leave it digital with digital=({one.name!r},)"
                )

    def _follow(self, found: Any, origin: Origin) -> None:
        for one in _tensors(found):
            # One number, as a norm or a penalty, carries no matrix on.
            if one.numel() > 1 and self._origin(one) is None:
                self._add(one, origin)
                self._results.append(one)

    def _add(self, tensor: Tensor, origin: Origin) -> None:
        storage, start, stop = _place(tensor)
        if storage:
            self._origins.setdefault(storage, []).append((start, stop, origin))

    def _origin(self, tensor: Tensor) -> Origin | None:
        """Return where a tensor is from; several parameters may lie in one storage."""
        if not self._origins:
            return None
        storage, start, _ = _place(tensor)
        parts = self._origins.get(storage, ())
        return next((origin for low, high, origin in parts if low <= start < high), None)


def _tensors(found: Any) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, tuple | list):
        for one in found:
            yield from _tensors(one)
    elif isinstance(found, Mapping):
        yield from _tensors(list(found.values()))


def _place(tensor: Tensor) -> tuple[int, int, int]:
    """Return the storage of a tensor's numbers, and where in memory they begin and end; 0 of one that has none."""
    try:
        start, storage = tensor.data_ptr(), tensor.untyped_storage().data_ptr()
        reach = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    except (RuntimeError, NotImplementedError):
        return 0, 0, 0
    return storage, start, start + max(reach, 0) * tensor.element_size()
