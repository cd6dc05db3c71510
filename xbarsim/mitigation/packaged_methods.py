"""Methods of installed packages: entry points of the group ``xbarsim.methods``, whose name is the method's."""

from __future__ import annotations

import re
import warnings
from functools import cache

from xbarsim.mitigation.method import Method
from xbarsim.package_entries import package_entries

GROUP = "xbarsim.methods"

_NAME = re.compile(r"[^\s:+,=]+")


@cache
def packaged_methods(names: frozenset[str]) -> tuple[dict[str, type[Method]], dict[str, str]]:
    """Return the methods of installed packages by name, and by name what is wrong with others.

    Parameters
    ----------
    names : frozenset of str
        What cannot be a package's, since it is xbarsim's own.
    """

    def fault_of(candidate: object, name: str, again: bool) -> str | None:
        fault = method_fault(candidate, name)
        return f"has the name of another method, {name!r}" if fault is None and (again or name in names) else fault

    packaged, faults = package_entries(GROUP, fault_of)
    for fault in faults.values():
        warnings.warn(f"{fault}: it is left out", stacklevel=4)
    return packaged, faults


def method_fault(candidate: object, name: str) -> str | None:
    """Say what keeps an object from being the method of a name; None where nothing does.

    Parameters
    ----------
    candidate : object
        What an entry point names.
    name : str
        The entry point's own.
    """
    if not (isinstance(candidate, type) and issubclass(candidate, Method)):
        return "is no subclass of xbarsim.mitigation.Method"
    if "__dataclass_fields__" not in vars(candidate):
        return "is no dataclass: put @dataclass(frozen=True) on it"
    missing = [
        attribute for attribute in ("name", "paper", "about") if not isinstance(getattr(candidate, attribute, 0), str)
    ]
    if missing:
        return f"has no {missing[0]}: give it as a ClassVar of str"
    if candidate.name != name or _NAME.fullmatch(name) is None:
        return f"has the name {candidate.name!r}: it must be that of the entry point, without blanks and any of : + , ="
    return None
