"""Circuits of nonlinear cells for the tests, and Kirchhoff's laws with every cell's law written anew in numpy."""

import numpy as np
from problems import OPEN

from xbarsim import Crossbar, Law, Linear, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic


def quadratic(v, g, k):
    """Return current and slope of ``g v + k v |v|``: for floats, arrays and mpf alike."""
    return g * v + k * v * abs(v), g + 2.0 * k * abs(v)


DEVICES = {
    "linear": Linear(),
    "sinh": Sinh(0.25),
    "steep sinh": Sinh(0.02),
    "selector": Selector(1e-8, 0.05),
    "yakopcic": Yakopcic(1e-5, 3e-5, 2.0),
    "table": Table([-1.0, -0.5, -0.1, 0.1, 0.3, 1.0], [-3e-4, -1e-4, -1e-5, 1e-5, 1e-4, 9e-4]),
    "law": Law(quadratic, k=1e-4),
    "transistor": Transistor(1.1, lam=0.05),
}


def uneven(name, rng, shape):
    """Return a device of that name with parameters of its own for each cell."""

    def spread(low, high):
        return rng.uniform(low, high, shape)

    match name:
        case "sinh":
            return Sinh(spread(0.1, 0.5))
        case "steep sinh":
            return Sinh(10 ** spread(-2.0, -1.0))
        case "selector":
            return Selector(10 ** spread(-10, -6), spread(0.02, 0.1))
        case "yakopcic":
            return Yakopcic(10 ** spread(-6, -4), 10 ** spread(-6, -4), spread(1, 12))
        case "law":
            return Law(quadratic, k=10 ** spread(-6, -3))
        case "transistor":
            return Transistor(spread(-0.5, 2.0), 10 ** spread(-5, -3), spread(0.2, 0.7), spread(0.0, 0.1))
    return DEVICES[name]


def wired(device, rows=4, cols=5, seed=1, *, four_sides=False):
    """Return a crossbar with no two numbers alike, wires of 0.5 to 20 ohm, and bipolar voltages of 0.1 to 1 V."""
    rng = np.random.default_rng([seed, rows, cols])

    def ohms(*shape):
        return rng.uniform(0.5, 20, shape)

    def tied(count):
        return LineEnds(rng.uniform(-0.5, 0.5, count), ohms(count))

    crossbar = Crossbar(
        10 ** rng.uniform(-6, -3, (rows, cols)),
        word_wire=ohms(rows, cols - 1),
        bit_wire=ohms(rows - 1, cols),
        driver=ohms(rows),
        sense=0.0 if four_sides else ohms(cols),
        ends={"word_right": tied(rows), "bit_top": tied(cols), "bit_bottom": tied(cols)} if four_sides else None,
        device=device,
    )
    return crossbar, rng.uniform(0.1, 1, rows) * rng.choice([-1, 1], rows)


def rough(name, seed):
    """Return any small circuit: wires 0, broken and 0.1 ohm .. 100 kohm, floating lines, open cells."""
    rng = np.random.default_rng([seed, len(name)])
    rows, cols = (int(n) for n in rng.integers(1, 5, 2))
    kinds = ([1.0], [0.0], [0.0, 1.0, 100.0], [OPEN, 1.0, 3.0], [0.0, OPEN, 10.0], [1.0, 1e3], [1e4])

    def ohms(*shape):
        picked = rng.choice(kinds[rng.integers(len(kinds))], shape)
        return np.where((picked > 0) & np.isfinite(picked), picked * 10 ** rng.uniform(-1, 1, shape), picked)

    g = 10 ** rng.uniform(-7, -3, (rows, cols))
    if rng.random() < 0.3:
        g[rng.random(g.shape) < 0.3] = 0.0
    ends = {}
    for side, count in (("word_right", rows), ("bit_top", cols), ("bit_bottom", cols)):
        if rng.random() < 0.5:
            ends[side] = LineEnds(rng.choice([0.0, 0.25, 0.5, -0.3], count), ohms(count))
    crossbar = Crossbar(
        g,
        word_wire=ohms(rows, cols - 1),
        bit_wire=ohms(rows - 1, cols),
        driver=ohms(rows),
        sense=0.0 if "bit_bottom" in ends else ohms(cols),
        ends=ends,
        device=uneven(name, rng, (rows, cols)),
    )
    return crossbar, rng.uniform(0.1, 1.2, rows) * rng.choice([-1, 1], rows)


def cell_currents(crossbar, word, bit):
    """Amperes by the laws as the devices' docstrings give them; the inner node of 1S1R and 1T1R by bisection."""
    device, g = crossbar.device, crossbar.conductance
    v = word - bit
    with np.errstate(over="ignore"):
        match device:
            case Linear():
                return g * v
            case Sinh():
                return g * device.v0 * np.sinh(v / device.v0)
            case Yakopcic():
                state = g / (device.a1 * device.b)
                return np.where(v >= 0, device.a1, device.a2) * state * np.sinh(device.b * v)
            case Law():
                return device.function(v, g, *device.arguments.values())[0]
            case Selector():
                return _inner(g, word, bit, lambda x: device.i0 * np.sinh((x - bit) / device.v0))
            case Transistor():
                return _inner(g, word, bit, lambda x: _channel(device, x, bit))
    raise TypeError(device)


def _inner(g, word, bit, through):
    """Current of a memristor next to ``through(x)``; of the two ways to it, the one that rounds less.

    The inner node is found to a rounding of its own; whichever of the two laws is flatter there has the current.
    """
    low, high = np.minimum(word, bit), np.maximum(word, bit)
    for _ in range(200):
        middle = low + (high - low) / 2
        above = through(middle) > g * (word - middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    ways = [(g * (word - x), through(x)) for x in (low, high)]
    flatter = abs(ways[1][0] - ways[0][0]) <= abs(ways[1][1] - ways[0][1])
    return np.where(flatter, ways[0][0], ways[0][1])


def _channel(device, drain, source):
    low, across = np.minimum(drain, source), np.abs(drain - source)
    over = device.gate - low - device.vto
    shape = np.where(across < over, across * (over - across / 2), over**2 / 2)
    return np.sign(drain - source) * np.where(over > 0, device.kp * (1 + device.lam * across) * shape, 0.0)


def violation(crossbar, voltages, solution):
    """Kirchhoff's laws with the laws above: KVL on every segment and end, KCL on every line.

    Volts relative to the largest source, amperes to the largest line's sum: as ``Solution.residual``. Only for
    circuits without broken wires, whose lines are whole.
    """
    i = cell_currents(crossbar, solution.word_voltages, solution.bit_voltages)
    ends, word, bit = solution.end_currents, solution.word_voltages, solution.bit_voltages
    right = -ends["word_left"][:, None] - np.cumsum(i, axis=1)
    down = -ends["bit_top"] + np.cumsum(i, axis=0)
    boundary = crossbar.boundary
    held = {side: tied.voltage for side, tied in boundary.items()} | {"word_left": np.asarray(voltages)}
    feet = {"word_left": word[:, 0], "word_right": word[:, -1], "bit_top": bit[0], "bit_bottom": bit[-1]}
    gaps = [
        np.diff(word, axis=1) + crossbar.word_wire * right[:, :-1],
        np.diff(bit, axis=0) + crossbar.bit_wire * down[:-1],
    ]
    for side, tied in boundary.items():
        live = np.isfinite(tied.resistance)
        gaps.append((feet[side] - held[side] - np.where(live, tied.resistance, 0.0) * ends[side])[live])
    largest = max(np.abs(volts[np.isfinite(boundary[side].resistance)]).max(initial=0) for side, volts in held.items())
    volts = max(np.abs(gap).max(initial=0) for gap in gaps) / largest
    scale = max(np.abs(i).sum(axis=0).max(), np.abs(i).sum(axis=1).max())
    amperes = max(np.abs(right[:, -1] - ends["word_right"]).max(), np.abs(down[-1] - ends["bit_bottom"]).max())
    return max(volts, amperes / scale if scale else amperes)
