"""Linear crossbars: every method, boundary, wire and size, maps and their gradients, schemes and the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import xbarsim
from fixed.record import Case
from xbarsim import Crossbar, LineEnds

SIZES = [(1, 1), (1, 5), (5, 1), (3, 7), (32, 32), (64, 48), (256, 130), (300, 10), (1000, 8), (8, 1000)]
SMALL = [(1, 1), (3, 7), (7, 3), (12, 9)]
WIRES = [0.0, 1e-11, 1.0, 1e4, np.inf]
OPEN = np.inf


def random(*seed: int | str) -> np.random.Generator:
    """Return a generator of a seed; words count by their letters."""
    return np.random.default_rng([part if isinstance(part, int) else sum(map(ord, part)) for part in seed])


def siemens(rng: np.random.Generator, shape: tuple[int, int], low: float = -6, high: float = -3) -> np.ndarray:
    return 10 ** rng.uniform(low, high, shape)


def spread(rows: int, cols: int, seed: int = 0, decades: tuple[float, float] = (-6, -3), **options: Any) -> Crossbar:
    """Return an array with no two numbers alike."""
    rng = random(seed, rows, cols)

    def ohms(*shape: int) -> np.ndarray:
        return rng.uniform(0.5, 5, shape)

    lines = {"word_wire": ohms(rows, cols - 1), "bit_wire": ohms(rows - 1, cols)}
    lines |= {"driver": ohms(rows), "sense": ohms(cols)}
    return Crossbar(siemens(rng, (rows, cols), *decades), **(lines | options))


def volts(seed: int, *shape: int) -> np.ndarray:
    rng = random(seed, 1)
    return rng.uniform(0.1, 1, shape) * rng.choice([-1, 1], shape)


def parts(solution: xbarsim.Solution, *, fields: bool = True) -> dict[str, Any]:
    """Return all that a solution says."""
    values: dict[str, Any] = {
        name: getattr(solution, name) for name in ("currents", "end_currents", "power", "residual")
    }
    values["floating"] = list(solution.floating)
    if fields:
        names = ("word_voltages", "bit_voltages", "device_voltages", "device_currents")
        values |= {name: getattr(solution, name) for name in names}
    return values | {"label": f"{solution.method} {np.asarray(solution.iterations).tolist()}"}


def solved(make: Callable[[], Crossbar], voltages: np.ndarray, **options: Any) -> dict[str, Any]:
    fields = options.get("fields")
    return parts(xbarsim.solve(make(), voltages, **options), fields=voltages.ndim == 1 if fields is None else fields)


def maps(make: Callable[[], Crossbar]) -> dict[str, Any]:
    matrix, shift = xbarsim.effective_conductance(make(), offset=True)
    return {"matrix": matrix, "offset": shift}


def matrix(make: Callable[[], Crossbar]) -> dict[str, Any]:
    return {"matrix": xbarsim.effective_conductance(make())}


def admittance(make: Callable[[], Crossbar]) -> dict[str, Any]:
    return {"admittance": xbarsim.port_admittance(make())}


def gradient(make: Callable[[], Crossbar]) -> dict[str, Any]:
    crossbar = make()
    effective = xbarsim.adjoint.effective_map(crossbar)
    return {"matrix": effective.matrix, "gradient": effective.gradient(volts(5, *crossbar.shape))}


def by_reference(make: Callable[[], Crossbar], voltages: np.ndarray) -> dict[str, Any]:
    solution = xbarsim.reference.solve(make(), voltages)
    names = ("end_currents", "word_voltages", "bit_voltages", "device_currents", "floating")
    return {name: getattr(solution, name) for name in names} | {
        "joined": [[*map(list, group)] for group in solution.joined]
    }


def boundaries(rows: int, cols: int) -> dict[str, dict[str, Any]]:
    """Return what line ends may be tied to, by name."""
    rng = random(3, rows, cols)
    voltages, ohms = partial(rng.uniform, -0.5, 0.5), partial(rng.uniform, 0.5, 20)
    half = np.full(cols, 0.25)
    half[cols // 2] = 0.0
    every_other = np.where(np.arange(cols) % 2, OPEN, 3.0)
    return {
        "plain": {"driver": 10.0, "sense": 5.0},
        "ideal": {},
        "zero driver": {"driver": 0.0, "sense": 7.0},
        "zero sense": {"driver": 7.0, "sense": 0.0},
        "weak": {"driver": 1e9, "sense": 1e7},
        "open rows": {"driver": np.where(np.arange(rows) == rows - 1, OPEN, 2.0), "sense": 1.0},
        "open columns": {"driver": 2.0, "sense": np.where(np.arange(cols) == 0, OPEN, 1.0)},
        "nothing driven": {"driver": OPEN, "sense": 1.0},
        "all open": {"driver": OPEN, "sense": OPEN},
        "words from both sides": {
            "driver": 2.0,
            "sense": 1.0,
            "ends": {"word_right": LineEnds(voltages(rows), ohms(rows))},
        },
        "bits from both sides": {"driver": 2.0, "sense": 3.0, "ends": {"bit_top": LineEnds(0.0, ohms(cols))}},
        "four sides": {
            "driver": 2.0,
            "ends": {
                "word_right": LineEnds(voltages(rows), ohms(rows)),
                "bit_top": LineEnds(voltages(cols), ohms(cols)),
                "bit_bottom": LineEnds(voltages(cols), ohms(cols)),
            },
        },
        "half select": {"driver": 10.0, "ends": {"bit_bottom": LineEnds(half, 10.0)}},
        "half select, ideal": {"ends": {"bit_bottom": LineEnds(half, 0.0)}},
        "sensed at the top": {
            "driver": 1.0,
            "sense": every_other,
            "ends": {"bit_top": LineEnds(0.0, every_other[::-1])},
        },
        "word_left as ends": {"sense": 4.0, "ends": {"word_left": LineEnds(0.0, ohms(rows))}},
    }


def broken(kind: str, rows: int, cols: int) -> Crossbar:
    """Return an array with broken wires, open cells or islands."""
    rng = random(kind, rows, cols)
    word, bit = np.full((rows, cols - 1), 2.0), np.full((rows - 1, cols), 3.0)
    g, driver, sense = siemens(rng, (rows, cols)), np.full(rows, 10.0), np.full(cols, 5.0)
    if kind in ("words", "both"):
        word[rng.random(word.shape) < 0.2] = OPEN
    if kind in ("bits", "both"):
        bit[rng.random(bit.shape) < 0.2] = OPEN
    if kind == "open cells":
        g[rng.random(g.shape) < 0.5] = 0.0
    if kind == "islands":
        g[rng.random(g.shape) < 0.7] = 0.0
        word[rng.random(word.shape) < 0.5] = OPEN
        bit[rng.random(bit.shape) < 0.5] = OPEN
        driver[::2] = OPEN
        sense[::3] = OPEN
    if kind == "no cells":
        g[:] = 0.0
    return Crossbar(g, word_wire=word, bit_wire=bit, driver=driver, sense=sense)


def cases() -> dict[str, Case]:
    bank: dict[str, Case] = {}

    def add(
        name: str, make: Callable[[], Crossbar], voltages: np.ndarray, methods: tuple[str, ...] = ("auto",)
    ) -> None:
        for method in methods:
            bank[f"{name}, {method}"] = partial(solved, make, voltages, method=method)

    for rows, cols in SIZES:
        size = f"{rows}x{cols}"
        make, methods = partial(spread, rows, cols), ("auto", "schur", "kron")
        small = (rows, cols) in SMALL
        add(size, make, volts(1, rows), (*methods, "newton", "reference") if small else (*methods, "newton"))
        add(f"{size}, batch", make, volts(2, 9, rows), methods)
        bank[f"{size}, batch with fields"] = partial(solved, make, volts(2, 3, rows), fields=True)
        bank[f"{size}, long batch"] = partial(solved, make, volts(4, 400, rows))
        bank[f"{size}, maps"] = partial(maps, make)
        bank[f"{size}, matrix"] = partial(matrix, make)
        if rows * cols <= 10_000:
            bank[f"{size}, gradient"] = partial(gradient, make)
        if rows * cols <= 5_000:
            bank[f"{size}, admittance"] = partial(admittance, make)
    for low, high in ((-9, -1), (-12, -10), (-2, 0)):
        make = partial(spread, 40, 31, 2, (low, high))
        add(f"cells 1e{low}..1e{high}", make, volts(6, 40), ("auto", "schur", "kron", "newton"))
        bank[f"cells 1e{low}..1e{high}, maps"] = partial(maps, make)
        bank[f"cells 1e{low}..1e{high}, gradient"] = partial(gradient, make)
    for word in WIRES:
        for bit in WIRES:
            make = partial(spread, 12, 9, 4, word_wire=word, bit_wire=bit)
            name = f"wires {word:g} and {bit:g}"
            add(name, make, volts(7, 12), ("auto", "schur", "kron", "reference"))
            bank[f"{name}, ideal ends"] = partial(
                solved, partial(spread, 12, 9, 4, word_wire=word, bit_wire=bit, driver=0.0, sense=0.0), volts(7, 12)
            )
            bank[f"{name}, maps"] = partial(maps, make)
            bank[f"{name}, gradient"] = partial(gradient, make)
    for rows, cols in ((7, 5), (33, 48)):
        for name, ends in boundaries(rows, cols).items():
            g = siemens(random(9, rows), (rows, cols))
            for wires in (0.0, 1.5):
                make = partial(Crossbar, g, word_wire=wires, bit_wire=2 * wires, **ends)
                full = f"{rows}x{cols} {name}, wires {wires:g}"
                small_only = ("newton", "reference") if rows == 7 else ()
                add(full, make, volts(8, rows), ("auto", "schur", "kron", *small_only))
                bank[f"{full}, batch"] = partial(solved, make, volts(9, 20, rows))
                bank[f"{full}, maps"] = partial(maps, make)
                bank[f"{full}, matrix"] = partial(matrix, make)
                bank[f"{full}, gradient"] = partial(gradient, make)
                bank[f"{full}, admittance"] = partial(admittance, make)
                if rows == 7:
                    bank[f"{full}, reference itself"] = partial(by_reference, make, volts(8, rows))
    for kind in ("words", "bits", "both", "open cells", "islands", "no cells"):
        for rows, cols in ((9, 11), (40, 30), (200, 6)):
            make = partial(broken, kind, rows, cols)
            add(f"broken {kind} {rows}x{cols}", make, volts(8, rows), ("auto", "schur", "kron"))
            bank[f"broken {kind} {rows}x{cols}, maps"] = partial(maps, make)
            bank[f"broken {kind} {rows}x{cols}, gradient"] = partial(gradient, make)
            if rows == 9:
                bank[f"broken {kind} {rows}x{cols}, reference itself"] = partial(by_reference, make, volts(8, rows))
    for rows, cols in SMALL:
        bank[f"{rows}x{cols}, reference itself"] = partial(by_reference, partial(spread, rows, cols), volts(1, rows))
    for scale in (0.0, 1e-150, 1e-300, 1e100):
        add(
            f"volts times {scale:g}", partial(spread, 9, 6), scale * volts(3, 9), ("auto", "schur", "kron", "reference")
        )
    bank |= schemes()
    bank["texts"] = texts
    return bank


def texts() -> dict[str, Any]:
    crossbar = spread(4, 3, ends={"bit_top": LineEnds(0.0, 2.0)})
    solution = xbarsim.solve(crossbar, volts(1, 4))
    return {"crossbar": repr(crossbar), "ends": repr(LineEnds([0.5, 1.0], 2.0)), "label": repr(solution)}


def schemes() -> dict[str, Case]:
    def read(name: str, rows: int, cols: int, load: float | None) -> dict[str, Any]:
        scheme = name if load is None else replace(getattr(xbarsim.schemes, name.upper()), load=load)
        result = xbarsim.schemes.read(spread(rows, cols), scheme, (1, cols - 1), 0.5)
        names = ("selected_current", "cell_current", "sneak_current", "power", "stress")
        names += ("word_line_voltages", "bit_line_voltages")
        return {name: getattr(result, name) for name in names} | parts(result.solution)

    bank: dict[str, Case] = {}
    for name in ("floating", "grounded", "half", "third", "mvm"):
        for both in ("", "+words", "+bits", "+both"):
            bank[f"read {name}{both}"] = partial(read, name + both, 13, 8, None)
        bank[f"read {name}, load"] = partial(read, name, 13, 8, 1e3)
        bank[f"read {name}, 64x48"] = partial(read, name, 64, 48, None)
    for words in (False, True):
        for bits in (False, True):
            bank[f"mvm {words} {bits}"] = partial(multiplied, words, bits)
    return bank


def multiplied(words: bool, bits: bool) -> dict[str, Any]:
    solution = xbarsim.schemes.mvm(spread(13, 8), volts(3, 4, 13), both_words=words, both_bits=bits, fields=True)
    return parts(solution)
