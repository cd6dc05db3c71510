"""Closed loops for tests: random circuits, and a nodal analysis that shares no code with the package's."""

import numpy as np

from xbarsim import Crossbar
from xbarsim.loop import Amplifier, Capacitor, CurrentSource, JoinedArray, OpAmp, Resistor, SignedPair, VoltageSource

UNIT = 1e-4
REAL = Amplifier(gain=3e3, input_resistance=2e5, output_resistance=70.0, offset=2e-4, bandwidth=1e6)


def wires(rng, rows, cols):
    """Wires and ends of a crossbar, all different."""
    return {
        "word_wire": rng.uniform(0.5, 4.0, (rows, cols - 1)),
        "bit_wire": rng.uniform(0.5, 4.0, (rows - 1, cols)),
        "driver": rng.uniform(1.0, 30.0, rows),
        "sense": rng.uniform(1.0, 20.0, cols),
    }


def amplifiers(rng, count):
    """Amplifiers of which no two are equal."""
    return [
        Amplifier(
            gain=10 ** rng.uniform(2.5, 5.0),
            input_resistance=10 ** rng.uniform(4.5, 7.0),
            output_resistance=rng.uniform(5.0, 100.0),
            offset=rng.normal(0.0, 1e-3),
            bandwidth=10 ** rng.uniform(5.7, 6.3),
        )
        for _ in range(count)
    ]


def dominant(rng, n, signed=True):
    """A matrix that an inverse circuit holds: its diagonal dominates, nothing in it is symmetric."""
    low = -1.0 if signed else 0.0
    return rng.uniform(low, 1.0, (n, n)) / n + np.diag(rng.uniform(1.0, 2.0, n))


def pair(rng, matrix):
    return SignedPair(*(crossbar(rng, np.maximum(sign * matrix, 0.0)) for sign in (1.0, -1.0)))


def crossbar(rng, matrix):
    return Crossbar(matrix * UNIT, **wires(rng, *matrix.shape))


def nodal(loop, point=0):
    """Voltages of all nodes of a loop by dense modified nodal analysis of every cell and wire, by name."""
    resistors, sources, currents, amps = [], [], [], []
    for part in loop.parts:
        if isinstance(part, Resistor):
            resistors.append((part.a, part.b, part.ohms))
        elif isinstance(part, VoltageSource):
            sources.append((part.plus, part.minus, np.broadcast_to(part.volts, max(loop.points or 1, 1))[point]))
        elif isinstance(part, CurrentSource):
            currents.append((part.plus, part.minus, np.broadcast_to(part.amperes, max(loop.points or 1, 1))[point]))
        elif isinstance(part, OpAmp):
            amps.append(part)
            resistors.append((part.plus, part.minus, part.amplifier.input_resistance))
        elif isinstance(part, JoinedArray):
            resistors += _array(part, sources)
    names = {name: k for k, name in enumerate(dict.fromkeys(
        [node for a, b, _ in resistors + sources + currents for node in (a, b)]
        + [node for amp in amps for node in (amp.plus, amp.minus, amp.out)]
    )) }  # fmt: skip
    shorts = [(a, b, 0.0) for a, b, ohms in resistors if ohms == 0.0]
    sources = sources + shorts
    n, m = len(names), len(sources)
    A, s = np.zeros((n + m + len(amps),) * 2), np.zeros(n + m + len(amps))
    for a, b, ohms in resistors:
        if 0.0 < ohms < np.inf:
            i, j = names[a], names[b]
            A[i, i] += 1 / ohms
            A[j, j] += 1 / ohms
            A[i, j] -= 1 / ohms
            A[j, i] -= 1 / ohms
    for a, b, amperes in currents:
        s[names[a]] -= amperes
        s[names[b]] += amperes
    for k, (a, b, volts) in enumerate(sources, n):
        A[names[a], k] += 1
        A[names[b], k] -= 1
        A[k, names[a]] += 1
        A[k, names[b]] -= 1
        s[k] = volts
    for k, amp in enumerate(amps, n + m):
        values = amp.amplifier
        A[names[amp.out], k] += 1
        A[k, names[amp.plus]] += 1
        A[k, names[amp.minus]] -= 1
        A[k, names[amp.out]] -= 1 / values.gain
        A[k, k] += values.output_resistance / values.gain
        s[k] = -values.offset
    ground = names["0"]
    keep = np.flatnonzero(np.arange(len(s)) != ground)
    x = np.zeros(len(s))
    x[keep] = np.linalg.solve(A[np.ix_(keep, keep)], s[keep])
    return {name: x[k] for name, k in names.items()}


def _array(part, sources):
    xbar, name = part.crossbar, part.name
    rows, cols = xbar.shape
    w, b = (lambda i, j: f"{name}/w{i}.{j}"), (lambda i, j: f"{name}/b{i}.{j}")
    parts = []
    for i in range(rows):
        for j in range(cols):
            if xbar.conductance[i, j]:
                parts.append((w(i, j), b(i, j), 1 / xbar.conductance[i, j]))
            if j + 1 < cols:
                parts.append((w(i, j), w(i, j + 1), xbar.word_wire[i, j]))
            if i + 1 < rows:
                parts.append((b(i, j), b(i + 1, j), xbar.bit_wire[i, j]))
    corner = {
        "word_left": lambda k: w(k, 0),
        "word_right": lambda k: w(k, cols - 1),
        "bit_top": lambda k: b(0, k),
        "bit_bottom": lambda k: b(rows - 1, k),
    }
    for side, end in xbar.boundary.items():
        for k, ohms in enumerate(end.resistance):
            if np.isfinite(ohms):
                node = part.nodes[side][k] if side in part.nodes else f"{name}/{side}{k}"
                if side not in part.nodes:
                    sources.append((node, "0", end.voltage[k]))
                parts.append((node, corner[side](k), ohms))
    return parts


def descriptor(loop):
    """``E x' = A x`` of a loop by modified nodal analysis with every current, dense; no node is merged or left out."""
    resistors, charges, sources, amps = [], [], [], []
    for part in loop.parts:
        if isinstance(part, Resistor):
            resistors.append((part.a, part.b, part.ohms))
        elif isinstance(part, Capacitor):
            charges.append((part.a, part.b, part.farads))
        elif isinstance(part, VoltageSource):
            sources.append((part.plus, part.minus))
        elif isinstance(part, OpAmp):
            amps.append(part)
            resistors.append((part.plus, part.minus, part.amplifier.input_resistance))
            resistors.append((part.out, f"{part.name}/inner", part.amplifier.output_resistance))
        elif isinstance(part, JoinedArray):
            fixed = []
            resistors += _array(part, fixed)
            sources += [(a, b) for a, b, _ in fixed]
            for (i, j), _ in np.ndenumerate(part.crossbar.conductance):
                w, b = f"{part.name}/w{i}.{j}", f"{part.name}/b{i}.{j}"
                tables = (part.word_capacitance, part.bit_capacitance, part.cell_capacitance)
                word, bit, cell = (np.broadcast_to(table, part.crossbar.shape)[i, j] for table in tables)
                charges += [(w, "0", word), (b, "0", bit), (w, b, cell)]
    sources += [(a, b) for a, b, ohms in resistors if ohms == 0.0]
    sources += [(f"{amp.name}/inner", "0") for amp in amps]
    names = {name: k for k, name in enumerate(dict.fromkeys(
        [node for edge in [*resistors, *charges, *sources] for node in edge[:2]]
        + [node for amp in amps for node in (amp.plus, amp.minus, amp.out)]
    ))}  # fmt: skip
    n, m = len(names), len(sources)
    E, A = np.zeros((n + m + len(amps),) * 2), np.zeros((n + m + len(amps),) * 2)
    conductances = [(a, b, 1 / ohms) for a, b, ohms in resistors if 0.0 < ohms < np.inf]
    for matrix, sign, edges in ((E, 1.0, charges), (A, -1.0, conductances)):
        for a, b, value in edges:
            i, j = names[a], names[b]
            matrix[[i, j], [i, j]] += sign * value
            matrix[[i, j], [j, i]] -= sign * value
    for k, (a, b) in enumerate(sources, n):
        A[names[a], k] += 1
        A[names[b], k] -= 1
        A[k, names[a]] += 1
        A[k, names[b]] -= 1
    for k, amp in enumerate(amps):
        state, source = n + m + k, n + m - len(amps) + k
        A[source, state] -= 1
        E[state, state] = 1 / (2 * np.pi * amp.amplifier.bandwidth)
        A[state, names[amp.plus]] += 1
        A[state, names[amp.minus]] -= 1
        A[state, state] -= 1 / amp.amplifier.gain
    keep = np.flatnonzero(np.arange(len(A)) != names["0"])
    return E[np.ix_(keep, keep)], A[np.ix_(keep, keep)]
