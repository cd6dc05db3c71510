"""Laws with a value but no finite slope: at voltages that sources hold, at smooth points, in cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from netlist_tools import read_text

import xbarsim
from xbarsim import Crossbar, Law
from xbarsim.analysis.simulate import simulate
from xbarsim.netlist.behaviour import law_of, parse_law


def volts(tmp_path, text: str) -> dict[str, float]:
    circuit = read_text(tmp_path, text)
    (result,) = simulate(circuit, circuit.recognise())
    return dict(zip(result.nodes, result.voltages[0].tolist(), strict=True))


def currents(tmp_path, text: str) -> dict[str, float]:
    circuit = read_text(tmp_path, text)
    (result,) = simulate(circuit, circuit.recognise())
    return dict(zip(result.branches, result.currents[0].tolist(), strict=True))


@pytest.mark.parametrize("law", ["sqrt(v(a))", "abs(v(a))**0.3", "v(a)/sqrt(v(a)+1e-320)", "2*pwr(v(a),0.5)"])
def test_a_slope_at_a_held_voltage_does_not_matter(tmp_path, law):
    got = volts(tmp_path, f"V1 a 0 0\nB1 0 b i={law}+0.25\nR1 b 0 2")
    assert got["b"] == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize(
    "held",
    [
        "V1 x 0 0.5\nV2 x a 0.5",  # through two sources
        "V1 x 0 0\nR9 x a 0",  # through a short
        "V1 x 0 0\nE1 a 0 x 0 3",  # by a source whose control is held
        "V1 x 0 0\nL1 x a 1u",
    ],
)
def test_what_holds_a_voltage(tmp_path, held):
    assert volts(tmp_path, f"{held}\nB1 0 b i=sqrt(v(a))+1m\nR1 b 0 1k")["b"] == pytest.approx(1.0, rel=1e-15)


def test_a_root_of_an_unknown_is_found_from_0(tmp_path):
    # I = k sqrt(v): v = (I / k)^2, and the law's slope at the start is beyond all bounds.
    got = volts(tmp_path, "I1 0 a 3.000000009m\nB1 a 0 i=1m*sqrt(v(a))\nRb a 0 1e12")
    assert got["a"] == pytest.approx(9.0, rel=1e-9)


def test_smooth_laws_at_0(tmp_path):
    text = "V1 a 0 0\nR0 a b 1k\nB1 b 0 i=1e-5*v(b)*sqrt(abs(v(b)))\nR1 b 0 1k"
    assert volts(tmp_path, text)["b"] == 0.0
    # The same away from 0 against its own equation: (v - b)/R0 = k b sqrt(b) + b/R1.
    b = volts(tmp_path, text.replace("V1 a 0 0", "V1 a 0 -0.7"))["b"]
    assert (-0.7 - b) / 1e3 == pytest.approx(1e-5 * b * math.sqrt(-b) + b / 1e3, rel=1e-12)


def test_a_row_at_0_of_poole_frenkel_cells(tmp_path):
    cells = "\n".join(
        f"G{i}{j} a{i} b{j} value={{{g}*v(a{i},b{j})*exp(sqrt(abs(v(a{i},b{j}))/0.05))}}"
        for i, j, g in ((1, 1, 1e-5), (1, 2, 2e-6), (2, 1, 3e-6), (2, 2, 1e-5))
    )
    text = f"V1 w1 0 0.4\nV2 w2 0 0\nR1 w1 a1 10\nR2 w2 a2 10\n{cells}\nVo1 b1 0 0\nVo2 b2 0 0"
    got = currents(tmp_path, text)

    # The columns are held: each row is one equation in one unknown.
    def law(x: float) -> float:
        return x * math.exp(math.sqrt(x / 0.05))

    low, high = 0.0, 0.4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if (0.4 - middle) / 10 > 1.2e-5 * law(middle) else (low, middle)
    assert got["vo1"] == pytest.approx(1e-5 * law(low), rel=1e-9)
    assert got["vo2"] == pytest.approx(2e-6 * law(low), rel=1e-9)
    assert got["v2"] == pytest.approx(0.0, abs=1e-18)
    assert read_text(tmp_path, text).recognise().crossbar is not None


def test_schottky_cells_with_roots_in_series(tmp_path):
    # i = k (exp(sqrt(|v|)) - 1) sgn(v): the slope grows beyond all bounds towards 0.
    law = "1e-5*(exp(sqrt(abs(v(a,b))))-1)*sgn(v(a,b))"
    got = volts(tmp_path, f"V1 s 0 0.3\nR1 s a 1k\nB1 a b i={law}\nR2 b 0 500")
    x = got["a"] - got["b"]
    assert (0.3 - x) / 1500 == pytest.approx(1e-5 * (math.exp(math.sqrt(x)) - 1), rel=1e-9)


def poole_frenkel(v, g, v0):
    root = math.sqrt(abs(v) / v0)
    return g * v * math.exp(root), g * math.exp(root) * (1 + math.copysign(1.0, v) * v * 0.5 / v0 / root)


def quick(v, g):
    root = math.sqrt(abs(v))
    return g * math.copysign(root, v), 0.5 * g / root


@pytest.mark.slow
@pytest.mark.parametrize(("function", "given"), [(poole_frenkel, {"v0": 0.05}), (quick, {})])
def test_python_laws_in_crossbars_start_at_0(function, given):
    cells = np.array([[1e-5, 2e-6, 5e-6], [3e-6, 1e-5, 4e-6]])
    crossbar = Crossbar(cells, driver=10, word_wire=1.0, bit_wire=2.0, sense=5, device=Law(function, **given))
    solution = xbarsim.solve(crossbar, [0.4, 0.0], fields=True)
    across = solution.word_voltages - solution.bit_voltages
    law = np.vectorize(lambda v, g: function(v, g, **given)[0])
    assert solution.device_currents == pytest.approx(law(across, cells), rel=1e-6, abs=1e-15)
    assert solution.device_currents.sum() == pytest.approx(solution.currents.sum(), abs=1e-15)
    assert not xbarsim.solve(crossbar, [0.0, 0.0]).currents.any()


def test_slopes_beside_a_point_are_the_limits():
    parsed, literals, _ = parse_law("v(a)*sqrt(abs(v(a)-0.5))", {}, {})
    law = law_of(parsed)
    constants = [np.full(2, one) for one in law.constants(literals, lambda name: 0.0, 27.0)]
    at = [np.array([0.5, 0.25])]
    (slope,) = law.template.slopes_beside(at, constants, 0.0)
    assert slope[0] > 1e6  # grows beyond all bounds
    assert slope[1] == pytest.approx(0.5 - 0.25 * 0.5 / 0.5, rel=1e-9)
    parsed, literals, _ = parse_law("sqrt(-1-v(a)**2)", {}, {})
    law = law_of(parsed)
    constants = [np.full(1, one) for one in law.constants(literals, lambda name: 0.0, 27.0)]
    assert np.isnan(law.template.slopes_beside([np.zeros(1)], constants, 0.0)[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("swing", [0.0, 0.3])
def test_written_cells_at_0_are_the_same_in_both_solvers(tmp_path, swing):
    cells = "\n".join(
        f"X{i}{j} w{i} b{j} pf g={1e-6 * (1 + 3 * i + j)!r}" for i in range(3) for j in range(2) if (i, j) != (1, 1)
    )
    rows = "\n".join(f"V{i} s{i} 0 {swing * (i == 2)!r}\nR{i} s{i} w{i} {10 + i}" for i in range(3))
    text = f".subckt pf p n g=1u\nG1 p n value={{g*V(p,n)*exp(sqrt(abs(V(p,n))/0.05))}}\n.ends\n{rows}\n{cells}"
    circuit = read_text(tmp_path, f"{text}\nRb0 b0 0 5\nRb1 b1 0 7")
    found = circuit.recognise()
    assert found.crossbar is not None
    (fast,) = simulate(circuit, found, method="newton")
    (general,) = simulate(circuit, None)
    assert fast.nodes == general.nodes
    assert fast.how != general.how
    np.testing.assert_allclose(fast.voltages, general.voltages, rtol=1e-9, atol=1e-15)
