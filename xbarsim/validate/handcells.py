"""Each device's law as SPICE, in another form than its twin: exponentials, inverse functions, sums."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.devices import Device, Linear, Selector, Sinh, Table, Transistor, Yakopcic


def subcircuit(device: Device, conductance: Array) -> tuple[list[str], np.ndarray]:
    """Return lines that define a cell, and what follows its two nodes in each call, (rows, cols) of str.

    Raises
    ------
    TypeError
        There is no second form of the device.
    """
    shape = conductance.shape
    with np.errstate(divide="ignore"):
        ohms = 1.0 / conductance
    if isinstance(device, Linear):
        return [".subckt cell top low rm=1", "rmem top low {rm}", ".ends"], _calls("cell", shape, rm=ohms)
    if isinstance(device, Sinh):
        lines = [".subckt cell top low half=1 per=1",
                 "bmem low top i=half*(exp(-per*v(top,low))-exp(per*v(top,low)))", ".ends"]  # fmt: skip
        return lines, _calls("cell", shape, half=conductance * device.v0 / 2.0, per=1.0 / device.v0)
    if isinstance(device, Selector):
        # The voltage as a function of the current, the whole law in one source.
        lines = [".subckt cell top low rm=1 i0=1 v0=1",
                 "vamp top in 0", "bmem in low v=rm*i(vamp)+v0*asinh(i(vamp)/i0)", ".ends"]  # fmt: skip
        return lines, _calls("cell", shape, rm=ohms, i0=device.i0, v0=device.v0)
    if isinstance(device, Transistor):
        return _transistor(device, conductance, ohms)
    if isinstance(device, Yakopcic):
        lines = [".subckt cell top low up=1 down=1 b=1",
                 "bup top low i=u(v(top,low))*up*(exp(b*v(top,low))-exp(-b*v(top,low)))",
                 "bdown top low i=u(v(low,top))*down*(exp(b*v(top,low))-exp(-b*v(top,low)))", ".ends"]  # fmt: skip
        up = conductance / (2.0 * device.b)
        return lines, _calls("cell", shape, up=up, down=up * device.a2 / device.a1, b=device.b)
    if isinstance(device, Table):
        return _table(device), _calls("cell", shape, ratio=conductance / device.conductance)
    raise TypeError(f"{device!r} is not written by hand")


def _calls(name: str, shape: tuple[int, ...], ports: Array | None = None, **parameters: Array) -> np.ndarray:
    spread = {key: np.broadcast_to(value, shape) for key, value in parameters.items()}
    calls = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        port = f"{ports[index]} " if ports is not None else ""
        calls[index] = port + name + "".join(f" {key}={float(value[index])!r}" for key, value in spread.items())
    return calls


def _transistor(device: Transistor, conductance: Array, ohms: Array) -> tuple[list[str], np.ndarray]:
    """Return cells with the bulk at -5 V and width twice the length; one gate source for each voltage that occurs."""
    shape = conductance.shape
    gates, which = np.unique(np.broadcast_to(device.gate, shape), return_inverse=True)
    lines = [".global sub", "vsub sub 0 -5"]
    lines += [f"vgate{k} 0 gate{k} {-volts!r}" for k, volts in enumerate(gates.tolist())]
    lines += [".subckt cell top low gate rm=1 kp=1 vt=1 lam=0",
              "msel in gate low sub n w=4u l=2u", "rmem top in {rm}",
              ".model n nmos (level=1 vto={vt} kp={kp} lambda={lam} gamma=0 phi=0.7 is=1e-40)", ".ends"]  # fmt: skip
    ports = np.array([f"gate{k}" for k in range(gates.size)], dtype=object)[which.reshape(shape)]
    return lines, _calls("cell", shape, ports, rm=ohms, kp=device.kp / 2.0, vt=device.vto, lam=device.lam)


def _table(device: Table) -> list[str]:
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
    return [*lines, ".subckt cell top low ratio=1", f"bmem top low i=ratio*({'+'.join(terms)})", ".ends"]
