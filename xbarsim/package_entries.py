"""What installed packages add to xbarsim's tables, by entry points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def package_entries(
    group: str, fault_of: Callable[[Any, str, bool], str | None]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the entry points of a group name, by name, and by name what is wrong with the rest.

    Parameters
    ----------
    group : str
        Of entry points.
    fault_of : callable
        Says what keeps an object from being that of a name, and None where nothing does; it is told whether another
        package has the name.
    """
    from importlib.metadata import (
        entry_points,  # the larger part of importing xbarsim.devices, which mostly asks no package
    )

    good: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for entry in entry_points(group=group):
        package = f", package {entry.dist.name}," if entry.dist is not None else ""
        place = f"entry point {entry.name} = {entry.value} of the group {group}{package}"
        try:
            loaded = entry.load()
        except Exception as error:  # whatever a package's module does when it is imported
            faults[entry.name] = f"{place} cannot be loaded: {type(error).__name__}: {error}"
            continue
        fault = fault_of(loaded, entry.name, entry.name in good)
        if fault is None:
            good[entry.name] = loaded
        else:
            faults[entry.name] = f"{place} {fault}"
    return good, faults
