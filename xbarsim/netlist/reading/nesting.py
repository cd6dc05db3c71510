"""What expanding the subcircuits would give, counted before any of it is done."""

from __future__ import annotations

from collections.abc import Iterator

from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.body import Body, Instances
from xbarsim.netlist.refusals import NetlistError

MAX_ELEMENTS = 50_000_000


def check_nesting(top: Body, places: Places) -> None:
    """Refuse a subcircuit that contains itself, and more elements than fit.

    Raises
    ------
    NetlistError
        The message names the instance that closes a loop, or the number of elements.
    """
    sizes: dict[int, int] = {}
    path: list[tuple[Body, list[tuple[Instances, Body]]]] = [(top, _uses(top))]
    on_path = {id(top)}
    while path:
        body, uses = path[-1]
        if not uses:
            path.pop()
            on_path.discard(id(body))
            inside = sum(len(group.names) * (1 + sizes[id(inner)]) for group, inner in _uses(body))
            columns = (
                x
                for part in _parts(body)
                for x in (part.names, part.controls, part.capacitors, part.laws, part.devices)
            )
            sizes[id(body)] = sum(map(len, columns)) + inside
            continue
        group, inner = uses.pop()
        if id(inner) in on_path:
            raise places.error(
                f"{group.names[0]}: the subcircuit '{inner.name}' contains itself: break the loop", group.origins[0]
            )
        if id(inner) not in sizes:
            on_path.add(id(inner))
            path.append((inner, _uses(inner)))
    if sizes[id(top)] > MAX_ELEMENTS:
        size = sizes[id(top)]
        count = str(size) if size < 10**15 else "over 1e15"
        raise NetlistError(
            f"its subcircuits expand to {count} elements and instances: {MAX_ELEMENTS} fit", places.files[0]
        )


def _uses(body: Body) -> list[tuple[Instances, Body]]:
    """Return the groups of instances that a body has, with their definitions; undefined ones are met later."""
    groups = (group for part in _parts(body) for group in part.instances.values())
    pairs = ((group, body.find(group.subcircuit)) for group in groups)
    return [(group, inner) for group, inner in pairs if inner is not None]


def _parts(body: Body) -> Iterator[Body]:
    """Yield a body and all branches of its ``.if`` cards, whichever are taken."""
    waiting = [body]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += (branch for branches in part.conditionals for _, branch in branches)
