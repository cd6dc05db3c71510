"""SPICE's transistor of level 1: what its parameters are worth at a temperature.

Shichman and Hodges, IEEE J. Solid-State Circuits 3, 285, 1968; Vladimirescu and Liu, UCB/ERL M80/7, 1980.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xbarsim.netlist.models import silicon
from xbarsim.netlist.models.constants import (
    CARRIERS,
    CHARGE,
    K_OVER_Q,
    PERMITTIVITY,
    REFERENCE,
    ZERO_CELSIUS,
)
from xbarsim.netlist.models.diode import kelvins
from xbarsim.netlist.models.parameters import Ambient, Amount, Floats, ParameterNames, any_nonzero, check_values, words

PARAMETERS = ParameterNames(
    model=words("level vto kp gamma phi lambda rd rs rsh is js tox ld uo nsub tpg nss tnom"),
    device=words("m l w ad as nrd nrs temp dtemp"),
    idle=words("cbd cbs pb cgso cgdo cgbo cj mj cjsw mjsw fc kf af nlev gdsnoi off ic icvds icvgs icvbs pd ps"),
    memory=words("cbd cbs cgso cgdo cgbo cj cjsw pd ps"),
    aliases={"vt0": "vto", "u0": "uo"},
)

_DEFAULTS = {
    "vto": 0.0, "kp": 2e-5, "gamma": 0.0, "phi": 0.6, "lambda": 0.0, "is": 1e-14, "js": 0.0, "ld": 0.0, "uo": 600.0,
    "tpg": 1.0, "nss": 0.0, "rd": 0.0, "rs": 0.0, "rsh": 0.0,
}  # fmt: skip


def columns(
    model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient, polarity: float
) -> dict[str, Amount]:
    """Return the columns of ``Mosfets`` but for names and nodes.

    Parameters
    ----------
    model, device : mapping of str to number or (n,)
        What the .model and the element give.
    ambient : Ambient
        Temperatures and default sizes.
    polarity : float
        1 for NMOS, -1 for PMOS.

    Raises
    ------
    UnphysicalError
        A parameter is out of range, or another level is asked for.
    """
    level = model.get("level", 1.0)
    check_values(level, np.equal(level, 1), "level={} is not supported: use level=1")
    p = {name: np.asarray(model.get(name, value), dtype=np.float64) for name, value in _DEFAULTS.items()}
    nominal = np.asarray(np.add(model.get("tnom", ambient.nominal), ZERO_CELSIUS))
    _from_process(p, model, nominal, polarity)
    check_values(p["phi"], p["phi"] > 0, "phi={}: it must be > 0")
    for name in ("rd", "rs", "rsh", "is", "js"):
        check_values(p[name], p[name] >= 0, f"{name}={{}}: it must be >= 0")
    width = np.asarray(device.get("w", ambient.width))
    length = np.asarray(device.get("l", ambient.length)) - 2 * p["ld"]
    share = np.asarray(device.get("m", 1.0))
    check_values(width, width > 0, "w={}: it must be > 0")
    check_values(length, length > 0, "its channel is {} m long after ld is taken off: it must be > 0")
    check_values(share, share > 0, "m={}: it must be > 0")
    kelvin = kelvins(device, ambient)
    warmer = kelvin / nominal
    gap, gap_nominal = silicon.gap(kelvin), silicon.gap(nominal)
    phi = kelvin / REFERENCE * (p["phi"] - silicon.shift(nominal)) / (nominal / REFERENCE) + silicon.shift(kelvin)
    check_values(phi, phi > 0, "its surface potential is {} V at this temperature: it must be > 0")
    built_in = (
        polarity * (p["vto"] + 0.5 * (gap_nominal - gap)) - p["gamma"] * np.sqrt(p["phi"]) + 0.5 * (phi - p["phi"])
    )
    hotter = np.exp(gap_nominal / (nominal * K_OVER_Q) - gap / (kelvin * K_OVER_Q))
    drain, source = _saturation(p, device, ambient)
    return {
        "polarity": polarity,
        "beta": p["kp"] / warmer**1.5 * width / length * share,
        "channel": p["lambda"],
        "gamma": p["gamma"],
        "phi": phi,
        "built_in": built_in,
        "drain_saturation": drain * hotter * share,
        "source_saturation": source * hotter * share,
        "thermal": kelvin * K_OVER_Q,
        "drain_series": _series("rd", "nrd", model, device, p) / share,
        "source_series": _series("rs", "nrs", model, device, p) / share,
    }


def charge(model: Mapping[str, Amount], device: Mapping[str, Amount], ambient: Ambient) -> str | None:
    """Return the parameter by which a transistor holds charge, or None: overlaps, its junctions, its gate's oxide.

    Parameters
    ----------
    model, device : mapping of str to float or array
        Parameters of the model, and on the element's card.
    ambient : Ambient
        With the areas that are defaults.
    """
    parameters = {"ad": ambient.drain_area, "as": ambient.source_area, **model, **device}
    alone = next(
        (name for name in ("cgso", "cgdo", "cgbo", "cbd", "cbs", "tox") if any_nonzero(parameters, name)), None
    )
    pairs = (("cj", "ad"), ("cj", "as"), ("cjsw", "pd"), ("cjsw", "ps"))
    return alone or next((name for name, size in pairs if any_nonzero(parameters, name, size)), None)


def _from_process(p: dict[str, Floats], model: Mapping[str, Amount], nominal: Floats, polarity: float) -> None:
    """Derive what is not given from oxide, mobility and doping."""
    thickness = np.asarray(model.get("tox", 0.0), dtype=np.float64)
    if not np.any(thickness):
        return
    check_values(thickness, thickness > 0, "tox={}: it must be > 0")
    oxide = 3.9 * PERMITTIVITY / thickness
    if "kp" not in model:
        p["kp"] = p["uo"] * oxide * 1e-4
    if "nsub" not in model:
        return
    doping = np.asarray(model["nsub"], dtype=np.float64) * 1e6
    check_values(doping / 1e6, doping > CARRIERS, "nsub={}: it must be > 1.45e10, silicon's own carriers per cm^3")
    if "phi" not in model:
        p["phi"] = np.maximum(0.1, 2 * nominal * K_OVER_Q * np.log(doping / CARRIERS))
    gap = silicon.gap(nominal)
    gate = np.where(p["tpg"] != 0, 3.25 + 0.5 * gap - polarity * p["tpg"] * 0.5 * gap, 3.2)
    work = gate - (3.25 + 0.5 * gap + polarity * 0.5 * p["phi"])
    if "gamma" not in model:
        p["gamma"] = np.sqrt(2 * 11.7 * PERMITTIVITY * CHARGE * doping) / oxide
    if "vto" not in model:
        flat = work - p["nss"] * 1e4 * CHARGE / oxide
        p["vto"] = flat + polarity * (p["gamma"] * np.sqrt(p["phi"]) + p["phi"])


def _saturation(p: dict[str, Floats], device: Mapping[str, Amount], ambient: Ambient) -> tuple[Floats, Floats]:
    """Return the junctions' currents at the nominal temperature: by area where JS and both areas are given."""
    drain = np.asarray(device.get("ad", ambient.drain_area))
    source = np.asarray(device.get("as", ambient.source_area))
    plain = (p["js"] == 0) | (drain == 0) | (source == 0)
    return np.where(plain, p["is"], p["js"] * drain), np.where(plain, p["is"], p["js"] * source)


def _series(
    name: str, squares: str, model: Mapping[str, Amount], device: Mapping[str, Amount], p: dict[str, Floats]
) -> Floats:
    """Return the resistance before drain or source: what is given, else the sheet's."""
    if name in model:
        return p[name]
    return np.asarray(p["rsh"] * device.get(squares, 1.0))
