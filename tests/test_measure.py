"""``.measure`` against values read off straight lines by hand."""

import json

import pytest
from cli_tools import call

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
    done = call(capsys, "solve", "--netlist", tmp_path / "m.sp", "--format", "json")
    (one,) = json.loads(done.out)["analyses"]
    assert one["measures"]["m1"] == pytest.approx(value, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("max v(nowhere)", "no node nowhere"),
        ("when v(b)=5", "no such crossing"),
        ("find v(b) at=3", "outside the sweep"),
        ("when v(b)=0.5 fall=1", "no such crossing"),
    ],
)
def test_a_measure_that_cannot_be_is_a_note(capsys, tmp_path, card, words):
    """The analysis itself is sound, so its numbers are printed all the same."""
    (tmp_path / "m.sp").write_text(DECK.format(card=".measure dc m1 " + card))
    done = call(capsys, "solve", "--netlist", tmp_path / "m.sp", "--format", "json")
    assert done.code == 0
    assert "measures" not in json.loads(done.out)["analyses"][0]
    assert words in done.err
    assert "m.sp:8" in done.err
