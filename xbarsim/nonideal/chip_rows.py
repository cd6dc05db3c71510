"""A chip as lines of CSV: a description, a heading, and a row for each cell of each tile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError

_MARK = "# about "
_HEADING = ("tile", "word", "bit")


def chip_lines(arrays: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    """Yield the lines: ``tile,word,bit`` and a column for each map; a map that ends a line before has no entry there.

    Parameters
    ----------
    arrays : mapping of str to array
        As ``Chip.packed`` gives them.

    Raises
    ------
    InputError
        The arrays are no chip's.
    """
    about = arrays.get("about")
    if about is None:
        raise InputError("CSV holds a chip: give these arrays a file .npz, .h5 or .safetensors")
    shapes = json.loads(str(about))["shapes"]
    kinds = sorted({name.rsplit("_", 1)[0] for name in arrays if name != "about"})
    yield f"{_MARK}{about}"
    yield ",".join([*_HEADING, *kinds])
    for tile, (rows, cols) in enumerate(shapes):
        maps = [arrays.get(f"{kind}_{tile}") for kind in kinds]
        for i in range(rows):
            for j in range(cols):
                words = [_word(values, i, j) for values in maps]
                yield ",".join([str(tile), str(i), str(j), *words])


def _word(values: NDArray[Any] | None, i: int, j: int) -> str:
    if values is None or i >= values.shape[0] or j >= values.shape[1]:
        return ""
    value = values[i, j].item()
    return repr(value) if isinstance(value, float) else str(int(value))


def chip_of_lines(path: Path, name: str, data: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a chip's lines.

    Parameters
    ----------
    path : Path
        The file, for messages.
    name : str
        What it should hold, for messages.
    data : bytes
        All of it, UTF-8.

    Raises
    ------
    InputError
        They are no chip's, or damaged; the message names the line.
    """
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: {name} is no text") from None
    if not lines or not lines[0].startswith(_MARK):
        raise InputError(f"{path}: {name} does not begin with {_MARK.strip()!r}: this is no chip that xbarsim saved")
    arrays: dict[str, NDArray[Any]] = {"about": np.array(lines[0][len(_MARK) :])}
    heading = tuple(lines[1].split(",")) if len(lines) > 1 else ()
    if heading[:3] != _HEADING:
        raise InputError(
            f"{path}:2: {name} has the heading {','.join(heading)[:40]!r}: it must begin with tile,word,bit"
        )
    entries: dict[str, list[tuple[int, int, float]]] = {}
    for number, line in enumerate(lines[2:], 3):
        words = line.split(",")
        try:
            tile, i, j = (int(word) for word in words[:3])
            values = [float(word) if word else None for word in words[3:]]
            if len(words) != len(heading) or min(tile, i, j) < 0:
                raise ValueError
        except ValueError:
            raise InputError(
                f"{path}:{number}: {name} is damaged: {line[:40]!r} is no row of {','.join(heading)}"
            ) from None
        for kind, value in zip(heading[3:], values, strict=True):
            if value is not None:
                entries.setdefault(f"{kind}_{tile}", []).append((i, j, value))
    for key, cells in entries.items():
        arrays[key] = _filled(path, name, key, cells)
    return arrays


def _filled(path: Path, name: str, key: str, cells: list[tuple[int, int, float]]) -> NDArray[Any]:
    """Return a map of all its entries, which must be each place once."""
    table = np.array(cells)
    places = table[:, :2].astype(np.int64)
    rows, cols = (places.max(axis=0) + 1).tolist()
    if len(cells) != rows * cols or np.unique(places, axis=0).shape[0] != len(cells):
        raise InputError(f"{path}: {name} is damaged: {key} has {len(cells)} entries for {rows} x {cols} places")
    kind = key.rsplit("_", 1)[0]
    values = np.zeros((rows, cols), dtype=np.float64)
    values[places[:, 0], places[:, 1]] = table[:, 2]
    return values.astype(np.int8 if kind == "faults" else np.float64 if kind in ("factor", "nu") else np.bool_)
