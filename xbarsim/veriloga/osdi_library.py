"""What a library of compiled models says of them: OSDI, the open source device interface, as ctypes has it.

The layouts are those of the specification (SemiMod, "Open Source Device Interface", drafts of 2022 and 2025). Versions
0.3 to 0.5 begin a model's description alike; what later ones add behind is not used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError

MINORS = (3, 4, 5)
"""Versions 0.x that are known."""

REAL, INTEGER, STRING = range(3)
"""Types of parameters."""

_TYPE = 3
_KIND, _OF_INSTANCE, _READING = 3 << 30, 1 << 30, 2 << 30
_CONSTANT_CHARGE, _CURRENT, _CHARGE = 2, 4, 8
_LITERAL = 16
_WORST = 4
_LEVEL = 7

_u32, _address, _text = ctypes.c_uint32, ctypes.c_void_p, ctypes.c_char_p


class _Pair(ctypes.Structure):
    _fields_ = (("first", _u32), ("second", _u32))


class _Entry(ctypes.Structure):
    _fields_ = (("nodes", _Pair), ("charge_offset", _u32), ("flags", _u32))


class _Node(ctypes.Structure):
    _fields_ = (
        ("name", _text), ("units", _text), ("current_units", _text), ("current_offset", _u32), ("charge_offset", _u32),
        ("limited_current_offset", _u32), ("limited_charge_offset", _u32), ("is_flow", ctypes.c_bool),
    )  # fmt: skip


class _Parameter(ctypes.Structure):
    _fields_ = (
        ("names", ctypes.POINTER(_text)), ("aliases", _u32), ("description", _text), ("units", _text),
        ("flags", _u32), ("length", _u32),
    )  # fmt: skip


class _InitialError(ctypes.Structure):
    _fields_ = (("code", _u32), ("parameter", _u32))


class SetUpResult(ctypes.Structure):
    """``OsdiInitInfo``."""

    _fields_ = (("flags", _u32), ("count", _u32), ("errors", ctypes.POINTER(_InitialError)))


class SimulatorParameters(ctypes.Structure):
    """``OsdiSimParas``."""

    _fields_ = (
        ("names", ctypes.POINTER(_text)), ("values", ctypes.POINTER(ctypes.c_double)),
        ("text_names", ctypes.POINTER(_text)), ("text_values", ctypes.POINTER(_text)),
    )  # fmt: skip


class Situation(ctypes.Structure):
    """``OsdiSimInfo``."""

    _fields_ = (
        ("simulator", SimulatorParameters), ("time", ctypes.c_double), ("unknowns", _address),
        ("states", _address), ("next_states", _address), ("flags", _u32),
    )  # fmt: skip


class Description(ctypes.Structure):
    """``OsdiDescriptor``, as far as all versions have it."""

    _fields_ = (
        ("name", _text), ("node_count", _u32), ("terminal_count", _u32), ("nodes", ctypes.POINTER(_Node)),
        ("entry_count", _u32), ("entries", ctypes.POINTER(_Entry)),
        ("collapsible_count", _u32), ("collapsible", ctypes.POINTER(_Pair)), ("collapsed_offset", _u32),
        ("noise_sources", _address), ("noise_count", _u32),
        ("parameter_count", _u32), ("instance_parameter_count", _u32), ("reading_count", _u32),
        ("parameters", ctypes.POINTER(_Parameter)),
        ("places_offset", _u32), ("slopes_offset", _u32), ("state_count", _u32), ("states_offset", _u32),
        ("step_offset", _u32), ("instance_size", _u32), ("model_size", _u32),
        ("access", _address), ("setup_model", _address), ("setup_instance", _address), ("evaluate", _address),
        ("load_noise", _address), ("load_currents", _address), ("load_charges", _address),
        ("load_limited_currents", _address), ("load_limited_charges", _address),
        ("load_spice_dc", _address), ("load_spice_tran", _address),
        ("load_slopes", _address), ("load_capacitances", _address), ("load_both", _address),
    )  # fmt: skip


@dataclass(frozen=True)
class ModelParameter:
    """A model's parameter: its number, its name and other names, its type, and whether instances have it."""

    number: int
    name: str
    aliases: tuple[str, ...]
    type: int
    of_instance: bool


@dataclass(frozen=True)
class ModelNode:
    """A node: its name, whether it is the unknown current of a branch, and whether a charge is on it."""

    name: str
    is_flow: bool
    has_charge: bool


@dataclass(frozen=True)
class SlopeEntry:
    """A derivative of a row's current or charge by a column's unknown, the offset of where its charge's goes."""

    row: int
    column: int
    charge_offset: int
    has_current: bool
    has_charge: bool
    straight: bool


class OsdiModule:
    """A model in a library.

    Attributes
    ----------
    name : str
    nodes : tuple of ModelNode
        The terminals first.
    terminals : int
    parameters : tuple of ModelParameter
        In the order of the source; ``$mfactor``, which multiplies currents, first.
    entries : tuple of SlopeEntry
    collapsible : tuple of (int, int or None)
        Pairs of nodes that parameters may make one; None is ground.
    c : Description
        What else it is made of.
    """

    def __init__(self, library: OsdiLibrary, c: Description) -> None:
        self.library = library  # which keeps the code in memory
        self.c = c
        self.name = _word(c.name)
        self.terminals = int(c.terminal_count)
        self.nodes = tuple(_node(c.nodes[k]) for k in range(c.node_count))
        every = (_parameter(k, c.parameters[k]) for k in range(c.parameter_count + c.reading_count))
        self.parameters = tuple(entry for entry in every if entry is not None)
        self.entries = tuple(_entry(c.entries[k]) for k in range(c.entry_count))
        pairs = [c.collapsible[k] for k in range(c.collapsible_count)]
        self.collapsible = tuple((pair.first, None if pair.second == 2**32 - 1 else pair.second) for pair in pairs)

    def parameter(self, name: str) -> ModelParameter | None:
        """Return the parameter of a name, or of another name for it."""
        return next((entry for entry in self.parameters if name in (entry.name, *entry.aliases)), None)


class OsdiLibrary:
    """A loaded library.

    Parameters
    ----------
    path : Path
        The file; it may go once it is loaded.
    name : str
        What messages call it.

    Raises
    ------
    InputError
        It is no library of models for this machine, or of a version that is not known.
    """

    def __init__(self, path: Path, name: str) -> None:
        try:
            self._library: Any = ctypes.CDLL(str(path.resolve()))
            major, minor = (self._count(f"OSDI_VERSION_{part}") for part in ("MAJOR", "MINOR"))
            count = self._count("OSDI_NUM_DESCRIPTORS")
        except (OSError, ValueError) as error:
            reason = str(error).removeprefix(f"{path.resolve()}: ")
            raise InputError(f"{name} is no library of compiled Verilog-A for this machine: {reason}") from None
        if major != 0 or minor not in MINORS:
            raise InputError(f"{name} is of OSDI {major}.{minor}: compile its source anew, for 0.3 to 0.5")
        self.messages: list[str] = []
        self._listen()
        start = ctypes.addressof(_u32.in_dll(self._library, "OSDI_DESCRIPTORS"))
        # 0.3 does not tell how long a description is: it is then what is known of it.
        size = self._count("OSDI_DESCRIPTOR_SIZE") if minor > 3 else ctypes.sizeof(Description)
        self.modules = [OsdiModule(self, Description.from_address(start + k * size)) for k in range(count)]

    def _count(self, name: str) -> int:
        return int(_u32.in_dll(self._library, name).value)

    def _listen(self) -> None:
        """Receive what models print: a model that finds nobody to print to fails."""
        try:
            place = _address.in_dll(self._library, "osdi_log")
        except ValueError:
            return

        def receive(_: Any, message: int, level: int) -> None:
            if level & _LEVEL >= _WORST:
                self.messages[:] = [ctypes.string_at(message).decode("utf-8", "replace").strip()]
            if not level & _LITERAL:
                _free(message)

        self._receiver = ctypes.CFUNCTYPE(None, _address, _address, _u32)(receive)
        place.value = ctypes.cast(self._receiver, _address).value


def errors_of(result: SetUpResult) -> Iterator[int]:
    """Return the numbers of the parameters that a set-up found out of their ranges; their list is freed."""
    numbers = [int(result.errors[k].parameter) for k in range(result.count)]
    if result.count:
        _free(ctypes.cast(result.errors, _address))
    return iter(numbers)


def _word(text: bytes | None) -> str:
    return (text or b"").decode("utf-8", "replace")


def _node(c: _Node) -> ModelNode:
    return ModelNode(_word(c.name), bool(c.is_flow), c.charge_offset != 2**32 - 1)


def _parameter(number: int, c: _Parameter) -> ModelParameter | None:
    """Return a parameter; None of what is read of a solution, and of arrays."""
    if c.flags & _KIND == _READING or c.length:
        return None
    names = tuple(_word(c.names[k]) for k in range(1 + c.aliases))
    return ModelParameter(number, names[0], names[1:], c.flags & _TYPE, c.flags & _KIND == _OF_INSTANCE)


def _entry(c: _Entry) -> SlopeEntry:
    flags = c.flags
    return SlopeEntry(
        c.nodes.first, c.nodes.second, c.charge_offset,
        bool(flags & _CURRENT), bool(flags & _CHARGE), bool(flags & _CONSTANT_CHARGE),
    )  # fmt: skip


_free = ctypes.CDLL(None).free
_free.argtypes = (_address,)
_free.restype = None
