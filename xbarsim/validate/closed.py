"""Circuits whose answer is known in closed form: no simulator is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from xbarsim.crossbar import Array, Crossbar
from xbarsim.devices import Law, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.devices.law import quadratic
from xbarsim.solvers.solve import solve
from xbarsim.validate.case import CLOSED, BankCircuit, Difference, Row

Solved = tuple[BankCircuit, dict[str, Array]]
"""A circuit and its ``currents``, ``word_voltages`` or ``bit_voltages``."""


def rows() -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the name of each circuit and a function that compares it."""
    for case, answer in _all():
        yield case.name, lambda case=case, answer=answer: _row(case, answer)  # type: ignore[misc]


def _row(case: BankCircuit, answer: dict[str, Array]) -> Row:
    row = Row(
        case.name, case.device, case.family, case.size, case.crossbar.conductance.size, "solve", "closed form", CLOSED
    )
    solve(case.crossbar, case.voltages)  # so that the time holds no compilation
    start = time.perf_counter()
    solution = solve(case.crossbar, case.voltages)
    row = replace(row, seconds=time.perf_counter() - start)
    volts = [name for name in answer if name.endswith("voltages")]
    try:
        return replace(
            row,
            voltages=Difference.of(
                {f"{name}{k}": v for name in volts for k, v in enumerate(getattr(solution, name).ravel().tolist())},
                {f"{name}{k}": v for name in volts for k, v in enumerate(answer[name].ravel().tolist())},
            ),
            outputs=Difference.of(_by_column(solution.currents), _by_column(answer["currents"])),
        )
    except ValueError as error:
        return replace(row, trouble=str(error))


def _by_column(values: Array) -> dict[str, float]:
    return {f"column {k}": value for k, value in enumerate(np.asarray(values).tolist())}


def _all() -> Iterator[Solved]:
    for size in (3, 64, 400):
        yield _ladder(size)
    for shape in ((2, 3), (12, 16), (64, 64), (300, 200)):
        yield _uniform(shape)
    yield from (_sinh(), _yakopcic(), _selector(), _transistor(), _table(), _law())


def _ladder(n: int) -> Solved:
    """Word lines as resistor ladders: cells g to ideal bit lines, joined by r, with ``sinh(t/2) = sqrt(r g) / 2``.

    ``v_j = V cosh((n - j - 1/2) t) / cosh((n - 1/2) t)`` solves ``v_{j-1} - (2 + r g) v_j + v_{j+1} = 0`` with no
    current leaving the far end.
    """
    g, ohms, volts = np.array([[1e-5], [3e-4]]), np.array([[40.0], [0.7]]), np.array([[0.9], [0.4]])
    t = 2.0 * np.arcsinh(np.sqrt(ohms * g) / 2.0)
    v = volts * np.cosh((n - np.arange(n) - 0.5) * t) / np.cosh((n - 0.5) * t)
    crossbar = Crossbar(np.repeat(g, n, axis=1), word_wire=np.repeat(ohms, n - 1, axis=1))
    case = BankCircuit("linear", "resistor ladders", crossbar, volts.ravel())
    return case, {"word_voltages": v, "currents": (g * v).sum(axis=0)}


def _uniform(shape: tuple[int, int]) -> Solved:
    """Return a uniform array: all cells g, word wires and drivers r, bit wires and sense ends s.

    A line of n nodes, tied at one end through one more segment and open at the other, has the eigenvectors
    ``sin(k q_p)``, k = 1..n, with ``q_p = (2p - 1) pi / (2n + 1)`` and eigenvalues ``2 - 2 cos q_p``. Along rows and
    columns they make two equations of each pair (p, q): ``(m_q/r + g) W - g B = S``, ``(m_p/s + g) B = g W``.
    """
    rows, cols = shape
    g, r, s = 2e-4, 0.8, 1.7
    volts = np.random.default_rng(rows).uniform(0.1, 1.0, rows)
    along_bit, bit_values = _modes(rows)
    along_word, word_values = _modes(cols)
    # The bit lines are tied at the bottom: their nodes are counted from there.
    source = np.outer(along_bit.T @ volts[::-1], along_word[0]) / r
    bit = bit_values[:, None] / s + g
    # g^2 leaves nothing of the product where both eigenvalues are small; written out, all terms are positive.
    whole = word_values[None, :] / r * bit + g * bit_values[:, None] / s
    b = along_bit @ (source * g / whole) @ along_word.T
    w = along_bit @ (source * bit / whole) @ along_word.T
    crossbar = Crossbar(np.full(shape, g), word_wire=r, bit_wire=s, driver=r, sense=s)
    answer = {"word_voltages": w[::-1], "bit_voltages": b[::-1], "currents": b[0] / s}
    return BankCircuit("linear", "uniform array", crossbar, volts), answer


def _modes(n: int) -> tuple[Array, Array]:
    """Return orthonormal eigenvectors as columns, and eigenvalues."""
    angles = (2.0 * np.arange(1, n + 1) - 1.0) * np.pi / (2 * n + 1)
    vectors = np.sin(np.outer(np.arange(1, n + 1), angles)) * 2.0 / np.sqrt(2 * n + 1)
    return vectors, 4.0 * np.sin(angles / 2.0) ** 2


def _drawn(seed: int, shape: tuple[int, int]) -> tuple[np.random.Generator, Array]:
    rng = np.random.default_rng(seed)
    return rng, 10 ** rng.uniform(-6, -3, shape)


def _sinh() -> Solved:
    """Ideal wires and ends: each column is a sum of laws. The hyperbolic sine by its exponentials."""
    rng, g = _drawn(1, (9, 7))
    v0, volts = rng.uniform(0.1, 0.4, g.shape), rng.uniform(-1.0, 1.0, 9)
    x = volts[:, None] / v0
    case = BankCircuit("sinh", "ideal wires", Crossbar(g, device=Sinh(v0)), volts)
    return case, {"currents": (g * v0 * np.expm1(2.0 * x) / (2.0 * np.exp(x))).sum(axis=0)}


def _yakopcic() -> Solved:
    """Ideal wires and ends, both signs of voltage."""
    rng, g = _drawn(2, (6, 8))
    a1, a2, b, volts = 3e-4, 5e-5, 2.5, rng.uniform(-1.0, 1.0, 6)
    state = g / (a1 * b)
    amplitude = np.where(volts[:, None] >= 0, a1, a2) * state
    currents = (amplitude * np.sinh(b * volts)[:, None]).sum(axis=0)
    return BankCircuit("yakopcic", "ideal wires", Crossbar(g, device=Yakopcic(a1, a2, b)), volts), {
        "currents": currents
    }


def _selector() -> Solved:
    """Built backwards: a cell a row, each loop's current chosen, and its voltage summed up."""
    rng, g = _drawn(3, (11, 1))
    i0, v0 = 10 ** rng.uniform(-9, -7, g.shape), rng.uniform(0.03, 0.1, g.shape)
    driver, amperes = rng.uniform(10.0, 1e4, 11), 10 ** rng.uniform(-9, -4, g.shape) * rng.choice([-1, 1], g.shape)
    volts = (amperes / g + v0 * np.arcsinh(amperes / i0))[:, 0] + amperes[:, 0] * driver
    crossbar = Crossbar(g, driver=driver, device=Selector(i0, v0))
    return BankCircuit("selector", "one column, built backwards", crossbar, volts), {"currents": amperes.sum(axis=0)}


def _transistor() -> Solved:
    """Built backwards from chosen drain voltages, through cut-off, triode and saturation; the source at 0 V."""
    rng, g = _drawn(4, (12, 1))
    kp, vto, lam = 10 ** rng.uniform(-4, -3, g.shape), rng.uniform(0.3, 0.7, g.shape), rng.uniform(0, 0.1, g.shape)
    gate, drain = rng.uniform(0.0, 2.0, g.shape), rng.uniform(0.05, 1.5, g.shape)
    over = np.maximum(gate - vto, 0.0)
    shape = np.where(drain < over, drain * (over - drain / 2.0), over**2 / 2.0)
    amperes = kp * (1.0 + lam * drain) * shape
    case = BankCircuit(
        "transistor",
        "one column, built backwards",
        Crossbar(g, device=Transistor(gate, kp, vto, lam)),
        (drain + amperes / g)[:, 0],
    )
    return case, {"currents": amperes.sum(axis=0)}


def _table() -> Solved:
    """Rows driven to measured points: currents are the measured ones times G / G0."""
    volts = np.array([-0.7, -0.45, -0.2, 0.15, 0.4, 0.8])
    measured = np.array([-3e-4, -1e-4, -2e-5, 1.5e-5, 7e-5, 4e-4])
    _, g = _drawn(5, (6, 5))
    crossbar = Crossbar(g, device=Table(volts, measured, 2e-4))
    return BankCircuit("table", "measured points", crossbar, volts), {
        "currents": (g / 2e-4 * measured[:, None]).sum(axis=0)
    }


def _law() -> Solved:
    """Ideal wires and ends, both signs of voltage: ``I = G V + k V |V|``."""
    rng, g = _drawn(6, (8, 5))
    k, volts = 10 ** rng.uniform(-6, -3, g.shape), rng.uniform(-1.0, 1.0, 8)
    x = volts[:, None]
    case = BankCircuit("law", "ideal wires", Crossbar(g, device=Law(quadratic, k=k)), volts)
    return case, {"currents": (g * x + k * np.sign(x) * x**2).sum(axis=0)}
