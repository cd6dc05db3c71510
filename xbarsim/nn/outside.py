"""Products that go past the crossbars: a weight used outside of its layer, or a matrix that is in no layer.

While a network runs, each torch function is looked at. Tensors that come from a layer's weight alone, views and copies
of it, are followed by their storage; so a norm of weights, whose result is one number, is free, and what brings a
weight together with anything else outside of its layer is refused. Matrices that stay digital without having been
named (an embedding's, a buffer) may be looked up and added, but not multiplied with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xbarsim.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])

_LOOKS = {
    "embedding", "embedding_bag", "to", "type_as", "expand_as", "view_as", "reshape_as", "is_same_size", "result_type",
    "promote_types", "can_cast", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like",
    "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor", "__len__", "size", "stride", "dim", "numel",
}  # fmt: skip
"""Functions that look rows up, or ask for no more than shape, type and place."""

_TURNED = {"to", "type_as", "expand_as", "view_as", "reshape_as"}
"""Those of them that give their first argument in another form."""

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

    subject: str
    name: str
    programmed: bool


class _Paused(threading.local):
    depth = 0


_PAUSED = _Paused()


class _Pause:
    """A watch that is the last mode is taken off, so that what is called costs nothing; others know the depth."""

    __slots__ = ("_watch",)

    def __enter__(self) -> None:
        count = torch._C._len_torch_function_stack()
        last = torch._C._get_function_stack_at(count - 1) if count else None
        self._watch: Any = torch._C._pop_torch_function_stack() if isinstance(last, Watch) else None
        _PAUSED.depth += 1

    def __exit__(self, *_: object) -> None:
        _PAUSED.depth -= 1
        if self._watch is not None:
            torch._C._push_on_torch_function_stack(self._watch)


def paused() -> AbstractContextManager[None]:
    """Do a layer's own work, which nobody looks at."""
    return _Pause()


def unwatched(forward: Function) -> Function:
    """Make a layer's forward pass, in which no other module is called, its own work as a whole."""

    @wraps(forward)
    def alone(self: Any, input: Tensor) -> Tensor:
        with _Pause():
            output: Tensor = forward(self, input)
        return output

    return cast(Function, alone)


_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_GLOBAL_HOOKS = tuple(f"_global{hooks}" for hooks in (*_HOOKS, "_backward_hooks", "_backward_pre_hooks"))


def only_composed(model: nn.Module, weights: Set[int]) -> bool:
    """Whether a model runs no code but torch's own modules and layers on crossbars, so that nothing needs a watch.

    A module of torch computes with its own parameters alone. What could bring in others are classes of a user's,
    hooks, a ``forward`` put on an instance, and a weight of a layer (``weights`` are their ids) that a digital module
    shares.

    Parameters
    ----------
    model : torch module
        With all that is in it.
    weights : set of int
        ``id`` of each weight that is on crossbars.
    """
    if any(getattr(nn.modules.module, hooks) for hooks in _GLOBAL_HOOKS):
        return False
    for module in model.modules():
        state = module.__dict__
        if "forward" in state or any(state.get(hooks) for hooks in _HOOKS):
            return False
        home = type(module).__module__
        if home.startswith("torch.nn.modules."):
            if any(id(parameter) in weights for parameter in module._parameters.values()):
                return False
        elif not home.startswith("xbarsim.nn."):
            return False
    return True


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
        self._placeless: dict[int, Origin] = {}
        """Of tensors without a storage of numbers, as sparse ones are."""
        self._results: list[Tensor] = []
        """Kept, so that no other tensor takes the place of one that is followed."""
        for tensor, origin in watched:
            self._add(tensor, origin)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function, and refuse what goes past the crossbars."""
        kwargs = kwargs or {}
        if _PAUSED.depth:
            return func(*args, **kwargs)
        tensors = _tensors([*args, *kwargs.values()] if kwargs else args)
        origins = [self._origin(tensor) for tensor in tensors]
        if not any(origins):
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "").partition(".")[0]
        if name in _LOOKS:
            result = func(*args, **kwargs)
            if origins[0] is not None and name in _TURNED:
                self._follow(result, origins[0])
            return result
        meets = any(origin is None and tensor.numel() > 1 for origin, tensor in zip(origins, tensors, strict=True))
        if meets and name != "__get__":
            self._refuse(origins, name)
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        self._follow(result, next(tensor for tensor in origins if tensor is not None))
        return result

    def _refuse(self, origins: list[Origin | None], name: str) -> None:
        """Raise where a weight meets something else outside of its layer, or a matrix is multiplied with."""
        for origin in origins:
            if origin is not None and origin.programmed:
                raise InputError(
                    f"{origin.subject} is used outside of the layer, by {name}, where it would go past its arrays: "
                    f"call the layer, or leave it digital with digital=({origin.name!r},)"
                )
            if origin is not None and name in _PRODUCTS:
                raise InputError(
                    f"{origin.subject} is a matrix that inputs are multiplied with, by {name}, outside of any layer "
                    f"that goes onto crossbars: leave it digital with digital=({origin.name!r},)"
                )

    def _follow(self, result: Any, origin: Origin) -> None:
        for tensor in _tensors(result):
            # One number, as a norm or a penalty, carries no matrix on.
            if tensor.numel() > 1 and self._origin(tensor) is None:
                self._add(tensor, origin)
                self._results.append(tensor)

    def _add(self, tensor: Tensor, origin: Origin) -> None:
        storage, start, stop = _place(tensor)
        if storage:
            self._origins.setdefault(storage, []).append((start, stop, origin))
        else:
            self._placeless[id(tensor)] = origin

    def _origin(self, tensor: Tensor) -> Origin | None:
        """Return where a tensor is from; several parameters may lie in one storage."""
        try:
            parts = self._origins.get(tensor.untyped_storage().data_ptr())
        except (RuntimeError, NotImplementedError):
            return self._placeless.get(id(tensor))
        if parts is None:
            return None
        start = tensor.data_ptr()
        return next((origin for low, high, origin in parts if low <= start < high), None)


def _tensors(value: Any) -> list[Tensor]:
    """Return all tensors in what a function is given, or gives."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    tensors: list[Tensor] = []
    if isinstance(value, tuple | list):
        for item in value:
            if isinstance(item, Tensor):
                tensors.append(item)
            elif isinstance(item, tuple | list | Mapping):
                tensors += _tensors(item)
    return tensors


def _place(tensor: Tensor) -> tuple[int, int, int]:
    """Return the storage of a tensor's numbers, and where in memory they begin and end; 0 of one that has none."""
    try:
        start, storage = tensor.data_ptr(), tensor.untyped_storage().data_ptr()
        reach = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    except (RuntimeError, NotImplementedError):
        return 0, 0, 0
    return storage, start, start + max(reach, 0) * tensor.element_size()
