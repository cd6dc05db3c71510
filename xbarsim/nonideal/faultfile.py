"""Measured fault maps: CSV, NPY and NPZ."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xbarsim.errors import InputError
from xbarsim.nonideal.archive import read_arrays
from xbarsim.nonideal.faults import Fault, FaultMap
from xbarsim.nonideal.maps import checked_faults

WORDS = {
    "0": Fault.HEALTHY, "healthy": Fault.HEALTHY,
    "1": Fault.STUCK_AT_LRS, "lrs": Fault.STUCK_AT_LRS, "stuck-at-lrs": Fault.STUCK_AT_LRS,
    "2": Fault.STUCK_AT_HRS, "hrs": Fault.STUCK_AT_HRS, "stuck-at-hrs": Fault.STUCK_AT_HRS,
}  # fmt: skip


def load_faults(path: str | Path, shape: tuple[int, int] | None = None) -> FaultMap:
    """Read a fault map: a cell is 0 or ``healthy``, 1 or ``lrs`` (stuck at LRS), 2 or ``hrs`` (stuck at HRS).

    A line of text is a row; cells are delimited by semicolons, commas, tabs or blanks, the first of these that a line
    has; ``#`` starts a comment. ``.npz`` holds one array, or calls it ``faults``.

    Parameters
    ----------
    path : str or Path
        ``.npy``, ``.npz``, or text.
    shape : (rows, cols), optional
        What it must be.

    Returns
    -------
    (rows, cols) of int8
        Numbers of ``Fault``.

    Raises
    ------
    InputError
        The file is missing or damaged, the shape is another, or a cell is none of these; the message names it.
    """
    path = Path(path)
    if path.suffix.lower() not in (".npy", ".npz"):
        return checked_faults(f"{path}: the fault map", _text(path), shape)
    arrays = read_arrays(path, "fault map")
    if "about" in arrays:
        raise InputError(f"{path}: this is a saved chip, not a fault map: read it by Chip.load")
    if len(arrays) != 1 and "faults" not in arrays:
        raise InputError(f"{path}: it holds {', '.join(arrays) or 'nothing'}: call the fault map faults")
    only = next(iter(arrays.values()))
    return checked_faults(f"{path}: the fault map", arrays.get("faults", only), shape)


def _text(path: Path) -> FaultMap:
    try:
        content = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: fault map file not found") from None
    except IsADirectoryError:
        raise InputError(f"{path}: fault map must be a file, this is a folder") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: fault map is neither text nor .npy nor .npz") from None
    except OSError as error:
        raise InputError(f"{path}: fault map cannot be read ({error.strerror})") from None
    rows: list[list[Fault]] = []
    for number, line in enumerate(content.splitlines(), 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        words = text.split(";" if ";" in text else "," if "," in text else None)
        row = [WORDS.get(word.strip().lower().replace("_", "-")) for word in words]
        if None in row:
            col = row.index(None)
            raise InputError(
                f"{path}:{number}: row {len(rows)}, column {col} is {words[col].strip()[:20]!r}: "
                "it must be 0 or healthy, 1 or lrs, 2 or hrs"
            )
        rows.append([value for value in row if value is not None])
        if len(row) != len(rows[0]):
            raise InputError(f"{path}:{number}: row {len(rows) - 1} has {len(row)} cells and row 0 has {len(rows[0])}")
    if not rows:
        raise InputError(f"{path}: fault map file is empty")
    return np.array(rows, dtype=np.int8)
