"""The fast path of X cards: runs like ``x17 w3 b5 cell r=12345.6``, whose shape the first one sets."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.source import SourceText
from xbarsim.netlist.values import parse_number

_MOST_NODES, _MOST_KEYS = 64, 32
_WORD = r"[\w.:#!%|@&~^<>\[\]+-]++"
_NUMBER = r"[+-]?[0-9.][a-z0-9.+-]*"
_FIRST = re.compile(
    rf"[ \t]*x{_WORD}((?:[ \t]+{_WORD})+?)([ \t]+params:)?((?:[ \t]+[a-z_]\w*[ \t]*=[ \t]*{_NUMBER})*)[ \t]*\n",
    re.ASCII,
)
_KEY = re.compile(r"([a-z_]\w*)[ \t]*=")


def read_instances(source: SourceText, body: Body) -> bool:
    """Append a run of X cards of one shape to ``body``; False if the next line is none.

    Raises
    ------
    CardError
        A value is no number; ``source.line`` is then that line.
    """
    first = _FIRST.match(source.text, source.position)
    if first is None:
        return False
    words = first.group(1).split()
    width, keys, marked = len(words) - 1, tuple(_KEY.findall(first.group(3))), first.group(2) is not None
    if "params:" in words or len(set(keys)) < len(keys) or width > _MOST_NODES or len(keys) > _MOST_KEYS:
        return False
    match = _run(width, marked, keys).match(source.text, source.position)
    if match is None:
        return False
    end = match.end()
    if source.continues(end):
        end = source.text.rfind("\n", source.position, end - 1) + 1
        if end <= source.position:
            return False
    words = source.text[source.position : end].replace("=", " ").split()
    stride = width + 2 + marked + 2 * len(keys)
    count = len(words) // stride
    names, subcircuits = words[0::stride], words[1 + width :: stride]
    nodes = [words[1 + port :: stride] for port in range(width)]
    values = [_numbers(words[stride - 2 * key + 1 :: stride], source) for key in range(len(keys), 0, -1)]
    origins = range(source.place(source.line), source.place(source.line + count))
    rows: dict[str, list[int]] = {}
    for row, subcircuit in enumerate(subcircuits):
        rows.setdefault(subcircuit, []).append(row)
    for subcircuit, mine in rows.items():
        group = body.group(subcircuit, keys, width)
        start = len(group.nodes)
        group.nodes += [""] * (len(mine) * width)
        for port, column in enumerate(nodes):
            group.nodes[start + port :: width] = map(column.__getitem__, mine)
        for store, numbers in zip(group.values, values, strict=True):
            store += [numbers[row] for row in mine]
        group.names += map(names.__getitem__, mine)
        group.origins += map(origins.__getitem__, mine)
    source.skip(end, count)
    return True


@lru_cache(maxsize=64)
def _run(width: int, marked: bool, keys: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches a run of X cards of one shape."""
    line = rf"[ \t]*x{_WORD}" + rf"[ \t]+(?!params:){_WORD}" * (width + 1)
    line += r"[ \t]+params:" if marked else ""
    line += "".join(rf"[ \t]+{key}[ \t]*=[ \t]*{_NUMBER}" for key in keys)
    return re.compile(rf"(?:{line}[ \t]*\n)++", re.ASCII)


def _numbers(literals: list[str], source: SourceText) -> list[float]:
    try:
        values = list(map(float, literals))
    except ValueError:
        known = {literal: parse_number(literal) for literal in set(literals)}
        values = [math.nan if (value := known[literal]) is None else value for literal in literals]
    for line, value in enumerate(values):
        if not math.isfinite(value):
            source.skip(source.position, line)
            raise CardError(f"'{literals[line]}' is no number: write one like 1k or 2.5meg")
    return values
