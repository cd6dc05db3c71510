"""Device models in Verilog-A: each the twin of a model's subcircuit, with the same parameters."""

from __future__ import annotations

from importlib.resources import files

from xbarsim.crossbar import Array
from xbarsim.devices import Device, DynamicDevice, Table
from xbarsim.errors import InputError


def module_name(device: Device) -> str:
    """Return what the module of a device's cells is called; without the suffix some are names of functions."""
    return f"{_read_as(device).name}_cell"


def verilog_twin(device: Device) -> str:
    """Return a module with the device's law, ports ``te, be`` (word-line side, bit-line side), then any gate.

    Its parameters are those of ``device.instance``.

    Raises
    ------
    InputError
        The model has no twin in Verilog-A.
    """
    device = _read_as(device)
    if isinstance(device, Table):
        return _table_twin(device.voltage, device.pieces, device.conductance)
    return _source(device.name, device)


def verilog_twin_in_time(device: DynamicDevice) -> str:
    """Return a module ``<name>_in_time_cell`` with a state that moves, ports ``te, be``.

    Its parameters are those of ``device.instance_in_time``. Its state is the voltage of its inner node ``x``, 0 at the
    lower bound and 1 at the upper one.

    Raises
    ------
    InputError
        The model has no twin in Verilog-A.
    """
    return _source(f"{device.name}_in_time", device)


def _read_as(device: Device) -> Device:
    """Return the model that reads see: a state that moves stands still there."""
    return device.reads_as if isinstance(device, DynamicDevice) else device


def _source(stem: str, device: Device) -> str:
    source = files("xbarsim.spice_models").joinpath(f"{stem}.va")
    if not source.is_file():
        raise InputError(f"cells of the model {device.name!r} have no twin in Verilog-A")
    return source.read_text("utf-8")


def _table_twin(breaks: Array, pieces: Array, conductance: float) -> str:
    """Return a measured curve, ``I = (g / G0) f(V)``: cubic pieces about their anchors, the first that ends above V."""
    lines = [
        "// Measured curve: I = (g / g0) f(V), V from te to be, in cubic pieces; straight lines beyond the points.",
        '`include "disciplines.vams"',
        "module table_cell(te, be);",
        "  inout te, be;",
        "  electrical te, be;",
        f'  (* type="instance" *) parameter real g = {conductance!r};',
        "  real v, s, f;",
        "  analog begin",
        "    v = V(te, be);",
    ]
    conditions = [f"if (v < {volts!r}) " for volts in breaks.tolist()] + [""]
    for k, (condition, (x, d, c, b, a)) in enumerate(zip(conditions, pieces.tolist(), strict=True)):
        lines += [
            f"    {'else ' if k else ''}{condition}begin",
            f"      s = v - ({x!r});",
            f"      f = {a!r} + s * ({b!r} + s * ({c!r} + s * ({d!r})));",
            "    end",
        ]
    return "\n".join([*lines, f"    I(te, be) <+ g / {conductance!r} * f;", "  end", "endmodule", ""])
