"""Loops of all linear parts at random: against the general solver, and a descriptor system that tests write down."""

import numpy as np
import pytest
from loop_tools import crossbar, descriptor

from xbarsim.analysis.simulate import simulate
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    CurrentGain,
    CurrentSource,
    Inductor,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    Transconductor,
    Transresistor,
    VoltageSource,
    close,
    write_loop,
)
from xbarsim.netlist import read


def random_loop(seed, *, moving=True):
    """A loop with one of each linear part at least, around one array or two, no two numbers equal.

    What fixes a voltage leads to a node of its own, so that no two fix the same one.
    """
    rng = np.random.default_rng(seed)
    nodes = [f"n{k}" for k in range(int(rng.integers(4, 7)))]
    parts = [Resistor(f"rg{k}", node, "0", rng.uniform(1e3, 1e4)) for k, node in enumerate(nodes)]
    parts += [CurrentSource("i0", nodes[0], "0", 1e-4)]

    def pick(count=1):
        return [str(node) for node in rng.choice([*nodes, "0"], count, replace=False)]

    def own(name):
        node = f"{name}_end"
        parts.append(Resistor(f"rl_{name}", node, pick()[0], rng.uniform(1e3, 1e4)))
        nodes.append(node)
        return node

    controls = []
    for k in range(int(rng.integers(1, 4))):
        controls += [f"v{k}", f"l{k}", f"u{k}", f"short{k}"]
        at = pick()[0]
        parts.append(VoltageSource(f"v{k}", own(f"v{k}"), at, rng.choice([0.0, 0.3])))
        at = pick()[0]
        parts.append(Inductor(f"l{k}", own(f"l{k}"), at, 10 ** rng.uniform(-5, -3)))
        at = pick()[0]
        parts.append(Resistor(f"short{k}", own(f"s{k}"), at, 0.0))
        (plus, minus), reference = pick(2), pick()[0] if rng.uniform() < 0.7 else "0"
        amplifier = Amplifier(
            gain=10 ** rng.uniform(0, 3), output_resistance=rng.choice([0.0, 60.0]), offset=1e-3,
            input_resistance=rng.choice([1e5, np.inf]), bandwidth=rng.choice([np.inf, 10 ** rng.uniform(5.5, 6.5)]),
        )  # fmt: skip
        parts.append(OpAmp(f"u{k}", plus, minus, own(f"u{k}"), amplifier, reference))
    for k in range(int(rng.integers(1, 4))):
        at = pick()[0]
        parts.append(Transresistor(f"h{k}", own(f"h{k}"), at, str(rng.choice(controls)), rng.normal(0.0, 2e3)))
        controls.append(f"h{k}")
        parts.append(CurrentGain(f"f{k}", *pick(2), str(rng.choice(controls)), rng.normal()))
        parts.append(Transconductor(f"g{k}", *pick(2), *pick(2), rng.normal(0.0, 2e-4)))
    for k in range(int(rng.integers(1, 3))):
        rows, cols = rng.integers(2, 7, 2)
        xbar = crossbar(rng, rng.uniform(0.05, 2.0, (rows, cols)))
        ends = {"word_left": [pick()[0] for _ in range(rows)], "bit_bottom": [pick()[0] for _ in range(cols)]}
        farads = rng.uniform(1e-13, 1e-12, (3, rows, cols)) if moving and rng.uniform() < 0.5 else (0.0, 0.0, 0.0)
        parts.append(JoinedArray(f"x{k}", xbar, ends, *farads))
    if moving:
        for k in range(int(rng.integers(2, 7))):
            parts.append(Capacitor(f"c{k}", *pick(2), 10 ** rng.uniform(-12, -10)))
    return Loop(*parts)


def by_general(path):
    """Voltages and currents by the general solver, by name."""
    (result,) = simulate(read(path))
    return dict(zip(result.nodes, result.voltages[0], strict=True)), dict(
        zip(result.branches, result.currents[0], strict=True)
    )


@pytest.mark.parametrize("seed", range(16))
def test_operating_points_are_those_of_the_general_solver(tmp_path, seed):
    closed = close(random_loop(seed), stable=False)
    write_loop(closed.loop, tmp_path / "loop.sp")
    volts, amperes = by_general(tmp_path / "loop.sp")
    ours = closed.node_voltages()
    largest = max(map(abs, ours.values()))
    for node, level in ours.items():
        assert level == pytest.approx(volts[node], abs=1e-9 * largest), node
    letters = {"v": "v", "l": "l", "u": "e", "s": "v", "h": "h"}
    currents = closed.source_currents()
    largest = max(map(abs, currents.values()))
    for name, current in currents.items():
        assert current == pytest.approx(amperes[f"{letters[name[0]]}_{name}"], abs=1e-9 * largest), name


def order(holding, moving, fastest):
    """How many finite poles a descriptor system has: the degree of its determinant, beyond all of them."""
    far = 1e4 * fastest
    sizes = [np.linalg.slogdet(s * holding - moving)[1] for s in (far, 100.0 * far)]
    return (sizes[1] - sizes[0]) / np.log(100.0)


def correction(holding, moving, pole):
    """How far off a simple root of ``det(s E - A)`` is as a part of it, by one step of Newton's method."""
    matrix = pole * holding - moving
    rows = 1.0 / np.abs(matrix).max(axis=1)
    columns = 1.0 / np.abs(rows[:, None] * matrix).max(axis=0)
    left, sizes, right = np.linalg.svd(rows[:, None] * matrix * columns)
    turned = left[:, -1].conj() @ (rows[:, None] * holding * columns) @ right[-1].conj()
    return abs(sizes[-1] / turned) / abs(pole)


@pytest.mark.parametrize("seed", range(40))
def test_poles_are_those_of_the_descriptor_system(seed):
    loop = random_loop(seed)
    poles = close(loop, stable=False).stability.poles
    holding, moving = descriptor(loop)
    fastest = np.abs(poles).max()
    assert order(holding, moving, fastest) == pytest.approx(len(poles), abs=1e-2)
    # All of them, and no one twice.
    apart = np.abs(poles[:, None] - poles) + np.diag(np.full(len(poles), np.inf))
    assert (apart.min(axis=0) > 1e-7 * np.abs(poles)).all()
    assert max(correction(holding, moving, pole) for pole in poles) < 1e-8
