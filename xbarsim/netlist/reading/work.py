"""One body to expand, for many instances at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.devicecards import ModelCard
from xbarsim.netlist.reading.scopes import Amount, Scope

Ints = NDArray[np.int64]

LETTER = "\0"
"""Stands for an element's letter in the prefix of its name."""


@dataclass(frozen=True)
class Work:
    """A body to expand, for a batch of instances at once.

    Attributes
    ----------
    body : Body
        The definition.
    paths : list of str
        What stands before node names, ``x1.x2.``; empty at the top.
    prefixes : list of str
        What stands before element names, ``LETTER.x1.x2.``; more letters where definitions nest.
    ports : dict of str to array of int
        Node numbers by local name; inner nodes are added as they are met.
    scope : Scope
        The parameters.
    share : float or array
        The instances' ``m=``, which divides resistances; 1 if there is none.
    home : Work or None
        The expansion of the body that holds the definition.
    models : dict of str to ModelCard
        Those of the branches that were chosen.
    """

    body: Body
    paths: list[str]
    prefixes: list[str]
    ports: dict[str, Ints]
    scope: Scope
    share: Amount
    home: Work | None
    models: dict[str, ModelCard] = field(default_factory=dict)

    def names_of(self, name: str) -> list[str]:
        """Return a local element's names, one for each instance."""
        if not self.paths[0]:
            return [name]
        return [prefix.replace(LETTER, name[0]) + name for prefix in self.prefixes]

    def single(self, index: int) -> Work:
        """Return the work of one instance of the batch."""
        row = slice(index, index + 1)
        ports = {name: numbers[row] for name, numbers in self.ports.items()}
        share = float(self.share[index]) if isinstance(self.share, np.ndarray) else self.share
        home = self.home.single(index) if self.home is not None and len(self.home.paths) > 1 else self.home
        return Work(self.body, self.paths[row], self.prefixes[row], ports, self.scope.single(index), share, home)
