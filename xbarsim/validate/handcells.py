"""Each device's law as SPICE, in another form than its twin: exponentials, inverse functions, sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.devices import Device, Law, Linear, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.errors import InputError

Cell = tuple[list[str], np.ndarray]
"""Lines that define a cell, and what follows its two nodes in each call, (rows, cols) of str."""


def subcircuit(device: Device, conductance: Array) -> Cell:
    """Return the lines that define a cell, and its calls.

    Parameters
    ----------
    device : Device
        The cells' model.
    conductance : (rows, cols) array
        Siemens of the cells.

    Raises
    ------
    InputError
        There is no second form of the device.
    """
    device = device.reads_as
    if device.name not in _FORMS:
        raise InputError(f"cells of the model {device.name!r} have no second form in SPICE to compare with")
    return _FORMS[device.name](device, conductance)


def _ohms(conductance: Array) -> Array:
    with np.errstate(divide="ignore"):
        return 1.0 / conductance


def _linear(device: Linear, conductance: Array) -> Cell:
    lines = [".subckt cell top low rm=1", "rmem top low {rm}", ".ends"]
    return lines, _calls("cell", conductance.shape, rm=_ohms(conductance))


def _sinh(device: Sinh, conductance: Array) -> Cell:
    lines = [".subckt cell top low half=1 per=1",
             "bmem low top i=half*(exp(-per*v(top,low))-exp(per*v(top,low)))", ".ends"]  # fmt: skip
    return lines, _calls("cell", conductance.shape, half=conductance * device.v0 / 2.0, per=1.0 / device.v0)


def _selector(device: Selector, conductance: Array) -> Cell:
    """Return the voltage as a function of the current, the whole law in one source."""
    lines = [".subckt cell top low rm=1 i0=1 v0=1",
             "vamp top in 0", "bmem in low v=rm*i(vamp)+v0*asinh(i(vamp)/i0)", ".ends"]  # fmt: skip
    return lines, _calls("cell", conductance.shape, rm=_ohms(conductance), i0=device.i0, v0=device.v0)


def _yakopcic(device: Yakopcic, conductance: Array) -> Cell:
    lines = [".subckt cell top low up=1 down=1 b=1",
             "bup top low i=u(v(top,low))*up*(exp(b*v(top,low))-exp(-b*v(top,low)))",
             "bdown top low i=u(v(low,top))*down*(exp(b*v(top,low))-exp(-b*v(top,low)))", ".ends"]  # fmt: skip
    up = conductance / (2.0 * device.b)
    return lines, _calls("cell", conductance.shape, up=up, down=up * device.a2 / device.a1, b=device.b)


def _law(device: Law, conductance: Array) -> Cell:
    """Return the law of ``Law.sample``."""
    lines = [".subckt cell top low g=1 k=0", "bmem top low i=v(top,low)*(g+k*abs(v(top,low)))", ".ends"]
    return lines, _calls("cell", conductance.shape, g=conductance, k=device.arguments["k"])


def _calls(name: str, shape: tuple[int, ...], ports: Array | None = None, **parameters: Array) -> np.ndarray:
    spread = {key: np.broadcast_to(value, shape) for key, value in parameters.items()}
    calls = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        port = f"{ports[index]} " if ports is not None else ""
        calls[index] = port + name + "".join(f" {key}={float(value[index])!r}" for key, value in spread.items())
    return calls


def _transistor(device: Transistor, conductance: Array) -> Cell:
    """Return cells with the bulk at -5 V and width twice the length; one gate source for each voltage that occurs."""
    shape = conductance.shape
    gates, lines_of = np.unique(np.broadcast_to(device.gate, shape), return_inverse=True)
    lines = [".global sub", "vsub sub 0 -5"]
    lines += [f"vgate{k} 0 gate{k} {-volts!r}" for k, volts in enumerate(gates.tolist())]
    lines += [".subckt cell top low gate rm=1 kp=1 vt=1 lam=0",
              "msel in gate low sub n w=4u l=2u", "rmem top in {rm}",
              ".model n nmos (level=1 vto={vt} kp={kp} lambda={lam} gamma=0 phi=0.7 is=1e-40)", ".ends"]  # fmt: skip
    ports = np.array([f"gate{k}" for k in range(gates.size)], dtype=object)[lines_of.reshape(shape)]
    return lines, _calls("cell", shape, ports, rm=_ohms(conductance), kp=device.kp / 2.0, vt=device.vto, lam=device.lam)


def _table(device: Table, conductance: Array) -> Cell:
    """Return the curve as a sum: what each piece adds on the way to the voltage, and two straight ends."""
    from scipy.interpolate import PchipInterpolator

    x, cubic = device.voltage, PchipInterpolator(device.voltage, device.points)
    first, last = cubic(x[[0, -1]], 1).tolist()
    lines = [
        f".param lo={float(x[0])!r} hi={float(x[-1])!r} mlo={first!r} mhi={last!r} start={float(device.points[0])!r}"
    ]
    terms = ["start", "mlo*min(v(top,low)-lo,0)", "mhi*max(v(top,low)-hi,0)"]
    for k, (d, c, b, _) in enumerate(cubic.c.T.tolist()):
        lines.append(f".param p{k}={float(x[k])!r} h{k}={float(x[k + 1] - x[k])!r} d{k}={d!r} c{k}={c!r} b{k}={b!r}")
        s = f"min(max(v(top,low)-p{k},0),h{k})"
        terms.append(f"{s}*(b{k}+{s}*(c{k}+{s}*d{k}))")
    lines += [".subckt cell top low ratio=1", f"bmem top low i=ratio*({'+'.join(terms)})", ".ends"]
    return lines, _calls("cell", conductance.shape, ratio=conductance / device.conductance)


_FORMS: dict[str, Callable[[Any, Array], Cell]] = {
    "linear": _linear,
    "sinh": _sinh,
    "selector": _selector,
    "transistor": _transistor,
    "yakopcic": _yakopcic,
    "table": _table,
    "law": _law,
}
