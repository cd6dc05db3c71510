"""Switches at their states."""

from __future__ import annotations

import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.netlist import NetlistError


def solved(tmp_path, text: str) -> tuple[dict[str, float], list[str]]:
    circuit = read_text(tmp_path, text + "\n.op\n.end")
    (result,) = simulate(circuit, circuit.recognise())
    table = {f"v({n})": x for n, x in zip(result.nodes, result.voltages[0].tolist(), strict=True)}
    table |= {f"i({n})": x for n, x in zip(result.branches, result.currents[0].tolist(), strict=True)}
    return table, circuit.notes


# Model, flag, control, ohms.
STATES = [
    ("sw(vt=0.5 ron=10 roff=1k)", "", 0.4, 1e3), ("sw(vt=0.5 ron=10 roff=1k)", "", 0.5, 10),
    ("sw(vt=0.5 ron=10 roff=1k)", "on", 0.4, 1e3), ("sw vt=0.5 ron=10 roff=1k", "off", 0.6, 10),
    ("sw(vt=0.5 vh=0.2 ron=10 roff=1k)", "", 0.6, 1e3), ("sw(vt=0.5 vh=0.2 ron=10 roff=1k)", "", 0.8, 10),
    ("sw(vt=0.5 vh=0.2 ron=10 roff=1k)", "on", 0.4, 10), ("sw(vt=0.5 vh=0.2 ron=10 roff=1k)", "on", 0.2, 1e3),
    ("sw(vt=0.5 vh=-0.2 ron=10 roff=1k)", "", 0.4, 10), ("sw(vt=0.5 vh=-0.2 ron=10 roff=1k)", "", 0.2, 1e3),
    ("sw", "", 1, 1), ("sw()", "", -1, 1e12), ("sw(vt={p} ron={2*p} roff=1k)", "", 3.5, 6),
]  # fmt: skip


def deck(model: str, flag: str, control: float) -> str:
    return f".param p=3\nV1 a 0 1\nVg g 0 {control}\nS1 a 0 g 0 sx {flag}\n.model sx {model}"


@pytest.mark.parametrize(("model", "flag", "control", "ohms"), STATES)
def test_states_of_voltage_switches(tmp_path, model, flag, control, ohms):
    got, notes = solved(tmp_path, deck(model, flag, control))
    assert got["i(v1)"] == pytest.approx(-1 / ohms, rel=1e-12)
    assert any("hysteresis" in note for note in notes) == ("vh" in model)


@needs_ngspice
@pytest.mark.ngspice
def test_ngspice_has_the_same_states(tmp_path):
    for model, flag, control, ohms in STATES:
        path = tmp_path / "s.sp"
        path.write_text(f"t\n{deck(model, flag, control)}\n.op\n.end\n")
        assert ngspice(path)["i(v1)"] == pytest.approx(-1 / ohms, rel=1e-9), (model, flag, control)


@pytest.mark.parametrize(("amperes", "ohms"), [("2m", 20), ("0.5m", 1e5), ("-2m", 1e5)])
def test_switches_by_current(tmp_path, amperes, ohms):
    text = f"I1 0 m {amperes}\nVm m 0 0\nV1 a 0 1\nW1 a 0 Vm wx\n.model wx csw(it=1m ron=20 roff=100k)"
    got, _ = solved(tmp_path, text)
    assert got["i(v1)"] == pytest.approx(-1 / ohms, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "control", "ohms"),
    [
        ("vswitch(von=1 voff=0 ron=10 roff=1k)", 1.5, 10), ("vswitch(von=1 voff=0 ron=10 roff=1k)", -0.5, 1e3),
        ("vswitch(von=1 voff=0 ron=10 roff=1k)", 0.5, 100), ("vswitch(von=0 voff=1 ron=10 roff=1k)", 0.0, 10),
        ("vswitch", 0.25, 10 ** (3 + 6 * (1.5 * 0.25 - 2 * 0.25**3))), ("vswitch()", 2, 1),
    ],
)  # fmt: skip
def test_smooth_switches(tmp_path, model, control, ohms):
    got, _ = solved(tmp_path, deck(model, "", control))
    assert got["i(v1)"] == pytest.approx(-1 / ohms, rel=1e-12)


def test_a_smooth_switch_by_current(tmp_path):
    text = "I1 0 m 0.5m\nVm m 0 0\nV1 a 0 1\nW1 a 0 Vm wx\n.model wx iswitch(ron=10 roff=1k)"
    assert solved(tmp_path, text)[0]["i(v1)"] == pytest.approx(-1e-2, rel=1e-12)


def test_a_switch_by_the_current_of_a_resistor(tmp_path):
    text = "V1 a 0 1\nR1 a b 1k\nR2 b 0 1k\nW1 c 0 R1 wx\nV2 c 0 3\n.model wx csw(it=0.4m ron=1k)"
    assert solved(tmp_path, text)[0]["i(v2)"] == pytest.approx(-3e-3, rel=1e-9)


def test_a_selector_in_an_array_of_instances(tmp_path):
    text = """
.subckt cell p n g r=1k
S1 p m g 0 sel
R1 m n {r}
.model sel sw(vt=0.5 ron=10 roff=1e9)
.ends
V1 w 0 1
Vg g 0 1
Vh h 0 0
X1 w 0 g cell
X2 w 0 h cell
X3 w 0 g cell r=2k
"""
    expected = 1 / 1010 + 1 / (1e9 + 1e3) + 1 / 2010
    assert solved(tmp_path, text)[0]["i(v1)"] == pytest.approx(-expected, rel=1e-12)


def test_a_switch_that_its_own_node_turns_on(tmp_path):
    # Through a divider: 0.6 V at b when it is off turns it on, and it stays so: b = 0.75 V then.
    text = "V1 a 0 1\nR1 a b 1k\nR2 b 0 1.5k\nV2 c 0 1\nS1 c b b 0 sx\n.model sx sw(vt=0.55 ron=1k roff=1e12)"
    got, _ = solved(tmp_path, text)
    assert got["v(b)"] == pytest.approx((1 + 1) / (1 + 1 + 1 / 1.5), rel=1e-12)


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("S1 a 0 g sx", "s1 has 4 words: write 's1 node node node node model"),
        ("S1 a 0 g 0 none", "the model 'none' is undefined"),
        ("S1 a 0 g 0 sx maybe", "'maybe' is unexpected"),
        ("S1 a 0 g 0 sx\n.model sx sw(ron=0)", r"s1 \(sx\): ron=0: it must be > 0"),
        ("S1 a 0 g 0 sx\n.model sx sw(ron=1 level=2)", "level=2"),
        ("S1 a 0 g 0 sx\n.model sx sw(vser=0.3)", "vser"),
        ("S1 a 0 g 0 sx\n.model sx csw(it=1)", "s1 takes a sw or vswitch"),
        ("S1 a 0 g 0 sx\n.model sx vswitch(von=2 voff=2)", r"s1 \(sx\): von=2, as voff"),
        ("W1 a 0 Vx wx\n.model wx csw(it=1)", r"w1 asks for i\(vx\)"),
    ],
)
def test_refused(tmp_path, card, said):
    with pytest.raises(NetlistError, match=said):
        read_text(tmp_path, f"V1 a 0 1\nVg g 0 1\n{card}")
