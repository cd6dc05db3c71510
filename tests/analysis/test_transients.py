"""Transients of circuits with memory as a user has them: printed times, own points, measures, sweeps, ends."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from cli_tools import call
from netlist_tools import needs_ngspice, read_text

from xbarsim import spice
from xbarsim.analysis.rawfile import read_raw
from xbarsim.analysis.runs import from_netlist
from xbarsim.analysis.simulate import simulate

CHARGED = "v1 a 0 1\nr1 a b 1k\nc1 b 0 1u\n.ic v(b)=0.2\n"
"""``v(b) = 1 - 0.8 exp(-t / 1 ms)``."""
TIGHT = ".options reltol=1e-4\n"
BLOW_UP = "g1 0 x value={v(x)*v(x)}\nc1 x 0 1\nr1 x 0 1g\n.ic v(x)=1\n.tran 0.1 2\n"
"""``x = 1 / (1 - t)``."""


def netlist(folder, text, name="t.sp"):
    path = folder / name
    path.write_text(f"title\n{text}\n.end\n")
    return path


def solved(capsys, folder, text, *options):
    """Solve by the command line, and return the JSON of its analyses."""
    answer = call(capsys, "solve", "--netlist", netlist(folder, text), "--format", "json", *options)
    return json.loads(answer.out)["analyses"]


def test_printed_times_are_those_of_the_card(capsys, tmp_path):
    answer = call(capsys, "solve", "--netlist", netlist(tmp_path, f"{CHARGED}{TIGHT}.tran 0.3m 1m"), "--json")
    record = json.loads(answer.out)
    assert (record["recognised"], record["reason"]) == (
        None, "one cell with a resistor at its end is a divider, no array",
    )  # fmt: skip
    (analysis,) = record["analyses"]
    assert (analysis["kind"], analysis["complete"], "problem" in analysis) == ("tran", True, False)
    (sweep,) = analysis["sweep"]
    assert sweep["source"] == "time"
    times = np.array(sweep["values"])
    np.testing.assert_allclose(times, [0, 3e-4, 6e-4, 9e-4, 1e-3], rtol=1e-12)
    v = 1 - 0.8 * np.exp(-times / 1e-3)
    np.testing.assert_allclose(analysis["node_voltages"]["b"], v, rtol=2e-4)
    np.testing.assert_allclose(analysis["source_currents"]["v1"], (v - 1) / 1e3, rtol=0, atol=2e-7)
    np.testing.assert_allclose(analysis["power"], -np.array(analysis["source_currents"]["v1"]), rtol=1e-12)
    assert analysis["steps"]["accepted"] > 20
    assert 0 <= analysis["residual"] < 1e-9


def test_between_points_nothing_is_lost(tmp_path):
    """Straight lines between the points of a run would err by a thousand times what its steps do."""
    (result,) = simulate(read_text(tmp_path, f"{CHARGED}.options reltol=1e-6\n.tran 7u 1m 0 50u"))
    error = np.abs(result.voltages[:, 1] - (1 - 0.8 * np.exp(-result.sweep[0][1] / 1e-3))).max()
    assert error < 2e-6


def test_csv_and_raw_have_the_integrators_points(capsys, tmp_path):
    path = netlist(tmp_path, f"{CHARGED}.print tran v(a,b)\n.tran 0.5m 1m 0.25m")
    rows = list(csv.reader(call(capsys, "solve", "--netlist", path, "--format", "csv").out.splitlines()))
    assert rows[0] == ["time", "v(a)", "v(b)", "i(v1)", "v(a,b)"]
    table = np.array(rows[1:], float)
    times = table[:, 0]
    assert (times[0], times[-1]) == (0.25e-3, 1e-3)
    assert times.size > 20
    assert (np.diff(times) > 0).all()
    np.testing.assert_allclose(table[:, 2], 1 - 0.8 * np.exp(-times / 1e-3), rtol=2e-3)
    np.testing.assert_allclose(table[:, 4], table[:, 1] - table[:, 2], atol=1e-12)
    raw = tmp_path / "t.raw"
    call(capsys, "solve", "--netlist", path, "--format", "raw", "--output", raw)
    (plot,) = read_raw(raw.read_bytes())
    assert plot.names == rows[0]
    np.testing.assert_array_equal(plot.table, table)
    assert len(json.loads(call(capsys, "solve", "--netlist", path, "--json").out)["analyses"][0]["power"]) == 3


T = np.log(1.6)
MEASURES = {
    "avg v(b)": 1 - 0.8 * (1 - math.exp(-1)),
    "integ v(b) from=0.2m to=1m": 0.8e-3 - 0.8e-3 * (math.exp(-0.2) - math.exp(-1)),
    "rms v(a,b)": math.sqrt(0.64 * (1 - math.exp(-2)) / 2),
    "max v(b)": 1 - 0.8 * math.exp(-1),
    "min v(b)": 0.2,
    "pp v(b)": 0.8 * (1 - math.exp(-1)),
    "find v(b) at=0.33m": 1 - 0.8 * math.exp(-0.33),
    "find i(r1) when v(b)=0.5": 0.5e-3,
    "when v(b)=0.5": T * 1e-3,
    "when v(b)=0.5 rise=1": T * 1e-3,
    "deriv v(b) at=0.5m": 800 * math.exp(-0.5),
    "trig v(b) val=0.5 rise=1 targ v(b) val='2*0.3' rise=1": math.log(0.5 / 0.4) * 1e-3,
    "trig at=0.1m targ v(b) val=0.5 rise=1": T * 1e-3 - 1e-4,
    "param='2*half'": 2 * T * 1e-3,
}


def test_measures_of_a_charging_capacitor(capsys, tmp_path):
    cards = "".join(f".measure tran m{k} {card}\n" for k, card in enumerate(MEASURES))
    text = f"{CHARGED}.options reltol=1e-5\n.tran 0.5m 1m\n.measure tran half when v(b)=0.5\n{cards}"
    (analysis,) = solved(capsys, tmp_path, text)
    for k, (card, value) in enumerate(MEASURES.items()):
        assert analysis["measures"][f"m{k}"] == pytest.approx(value, rel=3e-4), card


def test_steps_are_runs_of_their_own(capsys, tmp_path):
    """Each run has its own points, and all have the printed times: they are as if they had been solved alone."""
    text = (
        "v1 a 0 1\nr1 a b {{r}}\nc1 b 0 1u\n.ic v(b)=0.2\n.param r={r}\n.measure tran end find v(b) at=1m\n"
        ".tran 0.5m 1m\n"
    )
    (whole,) = solved(capsys, tmp_path, text.format(r=1) + ".step param r list 1k 3k 2k")
    assert [axis["source"] for axis in whole["sweep"]] == ["time", "r"]
    rows = list(csv.reader(call(capsys, "solve", "--netlist", tmp_path / "t.sp", "--format", "csv").out.splitlines()))
    assert rows[0][:2] == ["time", "r"]
    for k, ohms in enumerate((1e3, 3e3, 2e3)):
        (alone,) = solved(capsys, tmp_path, text.format(r=ohms))
        assert whole["node_voltages"]["b"][3 * k : 3 * k + 3] == alone["node_voltages"]["b"]
        assert whole["measures"]["end"][k] == alone["measures"]["end"]
        assert sum(row[1:2] == [repr(ohms)] for row in rows) == alone["steps"]["accepted"] + 1


def test_a_control_block_alters_what_moves(capsys, tmp_path):
    """Capacitors, a diode's charge and the method of integration, beside what operating points know."""
    text = (
        "v1 a 0 1\nr1 a b 1k\nc1 b 0 1u ic=0\n.model x d(cjo=1n)\nd1 0 b x\n.control\ntran 0.5m 1m uic\nalter c1 = 2u\n"
        "tran 0.5m 1m uic\naltermod x cjo = 3u\noption method=gear reltol=1e-4\ntran 0.5m 1m uic\n.endc"
    )
    first, second, third = solved(capsys, tmp_path, text)
    end = [analysis["node_voltages"]["b"][-1] for analysis in (first, second, third)]
    assert end[:2] == pytest.approx([1 - math.exp(-1), 1 - math.exp(-0.5)], rel=3e-3)
    assert 0.05 < end[2] < end[1] - 0.1
    assert third["altered"] == {"c1": 2e-6, "x(cjo)": 3e-6, "method": 1, "reltol": 1e-4}
    assert third["steps"]["accepted"] > second["steps"]["accepted"]


def test_a_control_block_alters_a_waveform(capsys, tmp_path):
    """As ngspice's own example of a memristor does, with and without an equals sign."""
    text = (
        "v1 a 0 sin(0 1 1k)\nr1 a b 1\nc1 b 0 1n\n.control\nlet f = 500\ntran 0.25m 0.5m\n"
        "alter @v1[sin] = [ 0 2 $&f ]\ntran 0.25m 0.5m\nalter @v1[pwl] [ 0 3 1 3 ]\ntran 0.25m 0.5m\n.endc"
    )
    analyses = solved(capsys, tmp_path, text)
    volts = [analysis["node_voltages"]["a"] for analysis in analyses]
    np.testing.assert_allclose(volts, [[0, 1, 0], [0, 2**0.5, 2], [3, 3, 3]], atol=1e-12)
    assert analyses[1]["altered"] == {"v1[sin][0]": 0, "v1[sin][1]": 2, "v1[sin][2]": 500}


RINGING = (
    "i1 0 b pulse(0 1m 0.1m 1u 1u 1 2)\nr1 b 0 2k\nc1 b 0 0.1u\nl1 b 0 20m\n"
    ".options reltol=0.05\n.tran 20u 0.3m 0 20u\n"
)
ACTING = ["method=gear", "maxord=1", "reltol=0.01", "trtol=1", "chgtol=1e-3 vntol=0.1", "abstol=0.1 chgtol=1"]


@pytest.mark.slow
def test_every_option_acts(tmp_path):
    """Those that loosen tolerances too: a run that takes no fewer steps did not hear of them."""
    (plain,) = simulate(read_text(tmp_path, RINGING))
    for words in ACTING:
        (changed,) = simulate(read_text(tmp_path, f"{RINGING}.options {words}"))
        assert changed.integration.accepted != plain.integration.accepted, words


def test_save_keeps_what_is_asked_for(capsys, tmp_path):
    """What .print and .measure need is kept beside; power is that of all sources."""
    text = f"{CHARGED}r2 b c 1k\nc2 c 0 1u\ni1 0 c 1m\n.tran 0.5m 1m\n.print tran i(r2)\n.measure tran top max v(c)\n"
    (whole,) = solved(capsys, tmp_path, text)
    (saved,) = solved(capsys, tmp_path, text + ".save v(b)")
    assert set(whole["node_voltages"]) == {"a", "b", "c"}
    assert saved["node_voltages"].keys() == {"b", "c"}
    (less,) = solved(capsys, tmp_path, CHARGED + "r2 b c 1\nl1 c 0 1\n.tran 0.5m 1m\n.save i(l1)")
    assert (less["node_voltages"], less["source_currents"].keys()) == ({}, {"v1", "l1"})
    for name in ("printed", "power", "measures"):
        assert saved[name] == whole[name], name
    (full,) = solved(capsys, tmp_path, text + ".save all v(b)")
    assert full == whole


@pytest.mark.slow
def test_a_run_that_ends_early_keeps_what_it_has(capsys, tmp_path):
    """A state that runs away at 1 s: what was computed is written, marked, and the exit code says so."""
    path = netlist(tmp_path, BLOW_UP + ".measure tran top max v(x)")
    answer = call(capsys, "solve", "--netlist", path, netlist(tmp_path, f"{CHARGED}.op", "still.sp"), "--json")
    assert answer.code == 3
    line, still = answer.out.splitlines()
    assert "complete" not in still
    (analysis,) = json.loads(line)["analyses"]
    assert analysis["complete"] is False
    assert "c1" in analysis["problem"]
    assert analysis["problem"] in answer.err
    times = analysis["sweep"][0]["values"]
    assert times == pytest.approx(np.arange(10) * 0.1)
    np.testing.assert_allclose(analysis["node_voltages"]["x"], 1 / (1 - np.array(times)), rtol=0.1)
    assert analysis["measure_errors"] == {"top": "the run did not come to its end"}
    raw = tmp_path / "t.raw"
    assert call(capsys, "solve", "--netlist", path, "--format", "raw", "--output", raw).code == 3
    assert 0.9 < read_raw(raw.read_bytes())[0].values["time"][-1] < 1.1


@pytest.mark.slow
def test_one_run_of_several_that_ends_early(capsys, tmp_path):
    text = (
        ".options reltol=0.02\nv1 k 0 1\ng1 0 x value={g*v(x)*v(x)}\nc1 x 0 1\nr1 x 0 1g\n.ic v(x)=1\n.param g=1\n"
        ".tran 0.5 1.5\n"
    )
    (analysis,) = solved(capsys, tmp_path, text + ".step param g list 0.2 1")
    assert analysis["complete"] is False
    assert "(at g = 1)" in analysis["problem"]
    values = analysis["node_voltages"]["x"]
    assert values[:6] == pytest.approx([1, 1 / 0.9, 1 / 0.8, 1 / 0.7, 1, 2], rel=0.05)
    assert values[6:] == [None, None]


@pytest.mark.slow
def test_integrals_in_laws_move(capsys, tmp_path):
    """sdt() from 0, idt() from what it is given, also one of another; frozen where nothing moves."""
    text = (
        "v1 a 0 sin(0 1 1)\nr1 a 0 1\nb1 b 0 v=2*sdt(v(a))+1\nb2 c 0 v=idt(sdt(3),0.5)\nx1 a d s\nr2 d 0 1\n"
        ".subckt s p n\ne1 n 0 value={idt(v(p),k)}\n.param k=2\n.ends\n.tran 0.25 1\n.options reltol=1e-3\n"
    )
    (moving,) = solved(capsys, tmp_path, text)
    volts = moving["node_voltages"]
    assert set(volts) == {"a", "b", "c", "d"}
    times = np.array(moving["sweep"][0]["values"])
    swing = (1 - np.cos(2 * math.pi * times)) / (2 * math.pi)
    np.testing.assert_allclose(volts["b"], 2 * swing + 1, atol=2e-3)
    np.testing.assert_allclose(volts["c"], 0.5 + 1.5 * times**2, atol=2e-3)
    np.testing.assert_allclose(volts["d"], 2 + swing, atol=2e-3)
    still, _ = solved(capsys, tmp_path, text.replace(".tran", ".op\n.tran"))
    assert still["node_voltages"]["b"] == 1


@pytest.mark.slow
def test_a_picture_of_a_run(capsys, tmp_path):
    picture = tmp_path / "t.svg"
    answer = call(capsys, "solve", "--netlist", netlist(tmp_path, f"{CHARGED}.tran 0.5m 1m"), "--plot", picture)
    assert answer.code == 0
    assert picture.stat().st_size > 5000


def test_the_current_of_a_capacitor_is_not_made_up(tmp_path):
    answers = from_netlist(netlist(tmp_path, f"{CHARGED}.print tran i(c1)\n.tran 0.5m 1m"), "auto")
    assert any("i(c1) is left out" in note and "in series" in note for note in answers.notes)


AGAINST = {
    "coils that share flux": (
        "v1 a 0 pulse(0 1 10u 1u 1u 0.2m 1)\nr1 a b 50\nl1 b 0 1m\nl2 c 0 2m\nk1 l1 l2 0.8\nr2 c 0 100\nc2 c 0 0.1u\n"
        ".tran 2u 0.3m 0 0.2u", "c"),
    "a rectifier with its charges": (
        "v1 a 0 sin(0 2 1meg)\nr1 a b 100\nd1 b c x\nr2 c 0 1k\nc2 c 0 0.2n\n"
        ".model x d(is=1e-14 rs=10 cjo=20p vj=0.8 m=0.4 tt=10n)\n.tran 10n 2u 0 1n", "c"),
    "ion drift": (
        "v1 a 0 sin(0 1.2 1)\ngx 0 x value={i(em)*1e4*(1-(2*v(x)-1)^2)}\ncx x 0 1 ic=0.4\nrx x 0 1g\n"
        "em a m value={-i(em)*v(x)*15.9k}\nro m 0 16k\n.tran 5m 1 0 1m uic", "x"),
}  # fmt: skip


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("kind", AGAINST)
def test_runs_are_those_of_ngspice(tmp_path, kind):
    """At tightened tolerances of both, at the printed times."""
    text, node = AGAINST[kind]
    path = netlist(tmp_path, f"{text}\n.options reltol=1e-5 abstol=1e-15 vntol=1e-9 chgtol=1e-18")
    (ours,) = simulate(read_text(tmp_path, f"{text}\n.options reltol=1e-4"))
    (plot,) = spice.run(path, timeout=60).plots
    times = ours.sweep[0][1]
    theirs = np.interp(times, plot.values["time"], plot.values[f"v({node})"])
    volts = ours.voltages[:, ours.nodes.index(node)]
    assert np.abs(volts - theirs).max() <= 1e-3 * np.abs(theirs).max()
