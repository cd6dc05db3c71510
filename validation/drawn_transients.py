"""Random netlists in time: a third linear, a seventh with diodes, the others memristors of each kind in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xbarsim.devices import VTEAM, DynamicDevice, IonDrift, Sky130, Stanford, Yakopcic

Rng = np.random.Generator


@dataclass(frozen=True)
class Netlist:
    """Cards of a circuit, when it ends, and what is compared: nodes and sources."""

    kind: str
    cards: list[str]
    stop: float
    method: str
    initial: bool

    def text(self, options: str, printed: int, steps: int, method: str = "") -> str:
        uic = " uic" if self.initial else ""
        cards = [
            f".options {options} method={method or self.method}",
            f".tran {self.stop / printed!r} {self.stop!r} 0 {self.stop / steps!r}{uic}",
            ".end",
        ]
        return "\n".join([self.kind, *self.cards, *cards, ""])


def source(rng: Rng, stop: float, volts: float) -> str:
    """Return a source's wave that begins at 0 V."""
    volts = float(volts * rng.uniform(0.6, 1.0) * rng.choice([-1.0, 1.0]))
    delay, edge, width = (float(stop * part) for part in rng.uniform((0.02, 0.03, 0.1), (0.15, 0.1, 0.4)))
    period = 2 * edge + width + float(stop * rng.uniform(0.1, 0.3))
    points = np.cumsum(stop * rng.uniform(0.05, 0.2, 6))
    pieces = [f"{t!r} {v!r}" for t, v in zip(points.tolist(), (volts * rng.uniform(-1, 1, 6)).tolist(), strict=True)]
    return str(
        rng.choice(
            [
                f"pulse(0 {volts!r} {delay!r} {edge!r} {edge!r} {width!r} {period!r})",
                f"sin(0 {volts!r} {float(rng.uniform(0.7, 4) / stop)!r})",
                f"pwl(0 0 {' '.join(pieces)})",
                f"exp(0 {volts!r} {delay!r} {edge!r} {delay + width!r} {2 * edge!r})",
            ]
        )
    )


def linear(rng: Rng) -> Netlist:
    """A random tree with loops of R, C and L, whose times lie about a microsecond."""
    stop, nodes = 20e-6, int(rng.integers(3, 9))
    cards = [f"v1 n0 0 {source(rng, stop, 1.0)}"]
    for k in range(1, nodes):
        cards.append(f"r{k} n{rng.integers(0, k)} n{k} {float(10 ** rng.uniform(2, 3.5))!r}")
        if rng.random() < 0.7:
            cards.append(f"c{k} n{k} 0 {float(10 ** rng.uniform(-10, -8.7))!r}")
    for k in range(int(rng.integers(1, 4))):
        a, b = rng.choice(nodes, 2, replace=False)
        cards.append(f"cx{k} n{a} n{b} {float(10 ** rng.uniform(-10, -9))!r}")
    for k in range(int(rng.integers(0, 3))):
        cards += [
            f"l{k} n{rng.integers(0, nodes)} m{k} {float(10 ** rng.uniform(-4, -3))!r}",
            f"rl{k} m{k} 0 {float(10 ** rng.uniform(2, 3.5))!r}",
        ]
    return Netlist("linear", cards, stop, "trap", False)


def diodes(rng: Rng) -> Netlist:
    """Rectifiers and clamps with junction charges, behind resistors, on capacitors."""
    stop, count = 10e-6, int(rng.integers(1, 5))
    model = (
        f".model d1 d(is={float(10 ** rng.uniform(-15, -12))!r} n={float(rng.uniform(1, 1.6))!r} "
        f"rs={float(rng.uniform(1, 20))!r} cjo={float(10 ** rng.uniform(-12, -11))!r} vj=0.8 m=0.4 "
        f"tt={float(10 ** rng.uniform(-9, -8))!r})"
    )
    cards = [f"v1 in 0 {source(rng, stop, 3.0)}", "r1 in a0 200", model]
    for k in range(count):
        forward = f"a{k} b{k}" if rng.random() < 0.6 else f"b{k} a{k}"
        cards += [
            f"d{k} {forward} d1", f"r{k}l b{k} 0 {float(10 ** rng.uniform(3, 4))!r}",
            f"c{k} b{k} 0 {float(10 ** rng.uniform(-10.3, -9.3))!r}", f"rs{k} b{k} a{k + 1} 1k",
        ]  # fmt: skip
    cards.append(f"cend a{count} 0 100p")
    return Netlist("diodes", cards, stop, "trap", False)


MODELS: dict[str, tuple[Callable[[Rng], DynamicDevice], float, float]] = {
    "vteam": (lambda rng: VTEAM(k_on=-float(rng.uniform(0.05, 0.2)), alpha_off=float(rng.uniform(1, 4))), 1.4, 20e-9),
    "vteam, windows": (lambda rng: VTEAM(window=_window(rng), exponent=float(rng.uniform(1, 3))), 1.5, 20e-9),
    "ion drift": (lambda rng: IonDrift(r_on=float(rng.uniform(80, 200))), 1.0, 1.0),
    "ion drift, windows": (lambda rng: IonDrift(window=_window(rng), exponent=float(rng.uniform(1, 3))), 1.0, 1.0),
    "yakopcic": (lambda rng: Yakopcic(0.17, 0.12, float(rng.uniform(0.04, 0.08))), 0.45, 1e-3),
    "stanford": (lambda rng: Stanford(rth=float(rng.uniform(1e5, 3e5))), 1.5, 1e-6),
    "sky130": (lambda rng: Sky130(gamma_k1=-1.2, tau_thermal=float(rng.uniform(3e-11, 7e-11))), 1.5, 1e-6),
}
"""How a model is drawn, and volts and seconds in which its state moves."""


def _window(rng: Rng) -> str:
    return str(rng.choice(["joglekar", "biolek", "prodromakis"]))


def memristors(name: str, rng: Rng) -> Netlist:
    """One to four cells behind resistors, in a bridge of two sources, some with a line's capacitance."""
    drawn, volts, stop = MODELS[name]
    device = drawn(rng)
    low, high = (float(bound) for bound in device.bounds)
    cards = device.subcircuit_in_time().rstrip("\n").split("\n")
    cards += [f"v1 p 0 {source(rng, stop, volts)}", f"r1 p a {float(rng.uniform(1, 50))!r}"]
    for k in range(int(rng.integers(1, 5))):
        x0 = low + (high - low) * float(rng.uniform(0.15, 0.85) if "yakopcic" not in name else rng.uniform(0.08, 0.2))
        values = " ".join(f"{key}={float(value)!r}" for key, value in device.instance_in_time(np.array(x0)).items())
        way = f"a b{k}" if rng.random() < 0.6 else f"b{k} a"
        cards += [f"x{k} {way} {device.name}_in_time {values}", f"r{k}b b{k} 0 {float(rng.uniform(1, 50))!r}"]
    if rng.random() < 0.4:
        cards.append(f"ca a 0 {float(stop * 10 ** rng.uniform(-4.5, -3.5))!r}")
    return Netlist(name, cards, stop, "gear", True)


def drawn(seed: int, number: int) -> Netlist:
    """Return the case of a number: a third linear, a seventh with diodes, the others memristors in turn."""
    rng = np.random.default_rng([seed, number])
    if number % 3 == 0:
        return linear(rng)
    if number % 7 == 1:
        return diodes(rng)
    return memristors(list(MODELS)[number % len(MODELS)], rng)
