"""SPICE's diode of level 1: what its parameters are worth at a temperature (Antognetti and Massobrio, 1988, ch. 1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models.constants import K_OVER_Q, ZERO_CELSIUS
from xbarsim.netlist.models.parameters import (
    Ambient,
    Amount,
    Floats,
    ParameterNames,
    UnphysicalError,
    check_values,
    words,
)

PARAMETERS = ParameterNames(
    model=words("is n rs trs trs2 ikf ikr bv ibv nbv tcv eg xti tnom level area tlev"),
    device=words("area m temp dtemp"),
    idle=words(
        "tt ttt1 ttt2 cjo vj m tm1 tm2 cjp php mjsw fc fcs kf af tlevc cta ctp tpb tphp fv_max bv_max id_max te_max"
        " pd_max rth0 cth0 lm lp wm wp xom xoi xm xp off ic pj ns xtitun keg ntun nr thermal"
    ),
    refused={
        "jsw": "a sidewall's current",
        "isr": "recombination current",
        "jtun": "tunnelling",
        "jtunsw": "tunnelling",
    },
    memory=words("tt ttt1 ttt2 cjo vj m tm1 tm2 cjp pj fc tlevc"),
    aliases={
        "js": "is", "tref": "tnom", "trs1": "trs", "cj0": "cjo", "cj": "cjo", "pb": "vj", "mj": "m", "cjsw": "cjp",
        "vjsw": "php", "ik": "ikf", "vb": "bv", "var": "bv", "ib": "ibv",
    },
)  # fmt: skip

_DEFAULTS = {
    "is": 1e-14, "n": 1.0, "rs": 0.0, "trs": 0.0, "trs2": 0.0, "ikf": 0.0, "ikr": 0.0, "ibv": 1e-3, "tcv": 0.0,
    "eg": 1.11, "xti": 3.0, "area": 1.0,
}  # fmt: skip
_ROUNDS = 200


def columns(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> dict[str, Amount]:
    """Return the columns of ``Diodes`` but for names and nodes.

    Parameters
    ----------
    model, device : mapping of str to number or (n,)
        What the .model and the element give.
    ambient : Ambient
        Temperatures.

    Raises
    ------
    UnphysicalError
        A parameter is out of range, or another level is asked for.
    """
    level = model.get("level", 1.0)
    check_values(level, np.equal(level, 1), "level={} is not supported: use level=1")
    check_values(model.get("tlev", 0.0), np.equal(model.get("tlev", 0.0), 0), "tlev={} is not supported: use 0")
    p = {name: np.asarray(model.get(name, value), dtype=np.float64) for name, value in _DEFAULTS.items()}
    for name in ("is", "n"):
        check_values(p[name], p[name] > 0, f"{name}={{}}: it must be > 0")
    check_values(p["rs"], p["rs"] >= 0, "rs={}: it must be >= 0")
    area = np.multiply(device.get("area", p["area"]), device.get("m", 1.0))
    check_values(area, area > 0, "area times m is {}: it must be > 0")
    nominal = np.add(model.get("tnom", ambient.nominal), ZERO_CELSIUS)
    kelvin = kelvins(device, ambient)
    vt = K_OVER_Q * kelvin
    scale = p["n"] * vt
    ratio = kelvin / nominal
    saturation = p["is"] * area * np.exp((ratio - 1) * p["eg"] / scale + p["xti"] / p["n"] * np.log(ratio))
    warmer = kelvin - nominal
    series = p["rs"] * (1 + p["trs"] * warmer + p["trs2"] * warmer**2) / area
    table: dict[str, Amount] = {
        "saturation": saturation,
        "scale": scale,
        "series": series,
        "forward_knee": _knee(p["ikf"] * area),
        "reverse_knee": _knee(p["ikr"] * area),
        "breakdown": np.inf,
        "breakdown_scale": np.multiply(model.get("nbv", p["n"]), vt),
    }
    if "bv" in model:
        volts = model["bv"] - p["tcv"] * warmer
        check_values(volts, np.greater(volts, 0), "bv={}: it must be > 0")
        amperes = np.multiply(p["ibv"], device.get("m", 1.0))
        table["breakdown"] = _breakdown(volts, amperes, saturation, np.asarray(table["breakdown_scale"]), vt)
    return table


def kelvins(device: Mapping[str, Amount], ambient: Ambient) -> Floats:
    """Return an element's temperature.

    Parameters
    ----------
    device : mapping of str to float or array
        Parameters on the element's card.
    ambient : Ambient
        The circuit's temperature.
    """
    warmer = 0.0 if "temp" in device else device.get("dtemp", 0.0)
    kelvin = np.add(device.get("temp", ambient.celsius), ZERO_CELSIUS) + warmer
    check_values(kelvin, np.greater(kelvin, 0), "its temperature is {} K: it must be > 0")
    return np.asarray(kelvin, dtype=np.float64)


def _knee(amperes: Floats) -> Floats:
    return np.where(amperes > 0, amperes, np.inf)


def _breakdown(volts: Amount, amperes: Floats, saturation: Floats, scale: Floats, vt: Floats) -> Floats:
    """Return the voltage x past which breakdown's exponential begins, so that BV carries IBV.

    ``IBV = IS (exp((BV - x) / (NBV vt)) - 1 + x / vt)``; IBV too small for that leaves ``x = BV``.
    """
    volts, amperes, saturation, scale, vt = np.broadcast_arrays(volts, amperes, saturation, scale, vt)
    fits = amperes >= saturation * volts / vt
    with np.errstate(all="ignore"):
        x = volts - scale * np.log1p(amperes / saturation)
        for _ in range(_ROUNDS):
            before, x = x, volts - scale * np.log(amperes / saturation + 1 - x / vt)
            if np.all((np.abs(x - before) <= 4e-16 * np.abs(x)) | ~fits):
                break
    if not np.isfinite(np.where(fits, x, 0.0)).all():
        raise UnphysicalError(f"bv={float(volts.flat[0]):g} and ibv={float(amperes.flat[0]):g} fit no diode")
    return np.where(fits, x, volts)
