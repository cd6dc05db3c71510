"""Resistors that are more than a value: models, sheets, temperatures, negative ones; lengths scaled by an option."""

from __future__ import annotations

import numpy as np
import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.netlist import NetlistError

# Words behind the nodes, cards beside them: ohms.
CASES = {
    "model, then value": ("rm 18K", ".model rm r tc1=0", 18e3),
    "value, then model": ("18K rm", ".model rm r(rsh=50)", 18e3),
    "sheet": ("rm l=10u w=2u", ".model rm r(rsh=50)", 250.0),
    "sheet with narrowing": ("rm l=11u w=2.5u", ".model rm r(rsh=50 narrow=0.25u short=0.5u)", 250.0),
    "sheet by its other names": ("rm w=3u l=11u", ".model rm r(rsh=50 dw=0.5u dlr=0.5u)", 250.0),
    "the model's width": ("rm l=10u", ".model rm r(rsh=50 defw=4u)", 125.0),
    "the default's width": ("rm l=20u", ".model rm r(rsh=50)", 100.0),
    "the model's value": ("rm", ".model rm r(r=3k)", 3e3),
    "LTspice's kind": ("rm", ".model rm res(r=3k)", 3e3),
    "own value wins over the sheet": ("rm 1k l=10u w=1u", ".model rm r(rsh=50)", 1e3),
    "coefficients": ("1k tc1=1m tc2=10u", ".temp 127", 1e3 * (1 + 0.1 + 0.1)),
    "both in one": ("1k tc=1m,10u", ".temp 127", 1.2e3),
    "both in one with a blank": ("1k tc=1m 10u", ".temp 127", 1.2e3),
    "of the model": ("1k rm", ".model rm r(tc1=1m tc2=10u)\n.temp 127", 1.2e3),
    "own one wins": ("1k rm tc1=2m", ".model rm r(tc1=1m tc2=10u)\n.temp 127", 1.3e3),
    "exponential": ("1k tce=1", ".temp 37", 1e3 * 1.01**10),
    "own temperature": ("1k tc1=1m temp=127", "", 1.1e3),
    "warmer than the rest": ("1k tc1=1m dtemp=100", ".temp 77", 1.15e3),
    "nominal temperature": ("1k tc1=1m", ".options tnom=7 temp=27", 1.02e3),
    "of the model's nominal": ("1k rm", ".model rm r(tc1=1m tnom=7)", 1.02e3),
    "scale": ("1k scale=2.5", "", 2.5e3),
    "several": ("1k m=4 tc1=1m", ".temp 127", 275.0),
    "key": ("r=1k tc1=1m", ".temp 127", 1.1e3),
    "other key": ("resistance={2*k}", ".param k=4", 8.0),
    "a parameter": ("k", ".param k=4", 4.0),
    "a parameter and a model": ("k rm", ".param k=4\n.model rm r(tc1=1m)\n.temp 127", 4.4),
    "ac and noise": ("1k ac=3k noisy=0", "", 1e3),
    "lengths by an option": ("rm l=10 w=2", ".model rm r(rsh=50)\n.options scale=1u", 250.0),
    "default lengths unscaled": ("rm l=20", ".model rm r(rsh=50)\n.options scale=1u", 100.0),
    "parameters in a model": ("rm l={2*k*1u} w=1u", ".param k=3\n.model rm r(rsh={k})", 18.0),
    "negative": ("-2k", "", -2e3),
    "negative by expression": ("{1-3}", "", -2.0),
}  # fmt: skip
OURS = ("a parameter", "a parameter and a model", "both in one")
"""What ngspice refuses."""


@pytest.mark.parametrize("case", CASES)
def test_ohms(tmp_path, case):
    words, cards, ohms = CASES[case]
    circuit = read_text(tmp_path, f"R1 a 0 {words}\nI1 0 a 1\n{cards}")
    assert circuit.values[0] == pytest.approx(ohms, rel=1e-12)


@needs_ngspice
@pytest.mark.ngspice
def test_ngspice_has_the_same_ohms(tmp_path):
    for case, (words, cards, ohms) in CASES.items():
        if case not in OURS:
            path = tmp_path / "r.sp"
            path.write_text(f"t\nR1 a 0 {words}\nI1 0 a 1\n{cards}\n.op\n.end\n")
            assert ngspice(path)["v(a)"] == pytest.approx(ohms, rel=1e-9), case


def test_models_in_subcircuits_take_the_instances_parameters(tmp_path):
    text = """
.subckt s a b k=2
.model rm r(rsh={k} tc1=1m)
R1 a b rm l=10u w=1u
.ends
X1 a 0 s
X2 a 0 s k=5
X3 a 0 s m=2
V1 a 0 1
.temp 127
"""
    circuit = read_text(tmp_path, text)
    values = dict(zip(circuit.names, circuit.values.tolist(), strict=True))
    got = [values[f"r.x{k}.r1"] for k in (1, 2, 3)]
    assert got == pytest.approx([22.0, 55.0, 11.0], rel=1e-12)


def test_scale_is_for_transistors_too(tmp_path):
    model = ".model nm nmos(vto=0.5 kp=100u ld=0.1u js=1m)"
    scaled = read_text(tmp_path, f"M1 d g 0 0 nm w=10 l=1 ad=4 as=5\n{model}\nV1 d 0 1\nV2 g 0 1\n.options scale=1u")
    plain = read_text(tmp_path, f"M1 d g 0 0 nm w=10u l=1u ad=4p as=5p\n{model}\nV1 d 0 1\nV2 g 0 1")
    for column in ("beta", "drain_saturation", "source_saturation"):
        assert getattr(scaled.mosfets, column) == pytest.approx(getattr(plain.mosfets, column), rel=1e-12)
    assert not any("changes no operating point" in note for note in scaled.notes)


def test_negative_resistances_go_to_the_general_solver(tmp_path):
    text = "V1 a 0 1\nR1 a b 1k\nR2 b 0 -3k\nR3 b c {-500}\nR4 c 0 2k"
    circuit = read_text(tmp_path, text)
    found = circuit.recognise()
    assert found.crossbar is None
    assert "r2 (" in str(found.reason)
    assert "negative" in str(found.reason)
    (result,) = simulate(circuit, found)
    # b sees -3k beside -500 + 2k.
    parallel = 1 / (1 / -3e3 + 1 / 1.5e3)
    assert result.voltages[0][1] == pytest.approx(parallel / (parallel + 1e3), rel=1e-12)
    assert result.residual < 1e-12


def test_a_tunnel_of_negative_and_positive_is_no_short(tmp_path):
    # A negative resistor next to nonlinear elements: i = v/1k - v/2k + v^3 1m.
    circuit = read_text(tmp_path, "I1 0 a 1.5m\nR1 a 0 1k\nR2 a 0 -2k\nB1 a 0 i=1m*v(a)**3")
    (result,) = simulate(circuit, circuit.recognise())
    v = result.voltages[0][0]
    assert 0.5e-3 * v + 1e-3 * v**3 == pytest.approx(1.5e-3, rel=1e-12)


def test_many_negative_ones_as_a_dense_solution_has_them(tmp_path):
    rng = np.random.default_rng(7)
    size = 12
    table = np.triu(rng.uniform(0.5, 2, (size, size)) * rng.choice([1, 1, 1, -1], (size, size)), 1)
    cards = [f"R{i}_{j} n{i} n{j} {float(table[i, j])!r}" for i in range(size) for j in range(i + 1, size)]
    circuit = read_text(tmp_path, "\n".join([*cards, "Rg n0 0 1", "I1 0 n5 1"]))
    (result,) = simulate(circuit, circuit.recognise())
    siemens = np.zeros((size, size))
    siemens[np.triu_indices(size, 1)] = 1 / table[np.triu_indices(size, 1)]
    siemens += siemens.T
    matrix = np.diag(siemens.sum(axis=1)) - siemens
    matrix[0, 0] += 1.0
    expected = np.linalg.solve(matrix, np.eye(size)[5])
    got = dict(zip(result.nodes, result.voltages[0].tolist(), strict=True))
    assert [got[f"n{k}"] for k in range(size)] == pytest.approx(expected.tolist(), rel=1e-9)


def test_what_stays_refused(tmp_path):
    with pytest.raises(NetlistError, match="'m=' inside an instance with 'm='"):
        read_text(tmp_path, ".subckt s a b\nR1 a b 1k m=2 tc1=1m\n.ends\nX1 a 0 s m=3\nV1 a 0 1")
