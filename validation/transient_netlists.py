"""Random netlists in time against ngspice at tight tolerances: R, L and C, diodes, memristors of each kind.

python validation/transient_netlists.py --count 20
python validation/transient_netlists.py --write     # 200, to validation/results/transient_netlists.md

Both are taken at the same times: xbarsim's as it prints them, ngspice's on straight lines between its own points.
ngspice runs twice, the second time in steps half as long. Where it differs from itself by a third of the bound or more
it runs again in steps ten times shorter, and then by Gear's formulas, which do not ring; the page says which cases
needed that and how far ngspice was off at first. Where it never agrees with itself the case says nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import provenance

from xbarsim import spice
from xbarsim.analysis.runs import from_netlist
from xbarsim.crossbar import Array
from xbarsim.devices import VTEAM, DynamicDevice, IonDrift, Sky130, Stanford, Yakopcic

BOUND = 1e-4
"""Of the largest voltage or current of a case."""

STEPS = 4000
"""Of ngspice, at least."""

OURS_STEPS = 1000
"""Of xbarsim, at least."""

POINTS = 50
OURS = "reltol=1e-4 abstol=1e-15 vntol=1e-10 chgtol=1e-18"
CLOSER = OURS.replace("reltol=1e-4", "reltol=1e-5")
TIGHT = "reltol=1e-6 abstol=1e-15 vntol=1e-10 chgtol=1e-21 itl4=200"

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
        given = " ".join(f"{key}={float(value)!r}" for key, value in device.instance_in_time(np.array(x0)).items())
        way = f"a b{k}" if rng.random() < 0.6 else f"b{k} a"
        cards += [f"x{k} {way} {device.name}_in_time {given}", f"r{k}b b{k} 0 {float(rng.uniform(1, 50))!r}"]
    if rng.random() < 0.4:
        cards.append(f"ca a 0 {float(stop * 10 ** rng.uniform(-4.5, -3.5))!r}")
    return Netlist(name, cards, stop, "gear", True)


@dataclass(frozen=True)
class Compared:
    """How far the two are apart and ngspice from itself, of the largest; seconds of both, and what went wrong.

    ``closer`` is how far they are apart where xbarsim runs again at ``CLOSER``; ``first`` is that at ngspice's first
    setting, ``setting`` the one that counts.
    """

    kind: str
    number: int
    apart: float = float("nan")
    own: float = float("nan")
    where: str = ""
    ours: float = float("nan")
    theirs: float = float("nan")
    trouble: str = ""
    closer: float = float("nan")
    first: float = float("nan")
    first_own: float = float("nan")
    setting: str = ""


def drawn(seed: int, number: int) -> Netlist:
    """Return the case of a number: a third linear, a seventh with diodes, the others memristors in turn."""
    rng = np.random.default_rng([seed, number])
    if number % 3 == 0:
        return linear(rng)
    if number % 7 == 1:
        return diodes(rng)
    return memristors(list(MODELS)[number % len(MODELS)], rng)


def compared(case: Netlist, number: int, folder: Path) -> Compared:
    start = time.perf_counter()
    mine, trouble = ours(case, OURS, folder)
    seconds = time.perf_counter() - start
    if trouble:
        return Compared(case.kind, number, ours=seconds, trouble=trouble)
    times = case.stop * np.linspace(0, 1, POINTS + 1)[1:]
    settings = [(case.method, STEPS), (case.method, 10 * STEPS)]
    if case.method == "trap":
        settings.append(("gear", 10 * STEPS))
    found = None
    for method, steps in settings:
        try:
            rough, fine = (
                theirs(spice.run(case.text(TIGHT, POINTS, count, method)), times) for count in (steps, 2 * steps)
            )
        except spice.SpiceError as error:
            trouble = trouble or f"ngspice: {' '.join(str(error).split())[:160]}"
            continue
        missing = [name for name in fine[0] if name not in mine and "#" not in name]
        if missing:
            return Compared(case.kind, number, trouble=f"xbarsim has no {', '.join(missing[:4])}")
        names = [name for name in fine[0] if name in mine]
        apart, where = difference({name: mine[name] for name in names}, fine[0])
        own, _ = difference({name: rough[0][name] for name in names}, fine[0])
        first = (apart, own) if found is None else (found.first, found.first_own)
        setting = f"{method}, {2 * steps:,} steps"
        if found is None or own < found.own:
            judged = fine[0]
            found = Compared(case.kind, number, apart, own, where, seconds, rough[1], trouble)
            found = replace(found, first=first[0], first_own=first[1], setting=setting * (steps > STEPS))
        if own <= BOUND / 3:
            break
    if found is None:
        return Compared(case.kind, number, ours=seconds, trouble=trouble)
    if found.apart > BOUND:
        mine, _ = ours(case, CLOSER, folder)
        closer, _ = difference({name: mine[name] for name in judged if name in mine}, judged)
        return replace(found, closer=closer)
    return found


def ours(case: Netlist, options: str, folder: Path) -> tuple[dict[str, Array], str]:
    """Return xbarsim's traces at the times that are compared, or what went wrong."""
    path = folder / "circuit.sp"
    path.write_text(case.text(options, POINTS, OURS_STEPS), "utf-8")
    try:
        (result,) = from_netlist(path, "auto").results
    except Exception as error:  # whatever it is, it is a finding
        return {}, f"xbarsim: {' '.join(str(error).split())[:160]}"
    if result.integration is not None and not result.integration.complete:
        return {}, f"xbarsim: {result.integration.problem}"
    traces = dict(zip(result.nodes, result.voltages.T[:, 1:], strict=True))
    traces |= {f"i({name})": trace[1:] for name, trace in zip(result.branches, result.currents.T, strict=True)}
    return traces, ""


def theirs(result: spice.Result, times: Array) -> tuple[dict[str, Array], float]:
    (plot,) = result.plots
    at = plot.values["time"]
    # Of the nodes inside cells the state's alone: beside motions, of 1e8 a second, nothing else would count.
    traces = {
        name.lower(): np.interp(times, at, values)
        for name, values in plot.node_voltages.items()
        if "." not in name or name[-2:] == ".x"
    }
    traces |= {f"i({name.lower()})": np.interp(times, at, values) for name, values in plot.source_currents.items()}
    return traces, result.seconds


def difference(ours: dict[str, Array], partner: dict[str, Array]) -> tuple[float, str]:
    """Return the largest difference, of the largest voltage or current, and whose it is."""
    worst, where = 0.0, ""
    for currents in (False, True):
        names = [name for name in ours if name.startswith("i(") == currents]
        largest = max((np.abs(partner[name]).max() for name in names), default=0.0)
        for name in names:
            gap = float(np.abs(ours[name] - partner[name]).max() / largest) if largest else 0.0
            if gap > worst:
                worst, where = gap, name
    return worst, where


def page(cases: list[Compared], seed: int) -> str:
    told = [case for case in cases if case.own <= BOUND]
    beyond = [case for case in told if case.apart > BOUND]
    again = [case for case in cases if case.setting]
    lines = [
        "# Random netlists in time",
        "",
        f"{len(cases)} netlists, seed {seed}, against {spice.version()} at `{TIGHT}`",
        f"in at least {2 * STEPS:,} steps; xbarsim at `{OURS}` in {OURS_STEPS:,}. All",
        f"node voltages and source currents at {POINTS} times, relative to the largest; bound {BOUND:g}.",
        f"{len(told)} netlists tell something, {len(beyond)} of them beyond the bound. For {len(again)} ngspice's",
        "first answer was not its own in steps half as long, and a better one of its own counts. Made by",
        "`python validation/transient_netlists.py --write`.",
        "",
        "| kind | netlists | largest difference | median | ngspice's own, largest | xbarsim s | ngspice s |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in dict.fromkeys(case.kind for case in cases):
        rows = [case for case in told if case.kind == kind]
        gaps = [case.apart for case in rows] or [np.nan]
        lines.append(
            f"| {kind} | {len(rows)} | {max(gaps):.1e} | {np.median(gaps):.1e} | "
            f"{max((case.own for case in rows), default=np.nan):.1e} | "
            f"{sum(case.ours for case in rows):.3g} | {sum(case.theirs for case in rows):.3g} |"
        )
    odd = [case for case in cases if not case.own <= BOUND or case.apart > BOUND]
    if odd:
        lines += ["", "Those that differ, or tell nothing:", ""]
        lines += [
            f"- {case.kind}, number {case.number}: "
            + (
                f"{case.apart:.1e} apart at {case.where}, {case.closer:.1e} where xbarsim runs at reltol 1e-5; "
                f"ngspice {case.own:.1e} from itself"
                if case.own < np.inf
                else case.trouble
            )
            for case in odd
        ]
    if again:
        lines += [
            "", "Those for which ngspice at its first setting differs from itself by a third of the bound or more:", "",
            "| kind | number | apart at first | ngspice from itself | setting that counts | apart | from itself |",
            "|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        lines += [
            f"| {case.kind} | {case.number} | {case.first:.1e} | {case.first_own:.1e} | {case.setting} | "
            f"{case.apart:.1e} | {case.own:.1e} |"
            for case in again
        ]
    return "\n".join(lines)


def main() -> None:
    parser = provenance.parser(__doc__, 200)
    parser.add_argument("--only", type=int, help="this number alone, and print its netlist")
    options = parser.parse_args()
    numbers = range(options.count) if options.only is None else [options.only]
    cases = []
    with tempfile.TemporaryDirectory() as name:
        for number in numbers:
            netlist = drawn(options.seed, number)
            if options.only is not None:
                print(netlist.text(OURS, POINTS, OURS_STEPS))
            case = compared(netlist, number, Path(name))
            cases.append(case)
            print(
                f"{number:4d} {case.kind:20s} {case.apart:.1e} own {case.own:.1e} {case.where:10s} "
                f"{case.ours:.2f} {case.theirs:.2f} at first {case.first:.1e} own {case.first_own:.1e} "
                f"{case.setting} {case.trouble}",
                flush=True,
            )
    text = page(cases, options.seed)
    print(text)
    if options.write:
        provenance.write_page("transient_netlists.md", text)


if __name__ == "__main__":
    main()
