"""The fast path of X cards: runs like ``x17 w3 b5 cell r=12345.6 s={q/2}``, whose shape the first one sets.

Plain elements between them do not end a run: cells are often written one by one, each with its wires.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import repeat

from xbarsim.netlist.language import Expression
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.plain import LINE, append, line_runs, values_of
from xbarsim.netlist.reading.source import SourceText
from xbarsim.netlist.reading.tokens import Value, parse_parameter
from xbarsim.netlist.refusals import CardError

_MOST_NODES, _MOST_KEYS = 64, 32
_BLANKS = " \t"
_WORD = r"[\w.:#!%|@&~^<>\[\]+-]++"
_NUMBER = r"[+-]?(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:e[+-]?[0-9]++)?[a-z]*+"
# No blanks, no '=' and nothing that begins a comment.
_INSIDE = r"(?:[\w.+*^(),?:<>!&|-]++|/(?!/))+"
_EXPRESSION = rf"(?:\{{{_INSIDE}\}}|'{_INSIDE}')"
_FIRST = re.compile(
    rf"[ \t]*x{_WORD}((?:[ \t]+{_WORD})+?)([ \t]+params:)?"
    rf"((?:[ \t]+[a-z_]\w*[ \t]*=[ \t]*(?:{_NUMBER}|{_EXPRESSION}))*)[ \t]*\n",
    re.ASCII,
)
_KEY = re.compile(r"([a-z_]\w*)[ \t]*=[ \t]*([{']?)")


def read_instances(source: SourceText, body: Body) -> bool:
    """Append a run of X cards of one shape, with plain elements between them, to ``body``; False if there is none.

    Parameters
    ----------
    source : SourceText
        At the first card; behind the run afterwards.
    body : Body
        It is changed.

    Raises
    ------
    CardError
        A value is none; ``source.line`` is then that line.
    """
    first = _FIRST.match(source.text, source.position)
    if first is None:
        return False
    words = first.group(1).split()
    width, marked = len(words) - 1, first.group(2) is not None
    keys, quotes = zip(*_KEY.findall(first.group(3)), strict=True) if first.group(3) else ((), ())
    if "params:" in words or len(set(keys)) < len(keys) or width > _MOST_NODES or len(keys) > _MOST_KEYS:
        return False
    end = _run(width, marked, tuple(zip(keys, map(bool, quotes), strict=True)))(source.text, source.position)
    if end == source.position:
        return False
    if source.continues(end):
        end = source.text.rfind("\n", source.position, end - 1) + 1
        if end <= source.position:
            return False
    lines = source.text[source.position : end].split("\n")[:-1]
    begun, start = source.line, source.place(source.line)
    plain = [row for row, line in enumerate(lines) if line.lstrip(_BLANKS)[0] != "x"]
    cards: Sequence[int] = range(len(lines))
    if plain:
        plain_rows = set(plain)
        cards = [row for row in cards if row not in plain_rows]
    words = "\n".join([lines[row] for row in cards] if plain else lines).replace("=", " ").split()
    stride = width + 2 + marked + 2 * len(keys)
    rows: Sequence[int] = cards
    try:
        values = [
            _values(words[stride - 2 * (len(keys) - key) + 1 :: stride], source, bool(quote))
            for key, quote in enumerate(quotes)
        ]
        if plain:
            rows, elements = plain, " ".join([lines[row] for row in plain]).split()
            append(body, elements, values_of(elements, source), [start + row for row in plain])
    except CardError:
        source.line = begun + rows[source.line - begun]
        raise
    heads = [words[at::stride] for at in range(width + 2)]
    _store(body, heads, keys, values, [start + row for row in cards] if plain else range(start, start + len(lines)))
    source.skip(end, len(lines))
    return True


def _store(
    body: Body, heads: list[list[str]], keys: tuple[str, ...], values: list[list[Value]], origins: Sequence[int]
) -> None:
    """Append cards, given as columns of names, nodes, subcircuits and values, to the groups that they belong to."""
    names, *nodes, subcircuits = heads
    # Among expressions {5} is a number.
    fixed = [[not isinstance(value, Expression) for value in column] for column in values]
    rows: dict[tuple[str, tuple[bool, ...]], list[int]] = {}
    shapes = zip(*fixed, strict=True) if fixed else repeat(())
    for row, shape in enumerate(zip(subcircuits, shapes, strict=False)):
        rows.setdefault(shape, []).append(row)
    for (subcircuit, kinds), mine in rows.items():
        group = body.group(subcircuit, keys, len(nodes), kinds)
        start = len(group.nodes)
        group.nodes += [""] * (len(mine) * len(nodes))
        for port, ends in enumerate(nodes):
            group.nodes[start + port :: len(nodes)] = map(ends.__getitem__, mine)
        for store, column in zip(group.values, values, strict=True):
            store += [column[row] for row in mine]
        group.names += map(names.__getitem__, mine)
        group.origins += map(origins.__getitem__, mine)


@lru_cache(maxsize=64)
def _run(width: int, marked: bool, keys: tuple[tuple[str, bool], ...]) -> Callable[[str, int], int]:
    """Return what finds the end of a run of X cards of one shape: keys with numbers or with expressions."""
    line = rf"[ \t]*x{_WORD}" + rf"[ \t]+(?!params:){_WORD}" * (width + 1)
    line += r"[ \t]+params:" if marked else ""
    line += "".join(rf"[ \t]+{key}[ \t]*=[ \t]*{_EXPRESSION if quoted else _NUMBER}" for key, quoted in keys)
    return line_runs(rf"(?:{line}[ \t]*\n|{LINE})")


def _values(literals: list[str], source: SourceText, quoted: bool) -> list[Value]:
    """Return a column's values; equal texts have one expression."""
    try:
        if not quoted:
            return _finite(list(map(float, literals)))
    except ValueError:
        pass
    parsed: dict[str, Value] = {}
    for line, literal in enumerate(literals):
        if literal not in parsed:
            try:
                parsed[literal] = parse_parameter(literal)
            except CardError:
                source.skip(source.position, line)
                raise
    return list(map(parsed.__getitem__, literals))


def _finite(values: list[Value]) -> list[Value]:
    if not all(map(math.isfinite, values)):  # type: ignore[arg-type]
        raise ValueError
    return values
