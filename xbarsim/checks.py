"""Checks of numeric arguments: one message that names the argument and its first bad entry."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.errors import InputError

Array = NDArray[np.float64]


class Locked:
    """What keeps its arrays read-only when it is copied or unpickled, which make arrays of their own."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state, its arrays locked again."""
        for value in state.values():
            _lock(value)
        self.__dict__.update(state)


def _lock(value: Any) -> None:
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, dict):
        for inner in value.values():
            _lock(inner)


def checked_array(name: str, value: ArrayLike, *, inf_ok: bool = False, signed: bool = False) -> Array:
    """Return ``value`` as float64, or raise an :class:`InputError` that names its first bad entry.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : array_like
        Real numbers.
    inf_ok, signed : bool
        Whether infinite, and whether negative entries are legal.

    Raises
    ------
    InputError
        ``value`` is not numeric, or an entry is NaN, infinite or negative where it must not be.
    """
    if np.ma.is_masked(value):
        at = tuple(int(k) for k in np.argwhere(np.ma.getmaskarray(np.ma.asarray(value)))[0])
        where = f"{name}[{', '.join(map(str, at))}]" if at else name
        raise InputError(f"{where} is masked: give every entry a number, as {name}.filled(0.0) does")
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "biuf":
            raise TypeError
        array = raw.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be real numbers in a regular array, not {_kind(value)}") from None
    except RuntimeError as error:  # torch's, of tensors that follow a gradient
        raise InputError(f"{name} is {_kind(value)}, which gives no array: {str(error).splitlines()[0]}") from None
    bad = np.isnan(array)
    if not inf_ok:
        bad |= np.isinf(array)
    if not signed:
        bad |= array < 0
    if bad.any():
        index = tuple(int(k) for k in np.unravel_index(int(np.argmax(bad)), array.shape))
        where = f"{name}[{', '.join(map(str, index))}]" if index else name
        allowed = "a finite number" if signed else ">= 0" + (" (inf is an open circuit)" if inf_ok else " and finite")
        raise InputError(f"{where} is {float(array[index])}: it must be {allowed}")
    return array


def check_tolerance(tolerance: float) -> None:
    """Check that a tolerance is a finite number above 0, or raise InputError: whatever it is held against may fail.

    Parameters
    ----------
    tolerance : float
        What was given for it.
    """
    if isinstance(tolerance, bool) or not (isinstance(tolerance, Real) and 0.0 < float(tolerance) < np.inf):
        raise InputError(f"tolerance is {tolerance!r}: it must be a finite number above 0")


def checked_cells(conductance: ArrayLike) -> Array:
    """Return siemens of an array's cells, contiguous (rows, cols).

    Raises
    ------
    InputError
        They are no such array, or one is negative or not finite.
    """
    g = checked_array("conductance", conductance)
    if g.ndim != 2 or g.size == 0:
        raise InputError(f"conductance has shape {g.shape}: it must be (rows, cols), at least 1 x 1")
    return np.ascontiguousarray(g)


def _kind(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return f"{type(value).__name__} of {dtype}" if dtype is not None else type(value).__name__


def broadcast(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast to ``shape`` as a read-only view; the message names both shapes.

    Parameters
    ----------
    name : str
        The argument's, for messages.
    array : array
        Of any shape.
    shape : tuple of int
        What it is to fit.
    """
    try:
        view: Array = np.broadcast_to(array, shape)
    except ValueError:
        raise InputError(f"{name} has shape {array.shape}: it must be a scalar or broadcast to {shape}") from None
    return view
