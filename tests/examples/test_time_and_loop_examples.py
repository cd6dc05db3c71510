"""Examples of loops, energy and time: their numbers by dense nodal matrices, closed forms and quadrature."""

import numpy as np
import pytest
from example_tools import nodal, rising, run
from scipy.integrate import solve_ivp
from scipy.linalg import eigh


def joined(arrays, count):
    """Return one matrix of arrays beside each other, whose ends have their resistances, and of nodes behind them.

    An array is what ``nodal`` gives, the nodes that its word lines' and its bit lines' ends go to, and the siemens.
    """
    starts = np.concatenate([[0], np.cumsum([len(matrix) for (matrix, _, _), *_ in arrays])])
    whole = np.zeros((starts[-1] + count, starts[-1] + count))
    for start, ((matrix, word, bit), lefts, bottoms, siemens) in zip(starts, arrays, strict=False):
        whole[start : start + len(matrix), start : start + len(matrix)] = matrix
        for inner, outer in ((word[:, 0], lefts), (bit[-1], bottoms)):
            whole[start + inner, starts[-1] + outer] = whole[starts[-1] + outer, start + inner] = -siemens
            np.add.at(whole, (starts[-1] + outer, starts[-1] + outer), siemens)
    return whole, starts[-1]


def amplify(whole, inputs, outputs, gain):
    """Put in place of Kirchhoff's law at outputs what amplifiers without resistance make of inputs."""
    whole[outputs] = 0.0
    whole[outputs, outputs] = 1.0
    whole[outputs, inputs] = -gain


def stamp(whole, a, b, siemens):
    """Put resistors between nodes."""
    for p, q, sign in ((a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)):
        np.add.at(whole, (p, q), sign * siemens)


@pytest.mark.slow
def test_solving_equations(tmp_path):
    """One dense matrix of all nodes, lines' ends and amplifiers, conductance by conductance."""
    error, names = run("solving_equations", tmp_path)
    count, unit, wire, end = 16, names["UNIT"], names["WIRE"], names["END"]
    places = np.arange(count)
    target = np.exp(-np.abs(np.subtract.outer(places, places)) / names["REACH"])
    array = nodal(unit * target, wire, wire, end, end)
    whole, first = joined([(array, places, count + places, 1.0 / end)], 2 * count)
    sums, outs = first + places, first + count + places
    whole[sums, sums] += unit
    amplify(whole, sums, outs, -names["AMPLIFIER"].gain)
    b, right = names["right_side"](count), np.zeros(len(whole))
    right[sums] = -unit * b
    x, ideal = np.linalg.solve(whole, right)[outs], np.linalg.solve(target, b)
    assert error == pytest.approx(np.linalg.norm(x - ideal) / np.linalg.norm(ideal), rel=1e-5)


@pytest.mark.slow
def test_least_squares(tmp_path):
    """Four arrays and 32 amplifiers in one dense matrix; polynomials by ``cos`` and the ideal by normal equations."""
    distance, names = run("least_squares", tmp_path)
    points, degrees, unit, wire = names["POINTS"], names["DEGREE"] + 1, names["UNIT"], names["WIRE"]
    end, b = names["END"], names["MEASURED"]
    matrix = np.cos(np.arange(degrees) * np.arccos(names["PLACES"])[:, None])
    halves = [nodal(unit * np.maximum(sign * matrix, 0.0), wire, wire, end, end) for sign in (1.0, -1.0)]
    sizes = np.repeat([points, degrees], 4)
    nodes = np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])
    sums, us, _, negative_us, ends, xs, _, negative_xs = nodes
    arrays = zip(halves * 2, (sums, sums, us, negative_us), (xs, negative_xs, ends, ends), strict=True)
    whole, first = joined([(*array, 1.0 / end) for array in arrays], sizes.sum())
    sums, us, turned_us, negative_us, ends, xs, turned_xs, negative_xs = (first + group for group in nodes)
    whole[sums, sums] += unit
    for near, far in ((sums, us), (us, turned_us), (turned_us, negative_us), (xs, turned_xs), (turned_xs, negative_xs)):
        stamp(whole, near, far, unit)
    for near, far in ((sums, us), (turned_us, negative_us), (turned_xs, negative_xs)):
        amplify(whole, near, far, -1e4)
    amplify(whole, ends, xs, 1e4)
    right = np.zeros(len(whole))
    right[sums] = -unit * b
    x = np.linalg.solve(whole, right)[xs]
    ideal = np.linalg.solve(matrix.T @ matrix, matrix.T @ b)
    assert distance == pytest.approx(np.abs(matrix @ (x - ideal)).max() / np.abs(matrix @ ideal).max(), rel=1e-5)


@pytest.mark.slow
def test_stable_loop(tmp_path):
    """Dense eigenvalues of the whole circuit, in nanoseconds and picofarads, change sign where the script says."""
    limit, names = run("stable_loop", tmp_path)
    count, unit, amplifier = names["LINES"], names["UNIT"], names["AMPLIFIER"]
    wire, end = names["WIRE"], names["END"]
    lines = np.arange(count)
    array = nodal(unit * np.exp(-0.5 * np.abs(np.subtract.outer(lines, lines))), wire, wire, end, end)
    whole, first = joined([(array, lines, count + lines, 1.0 / end)], 3 * count)
    sums, outs, inner = (first + k * count + lines for k in range(3))
    whole[sums, sums] += unit
    whole[outs, outs] += 1.0 / amplifier.output_resistance
    whole[outs, inner] -= 1.0 / amplifier.output_resistance
    whole[inner, sums], whole[inner, inner] = 1.0, 1.0 / amplifier.gain

    def fastest_growth(femtofarads):
        """Return the largest real part in 1/ns: inner voltages and nodes with capacitance are states."""
        states = np.concatenate([np.arange(first), inner])
        still = np.concatenate([sums, outs])
        rates = whole[np.ix_(states, states)] - whole[np.ix_(states, still)] @ np.linalg.solve(
            whole[np.ix_(still, still)], whole[np.ix_(still, states)]
        )
        # Siemens over femtofarads are 1e15 / s, 1e6 / ns.
        rates[:first] *= 1e6 / femtofarads
        rates[first:] *= 2.0 * np.pi * 1e-9 * amplifier.bandwidth
        return -np.linalg.eigvals(rates).real.min()

    assert fastest_growth(0.999 * limit) < 0.0 < fastest_growth(1.002 * limit)


@pytest.mark.slow
def test_read_energy(tmp_path):
    """A dense nodal matrix has all voltages: ``g v^2`` of each cell over ``V i`` of each source."""
    share, names = run("read_energy", tmp_path)
    g, volts, end = names["array"](32).conductance, names["inputs"](32), names["END"]
    matrix, word, bit = nodal(g, names["SEGMENT"], names["SEGMENT"], end, end)
    sources = np.zeros((len(matrix), len(volts)))
    sources[word[:, 0]] = volts.T / end
    nodes = np.linalg.solve(matrix, sources)
    taken = (g[..., None] * (nodes[word] - nodes[bit]) ** 2).sum()
    delivered = (volts.T * (volts.T - nodes[word[:, 0]]) / end).sum()
    assert share == pytest.approx(taken / delivered, rel=1e-9)


@pytest.mark.slow
def test_word_line_delay(tmp_path):
    """All modes of the line give its voltages at any time; Elmore's delay bounds where they are half way.

    Straight lines between the script's points are off by a part in a thousand.
    """
    picoseconds, names = run("word_line_delay", tmp_path)
    count, segment = names["CELLS"], 1.0 / names["SEGMENT"]
    ladder = np.diag(np.full(count, 1.0 / names["CELL"]))
    nodes = np.arange(count)
    stamp(ladder, nodes[:-1], nodes[1:], segment)
    ladder[0, 0] += 1.0 / names["DRIVER"]
    final = np.linalg.solve(ladder, np.eye(count)[0])
    elmore = np.linalg.solve(ladder, 1e12 * names["FARADS"] * final)[-1] / final[-1]
    rates, modes = eigh(ladder / (1e12 * names["FARADS"]))

    def missing(time):
        return modes[-1] @ (np.exp(-rates * time) * (modes.T @ final)) / final[-1]

    half = rising(lambda time: 0.5 - missing(time), 0.0, elmore)
    assert half < elmore
    assert picoseconds == pytest.approx(half, rel=2e-3)


@pytest.mark.slow
def test_pinched_hysteresis(tmp_path):
    """``R dR = -k v dt`` has a closed form, with the flux of half a sine; ``.tran`` keeps states to about 1e-3."""
    kilohms, names = run("pinched_hysteresis", tmp_path)
    more, flux = names["R_OFF"] - names["R_ON"], names["AMPLITUDE"] / np.pi
    drift = names["MOBILITY"] * names["R_ON"] / names["DEPTH"] ** 2
    first = names["R_OFF"] - more * names["START"]
    least = np.sqrt(first**2 - 2.0 * more * drift * flux)
    assert abs(1e3 * kilohms - least) < 1e-3 * more
    volts, amperes, _ = names["period"](1.0)
    assert np.abs(amperes[np.abs(volts) < 1e-9]).max() < 1e-12


class DenseWriter:
    """Writes a script's array at voltages that disturb no cell, by dense nodal matrices and one equation of motion."""

    def __init__(self, names):
        self.names, self.ohms = names, np.full((names["LINES"],) * 2, names["FIRST"])

    def currents(self, row, siemens):
        """Return column currents for 1 V on one row, all else at 0 V."""
        wire, end = self.names["WIRE"], self.names["END"]
        matrix, word, bit = nodal(siemens, wire, wire, end, end)
        return np.linalg.solve(matrix, np.eye(len(matrix))[word[row, 0]] / end)[bit[-1]] / end

    def pulse(self, cell, volts, seconds):
        """Move the cell under what the array leaves of a pulse, the others as sources and resistors behind it."""
        names, siemens = self.names, 1.0 / self.ohms
        siemens[cell] = 0.0
        matrix, word, bit = nodal(siemens, names["WIRE"], names["WIRE"], names["END"], names["END"])
        injected, sources = np.zeros(len(matrix)), np.zeros(len(matrix))
        injected[word[cell]], injected[bit[cell]] = 1.0, -1.0
        sources[word[:, 0]] = sources[bit[-1]] = 0.5 * volts / names["END"]
        sources[word[cell[0], 0]], sources[bit[-1, cell[1]]] = volts / names["END"], 0.0
        opened, inner = (injected @ np.linalg.solve(matrix, right) for right in (sources, injected))
        more = names["R_OFF"] - names["R_ON"]

        def motion(_, ohms):
            across = opened * ohms / (ohms + inner)
            overdrive = np.maximum(np.abs(across) / names["THRESHOLD"] - 1.0, 0.0)
            return np.sign(across) * names["SPEED"] / names["DEPTH"] * overdrive**3 * more

        answer = solve_ivp(motion, (0.0, seconds), [self.ohms[cell]], rtol=1e-10, atol=1e-3)
        self.ohms[cell] = np.clip(answer.y[0, -1], names["R_ON"], names["R_OFF"])

    def visit(self, cell, volts):
        """Write one cell; return the pulses that it took."""
        target, width, count, last = self.names["TARGET"][cell], self.names["WIDTH"], 0, None
        while (
            abs(error := self.currents(cell[0], 1.0 / self.ohms)[cell[1]] - target) > self.names["TOLERANCE"] * target
        ):
            width *= 0.5 if last is not None and last != (error > 0.0) else 1.0
            last, count = error > 0.0, count + 1
            self.pulse(cell, volts if error > 0.0 else -volts, width)
        return count


@pytest.mark.slow
def test_write_amplitude(tmp_path):
    """The whole of the writing at 1.2 V once more, pulse by pulse: it takes as many, and ends at the same cells."""
    each, names = run("write_amplitude", tmp_path)
    writer, target = DenseWriter(names), names["TARGET"]
    queue, total = list(np.ndindex(target.shape)), 0
    for _ in range(names["ROUNDS"]):
        total += sum(writer.visit(cell, 1.2) for cell in queue)
        reads = np.array([writer.currents(row, 1.0 / writer.ohms) for row in range(names["LINES"])])
        queue = [tuple(cell) for cell in np.argwhere(np.abs(reads - target) > names["TOLERANCE"] * target)]
    assert not queue
    assert each == total / target.size
    np.testing.assert_allclose(1.0 / names["written"](1.2).conductance, writer.ohms, rtol=1e-3)
