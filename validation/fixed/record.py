"""From a case to its record: the hash of its values' bytes, of each part of them, and its label."""

from __future__ import annotations

import hashlib
import struct
import traceback
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xbarsim.errors import XbarsimError

Case = Callable[[], Mapping[str, Any]]
"""What is computed, by the part's name; ``label`` is what says how."""

SHOWN = 400
"""Letters of a text that a record keeps beside its hash."""


def record(case: Case) -> dict[str, Any]:
    """Run a case; an exception is its text, and so are warnings."""
    label = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            values = dict(case())
            label = str(values.pop("label", ""))
        except XbarsimError as error:
            values, label = {"error": str(error)}, type(error).__name__
        except Exception as error:
            traceback.print_exc()
            values, label = {"crash": f"{type(error).__name__}: {error}"}, "crash"
    texts = sorted(
        {str(warning.message) for warning in caught if type(warning.message).__module__.startswith("xbarsim")}
    )
    if texts:
        values["warnings"] = texts
    parts = {name: digest(value) for name, value in values.items()}
    heads = {name: value[:SHOWN] for name, value in values.items() if isinstance(value, str)}
    return {"hash": digest(parts), "label": label, "parts": parts, "texts": heads}


def digest(value: Any) -> str:
    """Return the first letters of a SHA-256 of all bytes of a value, its shapes and kinds included."""
    whole = hashlib.sha256()
    _feed(whole.update, value)
    return whole.hexdigest()[:16]


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        if array.dtype.kind == "f":
            # One pattern of bits for all that are no number.
            array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        update(f"array {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    elif isinstance(value, float):
        update(b"float " + (struct.pack("<d", value) if value == value else b"nan"))
    elif isinstance(value, Mapping):
        update(f"mapping {len(value)} ".encode())
        for name in sorted(value, key=str):
            _feed(update, str(name))
            _feed(update, value[name])
    elif isinstance(value, list | tuple):
        update(f"list {len(value)} ".encode())
        for part in value:
            _feed(update, part)
    elif value is None or isinstance(value, bool | int | str):
        update(f"{type(value).__name__} {value} ".encode())
    else:
        raise TypeError(f"{type(value).__name__} has no bytes of its own")
