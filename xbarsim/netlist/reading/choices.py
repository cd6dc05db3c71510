"""The branches of ``.if`` cards in a subcircuit that its instances take."""

from __future__ import annotations

import numpy as np

from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError


def chosen_branches(item: Work, places: Places) -> list[Work] | None:
    """Return the work that the branches are which a batch of instances takes; None if its instances differ.

    Parameters
    ----------
    item : Work
        A body with conditions, for a batch of instances.
    places : Places
        For messages.

    Raises
    ------
    NetlistError
        A condition has no value.
    """
    works: list[Work] = []
    for branches in item.body.conditionals:
        for condition, branch in branches:
            try:
                holds = True if condition is None else np.not_equal(item.scope.evaluate(condition), 0)
            except CardError as error:
                raise places.error(str(error), branch.origin) from None
            if np.all(holds):
                item.models.update(branch.models)
                works.append(Work(branch, item.paths, item.prefixes, item.ports, item.scope, item.share, item))
                break
            if np.any(holds):
                return None
    return works
