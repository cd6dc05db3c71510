"""Measured fault maps: text, NumPy's files, HDF5 and safetensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nonideal.array_files import HDF5, SAFETENSORS, read_arrays, write_arrays
from xbarsim.nonideal.faults import Fault, FaultMap
from xbarsim.nonideal.maps import checked_faults
from xbarsim.text_table import comma_separated
from xbarsim.unread import unread

WORDS = {
    "0": Fault.HEALTHY, "healthy": Fault.HEALTHY,
    "1": Fault.STUCK_AT_LRS, "lrs": Fault.STUCK_AT_LRS, "stuck-at-lrs": Fault.STUCK_AT_LRS,
    "2": Fault.STUCK_AT_HRS, "hrs": Fault.STUCK_AT_HRS, "stuck-at-hrs": Fault.STUCK_AT_HRS,
}  # fmt: skip


def load_faults(path: str | Path, shape: tuple[int, int] | None = None) -> FaultMap:
    """Read a fault map: a cell is 0 or ``healthy``, 1 or ``lrs`` (stuck at LRS), 2 or ``hrs`` (stuck at HRS).

    A line of text is a row; cells are delimited by semicolons, commas, tabs or blanks, the first of these that a line
    has; ``#`` starts a comment, and a first line of other words is a heading. With a heading of three columns, ``row``,
    ``col`` and ``fault`` (or ``word``, ``bit``), lines are cells, and those that are not listed are healthy. ``.npz``,
    ``.h5`` and ``.safetensors`` hold one array, or call it ``faults``.

    Parameters
    ----------
    path : str or Path
        ``.npy``, ``.npz``, ``.h5``, ``.safetensors``, or text.
    shape : (rows, cols), optional
        What it must be; needed for a list of cells.

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
    if path.suffix.lower() not in (".npy", ".npz", *HDF5, *SAFETENSORS):
        return checked_faults(f"{path}: the fault map", _text(path, shape), shape)
    arrays = read_arrays(path, "fault map")
    if "about" in arrays:
        raise InputError(f"{path}: this is a saved chip, not a fault map: read it by Chip.load")
    if len(arrays) != 1 and "faults" not in arrays:
        raise InputError(f"{path}: it holds {', '.join(arrays) or 'nothing'}: call the fault map faults")
    only = next(iter(arrays.values()))
    return checked_faults(f"{path}: the fault map", arrays.get("faults", only), shape)


def save_faults(path: str | Path, faults: ArrayLike) -> None:
    """Write a fault map: ``.npz``, ``.h5``, ``.safetensors``, or ``.csv`` with a heading of its columns.

    Parameters
    ----------
    path : str or Path
        The file; it is written whole or not at all.
    faults : array_like, (rows, cols)
        Numbers of ``Fault``.

    Raises
    ------
    InputError
        A cell holds no ``Fault``, the path cannot be written, or the kind's library (``files`` extra) is not installed.
    """
    values = checked_faults("faults", faults)
    if Path(path).suffix.lower() != ".csv":
        write_arrays(path, {"faults": values})
        return
    rows = [[f"bit {j}" for j in range(values.shape[1])], *values.tolist()]
    with written_whole(path) as file:
        file.write(f"{comma_separated(rows)}\n".encode())


_AMBIGUOUS = {"sa0", "sa1", "saf0", "saf1"}
"""What may be the heading of nothing: a row of faults, in words of which some mean LRS and others HRS."""

_LISTED = ({"row", "word"}, {"col", "column", "bit"}, {"fault", "faults", "state"})
"""What the three columns of a list of cells are called."""


def _text(path: Path, shape: tuple[int, int] | None) -> FaultMap:
    try:
        content = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: fault map is neither text nor .npy nor .npz") from None
    except OSError as error:
        raise unread(path, error, "fault map") from None
    rows: list[list[Fault]] = []
    lines = [(number, line.split("#", 1)[0].strip()) for number, line in enumerate(content.splitlines(), 1)]
    lines = [(number, text) for number, text in lines if text]
    heading = [word.strip().strip('"').lower() for word in _cells(lines[0][1])] if lines else []
    if _AMBIGUOUS.intersection(heading):
        raise InputError(
            f"{path}:{lines[0][0]}: SA0 and SA1 are used both ways, at LRS and at HRS: write lrs or hrs, or 1 or 2"
        )
    if heading and not any(_fault(word) is not None or _is_number(word) for word in heading):
        lines = lines[1:]
        if len(heading) == len(_LISTED) and all(word in names for word, names in zip(heading, _LISTED, strict=True)):
            return _listed(path, lines, shape)
    for number, text in lines:
        words = _cells(text)
        row = [_fault(word) for word in words]
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


def _cells(text: str) -> list[str]:
    return text.split(";" if ";" in text else "," if "," in text else None)


def _fault(word: str) -> Fault | None:
    return WORDS.get(word.strip().lower().replace("_", "-"))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _listed(path: Path, lines: list[tuple[int, str]], shape: tuple[int, int] | None) -> FaultMap:
    """Return the map of a list of cells."""
    if shape is None:
        raise InputError(f"{path}: it lists cells, row, col and fault: give shape, the array's (rows, cols)")
    faults = np.zeros(shape, dtype=np.int8)
    for number, text in lines:
        words = _cells(text)
        fault = _fault(words[-1])
        if len(words) != len(_LISTED) or fault is None or not all(word.strip().isdigit() for word in words[:2]):
            raise InputError(f"{path}:{number}: {text[:30]!r} is no cell: it must be row, column, and 0, 1 or 2")
        i, j = int(words[0]), int(words[1])
        if i >= shape[0] or j >= shape[1]:
            raise InputError(f"{path}:{number}: there is no cell in row {i}, column {j}: the array is {shape}")
        faults[i, j] = fault
    return faults
