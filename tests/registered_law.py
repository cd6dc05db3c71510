"""A law of a user's own that is registered under a name for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from newton_tools import quadratic

from xbarsim import Law, devices
from xbarsim.devices import Option, registry


class Quadratic(Law):
    """A law with a name of its own."""

    name = "quadratic"
    summary = "I = G V + k V |V|"
    options = (Option("k", "how fast the slope grows", 1e-4, "S/V", least=0.0),)

    def __init__(self, k=1e-4):
        super().__init__(quadratic, k=k)


@contextmanager
def registered_law() -> Iterator[type[Quadratic]]:
    """While this is entered, ``quadratic`` is a cell model."""
    devices.register(Quadratic)
    try:
        yield Quadratic
    finally:
        del registry._registered["quadratic"]
