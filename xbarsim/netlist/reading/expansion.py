"""The instances of a body: as few batches of work as there can be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.netlist.reading.body import Body, Instances
from xbarsim.netlist.reading.calls import Calls
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.reader import NetlistReader
from xbarsim.netlist.reading.work import LETTER, Work
from xbarsim.netlist.suggest import clipped, closest


class Expansion:
    """Makes work of X cards.

    Parameters
    ----------
    reader : NetlistReader
        Has read the netlist.
    flat : Flat
        Numbers the nodes.
    """

    def __init__(self, reader: NetlistReader, flat: Flat) -> None:
        self.places, self.notes, self.flat = reader.places, reader.notes, flat
        self.calls = Calls(reader.top, reader.places)

    def instances(self, item: Work) -> Iterator[Work]:
        """Return the work that a body's instances are: in one batch if it stands alone, else each for the batch."""
        groups = item.body.instances.values()
        cards = sum(len(group.names) for group in groups)
        count = len(item.paths)
        if cards == 0:
            return
        if count > 1 and cards > count:
            for index in range(count):
                yield from self.instances(item.single(index))
            return
        for group in groups:
            body = self._definition(group, item.body)
            if count == 1:
                yield self._work(group, body, item, slice(None))
            else:
                for k in range(len(group.names)):
                    yield self._work(group, body, item, slice(k, k + 1))

    def _definition(self, group: Instances, caller: Body) -> Body:
        body = caller.find(group.subcircuit)
        name, origin = group.names[0], group.origins[0]
        if body is None:
            close = closest(group.subcircuit, caller.visible())
            hint = f"did you mean '{close}'?" if close else f"define it with .subckt {clipped(group.subcircuit)}"
            raise self.places.error(
                f"{name}: the subcircuit '{clipped(group.subcircuit)}' is undefined: {hint}", origin
            )
        if group.width != len(body.ports):
            raise self.places.error(
                f"{name} has {group.width} nodes, but {body.name} has {len(body.ports)} ports"
                f" (defined at {self.places.where(body.origin)}): give one node for each port",
                origin,
            )
        return body

    def _work(self, group: Instances, body: Body, item: Work, cards: slice) -> Work:
        """Return the work for several cards in one place, or for one card in several."""
        names, count = group.names[cards], len(item.paths)
        several = count if count > 1 else len(names)
        zero = np.zeros(several, dtype=np.int64)
        ports = {"0": zero, "gnd": zero}
        for at, port in enumerate(body.ports):
            if port not in ports and port not in self.flat.globals:
                if count > 1:
                    ports[port] = self.flat.nodes(item, group.nodes[(cards.start or 0) * group.width + at])
                else:
                    ports[port] = self.flat.local(item, group.nodes[at :: group.width])
        home = item
        while home.body is not body.parent and home.home is not None:
            home = home.home
        if count > 1:
            paths = [f"{path}{names[0]}." for path in item.paths]
        else:
            paths = [f"{item.paths[0]}{name}." for name in names]
        if len(home.paths) == 1:
            cut, before = len(home.paths[0]), f"{home.prefixes[0]}{LETTER}."
            prefixes = [before + path[cut:] for path in paths]
        else:
            outer = zip(home.paths, home.prefixes, paths, strict=True)
            prefixes = [f"{prefix}{LETTER}.{path[len(base) :]}" for base, prefix, path in outer]
        scope, share = self.calls.scope(group, body, item, cards)
        if np.any(np.not_equal(share, 1)) and any("m" not in inner.keys for inner in body.instances.values()):
            text = (
                f"m= of {group.names[0]} multiplies all that {body.name} holds; ngspice 39 loses it at instances in it"
            )
            self.notes.setdefault(text, group.origins[0])
        return Work(body, paths, prefixes, ports, scope, share, home)
