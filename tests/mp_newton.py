"""Newton's method on the nodal equations of a small crossbar in 100 digits: what nonlinear solves are checked against.

The laws are written anew from the devices' docstrings, and the exponential ones in the other direction: the unknown
is the cell's current, and the voltage follows from it by asinh, which neither overflows nor overshoots. Up to 5 x 5.
"""

from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

from xbarsim import Law, Linear, Selector, Sinh, Table, Transistor, Yakopcic

DIGITS = 100
LEAK = mpf(10) ** -40  # siemens from every node to ground: a line that cut-off transistors leave alone has a voltage
LEAKED = mpf(10) ** -36  # amperes
DEAD = mpf(10) ** -19  # a cell of smaller slopes conducts by its leak alone
FEET = {
    "word_left": lambda line, rows, cols: ("w", line, 0),
    "word_right": lambda line, rows, cols: ("w", line, cols - 1),
    "bit_top": lambda line, rows, cols: ("b", 0, line),
    "bit_bottom": lambda line, rows, cols: ("b", rows - 1, line),
}


@dataclass(frozen=True)
class ExactSolution:
    """As ``Solution``, with object arrays of mpf; NaN where no wire and no cell that conducts leads to a source."""

    end_currents: dict
    word_voltages: np.ndarray
    bit_voltages: np.ndarray
    device_currents: np.ndarray


def solve(crossbar, voltages):
    """Solve one vector; ArithmeticError if Newton does not converge."""
    with mp.workdps(DIGITS):
        circuit = _Circuit(crossbar, [mpf(float(v)) for v in voltages])
        for steps in (1, 10, 100):
            volts, inner = {}, {at: mpf(0) for at in circuit.cells}
            for k in range(1, steps + 1):
                if not circuit.newton(volts, inner, mpf(k) / steps):
                    break
            else:
                return circuit.solution(volts, inner)
        raise ArithmeticError("no convergence")


class _Circuit:
    """Nodes after 0 ohm has joined some, wires between them, cells, and what the sources hold."""

    def __init__(self, crossbar, inputs):
        rows, cols = self.shape = crossbar.shape
        wires, self.fixed = [], {}
        for i, j in np.ndindex(rows, cols):
            if j + 1 < cols:
                wires.append((("w", i, j), ("w", i, j + 1), mpf(float(crossbar.word_wire[i, j]))))
            if i + 1 < rows:
                wires.append((("b", i, j), ("b", i + 1, j), mpf(float(crossbar.bit_wire[i, j]))))
        for side, tied in crossbar.boundary.items():
            for line, (volts, ohms) in enumerate(zip(tied.voltage, tied.resistance, strict=True)):
                if np.isfinite(ohms):
                    wires.append((FEET[side](line, rows, cols), (side, line, 0), mpf(float(ohms))))
                    self.fixed[side, line, 0] = inputs[line] if side == "word_left" else mpf(float(volts))

        self.same = {(layer, i, j): (layer, i, j) for layer in "wb" for i, j in np.ndindex(rows, cols)}
        self.same |= {end: end for end in self.fixed}
        for a, b, ohms in wires:
            if ohms == 0:
                old, new = self.same[a], self.same[b]
                self.same = {name: new if at == old else at for name, at in self.same.items()}
        self.wires = [(self.same[a], self.same[b], 1 / ohms) for a, b, ohms in wires if ohms not in (0, mp.inf)]
        self.wires = [(a, b, g) for a, b, g in self.wires if a != b]
        self.held = {self.same[end]: volts for end, volts in self.fixed.items()}
        for end, volts in self.fixed.items():
            if self.held[self.same[end]] != volts:
                raise ValueError(f"{end} is shorted to another voltage")
        self.cells = {
            (i, j): (self.same["w", i, j], self.same["b", i, j], _law(crossbar, i, j))
            for i, j in np.ndindex(rows, cols)
            if crossbar.conductance[i, j] > 0
        }
        self.free = sorted(
            self._reached(self.cells.values()) - set(self.held), key=lambda name: (name[1], name[2], name[0])
        )

    def _reached(self, cells):
        """Nodes with a path to a source through wires and these cells."""
        near = {}
        for a, b, *_ in [*self.wires, *cells]:
            near.setdefault(a, set()).add(b)
            near.setdefault(b, set()).add(a)
        reached, front = set(self.held), list(self.held)
        while front:
            new = near.get(front.pop(), set()) - reached
            reached |= new
            front += new
        return reached

    def newton(self, volts, inner, scale):
        """Move ``volts`` and each cell's ``inner`` unknown to the solution at scaled sources; False if it fails."""
        for node in self.free:
            volts.setdefault(node, mpf(0))
        volts |= {node: scale * held for node, held in self.held.items()}
        live = [(at, *self.cells[at]) for at in self.cells if self.cells[at][0] in volts]
        for step in range(300):
            # A law with a kink can throw Newton to and fro across it; half steps end that.
            damp = mpf(0.5) if 30 <= step % 60 < 45 else mpf(1)
            matrix = {node: {node: LEAK} for node in self.free}
            right = {node: -LEAK * volts[node] for node in self.free}

            def couple(node, other, slope, matrix=matrix):
                if other in matrix:
                    matrix[node][other] = matrix[node].get(other, mpf(0)) + slope

            for a, b, g in self.wires:
                for node, other in ((a, b), (b, a)):
                    if node in matrix:
                        right[node] -= g * (volts[node] - volts[other])
                        couple(node, node, g)
                        couple(node, other, -g)
            steps = []
            for at, word, bit, law in live:
                (i, iv, iu, ix), (f, fv, fu, fx) = law(volts[word], volts[bit], inner[at])
                # f + fv dv + fu du + fx dx = 0 takes the inner unknown out of the cell's current.
                i, iv, iu = i - ix * f / fx, iv - ix * fv / fx, iu - ix * fu / fx
                steps.append((at, word, bit, -f / fx, -fv / fx, -fu / fx))
                for node, sign in ((word, 1), (bit, -1)):
                    if node in matrix:
                        right[node] -= sign * i
                        couple(node, word, sign * iv)
                        couple(node, bit, sign * iu)
            moves = _eliminate(self.free, matrix, right)
            for node, move in moves.items():
                volts[node] += damp * move
            still = not moves or max(map(abs, moves.values())) <= mpf(10) ** -30 * max(map(abs, volts.values()))
            largest = max([abs(x) for x in inner.values()], default=0)
            for at, word, bit, own, by_word, by_bit in steps:
                move = own + by_word * moves.get(word, 0) + by_bit * moves.get(bit, 0)
                inner[at] += damp * move
                still &= abs(move) <= mpf(10) ** -25 * abs(inner[at]) + mpf(10) ** -40 * largest
            if still and damp == 1:
                return True
        return False

    def solution(self, volts, inner):
        leaving = dict.fromkeys(self.same.values(), mpf(0))
        for a, b, g in self.wires:
            if a in volts and b in volts:
                leaving[b] += g * (volts[a] - volts[b])
                leaving[a] += g * (volts[b] - volts[a])
        amperes = np.full(self.shape, mpf(0), dtype=object)
        conducting = []
        for at, (word, bit, law) in self.cells.items():
            if word in volts:
                (amperes[at], iv, iu, ix), (_, fv, fu, fx) = law(volts[word], volts[bit], inner[at])
                if max(abs(iv - ix * fv / fx), abs(iu - ix * fu / fx)) > DEAD:
                    conducting.append((word, bit))
                leaving[word] -= amperes[at]
                leaving[bit] += amperes[at]
        rows, cols = self.shape
        sharing = {at: sum(self.same[end] == at for end in self.fixed) for at in self.held}
        ends = {side: np.full(rows if side.startswith("word") else cols, mpf(0), dtype=object) for side in FEET}
        for side, line, _ in self.fixed:
            at = self.same[side, line, 0]
            ends[side][line] = leaving[at] / sharing[at] if abs(leaving[at]) > LEAKED else mpf(0)
        connected = self._reached(conducting)
        layers = [np.full(self.shape, mp.nan, dtype=object) for _ in "wb"]
        for name, layer in zip("wb", layers, strict=True):
            for i, j in np.ndindex(rows, cols):
                node = self.same[name, i, j]
                layer[i, j] = volts[node] if node in connected else mp.nan
        return ExactSolution(ends, *layers, amperes)


def _eliminate(order, matrix, right):
    """Gauss without pivoting: each column's diagonal is no less than the sum of its other entries."""
    for k, pivot in enumerate(order):
        for node in order[k + 1 :]:
            if pivot in matrix[node]:
                factor = matrix[node].pop(pivot) / matrix[pivot][pivot]
                for other, value in matrix[pivot].items():
                    if other != pivot:
                        matrix[node][other] = matrix[node].get(other, mpf(0)) - factor * value
                right[node] -= factor * right[pivot]
    moves = {}
    for pivot in reversed(order):
        rest = sum(value * moves[other] for other, value in matrix[pivot].items() if other != pivot)
        moves[pivot] = (right[pivot] - rest) / matrix[pivot][pivot]
    return moves


def _law(crossbar, i, j):
    """The cell's law: ``(v_word, v_bit, x) -> current and an equation f = 0``, each with its slopes in v, u and x."""
    device = crossbar.device
    g = mpf(float(crossbar.conductance[i, j]))

    def at(name):
        return mpf(float(np.broadcast_to(getattr(device, name), crossbar.shape)[i, j]))

    match device:
        case Linear():
            return _of_voltage(lambda v: (g * v, g))
        case Sinh():
            v0 = at("v0")
            return _of_current(lambda x: _asinh(x, v0, g * v0))
        case Selector():
            i0, v0 = at("i0"), at("v0")
            return _of_current(lambda x: _plus(_asinh(x, v0, i0), x / g, 1 / g))
        case Yakopcic():
            a1, a2, b = at("a1"), at("a2"), at("b")
            state = g / (a1 * b)
            return _of_current(lambda x: _asinh(x, 1 / b, (a1 if x >= 0 else a2) * state))
        case Transistor():
            return _in_series(g, at("gate"), at("kp"), at("vto"), at("lam"))
        case Table():
            curve = Curve(device.voltage, device.points)
            ratio = g / mpf(float(device.conductance))
            return _of_voltage(lambda v: tuple(ratio * value for value in curve(v)))
        case Law():
            return _of_voltage(
                lambda v: device.function(v, g, *map(_given(device, crossbar.shape, i, j), device.arguments))
            )
    raise TypeError(device)


def _given(device, shape, i, j):
    return lambda name: mpf(float(np.broadcast_to(device.arguments[name], shape)[i, j]))


def _of_voltage(law):
    def cell(v, u, x):
        i, slope = law(v - u)
        return (x, 0, 0, 1), (x - i, -slope, slope, 1)

    return cell


def _of_current(volts):
    def cell(v, u, x):
        across, ohms = volts(x)
        return (x, 0, 0, 1), (v - u - across, 1, -1, -ohms)

    return cell


def _asinh(x, v0, i0):
    """Invert ``x = i0 sinh(v / v0)``: v and dv/dx."""
    return v0 * mp.asinh(x / i0), v0 / mp.sqrt(x**2 + i0**2)


def _plus(pair, volts, ohms):
    return pair[0] + volts, pair[1] + ohms


def _in_series(g, gate, kp, vto, lam):
    """Memristor from word to the inner node x, level-1 transistor from x to the bit line."""

    def channel(high, low):
        """Current from ``high`` to ``low``, and its slopes in both."""
        over, across = gate - low - vto, high - low
        if over <= 0:
            return mpf(0), mpf(0), mpf(0)
        longer = 1 + lam * across
        if across < over:
            shape, d_across, d_over = across * (over - across / 2), over - across, across
        else:
            shape, d_across, d_over = over**2 / 2, mpf(0), over
        by_high = kp * (lam * shape + longer * d_across)
        return kp * longer * shape, by_high, -by_high - kp * longer * d_over

    def cell(v, u, x):
        if x >= u:
            i, ix, iu = channel(x, u)
        else:
            i, iu, ix = (-value for value in channel(u, x))
        return (g * (v - x), g, 0, -g), (g * (v - x) - i, g, -iu, -g - ix)

    return cell


class Curve:
    """The monotone cubic as scipy documents PCHIP (Fritsch and Butland 1984), by the formulas, with straight tails.

    At an inner point the slope is the harmonic mean of its two chords, each weighted with twice the other's
    length plus its own; at an end it is the three-point slope, cut to keep the shape.
    """

    def __init__(self, voltage, current):
        self.x, self.y = ([mpf(float(value)) for value in values] for values in (voltage, current))
        h = [b - a for a, b in zip(self.x, self.x[1:], strict=False)]
        m = [(b - a) / one for a, b, one in zip(self.y, self.y[1:], h, strict=False)]
        inner = []
        for k in range(1, len(h)):
            w1, w2 = 2 * h[k] + h[k - 1], h[k] + 2 * h[k - 1]
            inner.append((w1 + w2) / (w1 / m[k - 1] + w2 / m[k]) if m[k - 1] * m[k] > 0 else mpf(0))
        self.d = [self._end(h[0], h[1], m[0], m[1]), *inner, self._end(h[-1], h[-2], m[-1], m[-2])]

    @staticmethod
    def _end(h0, h1, m0, m1):
        d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
        return max(d, mpf(0)) if m1 > 0 and d < 3 * m0 else 3 * m0

    def __call__(self, v):
        x, y, d = self.x, self.y, self.d
        if v <= x[0]:
            return y[0] + d[0] * (v - x[0]), d[0]
        if v >= x[-1]:
            return y[-1] + d[-1] * (v - x[-1]), d[-1]
        k = max(k for k in range(len(x)) if x[k] <= v)
        h, t = x[k + 1] - x[k], (v - x[k]) / (x[k + 1] - x[k])
        chord = (y[k + 1] - y[k]) / h
        # Hermite's cubic: y + h t d0 + h t^2 (3 c - 2 d0 - d1) + h t^3 (d0 + d1 - 2 c).
        second, third = 3 * chord - 2 * d[k] - d[k + 1], d[k] + d[k + 1] - 2 * chord
        return y[k] + h * t * (d[k] + t * (second + t * third)), d[k] + t * (2 * second + 3 * t * third)
