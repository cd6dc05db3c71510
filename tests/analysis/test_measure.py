"""``.measure`` against values read off straight lines by hand."""

import json
import re
import subprocess

import pytest
from cli_tools import call
from netlist_tools import needs_ngspice

from xbarsim.analysis.runs import from_netlist

DECK = """measures
V1 a 0 1
R1 a b 1k
R2 b 0 2k
E1 c 0 a b 2
R3 c 0 1k
.dc V1 0 1 0.1
{card}
.end
"""


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("max v(b)", 2 / 3),
        ("min v(b) from=0.25 to=0.75", 0.2),  # points only: 0.3 V is the first inside
        ("pp v(b)", 2 / 3),
        ("avg v(b)", 1 / 3),
        ("integ v(b) from=0.5 to=1", (2 / 3) * 0.375),
        ("rms v(b) from=0.2 to=0.85", (4 / 9 * (0.85**3 - 0.2**3) / 3 / 0.65) ** 0.5),
        ("find v(b) at=0.33", 0.22),
        ("find v(c) when v(b)=0.5", 0.5),
        ("when v(b)=0.5", 0.75),
        ("max i(v1)", 0.0),
        ("find v(a,b) at=0.9", 0.3),
    ],
)
def test_a_measure_is_read_off_the_sweep(capsys, tmp_path, card, value):
    """Wrong ends of an interval, a crossing taken at a point instead of between two, or the wrong quantity."""
    (tmp_path / "m.sp").write_text(DECK.format(card=".measure dc m1 " + card))
    answer = call(capsys, "solve", "--netlist", tmp_path / "m.sp", "--format", "json")
    (analysis,) = json.loads(answer.out)["analyses"]
    assert analysis["measures"]["m1"] == pytest.approx(value, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("max v(nowhere)", "no node nowhere"),
        ("when v(b)=5", "no such crossing"),
        ("find v(b) at=3", "outside the sweep"),
        ("when v(b)=0.5 fall=1", "no such crossing"),
    ],
)
def test_a_measure_that_cannot_be_is_failed_in_every_format_and_noted_even_if_quiet(capsys, tmp_path, card, words):
    """The analysis itself is sound, so its numbers are printed all the same; but no format passes over it."""
    path = tmp_path / "m.sp"
    path.write_text(DECK.format(card=".measure dc m1 " + card + "\n.measure dc m2 max v(b)"))
    answer = call(capsys, "solve", "--netlist", path, "--format", "json", "--quiet")
    assert answer.code == 0
    (analysis,) = json.loads(answer.out)["analyses"]
    assert analysis["measures"] == {"m1": None, "m2": pytest.approx(2 / 3)}
    assert words in analysis["measure_errors"]["m1"]
    assert answer.err.startswith(f"note: {path}:8: .measure m1 failed: ")
    assert answer.err.count("\n") == 1
    for form, line in (("table", "m1  failed: "), ("csv", "m1,,")):
        answer = call(capsys, "solve", "--netlist", path, "--format", form)
        assert any(row.startswith(line) and words in row for row in answer.out.splitlines())
        assert "note: " in answer.err
    answer = call(capsys, "solve", "--netlist", path, "--format", "raw", "-o", tmp_path / "a.raw", "-q")
    assert words in answer.err


DIODE = """measured twice
.param vth=0.4
V1 a 0 {wave}
R1 a b 1k
R2 b 0 3k
D1 b c dm
R3 c 0 10k
V5 d 0 0.22
.model dm d(is=1e-9)
{analysis}
{cards}
.end
"""
CARDS = {
    "m1": "max v(b)",
    "m2": "min v(c) from=0.5 to=0.9",
    "m3": "avg v(b) from=0.3 to=0.8",
    "m4": "rms v(b) from=0.3 to=0.8",
    "m5": "integ v(b)",
    "m6": "pp v(c)",
    "m7": "when v(b)=0.5",
    "m8": "when v(c)=v(d)",
    "m9": "find v(c) when v(b)=0.5",
    "m10": "find v(c) at=0.7",
    "m11": "trig v(b) val=0.2 rise=1 targ v(c) val=0.2 rise=1",
    "m12": "trig at=0.2 targ v(b) val=0.3 rise=1",
    "m13": "param='m1*2+vth'",
    "m14": "max par('v(b)*2-v(c)')",
    "m15": "find par('v(c)-v(b)/2') at=0.7",
    "m16": "min_at v(c) from=0.5 to=0.9",
    "m17": "max_at v(b)",
    "m18": "avg i(v1)",
    "m19": "find par('i(v1)*v(a)') when v(c)=0.1",
    "m20": "param='m13/m8'",
}
TIMED = {
    "t1": "when v(b)=0.5 cross=last",
    "t2": "when v(b)=0.5 fall=2",
    "t3": "find v(c) when v(b)=0.5 rise=2",
    "t4": "when v(b)=0.3 td=1.2",
    "t5": "when v(b)=v(d) rise=2",
    "t6": "trig v(b) val=0.3 fall=1 targ v(b) val=0.3 rise=2",
}


@pytest.mark.slow
@needs_ngspice
@pytest.mark.parametrize("kind", ["dc", "tran"])
def test_measures_are_ngspices(tmp_path, kind):
    """On the same points in a sweep; in time ngspice takes others, up to a step away on slopes of 1.5 V/s."""
    cards = CARDS if kind == "dc" else CARDS | TIMED
    wave = "0" if kind == "dc" else "PWL(0 0 1 1 2 0 3 1.5 4 0)"
    analysis = ".dc V1 0 1 10m" if kind == "dc" else ".tran 40m 4 0 40m"
    text = DIODE.format(
        wave=wave, analysis=analysis, cards="\n".join(f".measure {kind} {name} {card}" for name, card in cards.items())
    )
    path = tmp_path / "m.sp"
    path.write_text(text)
    run = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, timeout=60, check=False)
    theirs = {name: float(value) for name, value in re.findall(r"^(\w+)\s+=\s+(\S+)", run.stdout, re.MULTILINE)}
    answers = from_netlist(path, "auto")
    assert not answers.errors
    ours = answers.results[0].measures
    assert list(ours) == list(cards)
    for name in cards:
        whole = name in ("m3", "m4", "m18")  # ngspice's averages end at whole points: up to a step of 10 mV more
        close = {"rel": 1e-3, "abs": 1e-8 + whole * 0.01} if kind == "dc" else {"rel": 0.01, "abs": 0.04 * 1.5}
        assert ours[name] == pytest.approx(theirs[name], **close), (name, cards[name])


@pytest.mark.parametrize(
    ("card", "value"),
    [
        (".measure dc m1 find v(b) at 0.33", 0.22),  # LTspice: no =
        (".meas m1 find v(b) at=0.33", 0.22),  # LTspice: no analysis
        (".meas dc m1 max v(a)*i(v1)", 0.0),
        (".meas dc m1 max -v(a) * i(v1)", 1 / 3000),
        (".meas dc m1 find v(b) when v(c) = {2*0.1}", 0.2),
        (".meas dc m1 deriv v(c) at=0.55", 2 / 3),
        (".meas dc m1 deriv v(c) when v(b)=0.3", 2 / 3),
        (".meas dc m1 trig v(b)=0.1 rise=1 targ v(b)=0.3 rise=1", 0.3),
        (".meas dc m1 when v(a,b)=0.2", 0.6),
        (".meas dc m1 param 2*3", 6.0),
        (".meas dc m1 find i(r1) at=0.6", 0.2e-3),
        (".meas dc m1 when v(b)='1-v(a)'", 0.6),
        (".measure dc m1 MAX v(b) FROM = 0.1 TO = 0.5", 1 / 3),
        (".measure dc m1 avg v(b) from=0 to='0.25*4'", 1 / 3),
    ],
)
def test_forms_of_other_simulators(tmp_path, card, value):
    (tmp_path / "m.sp").write_text(DECK.format(card=card))
    answers = from_netlist(tmp_path / "m.sp", "auto")
    assert not answers.errors
    assert answers.results[0].measures["m1"] == pytest.approx(value, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("dc m1 trig v(a) val=1", "trig has no targ"),
        ("dc m1 find v(b)", "neither at= nor when"),
        ("dc m1 biggest v(b)", "'biggest' is no measure"),
        ("dc m1", "it asks for nothing"),
        ("tran m1 max v(b)", "no .tran is solved"),
        ("ac m1 max v(b)", ".ac is not solved"),
        ("dc m1 err1 v(a) v(b)", "'err1' is no measure"),
        ("dc m1 param='nothing*2'", "'nothing' is no parameter"),
        ("dc m1 max v(b)/0", "no finite value"),
        ("dc m1 max v(b)+", "cannot be read"),
        ("dc m1 find v(b) when v(c)", "is no crossing"),
        ("dc m1 max i(r99)", "there is no source r99"),
        ("dc m1 find v(b) at=v(c)", "is no number"),
        ("dc m1 param='i(r1)*2'", "'i(r1)*2' is no number: it names results, which find takes (find i(r1)*2)"),
        ("op m1 find v(b)", "no .op is solved"),
    ],
)
def test_no_measure_goes_without_a_word(tmp_path, card, words):
    (tmp_path / "m.sp").write_text(DECK.format(card=".measure " + card))
    answers = from_netlist(tmp_path / "m.sp", "auto")
    (error,) = answers.errors
    assert words in error
    assert "m.sp:8: .measure" in error
    assert len(answers.results[0].failed) == 1


def test_an_operating_point_is_measured_too(tmp_path):
    text = DECK.replace(".dc V1 0 1 0.1", ".op\n.dc v1 0 1 0.5").replace("V1 a 0 1", "V1 a 0 0.6")
    cards = ".meas op m1 find v(b)\n.meas op m2 max v(a)*2\n.meas op m3 when v(b)=1\n.meas dc m4 param='m1+1'"
    (tmp_path / "m.sp").write_text(text.format(card=cards))
    answers = from_netlist(tmp_path / "m.sp", "auto")
    assert answers.results[0].measures == {"m1": pytest.approx(0.4), "m2": pytest.approx(1.2)}
    assert answers.results[1].measures == {"m4": pytest.approx(1.4)}
    assert "needs a sweep" in answers.errors[0]
