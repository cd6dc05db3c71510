"""Habits of other simulators and corners of ngspice: op-amps, grounds, globals, tables, nested m=, temper."""

from __future__ import annotations

import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.errors import FloatingError
from xbarsim.netlist import NetlistError


def solved(tmp_path, text: str) -> dict[str, float]:
    circuit = read_text(tmp_path, text)
    (result,) = simulate(circuit, circuit.recognise())
    table = {f"v({n})": x for n, x in zip(result.nodes, result.voltages[0].tolist(), strict=True)}
    return table | {f"i({n})": x for n, x in zip(result.branches, result.currents[0].tolist(), strict=True)}


def test_an_ideal_op_amp_inverts(tmp_path):
    got = solved(tmp_path, "V1 a 0 0.1\nR1 a n 1k\nR2 n o 5k\nE1 o 0 OPAMP 0 n")
    assert got["v(o)"] == pytest.approx(-0.5, rel=1e-12)
    assert got["v(n)"] == pytest.approx(0.0, abs=1e-15)
    assert got["i(e1)"] == pytest.approx(0.1e-3, rel=1e-12)


def test_an_ideal_op_amp_follows_and_floats(tmp_path):
    # A difference amplifier whose output stands on a source: v(o,r) = 3 (v(b) - v(a)).
    text = "Va a 0 0.2\nVb b 0 0.5\nVr r 0 0.1\nR1 a n 1k\nR2 n o 3k\nR3 b p 1k\nR4 p r 3k\nE1 o r opamp p n\nRl o 0 1k"
    assert solved(tmp_path, text)["v(o)"] == pytest.approx(0.1 + 3 * 0.3, rel=1e-12)
    assert solved(tmp_path, "V1 a 0 0.7\nE1 o 0 OPAMP(a o)\nR1 o 0 50")["v(o)"] == pytest.approx(0.7, rel=1e-12)


def test_an_op_amp_as_the_sense_amplifier_of_two_cells(tmp_path):
    text = "V1 a 0 0.3\nV2 b 0 0.4\nG1 a n cur={1m*sinh(v(a,n))}\nR2 b n 2k\nRf n o 1k\nE1 o 0 OPAMP 0 n"
    assert solved(tmp_path, text)["v(o)"] == pytest.approx(-(0.30452029344714261896 + 0.2), rel=1e-9)
    with pytest.raises(NetlistError, match="e1 has 1 of its 2 inputs"):
        read_text(tmp_path, "V1 a 0 1\nE1 o 0 OPAMP a\nR1 o 0 1")


def test_grounds_of_hspice_are_named(tmp_path):
    circuit = read_text(tmp_path, ".global gnd!\nV1 a gnd! 1\nR1 a gnd! 1k")
    with pytest.raises(FloatingError, match=r"gnd! \(gnd! is ground in HSPICE alone: write 0\)"):
        simulate(circuit, circuit.recognise())
    noted = read_text(tmp_path, "V1 a 0 1\nR1 a gnd! 1k\nR2 gnd! 0 1k").notes
    assert any("node gnd! is ground in HSPICE" in note for note in noted)


def test_globals_that_nothing_uses(tmp_path):
    text = ".subckt s a b\nRq a b {r}\n.ends\n.param r=1k\nX1 a 0 s\nX2 a 0 s\nV1 a 0 1\n.global vdd vss"
    got = solved(tmp_path, text)
    assert got == pytest.approx({"v(a)": 1.0, "i(v1)": -2e-3})


def test_globals_that_are_used_in_instances_alone(tmp_path):
    inner = ".subckt s a\nRq vdd a 1k\n.ends\n.subckt t\nXi b s\nRb b 0 1k\nVd vdd 0 2\n.ends"
    text = f".global vdd\n{inner}\nX1 t\nX2 c s\nRc c 0 3k"
    got = solved(tmp_path, text)
    assert (got["v(vdd)"], got["v(x1.b)"], got["v(c)"]) == pytest.approx((2.0, 1.0, 1.5))
    # A port of that name does not hide it.
    got = solved(tmp_path, ".global g\n.subckt s g a\nR1 g a 1k\n.ends\nVg g 0 1\nVh h 0 5\nX1 h b s\nRb b 0 1k")
    assert got["v(b)"] == pytest.approx(0.5)


TABLES = [
    "E1 b 0 TABLE {v(a)} = (0,0) (1,1) (2,0)",
    "E1 b 0 TABLE {v(a)} (0,0) (1,1) (2,0)",
    "G1 0 b TABLE {v(a)} = (0,0) (1,1) (2,0)",
]


@pytest.mark.parametrize("card", TABLES)
def test_corners_of_tables_are_sharp_and_noted(tmp_path, card):
    circuit = read_text(tmp_path, f"V1 a 0 0.97\n{card}\nR1 b 0 1")
    assert solved(tmp_path, f"V1 a 0 0.97\n{card}\nR1 b 0 1")["v(b)"] == pytest.approx(0.97, rel=1e-12)
    assert any("TABLE has sharp corners" in note for note in circuit.notes)


@needs_ngspice
@pytest.mark.ngspice
def test_ngspice_rounds_them_no_further_than_the_note_says(tmp_path):
    for volts, same in ((0.5, True), (0.85, True), (0.97, False), (1.2, True)):
        path = tmp_path / "t.sp"
        path.write_text(f"t\nV1 a 0 {volts}\n{TABLES[0]}\nR1 b 0 1\n.op\n.end\n")
        sharp = volts if volts < 1 else 2 - volts
        assert (abs(ngspice(path)["v(b)"] - sharp) < 1e-9) == same, volts


def test_m_of_an_instance_with_instances_in_it_multiplies_and_is_noted(tmp_path):
    inner = ".subckt c a b z=10\nRa a b {z}\n.ends\n.subckt d a b q=100\nXj a m c z={q}\nRj m b {q}\n.ends"
    text = f"{inner}\nV1 s 0 1\nX1 s 0 d m=4"
    circuit = read_text(tmp_path, text)
    assert solved(tmp_path, text)["i(v1)"] == pytest.approx(-4 / 200)
    assert [note for note in circuit.notes if "ngspice 39 loses it" in note] == [
        f"{tmp_path / 'circuit.sp'}:10: m= of x1 multiplies all that d holds; ngspice 39 loses it at instances in it"
    ]
    assert not read_text(tmp_path, text.replace(" m=4", "")).notes[1:]


@pytest.mark.parametrize(("card", "celsius"), [("", 27.0), (".temp 85", 85.0), (".options temp=-40", -40.0)])
def test_temper_is_the_temperature_in_parameters_too(tmp_path, card, celsius):
    inner = ".subckt s p q\nR1 p q {temper+100}\n.ends"
    text = f"V1 a 0 1\n.param rt={{1k*(1+1m*(temper-27))}}\nR1 a 0 {{rt}}\nX1 a 0 s\n{inner}\n{card}"
    circuit = read_text(tmp_path, text)
    assert circuit.values[1:].tolist() == pytest.approx([1e3 + (celsius - 27), celsius + 100])


def test_a_parameter_called_temper_wins(tmp_path):
    assert read_text(tmp_path, "V1 a 0 1\n.param temper=5\nR1 a 0 {temper}").values[1] == 5.0


@pytest.mark.parametrize("equals", ["=", " = ", " ", ""])
@pytest.mark.parametrize("law", ["{ 3*v(a) + v(a)**2 }", "'3*v(a)+v(a)^2'", "{5}"])
def test_value_of_a_source_with_and_without_an_equals_sign(tmp_path, equals, law):
    """PSpice and ngspice take both; at 0.5 V on a the law is worth 1.75, and the constant 5."""
    text = f"v1 a 0 0.5\ne1 e 0 value{equals}{law}\ng1 0 g value{equals}{law}\nre e 0 1\nrg g 0 2"
    (result,) = simulate(read_text(tmp_path, text))
    worth = 5.0 if law == "{5}" else 1.75
    assert result.voltages[0, result.nodes.index("e")] == pytest.approx(worth, rel=1e-12)
    assert result.voltages[0, result.nodes.index("g")] == pytest.approx(2 * worth, rel=1e-12)


@pytest.mark.parametrize(
    ("card", "name"),
    [
        (".option parhier=global post", "parhier"),
        (".options temp=30 gshunt=1m", "gshunt"),
        (".opt gmindc=1e-10", "gmindc"),
    ],
)
def test_options_that_count_elsewhere_are_named(tmp_path, card, name):
    """They are not said to change nothing; ngspice's answer stands."""
    circuit = read_text(tmp_path, f"{card}\nv1 a 0 1\nr1 a b 1k\nr2 b 0 3k")
    assert [note for note in circuit.notes if f".options {name} changes numbers in HSPICE" in note]
    (result,) = simulate(circuit)
    assert result.voltages[0, result.nodes.index("b")] == pytest.approx(0.75, rel=1e-14)
