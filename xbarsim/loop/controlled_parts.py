"""Parts of a loop that a voltage or a current elsewhere controls, SPICE's G, F and H; E is an ``OpAmp``."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.checks import checked_array
from xbarsim.loop.part_checks import check_names, set_number


@dataclass(frozen=True)
class Transconductor:
    """Amperes by volts, SPICE's G: what leaves the circuit at ``a`` and enters it at ``b``.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    a, b : str
        Its nodes; the current flows from ``a`` through it to ``b``.
    plus, minus : str
        The nodes that control it.
    siemens : float
        Amperes for 1 V of ``plus`` above ``minus``, of either sign.

    Raises
    ------
    InputError
        A name is malformed, or ``siemens`` is not one finite number.
    """

    name: str
    a: str
    b: str
    plus: str
    minus: str
    siemens: float

    def __post_init__(self) -> None:
        check_names(self, "a", "b", "plus", "minus")
        siemens = checked_array(f"siemens of {self.name}", self.siemens, signed=True)
        set_number(self, "siemens", siemens, most_axes=0)
        object.__setattr__(self, "siemens", float(self.siemens))


@dataclass(frozen=True)
class CurrentGain:
    """Amperes by amperes, SPICE's F: what leaves the circuit at ``a`` and enters it at ``b``.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    a, b : str
        Its nodes; the current flows from ``a`` through it to ``b``.
    control : str
        The name of the part whose current controls it, the one that ``ClosedLoop.source_currents`` gives: a
        ``VoltageSource``, ``Inductor``, ``OpAmp`` or ``Transresistor``, or a ``Resistor`` of 0 ohm.
    gain : float
        Amperes for 1 A, of either sign.

    Raises
    ------
    InputError
        A name is malformed, or ``gain`` is not one finite number.
    """

    name: str
    a: str
    b: str
    control: str
    gain: float

    def __post_init__(self) -> None:
        check_names(self, "a", "b", "control")
        set_number(self, "gain", checked_array(f"gain of {self.name}", self.gain, signed=True), most_axes=0)
        object.__setattr__(self, "gain", float(self.gain))


@dataclass(frozen=True)
class Transresistor:
    """Volts by amperes, SPICE's H; its own current enters at ``plus``.

    Parameters
    ----------
    name : str
        What messages and netlists call it.
    plus, minus : str
        Its nodes.
    control : str
        The name of the part whose current controls it, as of a ``CurrentGain``.
    ohms : float
        Volts of ``plus`` above ``minus`` for 1 A, of either sign.

    Raises
    ------
    InputError
        A name is malformed, or ``ohms`` is not one finite number.
    """

    name: str
    plus: str
    minus: str
    control: str
    ohms: float

    def __post_init__(self) -> None:
        check_names(self, "plus", "minus", "control")
        set_number(self, "ohms", checked_array(f"ohms of {self.name}", self.ohms, signed=True), most_axes=0)
        object.__setattr__(self, "ohms", float(self.ohms))
